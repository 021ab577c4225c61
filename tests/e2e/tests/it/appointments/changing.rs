//! What the clinic changes itself (T5), and what is refused.

use super::{date, day, open, release, told};
use crate::commands::{LINE, TROND, of};
use helsenorge::{Message, Picture};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn book(patient: &str, at: jiff::Timestamp) -> Value {
    of("siri", "BookAppointment", json!({ "timebok": "kari-bok", "patient": patient, "start": at, "appointment_type": "vanlig" }))
}

/// Booked, moved, changed, cancelled: one version each; what changes nothing is none.
#[tokio::test(flavor = "multi_thread")]
async fn t5_every_change_is_one_version() {
    let (clinic, epj) = open().await;
    let booked = epj.done(&book(LINE, day(7, 9, 0))).await;
    let (id, version) = (booked["appointment"].clone(), booked["version"].clone());
    assert_eq!(version, 1);
    told(&clinic, 1).await;
    let change = |name: &str, more: Value| {
        let mut arguments = json!({ "appointment": id });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        of("siri", name, arguments)
    };
    let moved = epj.done(&change("MoveAppointment", json!({ "start": day(7, 10, 0), "version": 1 }))).await;
    assert_eq!(moved["version"], 2);
    told(&clinic, 1).await;
    let same = epj.done(&change("MoveAppointment", json!({ "start": day(7, 10, 0) }))).await;
    assert_eq!(same["version"], 2, "nothing was to change");
    let stale = epj.refused(&change("CancelAppointment", json!({ "version": 1 }))).await;
    assert_eq!(stale, ("version-stale".to_owned(), "arguments.version".to_owned()));
    assert_eq!(epj.done(&change("ChangeAppointmentType", json!({ "appointment_type": "skjult" }))).await["version"], 3);
    told(&clinic, 1).await;
    assert_eq!(epj.done(&change("CancelAppointment", json!({}))).await["version"], 4);
    assert_eq!(epj.done(&change("CancelAppointment", json!({}))).await["version"], 4);
    let gone = epj.refused(&change("MoveAppointment", json!({ "start": day(7, 11, 0) }))).await;
    assert_eq!(gone.0, "appointment-cancelled");
    let changes: Vec<String> =
        clinic.fleet.rows.column("select change from dialogpost.appointment_change order by version").await;
    assert_eq!(changes, ["booked", "moved", "type_changed", "cancelled"]);
    let listed = epj.done(&of("kari", "ListAppointments", json!({ "patient": LINE }))).await;
    assert_eq!((&listed["appointments"][0]["status"], &listed["appointments"][0]["version"]), (&json!("cancelled"), &json!(4)));
    let audited = "select count(*) from dialogpost.audit where $$15868549960$$ = any(patients)";
    assert_eq!(clinic.fleet.rows.one::<i64>(audited).await, 7, "who changed what of whom");
    clinic.close().await;
}

/// Two never hold the same time, whoever asks.
#[tokio::test(flavor = "multi_thread")]
async fn t4_time_that_is_taken_is_refused() {
    let (clinic, epj) = open().await;
    epj.done(&book(LINE, day(7, 9, 0))).await;
    for minute in [0, 10] {
        let refused = epj.refused(&book(TROND, day(7, 9, minute))).await;
        assert_eq!(refused, ("time-taken".to_owned(), "arguments.start".to_owned()));
    }
    let beside = epj.done(&book(TROND, day(7, 9, 20))).await;
    let onto = json!({ "appointment": beside["appointment"], "start": day(7, 9, 10) });
    assert_eq!(epj.refused(&of("siri", "MoveAppointment", onto)).await.0, "time-taken");
    let within = json!({ "appointment": beside["appointment"], "start": day(7, 9, 30) });
    assert_eq!(epj.done(&of("siri", "MoveAppointment", within)).await["version"], 2, "its own time is no obstacle");
    told(&clinic, 1).await;
    clinic.close().await;
}

