use super::*;
use lapin::types::{ByteArray, FieldArray};
use messages::FaultClass;
use proptest::prelude::*;
use uuid::Uuid;

const SMIME: &str = "application/pkcs7-mime; smime-type=signed-and-enveloped-data";

fn outgoing(wire: Wire, properties: Properties) -> Outgoing {
    Outgoing {
        id: Uuid::nil(),
        wire,
        exchange: "NHNTESTServiceBus".to_owned(),
        routing_key: "93238_async".to_owned(),
        properties,
        body: Bytes::from_static(b"<a/>"),
        cause: None,
        led_by: None,
        not_before: None,
        is_awaited: true,
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn ekontakt() -> Properties {
    Properties {
        message_id: some("m1"),
        correlation_id: some("m1"),
        subject: some("DIALOG_INNBYGGER_EKONTAKT"),
        to: some("93238_async"),
        reply_to: some("93252_async"),
        content_type: some(SMIME),
        ttl_ms: Some(15_000),
        application: [("fromHerId", "93252"), ("toHerId", "93238")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    }
}

fn read(basic: BasicProperties, body: &[u8]) -> Delivery {
    read_from("93238_async", basic, body)
}

fn read_from(queue: &str, basic: BasicProperties, body: &[u8]) -> Delivery {
    let mut raw = lapin::message::Delivery::mock(1, short("").unwrap(), short("q").unwrap(), false, body.to_vec());
    raw.properties = basic;
    decode(queue, raw, Timestamp::UNIX_EPOCH)
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn headers(entries: Vec<(&str, AMQPValue)>) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in entries {
        table.insert(short(key).unwrap(), value);
    }
    table
}

/// What a 3.x broker makes of an AMQP 1.0 message: sections as headers, some fields as basic properties too.
fn bridged(p: &Properties, field: impl Fn(Vec<u8>) -> AMQPValue) -> BasicProperties {
    let section = PropertiesSection {
        message_id: p.message_id.clone(),
        to: p.to.clone(),
        subject: p.subject.clone(),
        reply_to: p.reply_to.clone(),
        correlation_id: p.correlation_id.clone(),
        content_type: p.content_type.clone(),
    };
    let table = headers(vec![
        (SECTION, field(amqp10::encode_properties(&section).unwrap())),
        (APPLICATION_SECTION, field(amqp10::encode_application_properties(&p.application).unwrap())),
        ("x-amqp-1.0-message-annotations", field(vec![1, 2, 3])),
    ]);
    BasicProperties::default()
        .with_headers(table)
        .with_type(short("binary").unwrap())
        .with_message_id(short(p.message_id.as_deref().unwrap()).unwrap())
        .with_expiration(short("15000").unwrap())
        .with_timestamp(1_700_000_000_123)
}

#[test]
fn case_3_sections_as_long_string_and_as_byte_array() {
    for field in [|b: Vec<u8>| AMQPValue::LongString(b.into()), |b: Vec<u8>| AMQPValue::ByteArray(ByteArray::from(b))] {
        let delivery = read(bridged(&ekontakt(), field), b"<a/>");
        assert_eq!(delivery.properties, ekontakt());
        assert!(delivery.deviations.is_empty(), "{:?}", delivery.deviations);
        assert_eq!(&delivery.body[..], b"<a/>");
    }
}

#[test]
fn case_4_bodies_by_type() {
    for (kind, body, want, deviation) in [
        (None, &b"<a/>"[..], &b"<a/>"[..], None),
        (Some("binary"), b"<a/>", b"<a/>", None),
        (Some("SomeType"), b"<a/>", b"<a/>", None),
        (Some("amqp-1.0"), b"\x00\x53\x75\xa0\x04<a/>", b"<a/>", None),
        (Some("amqp-1.0"), b"\x00\x53\x75\xa0\x02<a\x00\x53\x75\xa0\x02/>", b"<a/>", None),
        (Some("amqp-1.0"), b"\x00\x53\x77\xa0\x04<a/>", b"<a/>", None),
        (Some("amqp-1.0"), b"\x00\x53\x77\xa1\x04<a/>", b"<a/>", None),
        (Some("amqp-1.0"), b"<a/>", b"<a/>", Some("body-type-differs")),
        (Some("amqp-1.0"), b"\x00\x53\x76\x45", b"\x00\x53\x76\x45", Some("body-unsupported")),
        (None, b"\x00\x53\x75\xa0\x04<a/>", b"<a/>", Some("body-section-unannounced")),
        (None, b"\x00\x53\x75", b"\x00\x53\x75", Some("body-unsupported")),
    ] {
        let basic = kind.map_or_else(BasicProperties::default, |k| BasicProperties::default().with_type(short(k).unwrap()));
        let delivery = read(basic, body);
        assert_eq!(&delivery.body[..], want, "{kind:?} {body:?}");
        assert_eq!(delivery.deviations, deviation.into_iter().collect::<Vec<_>>(), "{kind:?} {body:?}");
    }
}

#[test]
fn case_5_plain_headers_of_every_type_become_text() {
    let table = headers(vec![
        ("bool", AMQPValue::Boolean(true)),
        ("int", AMQPValue::LongInt(-7)),
        ("long", AMQPValue::LongLongInt(9_007_199_254_740_993)),
        ("seconds", AMQPValue::Timestamp(1_700_000_000)),
        ("milliseconds", AMQPValue::Timestamp(1_700_000_000_123)),
        ("bytes", AMQPValue::ByteArray(ByteArray::from(&[0xff, 0xfe][..]))),
        ("nothing", AMQPValue::Void),
        ("array", AMQPValue::FieldArray(FieldArray::default())),
    ]);
    let delivery = read(BasicProperties::default().with_headers(table), b"");
    let found: Vec<_> = delivery.properties.application.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let want = [
        ("bool", "true"),
        ("bytes", "fffe"),
        ("int", "-7"),
        ("long", "9007199254740993"),
        ("milliseconds", "2023-11-14T22:13:20.123Z"),
        ("seconds", "2023-11-14T22:13:20Z"),
    ];
    assert_eq!(found, want);
}

#[test]
fn case_6_shape_of_4x() {
    let table = headers(vec![
        ("fromHerId", text("93252")),
        ("X-MessageInfo-Type", text("DIALOG_INNBYGGER_EKONTAKT")),
        ("x-message-id", AMQPValue::ByteArray(ByteArray::from(&b"urn:uuid:0191d2a0-1234-7000-8000-0123456789ab"[..]))),
    ]);
    let basic = BasicProperties::default().with_headers(table).with_reply_to(short("/queues/93252_async").unwrap());
    let p = read(basic, b"<a/>").properties;
    assert_eq!(p.subject, None, "the caller resolves it from the payload");
    assert_eq!(p.application(PAYLOAD_TYPE), Some("DIALOG_INNBYGGER_EKONTAKT"));
    assert_eq!(p.message_id.as_deref(), Some("urn:uuid:0191d2a0-1234-7000-8000-0123456789ab"), "as given");
    assert_eq!(p.reply_to.as_deref().map(bare_queue_name).as_deref(), Some("93252_async"));

    for name in [SUBJECT, LABEL] {
        let basic = BasicProperties::default().with_headers(headers(vec![(name, text("APPREC"))]));
        assert_eq!(read(basic, b"").properties.subject.as_deref(), Some("APPREC"), "{name}");
    }
}

#[test]
fn case_7_section_wins_and_the_disagreement_is_recorded() {
    let mut p = ekontakt();
    p.application.insert(PAYLOAD_TYPE.to_owned(), "DIALOG_INNBYGGER_EKONSULTASJON".to_owned());
    let basic = bridged(&p, |b| AMQPValue::LongString(b.into()));
    let mut table = basic.headers().clone().unwrap();
    table.insert(short("fromHerId").unwrap(), text("1"));
    table.insert(short(SUBJECT).unwrap(), text("APPREC"));
    let basic =
        basic.with_headers(table).with_message_id(short("other").unwrap()).with_reply_to(short("/queue/93252_async").unwrap());
    let delivery = read(basic, b"<a/>");
    assert_eq!(delivery.properties, p);
    assert_eq!(
        delivery.deviations,
        ["application-property-differs", "message-id-differs", "payload-type-differs", "subject-differs"]
    );
}

#[test]
fn an_undecodable_section_is_a_deviation() {
    let table = headers(vec![(SECTION, text("nonsense")), (APPLICATION_SECTION, AMQPValue::Void), ("fromHerId", text("93252"))]);
    let delivery = read(BasicProperties::default().with_headers(table).with_message_id(short("m").unwrap()), b"x");
    assert_eq!(delivery.deviations, ["section-undecodable"]);
    assert_eq!(delivery.properties.message_id.as_deref(), Some("m"));
    assert_eq!(delivery.properties.application("fromHerId"), Some("93252"));
}

#[test]
fn the_first_death_is_kept() {
    let death = |queue: &str| AMQPValue::FieldTable(headers(vec![("queue", text(queue)), ("reason", text("delivery_limit"))]));
    let deaths = AMQPValue::FieldArray(vec![death("second"), death("first")].into());
    let basic = BasicProperties::default().with_headers(headers(vec![("x-death", deaths)]));
    assert!(read(basic.clone(), b"").properties.application.is_empty(), "on NHN's queues nobody tells us where a message died");
    let p = read_from("dialogpost.dead-letter-keeper", basic, b"").properties;
    assert_eq!(p.application("x-first-death-queue"), Some("first"));
    assert_eq!(p.application("x-first-death-reason"), Some("delivery_limit"));
    let again = encode(&outgoing(Wire::Dialogpost, p)).unwrap();
    assert!(again.headers().as_ref().unwrap().inner().is_empty(), "the broker writes these itself");
}

#[test]
fn nul_becomes_a_replacement_and_steering_properties_are_ours_alone() {
    let table =
        headers(vec![("a\0", text("b\0c")), ("dialogpost-attempt", text("7")), ("dialogpost-origin-queue", text("1_error"))]);
    let basic = BasicProperties::default().with_headers(table).with_message_id(short("i\0d").unwrap());
    let delivery = read(basic.clone(), b"");
    assert_eq!(delivery.properties.application, [("a\u{FFFD}".to_owned(), "b\u{FFFD}c".to_owned())].into());
    assert_eq!(delivery.properties.message_id.as_deref(), Some("i\u{FFFD}d"));
    assert_eq!(delivery.deviations, ["nul-replaced"]);
    assert_eq!(read_from("dialogpost.helsenorge-inbound", basic, b"").properties.attempt(), 7);
}

#[test]
fn traces_end_where_nhns_broker_begins() {
    let span = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let basic = BasicProperties::default().with_headers(headers(vec![(TRACEPARENT, text(span))]));
    assert!(read(basic.clone(), b"").properties.application.is_empty());
    let ours = read_from("dialogpost.clinic-commands", basic, b"").properties;
    assert_eq!(ours.application(TRACEPARENT), Some(span));
    for (wire, is_told) in [(Wire::Nhn, false), (Wire::Dialogpost, true)] {
        let basic = encode(&outgoing(wire, ours.clone())).unwrap();
        assert_eq!(format!("{basic:?}").contains(TRACEPARENT), is_told, "{wire:?}");
        if let Some(AMQPValue::LongString(section)) = basic.headers().as_ref().unwrap().inner().get(APPLICATION_SECTION) {
            assert!(!String::from_utf8_lossy(section.as_bytes()).contains(TRACEPARENT), "{wire:?}");
        }
    }
}

#[test]
fn case_8_what_is_published_to_nhn() {
    let basic = encode(&outgoing(Wire::Nhn, ekontakt())).unwrap();
    let table = basic.headers().as_ref().unwrap().inner();
    let bytes = |key: &str| match &table[key] {
        AMQPValue::LongString(text) => text.as_bytes().to_vec(),
        other => panic!("{other:?}"),
    };
    let section = amqp10::decode_properties(&bytes(SECTION)).unwrap();
    assert_eq!(section.reply_to.as_deref(), Some("93252_async"), "the bare name");
    assert_eq!(section.subject.as_deref(), Some("DIALOG_INNBYGGER_EKONTAKT"));
    let application = amqp10::decode_application_properties(&bytes(APPLICATION_SECTION)).unwrap();
    assert_eq!(application, ekontakt().application);
    for (key, value) in &application {
        assert_eq!(bytes(key.as_str()), value.as_bytes(), "both views are equal");
    }
    assert_eq!((basic.kind(), *basic.delivery_mode(), basic.timestamp()), (&None, Some(2), &None));
    assert_eq!(basic.expiration().as_ref().unwrap().as_str(), "15000");
    let ours = encode(&outgoing(Wire::Dialogpost, ekontakt())).unwrap();
    assert!(!ours.headers().as_ref().unwrap().contains_key(SECTION));
}

#[test]
fn case_10_addresses() {
    for (address, want) in [
        ("93252_syncreply", "93252_syncreply"),
        (" 93252_syncreply ", "93252_syncreply"),
        ("sb.test.nhn.no/NHNTESTServiceBus/93252_syncreply", "93252_syncreply"),
        ("/queue/93252_syncreply", "93252_syncreply"),
        ("/queue/a%2Fb", "a%2Fb"),
        ("/queues/93252_syncreply", "93252_syncreply"),
        ("/queues/a%2Fb%C3%A5", "a/bå"),
        ("/amq/queue/93252_syncreply", "93252_syncreply"),
        ("/exchange/NHNTESTServiceBus/93252_syncreply", "93252_syncreply"),
        ("/exchange/ns/a%2Fb", "a%2Fb"),
        ("/exchanges/NHN%20TEST/93252%5fsyncreply", "93252_syncreply"),
        ("/queues/broken%2", "broken%2"),
        ("/queues/broken%zz", "broken%zz"),
        ("/queues/%ff", "%ff"),
        ("/queues/%+1", "%+1"),
        ("", ""),
    ] {
        assert_eq!(bare_queue_name(address), want, "{address}");
    }
}

#[test]
fn case_11_what_cannot_be_written_is_broken_and_never_a_panic() {
    type Change = fn(&mut Properties, String);
    let changes: [(Change, &str); 6] = [
        (|p, long| p.message_id = Some(long), "amqp-property-too-long"),
        (|p, long| p.reply_to = Some(long), "amqp-property-too-long"),
        (|p, long| drop(p.application.insert(long, String::new())), "amqp-property-too-long"),
        (|p, long| drop(p.application.insert("k".to_owned(), long.repeat(200))), "amqp-properties-too-large"),
        (|p, long| p.to = Some(long.repeat(200)), "amqp-properties-too-large"),
        (|p, long| p.subject = Some(long.repeat(200)), "amqp-properties-too-large"),
    ];
    for (change, code) in changes {
        let mut p = ekontakt();
        change(&mut p, "x".repeat(256));
        for wire in [Wire::Nhn, Wire::Dialogpost] {
            let fault = encode(&outgoing(wire, p.clone())).unwrap_err();
            assert_eq!((fault.class, fault.code), (FaultClass::Broken, code), "{wire:?}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(
        fields in proptest::array::uniform6(proptest::option::of("[a-zæøå0-9/;= -]{0,60}")),
        application in proptest::collection::btree_map("[A-Za-zæ-]{3,20}", "[^\\x00]{0,80}", 0..30),
        ttl_ms in proptest::option::of(1..u64::MAX),
        nhn in any::<bool>(),
    ) {
        let [message_id, to, subject, reply_to, correlation_id, content_type] = fields;
        let mut p = Properties { message_id, correlation_id, subject, to, reply_to, content_type, ttl_ms, application };
        p.message_id.get_or_insert_with(|| "m".to_owned());
        p.application.retain(|key, _| !key.starts_with("x-") && key != SUBJECT && key != LABEL);
        let wire = if nhn { Wire::Nhn } else { Wire::Dialogpost };
        let delivery = read(encode(&outgoing(wire, p.clone())).unwrap(), b"<a/>");
        prop_assert_eq!(delivery.properties, p);
        prop_assert!(delivery.deviations.is_empty());
    }
}
