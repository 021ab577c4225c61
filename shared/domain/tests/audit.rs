//! Chains: what a hash covers, what survives Postgres, and how each kind of tampering is found.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use domain::audit::{Break, Hash, Head, Record, Row, Walk, Why, hash};
use jiff::Timestamp;
use messages::HerId;
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

fn clinic() -> HerId {
    8_141_333.try_into().unwrap()
}

fn record(n: i64) -> Record {
    Record {
        clinic: Some(clinic()),
        at: Timestamp::from_microsecond(1_795_000_000_000_000 + n).unwrap(),
        actor: "kari".into(),
        action: "routing-rule".into(),
        subject: format!("8141333 EKONTAKT {n}"),
        patients: vec!["15868549960".to_owned().into()],
        reason: Some("vikar".into()),
        detail: Some(json!({ "n": n, "after": { "mode": "behandler" } })),
    }
}

/// A chain of rows and its head.
fn chain(length: i64) -> (Vec<Row>, Head) {
    let mut head = Head::START;
    let rows = (1..=length).map(|n| {
        let record = record(n).as_kept();
        head = head.then(&record);
        Row { sequence: head.sequence, hash: head.hash, record: Some(record) }
    });
    (rows.collect(), head)
}

fn verdict(rows: Vec<Row>, head: Head, noted: Option<Head>) -> Option<(i64, Why)> {
    let mut walk = Walk::new(noted);
    let outcome = walk.verify(rows).and_then(|()| walk.end(&head));
    outcome.err().map(|Break { sequence, why }| (sequence, why))
}

/// A field, written as the module's page says, by hand.
fn field(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_be_bytes()[..], text.as_bytes()].concat()
}

#[test]
fn an_outsider_computes_the_same() {
    use sha2::Digest;
    let mut record = record(1);
    record.detail = Some(json!({ "\u{ff61}": 2, "b": [true, null, "æ\"\n\u{1}"], "\u{10000}": 1, "a": -7 }));
    let canonical = "{\"a\":-7,\"b\":[true,null,\"æ\\\"\\n\\u0001\"],\"\u{10000}\":1,\"\u{ff61}\":2}";
    let texts = ["dialogpost audit 1", "8141333", "2", "1795000000000001", "kari", "routing-rule", "8141333 EKONTAKT 1", "1"];
    let mut bytes = vec![0xab; 32];
    texts.iter().chain(&["15868549960", "vikar", canonical]).for_each(|text| bytes.extend(field(text)));
    let previous = Hash::try_from(&[0xab; 32][..]).unwrap();
    let ours = hash(&previous, 2, &record.as_kept());
    assert_eq!(ours.as_bytes(), sha2::Sha256::digest(&bytes).as_slice());

    record.reason = None;
    record.detail = None;
    record.clinic = None;
    record.patients.clear();
    let texts = ["dialogpost audit 1", "0", "1", "1795000000000001", "kari", "routing-rule", "8141333 EKONTAKT 1", "0"];
    let mut bytes = vec![0; 32];
    texts.iter().for_each(|text| bytes.extend(field(text)));
    bytes.extend([0xff; 16]);
    assert_eq!(hash(&Hash::ZERO, 1, &record).as_bytes(), sha2::Sha256::digest(&bytes).as_slice());
}

#[test]
fn every_field_is_covered_and_none_runs_into_the_next() {
    let change = |change: fn(&mut Record)| {
        let mut record = record(1);
        change(&mut record);
        hash(&Hash::ZERO, 1, &record)
    };
    let hashes = [
        hash(&Hash::ZERO, 1, &record(1)),
        hash(&Hash::ZERO, 2, &record(1)),
        hash(&hash(&Hash::ZERO, 1, &record(1)), 1, &record(1)),
        change(|r| r.clinic = None),
        change(|r| r.clinic = Some(8_141_334.try_into().unwrap())),
        change(|r| r.at += jiff::SignedDuration::from_micros(1)),
        change(|r| r.actor = "ole".into()),
        change(|r| (r.actor, r.action) = ("karirouting".into(), "-rule".into())),
        change(|r| r.subject.clear()),
        change(|r| r.patients.clear()),
        change(|r| r.patients = vec!["1586854".to_owned().into(), "9960".to_owned().into()]),
        change(|r| r.patients.push(String::new().into())),
        change(|r| r.reason = None),
        change(|r| r.reason = Some(String::new())),
        change(|r| r.detail = None),
        change(|r| r.detail = Some(Value::Null)),
        change(|r| r.detail = Some(json!("null"))),
        change(|r| r.detail = Some(json!({ "n": "1", "after": { "mode": "behandler" } }))),
        change(|r| r.detail = Some(json!({ "n": 1.0, "after": { "mode": "behandler" } }))),
        change(|r| (r.reason, r.detail) = (None, Some(json!("vikar")))),
    ];
    for (n, one) in hashes.iter().enumerate() {
        assert!(!hashes[..n].contains(one), "{n} is the same as one before");
    }
}

