//! Timeønsker: in the inbox, answered once, and what was wished for is done by it.

use super::{asked, day, open, question, release, valid};
use crate::commands::{LINE, dialog, of};
use e2e::Clinic;
use helsenorge::{AboutAppointments, Message, Wish};
use messages::wire::icalendar::Vevent;
use serde_json::{Value, json};

async fn wish(clinic: &mut Clinic, wish: Message) {
    clinic.send(&[wish]).await;
    assert!(clinic.receipt().await.apprec.unwrap().errors.is_empty());
}

async fn answered(clinic: &Clinic) -> AboutAppointments {
    let sent = clinic.sent().await;
    valid(&sent);
    sent.about_appointments().unwrap()
}

fn answer(dialog: uuid::Uuid, becomes: Value, text: Option<&str>) -> Value {
    of("kari", "AnswerTimeonske", json!({ "dialog": dialog, "becomes": becomes, "text": text }))
}

/// A wish for a new appointment: seen by the clinic's rule, booked by the answer, answered once.
#[tokio::test(flavor = "multi_thread")]
async fn a_wish_is_booked_by_its_answer() {
    let (mut clinic, epj) = open().await;
    wish(&mut clinic, Message::timeonske(Wish::New).text("Helst en formiddag i neste uke.")).await;
    let dialog = dialog(&clinic).await;
    let listed = epj.done(&of("siri", "ListDialogs", json!({ "only": "unanswered_request" }))).await;
    let summary = &listed["dialogs"][0];
    assert_eq!((&summary["kind"], &summary["unanswered"]), (&json!("TIMEONSKE"), &json!(true)));
    assert!(summary["title"].as_str().unwrap().contains("helsenorge.no"));
    assert_eq!(summary["inbox"]["items"], 1, "the whole clinic has it");
    let hidden = json!({ "type": "booked", "timebok": "kari-bok", "start": day(7, 9, 0), "appointment_type": "skjult" });
    assert_eq!(epj.refused(&answer(dialog, hidden, None)).await.0, "appointment-type-hidden");
    let unfit = json!({ "type": "cancelled", "appointment": uuid::Uuid::new_v4() });
    assert_eq!(epj.refused(&answer(dialog, unfit, None)).await.0, "fulfilment-unfit");
    let silent = epj.refused(&answer(dialog, json!({ "type": "unavailable" }), None)).await;
    assert_eq!(silent, ("field-missing".to_owned(), "arguments.text".to_owned()));
    let reply = epj.refused(&of("kari", "ReplyToDialog", json!({ "dialog": dialog, "text": "Hei" }))).await;
    assert_eq!(reply.0, "kind-unfit", "a wish has an answer of its own");
    let booked = json!({ "type": "booked", "timebok": "kari-bok", "start": day(7, 9, 0), "appointment_type": "video" });
    let command = answer(dialog, booked.clone(), Some("Velkommen."));
    let done = epj.done(&command).await;
    assert_eq!(epj.done(&command).await, done, "the same command again");
    let told = answered(&clinic).await;
    assert_eq!((told.answer.as_deref(), told.text.as_deref()), (Some("05"), Some("Velkommen.")));
    assert_eq!((told.events[0].start, told.events[0].is_video()), (Some(day(7, 9, 0)), true));
    assert_eq!(epj.refused(&answer(dialog, booked, None)).await.0, "already-answered");
    let rows = &clinic.fleet.rows;
    assert_eq!(rows.count("dialogpost.appointment").await, 1);
    assert_eq!(rows.count("dialogpost.appointment_told where shown and version = 1").await, 1, "the answer told it");
    clinic.close().await;
}

/// A change, then a cancellation, of an appointment that HelseNorge has booked; what is not the patient's is not there.
#[tokio::test(flavor = "multi_thread")]
async fn wishes_change_and_cancel_appointments() {
    let (mut clinic, epj) = open().await;
    let at = day(7, 9, 0);
    release(&epj, &[(at, "vanlig")]).await;
    let slot = super::free(&mut clinic, question(at, at)).await.events.remove(0);
    let booked: Vevent = asked(&mut clinic, Message::reserver_avtale(&slot)).await.events.remove(0);
    let of_line = epj.done(&of("kari", "ListAppointments", json!({ "patient": LINE }))).await;
    let appointment = of_line["appointments"][0]["appointment"].clone();
    wish(&mut clinic, Message::timeonske(Wish::Change).event(&booked)).await;
    let newest = "select id from dialogpost.dialog order by opened_at desc limit 1";
    let dialog = clinic.fleet.rows.one(newest).await;
    let onto_taken = json!({ "type": "moved", "appointment": uuid::Uuid::new_v4(), "start": day(7, 10, 0) });
    let refused = epj.refused(&answer(dialog, onto_taken, None)).await;
    assert_eq!(refused, ("appointment-unknown".to_owned(), "arguments.becomes.appointment".to_owned()));
    let moved = json!({ "type": "moved", "appointment": appointment, "start": day(7, 10, 0) });
    epj.done(&answer(dialog, moved, None)).await;
    let told = answered(&clinic).await;
    assert_eq!((told.answer.as_deref(), told.events[0].sequence), (Some("07"), Some(2)));
    assert_eq!(told.events[0].uid, booked.uid);
    wish(&mut clinic, Message::timeonske(Wish::Cancel).event(&booked)).await;
    let dialog = clinic.fleet.rows.one(newest).await;
    let sorry = answer(dialog, json!({ "type": "unavailable" }), Some("Ring oss."));
    epj.done(&sorry).await;
    assert_eq!(answered(&clinic).await.answer.as_deref(), Some("09"));
    wish(&mut clinic, Message::timeonske(Wish::Cancel).event(&booked)).await;
    let dialog = clinic.fleet.rows.one(newest).await;
    epj.done(&answer(dialog, json!({ "type": "cancelled", "appointment": appointment }), None)).await;
    let told = answered(&clinic).await;
    assert_eq!((told.answer.as_deref(), told.events[0].sequence), (Some("08"), Some(3)));
    clinic.close().await;
}
