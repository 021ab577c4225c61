use super::*;
use proptest::prelude::*;

const PROPERTIES_VECTOR: &[u8] = include_bytes!("../../../../tests/fuzz/seeds/amqp10/properties-list32");
const APPLICATION_VECTOR: &[u8] = include_bytes!("../../../../tests/fuzz/seeds/amqp10/application-map32");
const SOAP_VECTOR: &[u8] = include_bytes!("../../../../tests/fuzz/seeds/amqp10/properties-list8");

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn case_2_every_form_of_list_and_descriptor() {
    let one = PropertiesSection { message_id: some("m1"), ..Default::default() };
    for (hex, want) in [
        ("00537345", PropertiesSection::default()),
        ("005373c00501a1026d31", one.clone()),
        ("005373c0060240a1026d31", PropertiesSection::default()),
        ("005373d00000000800000001a1026d31", one.clone()),
        ("00800000000000000073c00501a1026d31", one.clone()),
        ("00a314616d71703a70726f706572746965733a6c697374c00501a1026d31", one.clone()),
        // A thirteenth field and more are ignored.
        ("005373c0130fa1026d3140404040404040404040404040404040", one),
    ] {
        assert_eq!(decode_properties(&unhex(hex)), Ok(want), "{hex}");
    }
}

#[test]
fn case_2_broken_lengths_are_errors() {
    for hex in [
        "",
        "00",
        "0053",
        "005373",
        "005373c0",
        "005373c0ff01a1026d31",
        "005373c00501a1ff6d31",
        "005373c003ff4040",
        "005373d0ffffffffffffffff",
        "005373d000000004ffffffff",
        "005373d00000000000000000",
        "005374c1020340",
        "005374c10801a1016b40404040",
        "005374c10501a1016b",
        "005374c0050140404040",
        "ff5373c0050140404040",
    ] {
        let bytes = unhex(hex);
        assert!(decode_properties(&bytes).is_err(), "{hex}");
        assert!(decode_application_properties(&bytes).is_err(), "{hex}");
    }
    for end in 0..APPLICATION_VECTOR.len() {
        assert!(decode_application_properties(&APPLICATION_VECTOR[..end]).is_err(), "{end}");
    }
}

#[test]
fn a5_nesting_is_bounded() {
    // 20 000 described values, and 20 000 lists, inside each other: neither recursion nor success.
    let described = [vec![0x00, 0x53, 0x73], vec![0x00; 20_000]].concat();
    assert_eq!(decode_properties(&described), Err(SectionError::TooDeep));
    let mut lists = vec![0x45];
    for _ in 0..5_000 {
        let length = u32::try_from(lists.len() + 4).unwrap().to_be_bytes();
        lists = [&[0xd0][..], &length, &1u32.to_be_bytes(), &lists].concat();
    }
    let section = [&[0x00, 0x53, 0x73][..], &lists].concat();
    assert_eq!(decode_properties(&section), Ok(PropertiesSection::default()));
    assert_eq!(decode_properties(&vec![0; MAX_SECTION + 1]), Err(SectionError::TooLarge));
}

#[test]
fn case_5_values_of_every_type_become_text() {
    // What the broker passed on for a sender with one property of each type.
    let live = "005374d10000009f00000016a10966726f6d4865724964a10738303934383636a107746f4865724964a10738303935323235a10d6861734174746163686d656e7441a105636f756e745407a103626967810020000000000001a1027473830000018bcfe5687ba10175980191d2a01234700080000123456789aba10166823ff8000000000000a1036e756c40a10373796da303616263a1056e6f72736ba108626cc3a562c3a672";
    let entries = decode_application_properties(&unhex(live)).unwrap();
    for (key, want) in [
        ("fromHerId", Some("8094866")),
        ("hasAttachment", Some("true")),
        ("count", Some("7")),
        ("big", Some("9007199254740993")),
        ("ts", Some("2023-11-14T22:13:20.123Z")),
        ("u", Some("0191d2a0-1234-7000-8000-0123456789ab")),
        ("f", Some("1.5")),
        ("nul", None),
        ("sym", Some("abc")),
        ("norsk", Some("blåbær")),
    ] {
        assert_eq!(entries.get(key).map(String::as_str), want, "{key}");
    }
    for (value, want) in [
        ("42", Some("false")),
        ("5601", Some("true")),
        ("50ff", Some("255")),
        ("600100", Some("256")),
        ("43", Some("0")),
        ("52ff", Some("255")),
        ("7000010000", Some("65536")),
        ("44", Some("0")),
        ("53ff", Some("255")),
        ("80ffffffffffffffff", Some("18446744073709551615")),
        ("51ff", Some("-1")),
        ("61ffff", Some("-1")),
        ("54ff", Some("-1")),
        ("71fffffffe", Some("-2")),
        ("55ff", Some("-1")),
        ("723fc00000", Some("1.5")),
        ("7300000041", Some("A")),
        ("a0026869", Some("hi")),
        ("a002fffe", Some("fffe")),
        ("b00000000168", Some("h")),
        ("b10000000168", Some("h")),
        ("005301a10168", Some("h")),
        ("74000000ff", None),
        ("840000000000000000", None),
        ("45", None),
        ("c10100", None),
        ("e00301a168", None),
        ("837fffffffffffffff", Some("9223372036854775807")),
    ] {
        let map = unhex(&format!("a1016b{value}"));
        let length = u8::try_from(map.len() + 1).unwrap();
        let section = [&[0x00, 0x53, 0x74, 0xc1, length, 2][..], &map].concat();
        let entries = decode_application_properties(&section).unwrap();
        assert_eq!(entries.get("k").map(String::as_str), want, "{value}");
    }
}

