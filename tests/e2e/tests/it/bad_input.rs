//! Every kind of bad input gets its own clear answer; nothing is lost, no worker restarts.

use e2e::Clinic;
use helsenorge::{AVTALEAVBESTILLING, Message, example};
use messages::wire::icalendar::Vevent;

/// What the sender is told.
enum Told {
    /// AppRec status 2 with this error (8221).
    AppRec(&'static str),
    /// Error message with condition and data.
    Error(&'static str, Option<&'static str>),
    /// Nothing: a dead letter with this code.
    Nothing(&'static str),
}
use Told::{AppRec, Error, Nothing};

const NOT_WELL_FORMED: &str = "transport:not-well-formed-xml";
const UNSUPPORTED: &str = "transport:unsupported-message";
const INVALID_FIELD: &str = "transport:invalid-field-value";
const MISSING_CERTIFICATE: &str = "transport:missing-certificate";

fn kontakt() -> Message {
    Message::ekontakt()
}

fn deep(levels: usize) -> Vec<u8> {
    format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels)).into_bytes()
}

fn not_xml() -> Vec<(&'static str, Message, Told)> {
    let doctype = "<!DOCTYPE MsgHead [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><MsgHead>&x;</MsgHead>";
    let large = format!("<a>{}</a>", "x".repeat(33 * 1024 * 1024)).into_bytes();
    vec![
        ("not-xml", kontakt().raw_body("hei"), Error(NOT_WELL_FORMED, None)),
        ("empty", kontakt().raw_body(""), Error(NOT_WELL_FORMED, None)),
        ("dtd", kontakt().raw_body(doctype), Error(NOT_WELL_FORMED, None)),
        ("entity", kontakt().replacing("</MsgHead>", "&x;</MsgHead>"), Error(NOT_WELL_FORMED, None)),
        ("deep", kontakt().raw_body(deep(10_000)), Error(NOT_WELL_FORMED, None)),
        ("large", kontakt().raw_body(large), Error(UNSUPPORTED, None)),
        ("foreign-root", kontakt().raw_body("<html/>"), Error(UNSUPPORTED, None)),
        ("foreign-namespace", kontakt().replacing("msghead/2006-05-24", "msghead/2036-05-24"), Error(UNSUPPORTED, None)),
    ]
}

fn header() -> Vec<(&'static str, Message, Told)> {
    let without_to = kontakt().without_property("toHerId");
    vec![
        ("no-to", without_to, Error(INVALID_FIELD, Some("toHerId;"))),
        ("to-not-numeric", kontakt().property("toHerId", "abc"), Error(INVALID_FIELD, Some("toHerId;"))),
        ("no-time", kontakt().without_property("applicationTimeStamp"), Error(INVALID_FIELD, Some("applicationTimeStamp;"))),
        ("no-from", kontakt().without_property("fromHerId"), Nothing("from-her-id-missing")),
        ("from-not-numeric", kontakt().property("fromHerId", "abc"), Nothing("from-her-id-not-numeric")),
        ("sender-unknown", kontakt().from(8_099_999, 115_851), Nothing("sender-unknown")),
        ("spoofed", kontakt().property("fromHerId", "8093244").edit(spoof), Error("abuse:spoofing-attack", None)),
        ("other-receiver", kontakt().property("toHerId", "8141335"), Error(INVALID_FIELD, Some("8141335;8141333;"))),
        (
            "protected",
            kontakt().content_type("application/pkcs7-mime; smime-type=signed-and-enveloped-data"),
            Error(MISSING_CERTIFICATE, Some("")),
        ),
    ]
}

/// The payload names another sender than the properties.
fn spoof(head: &mut messages::wire::hodemelding::MsgHead) {
    let sender = head.sender.as_mut().and_then(|s| s.organisation.as_mut()).expect("two levels");
    sender.idents[0].id = "8000001".to_owned().into();
}

fn content() -> Vec<(&'static str, Message, Told)> {
    let dialog_2015 = kontakt().replacing("dialog/2013-01-23", "dialog/2015-05-04");
    let no_date = kontakt().replacing("<GenDate>", "<X>").replacing("</GenDate>", "</X>");
    vec![
        ("type-unknown", kontakt().replacing("DIALOG_INNBYGGER_EKONTAKT", "DIALOG_INNBYGGER_UKJENT"), AppRec("T10")),
        (
            "type-of-a-later-version",
            kontakt().replacing("DIALOG_INNBYGGER_EKONTAKT", "DIALOG_INNBYGGER_TIMEONSKEUNGDOM"),
            AppRec("T10"),
        ),
        ("dialog-namespace", dialog_2015, AppRec("T10")),
        ("no-msg-id", kontakt().without_msg_id(), Error(NOT_WELL_FORMED, None)),
        ("msg-id-no-uuid", kontakt().msg_id("melding-1"), AppRec("E10")),
        ("no-gen-date", no_date, Error(NOT_WELL_FORMED, None)),
        ("clinic-unknown", kontakt().to_clinic(8_149_999, 115_900).on_queue("8141333_async"), AppRec("E21")),
        ("doctor-unknown", kontakt().to_doctor(8_141_333, 8_149_998).on_queue("8141333_async"), AppRec("E20")),
        ("no-patient", kontakt().without_patient(), AppRec("E30")),
        ("no-patient-number", kontakt().without_patient_ident(), AppRec("E30")),
        ("patient-number-wrong", kontakt().patient("15868549961", "Line", "Danser"), AppRec("E31")),
        ("patient-unknown", kontakt().patient("29820099840", "Ukjent", "Person"), AppRec("E35")),
        ("service-not-offered", Message::reseptfornyelse().patient(example::TROND.nin, "Trond", "Harboe"), AppRec("X99")),
        ("clinic-not-ready", kontakt().to_clinic(8_141_400, 115_900), AppRec("E21")),
        ("attachment-type", kontakt().attachment("x.exe", "application/pdf", b"MZ..."), AppRec("T99")),
        ("two-patients", kontakt().replacing("</MsgInfo>", "<Patient/></MsgInfo>"), AppRec("T02")),
    ]
}