#[test]
fn what_is_kept_is_what_comes_back() {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let table = [
        (json!(1.0), json!("1.0")),
        (json!(1.5e300), json!("1.5e+300")),
        (json!(-0.0), json!("-0.0")),
        (json!(9_007_199_254_740_991_i64), json!(9_007_199_254_740_991_i64)),
        (json!(-9_007_199_254_740_992_i64), json!("-9007199254740992")),
        (json!(u64::MAX), json!("18446744073709551615")),
        (json!({ "a\0": ["\0b"] }), json!({ "a\u{fffd}": ["\u{fffd}b"] })),
        (json!([true, null, "\u{1f600}\u{7f}"]), json!([true, null, "\u{1f600}\u{7f}"])),
    ];
    for (given, want) in table {
        let kept = Record { detail: Some(given.clone()), ..record(1) }.as_kept();
        assert_eq!(kept.detail, Some(want), "{given}");
    }
    let kept = Record { detail: Some(deep), ..record(1) }.as_kept();
    assert_eq!(
        serde_json::from_str::<Value>(&kept.detail.as_ref().unwrap().to_string()).ok(),
        kept.detail,
        "not too deep to read"
    );
    let odd = Record {
        at: Timestamp::from_nanosecond(-1_999).unwrap(),
        actor: "a\0".into(),
        patients: vec!["\0".to_owned().into()],
        reason: Some("\0".into()),
        ..record(1)
    };
    let kept = odd.as_kept();
    assert_eq!((kept.at.as_nanosecond(), kept.actor.as_str(), kept.reason.as_deref()), (-1_000, "a\u{fffd}", Some("\u{fffd}")));
}

/// Any detail, odd ones first.
fn details() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|n| Number::from_f64(n).map_or(Value::Null, Value::Number)),
    ];
    let text = prop_oneof![any::<String>(), "[\\x00-\\x20\"\\\\/\\x7f\u{fffd}\u{ffff}\u{10000}]{0,6}"];
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number, text.clone().prop_map(Value::from)];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..5).prop_map(|entries| Value::Object(Map::from_iter(entries))),
        ]
    })
}

/// As `jsonb` gives it back: keys by length and then by bytes, a space after each colon and comma.
fn as_jsonb(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(as_jsonb).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| (key.len(), key.as_bytes().to_vec()));
            let entries: Vec<_> = entries.iter().map(|(k, v)| format!("{}: {}", json!(k), as_jsonb(v))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        plain => plain.to_string(),
    }
}

proptest! {
    #[test]
    fn a_hash_survives_the_round_trip(detail in details(), nanosecond in any::<i64>(), reason in any::<Option<String>>()) {
        let at = Timestamp::from_nanosecond(i128::from(nanosecond)).unwrap();
        let kept = Record { at, reason, detail: Some(detail), ..record(1) }.as_kept();
        prop_assert_eq!(&kept.as_kept(), &kept);
        let detail = as_jsonb(kept.detail.as_ref().unwrap());
        prop_assert!(!detail.replace("\\\\", "").contains("\\u0000"), "jsonb refuses it: {}", detail);
        let read = Record { detail: Some(serde_json::from_str(&detail).unwrap()), ..kept.clone() };
        prop_assert_eq!(hash(&Hash::ZERO, 1, &read), hash(&Hash::ZERO, 1, &kept));
    }

    #[test]
    fn heads_are_read_as_they_are_shown(sequence in 0..i64::MAX, bytes in any::<[u8; 32]>()) {
        let head = Head { sequence, hash: Hash::try_from(&bytes[..]).unwrap() };
        prop_assert_eq!(head.to_string().parse::<Head>(), Ok(head));
    }
}

#[test]
fn what_is_no_head() {
    let hash = "ab".repeat(32);
    assert!(format!("0:{}", hash.to_uppercase()).parse::<Head>().is_ok());
    for text in
        ["", "1", "1:", &hash, &format!("-1:{hash}"), &format!("x:{hash}"), &format!("1:{hash}a"), &format!("1:{}", &hash[1..])]
    {
        assert!(text.parse::<Head>().is_err(), "{text}");
    }
    assert!(format!("1:{}", hash.replace('a', "g")).parse::<Head>().is_err());
    assert!(format!("1:{}", "æ".repeat(32)).parse::<Head>().is_err());
}