#[test]
fn case_4_bodies() {
    for (hex, want) in [
        ("005375a003616263", Ok("abc")),
        ("005375a003616263005375a00164", Ok("abcd")),
        ("005375b000000003616263", Ok("abc")),
        ("005377a0043c612f3e", Ok("<a/>")),
        ("005377a1043c612f3e", Ok("<a/>")),
        ("005377a3043c612f3e", Ok("<a/>")),
        ("005375a003616263005378c10100", Ok("abc")),
        ("005377c10100", Err(SectionError::Unsupported)),
        ("00537645", Err(SectionError::Unsupported)),
        ("005375a00361", Err(SectionError::Truncated)),
        ("3c612f3e", Err(SectionError::Unsupported)),
        ("", Err(SectionError::Unsupported)),
    ] {
        assert_eq!(decode_body(&unhex(hex)), want.map(|text| text.as_bytes().to_vec()), "{hex}");
    }
}

#[test]
fn too_many_or_too_large_is_refused_both_ways() {
    let entries: BTreeMap<_, _> = (0..=MAX_ENTRIES).map(|n| (format!("k{n:03}"), String::new())).collect();
    assert_eq!(encode_application_properties(&entries), Err(SectionError::TooLarge));
    let large = BTreeMap::from([("k".to_owned(), "v".repeat(MAX_SECTION))]);
    assert_eq!(encode_application_properties(&large), Err(SectionError::TooLarge));
    let map: Vec<u8> = (0..=MAX_ENTRIES).flat_map(|_| [0xa1, 0x01, b'k', 0x40]).collect();
    let length = u32::try_from(map.len() + 4).unwrap().to_be_bytes();
    let section = [&[0x00, 0x53, 0x74, 0xd1][..], &length, &130u32.to_be_bytes(), &map].concat();
    assert_eq!(decode_application_properties(&section), Err(SectionError::TooLarge));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), head in 0..4usize) {
        let prefix: [&[u8]; 4] = [&[], &[0x00, 0x53, 0x73], &[0x00, 0x53, 0x74], &[0x00, 0x53, 0x77]];
        let bytes = [prefix[head], &bytes].concat();
        let _ = (decode_properties(&bytes), decode_application_properties(&bytes), decode_body(&bytes));
    }

    #[test]
    fn damaged_vectors_never_panic(at in 0..60usize, byte in any::<u8>()) {
        for vector in [PROPERTIES_VECTOR, APPLICATION_VECTOR, SOAP_VECTOR] {
            let mut bytes = vector.to_vec();
            if let Some(slot) = bytes.get_mut(at) { *slot = byte; }
            let _ = (decode_properties(&bytes), decode_application_properties(&bytes), decode_body(&bytes));
        }
    }

    #[test]
    fn what_is_encoded_decodes_the_same(
        fields in proptest::array::uniform6(proptest::option::of(".{0,300}")),
        entries in proptest::collection::btree_map(".{0,40}", ".{0,300}", 0..MAX_ENTRIES),
    ) {
        let [message_id, to, subject, reply_to, correlation_id, content_type] = fields;
        let section = PropertiesSection { message_id, to, subject, reply_to, correlation_id, content_type };
        prop_assert_eq!(decode_properties(&encode_properties(&section).unwrap()), Ok(section));
        if let Ok(bytes) = encode_application_properties(&entries) {
            prop_assert_eq!(decode_application_properties(&bytes), Ok(entries));
        }
    }
}