/// Every refusal by its field.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_field() {
    let (clinic, epj) = open().await;
    release(&epj, &[(day(7, 9, 0), "vanlig")]).await;
    let appointment = epj.done(&book(LINE, day(7, 12, 0))).await["appointment"].clone();
    let at = day(7, 13, 0);
    let book = |timebok: &str, patient: &str, of_type: &str, start| json!({ "timebok": timebok, "patient": patient, "appointment_type": of_type, "start": start });
    let slots = |timebok: &str, of_type: &str, start| json!({ "timebok": timebok, "slots": [{ "start": start, "appointment_type": of_type }] });
    let nobody = uuid::Uuid::new_v4();
    let table = [
        ("BookAppointment", book("bok", LINE, "vanlig", at), "timebok-unknown", "arguments.timebok"),
        ("BookAppointment", book("kari-bok", "12905299938", "vanlig", at), "patient-unknown", "arguments.patient"),
        ("BookAppointment", book("kari-bok", LINE, "lang", at), "appointment-type-unknown", "arguments.appointment_type"),
        ("BookAppointment", book("kari-bok", LINE, "vanlig", day(-1, 9, 0)), "time-past", "arguments.start"),
        (
            "BookAppointment",
            book("kari-bok", LINE, "vanlig", at + SignedDuration::from_secs(30)),
            "time-uneven",
            "arguments.start",
        ),
        ("MoveAppointment", json!({ "appointment": nobody, "start": at }), "appointment-unknown", "arguments.appointment"),
        (
            "MoveAppointment",
            json!({ "appointment": appointment, "start": at, "timebok": "bok" }),
            "timebok-unknown",
            "arguments.timebok",
        ),
        ("CancelAppointment", json!({ "appointment": nobody }), "appointment-unknown", "arguments.appointment"),
        ("MarkNoShow", json!({ "appointment": appointment }), "time-to-come", "arguments.appointment"),
        (
            "ChangeAppointmentType",
            json!({ "appointment": appointment, "appointment_type": "lang" }),
            "appointment-type-unknown",
            "arguments.appointment_type",
        ),
        ("ReleaseSlots", slots("bok", "vanlig", at), "timebok-unknown", "arguments.timebok"),
        ("ReleaseSlots", slots("kari-bok", "lang", at), "appointment-type-unknown", "arguments.slots[0].appointment_type"),
        (
            "ReleaseSlots",
            slots("kari-bok", "vanlig", at + SignedDuration::from_millis(1)),
            "time-uneven",
            "arguments.slots[0].start",
        ),
        ("ReleaseSlots", slots("kari-bok", "vanlig", day(7, 9, 10)), "slot-taken", "arguments.slots[0].start"),
        ("ReleaseSlots", slots("kari-bok", "vanlig", day(-1, 9, 0)), "time-past", "arguments.slots[0].start"),
        ("ReleaseSlots", json!({ "timebok": "kari-bok", "slots": [] }), "too-few", "arguments.slots"),
        ("ShowTimebok", json!({ "timebok": "bok", "from": date(at) }), "timebok-unknown", "arguments.timebok"),
        ("ShowTimebok", json!({ "timebok": "kari-bok", "from": date(at), "days": 32 }), "too-many", "arguments.days"),
        ("ListAppointments", json!({ "patient": "12905299938" }), "patient-unknown", "arguments.patient"),
    ];
    for (name, arguments, code, field) in table {
        assert_eq!(epj.refused(&of("siri", name, arguments)).await, (code.to_owned(), field.to_owned()), "{name}");
    }
    assert_eq!(clinic.fleet.rows.count("dialogpost.appointment_change").await, 1, "nothing else has changed");
    told(&clinic, 1).await;
    clinic.close().await;
}

/// T5, T6: what was announced, was hidden and is to be seen again needs no second notice; should it be unknown whether HelseNorge reaches the
/// patient, it is asked at once, and shows it then.
#[tokio::test(flavor = "multi_thread")]
async fn t5_what_is_to_be_seen_again_is_asked_about_at_once() {
    let (mut clinic, epj) = open().await;
    let id = epj.done(&book(LINE, day(7, 9, 0))).await["appointment"].clone();
    told(&clinic, 1).await;
    let becomes = |of_type: &str| of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": of_type }));
    epj.done(&becomes("skjult")).await;
    told(&clinic, 1).await;
    clinic.fleet.rows.query("delete from dialogpost.contact_status", &[]).await;
    epj.done(&becomes("vanlig")).await;
    let question = crate::commands::head(&clinic.sent().await).msg_id.unwrap();
    clinic.fleet.until("select count(*) from dialogpost.notification where version = 3 and reason = 'superseded'", 1).await;
    clinic.send(&[Message::digital_users(&question, &[LINE.to_owned()])]).await;
    assert!(clinic.receipt().await.apprec.is_some());
    let mut picture = Picture::default();
    picture.hear(&clinic.sent().await);
    assert_eq!(picture.shown(LINE).len(), 1);
    clinic.close().await;
}