#[test]
fn an_untouched_chain_is_intact_however_it_is_paged() {
    for length in [0, 1, 5] {
        let (rows, head) = chain(length);
        assert_eq!(verdict(rows.clone(), head, Some(head)), None);
        let mut walk = Walk::new(Some(Head::START));
        assert!(rows.into_iter().all(|row| walk.verify([row]).is_ok()));
        assert_eq!((walk.end(&head), *walk.reached()), (Ok(()), head));
    }
}

/// A chain of five, tampered with, and where and how that is seen.
type Tampering = (&'static str, fn(&mut Vec<Row>, &mut Head), Option<(i64, Why)>);

#[test]
fn tampering_is_found_where_it_begins() {
    let table: [Tampering; 12] = [
        ("a field changed", |rows, _| rows[2].record.as_mut().unwrap().actor = "ole".into(), Some((3, Why::Changed))),
        ("its clinic changed", |rows, _| rows[2].record.as_mut().unwrap().clinic = None, Some((3, Why::Changed))),
        (
            "a number changed in form",
            |rows, _| rows[2].record.as_mut().unwrap().detail = Some(json!(3.0)),
            Some((3, Why::Changed)),
        ),
        ("a field made unreadable", |rows, _| rows[2].record = None, Some((3, Why::Changed))),
        ("a hash changed", |rows, _| rows[2].hash = Hash::ZERO, Some((3, Why::Changed))),
        (
            "changed, with a hash to fit",
            |rows, _| {
                let before = Head { sequence: 2, hash: rows[1].hash };
                rows[2] = Row { sequence: 3, hash: before.then(&record(9)).hash, record: Some(record(9)) };
            },
            Some((4, Why::Changed)),
        ),
        ("a row removed", |rows, _| drop(rows.remove(1)), Some((2, Why::Gap))),
        ("the first removed", |rows, _| drop(rows.remove(0)), Some((1, Why::Gap))),
        ("one slipped in before", |rows, _| rows.insert(0, Row { sequence: 0, ..rows[0].clone() }), Some((0, Why::Surplus))),
        ("the end removed", |rows, _| rows.truncate(3), Some((4, Why::HeadDiffers))),
        (
            "one added",
            |rows, head| {
                let after = head.then(&record(6));
                rows.push(Row { sequence: 6, hash: after.hash, record: Some(record(6)) });
            },
            Some((6, Why::HeadDiffers)),
        ),
        ("the head changed", |_, head| head.hash = Hash::ZERO, Some((5, Why::HeadDiffers))),
    ];
    for (name, tamper, want) in table {
        let (mut rows, mut head) = chain(5);
        tamper(&mut rows, &mut head);
        assert_eq!(verdict(rows, head, None), want, "{name}");
    }
}

#[test]
fn what_was_noted_must_still_stand() {
    let (rows, head) = chain(5);
    let noted = |n: usize| Head { sequence: rows[n].sequence, hash: rows[n].hash };
    let (cut, cut_head) = chain(3);
    let mut anew = Head::START;
    let rewritten: Vec<Row> = (1..=5)
        .map(|n| {
            anew = anew.then(&record(n + 100));
            Row { sequence: n, hash: anew.hash, record: Some(record(n + 100)) }
        })
        .collect();
    let table = [
        (rows.clone(), head, noted(0), None),
        (rows.clone(), head, noted(4), None),
        (rows.clone(), head, Head { sequence: 3, ..noted(3) }, Some((3, Why::NotedDiffers))),
        (rows.clone(), head, Head { sequence: 0, ..noted(3) }, Some((0, Why::NotedDiffers))),
        (rows.clone(), head, Head { sequence: 6, ..noted(3) }, Some((6, Why::CutOff))),
        (cut.clone(), cut_head, noted(2), None),
        (cut, cut_head, noted(4), Some((4, Why::CutOff))),
        (vec![], Head::START, noted(4), Some((1, Why::CutOff))),
        (rewritten.clone(), anew, noted(2), Some((3, Why::NotedDiffers))),
    ];
    for (n, (rows, head, noted, want)) in table.into_iter().enumerate() {
        assert_eq!(verdict(rows, head, Some(noted)), want, "{n}");
    }
    assert_eq!(verdict(rewritten, anew, None), None, "without a note nobody can tell");
}

#[test]
fn patients_are_not_shown() {
    assert!(!format!("{:?}", record(1)).contains("15868549960"));
}