fn booking() -> Vec<(&'static str, Message, Told)> {
    let slot = Vevent { uid: Some("0192f1c0-0000-4000-8000-0000000000a1".to_owned()), ..Vevent::default() };
    let reserve = || Message::reserver_avtale(&slot);
    let many = (0..1_001).fold(reserve(), |message, _| message.event(&slot));
    vec![
        ("request-unsupported", reserve().of_process(AVTALEAVBESTILLING), AppRec("T10")),
        ("request-of-a-later-version", reserve().replacing("V=\"RT\"", "V=\"RXT\""), AppRec("T10")),
        ("events-several", reserve().event(&slot), AppRec("T99")),
        ("events-too-many", many, AppRec("T99")),
        ("booking-clinic-not-ready", reserve().to_clinic(8_141_400, 115_900), AppRec("E21")),
        ("booking-patient-unknown", reserve().patient("29820099840", "Ukjent", "Person"), AppRec("E35")),
        ("booking-doctor-unknown", reserve().to_doctor(8_141_333, 8_149_998).on_queue("8141333_async"), AppRec("E20")),
    ]
}

/// A second clinic, which has not ordered Digital Dialog.
pub(crate) const NOT_READY: &str = r#"{"clinics":[{"name":"Ventende legekontor","her_id":8141400,"parent_her_id":115900,
    "nhn_member":true,"digital_dialog_ordered":false,
    "employees":[{"id":"nina","name":"Nina Strand","her_id":8141401,"services":["EKONTAKT"]}],
    "patients":[{"nin":"15868549960","family_name":"Danser","given_name":"Line","fastlege":"nina"}]}]}"#;

async fn check(cases: Vec<(&'static str, Message, Told)>) {
    let mut clinic = Clinic::open().await;
    clinic.fleet.apply(NOT_READY).await;
    // The fleet hears of a new clinic's queue within seconds.
    for (name, message, told) in cases {
        let sent = clinic.send(&[message]).await.remove(0);
        let sql =
            "select m.raw, m.outcome, m.code, s.state from dialogpost.message m join dialogpost.message_state s on s.id = m.id
             where m.transport_id = $1";
        let rows = clinic.fleet.rows.query(sql, &[&sent.transport_id]).await;
        assert_eq!(rows.len(), 1, "{name}: one ledger row");
        assert_eq!(rows[0].get::<_, Vec<u8>>(0), sent.body, "{name}: the raw bytes are kept");
        assert!(rows[0].get::<_, Option<String>>(2).is_some(), "{name}: it has a code");
        match told {
            AppRec(code) => {
                let receipt = clinic.receipt().await;
                let apprec = receipt.apprec.clone().unwrap_or_else(|| panic!("{name}: no AppRec"));
                assert_eq!(apprec.status.and_then(|s| s.v).as_deref(), Some("2"), "{name}");
                assert_eq!(apprec.errors[0].v.as_deref(), Some(code), "{name}");
                assert!(apprec.errors[0].ot.is_some(), "{name}: people are told too");
                assert_eq!(apprec.original_id.as_deref(), Some(sent.msg_id.as_str()), "{name}");
                assert_eq!(rows[0].get::<_, String>(3), "rejected", "{name}");
            }
            Error(condition, data) => {
                let error = clinic.error().await;
                assert_eq!(error.application("errorCondition"), Some(condition), "{name}");
                assert_eq!(error.application("errorConditionData"), data, "{name}");
                assert_eq!(error.application("originalMessageId"), Some(sent.transport_id.as_str()), "{name}");
                assert_eq!(rows[0].get::<_, String>(3), "rejected", "{name}");
            }
            Nothing(code) => {
                assert_eq!(rows[0].get::<_, String>(3), "dead", "{name}");
                let sql = "select count(*) from dialogpost.dead_letter d join dialogpost.message m on m.id = d.message
                     where m.transport_id = $1 and d.code = $2 and d.body = m.raw";
                let letters: i64 = clinic.fleet.rows.query(sql, &[&sent.transport_id, &code]).await[0].get(0);
                assert_eq!(letters, 1, "{name}: a dead letter, whole");
            }
        }
    }
    // After all that a good message still goes through.
    clinic.send(&[kontakt()]).await;
    assert_eq!(clinic.receipt().await.apprec.unwrap().status.unwrap().v.as_deref(), Some("1"));
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog_entry").await, 1);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_readable_xml() {
    check(not_xml()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_properties() {
    check(header()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_content() {
    check(content()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bookings() {
    check(booking()).await;
}
