//! What patients do on HelseNorge: T1 to T4, T7, and cancelling.

use super::{asked, day, free, open, question, release, uid};
use crate::commands::{LINE, TROND, of};
use domain::command::question::DIGITALBRUKER;
use e2e::Clinic;
use helsenorge::example::{KARI, OLE, SOLBAKKEN};
use helsenorge::{AVTALEAVBESTILLING, Message, Received};
use messages::wire::icalendar::Vevent;
use serde_json::{Value, json};

/// T2, T7: released, free, not hidden; video with the module.
#[tokio::test(flavor = "multi_thread")]
async fn t2_a_patient_sees_what_is_released_and_free() {
    let (mut clinic, epj) = open().await;
    let (first, second) = (day(7, 9, 0), day(7, 9, 20));
    release(&epj, &[(first, "vanlig"), (second, "video"), (day(7, 10, 0), "skjult"), (day(9, 9, 0), "vanlig")]).await;
    let kept =
        json!({ "timebok": "kari-bok", "online": false, "slots": [{ "start": day(7, 11, 0), "appointment_type": "vanlig" }] });
    epj.done(&of("siri", "ReleaseSlots", kept)).await;
    let told = free(&mut clinic, question(first, first)).await;
    assert_eq!(told.answer.as_deref(), Some("03"));
    let starts: Vec<_> = told.events.iter().map(|event| event.start.unwrap()).collect();
    assert_eq!(starts, [first, second]);
    assert_eq!(told.events.iter().map(|event| event.is_video()).collect::<Vec<_>>(), [false, true]);
    assert_eq!(told.events[0].contact.as_deref(), Some(KARI.to_string().as_str()));
    assert_eq!(told.patient.as_deref(), Some(LINE));
    let nothing = free(&mut clinic, question(day(8, 0, 0), day(8, 0, 0))).await;
    assert_eq!((nothing.answer.as_deref(), nothing.events.len()), (Some("04"), 0));
    clinic.fleet.rows.query("update dialogpost.clinic set video_module = false", &[]).await;
    let told = free(&mut clinic, question(first, first)).await;
    assert_eq!(told.events.iter().map(|event| event.start.unwrap()).collect::<Vec<_>>(), [first]);
    clinic.close().await;
}

/// T1: only in the own fastlege's timebok, and only when that is the only one.
#[tokio::test(flavor = "multi_thread")]
async fn t1_one_timebok_of_the_own_fastlege() {
    let (mut clinic, epj) = open().await;
    let at = day(7, 9, 0);
    release(&epj, &[(at, "vanlig")]).await;
    let to_ole = free(&mut clinic, Message::hent_ledige_timer(SOLBAKKEN, OLE, super::date(at), super::date(at))).await;
    assert_eq!(to_ole.answer.as_deref(), Some("30"), "Ole is not Line's fastlege");
    let of_trond = free(&mut clinic, question(at, at).patient(TROND, "Trond", "Harboe")).await;
    assert_eq!(of_trond.answer.as_deref(), Some("30"), "Kari is not Trond's");
    let rows = &clinic.fleet.rows;
    rows.query("insert into dialogpost.timebok values (8141333, 'kari-bok-2', 'kari', true)", &[]).await;
    let several = free(&mut clinic, question(at, at)).await;
    assert_eq!(several.answer.as_deref(), Some("33"));
    let show = json!({ "timebok": "kari-bok", "from": super::date(at) });
    let seen = epj.done(&of("kari", "ShowTimebok", show.clone())).await;
    assert_eq!(seen["timebok"]["not_bookable"]["code"], "timebok-one-of-several", "the clinic can see why");
    let newest = "select code from dialogpost.message where direction = 'in' order by id desc limit 1";
    let code: String = clinic.fleet.rows.one(newest).await;
    assert_eq!(code, "timebok-one-of-several");
    clinic.fleet.rows.query("delete from dialogpost.timebok where id = 'kari-bok-2'", &[]).await;
    clinic.fleet.rows.query("update dialogpost.timebok set owner = 'ole'", &[]).await;
    assert_eq!(free(&mut clinic, question(at, at)).await.answer.as_deref(), Some("33"), "Kari has none");
    clinic.fleet.rows.query("update dialogpost.timebok set owner = 'kari'", &[]).await;
    clinic.fleet.rows.query("update dialogpost.employee set services = '{EKONTAKT}' where id = 'kari'", &[]).await;
    assert_eq!(free(&mut clinic, question(at, at)).await.answer.as_deref(), Some("33"), "Kari does not offer it");
    let seen = epj.done(&of("kari", "ShowTimebok", show)).await;
    assert_eq!(seen["timebok"]["not_bookable"]["code"], "booking-not-offered");
    clinic.close().await;
}

/// T3, T4: said what it is about, it is booked at once; the same again is confirmed again, and another comes too late.
#[tokio::test(flavor = "multi_thread")]
async fn t3_t4_a_slot_is_booked_once() {
    let (mut clinic, epj) = open().await;
    clinic.fleet.rows.query("update dialogpost.patient set fastlege = 'kari'", &[]).await;
    all_are_reached(&clinic).await;
    let at = day(7, 9, 0);
    release(&epj, &[(at, "vanlig")]).await;
    let slot = free(&mut clinic, question(at, at)).await.events.remove(0);
    let silent = asked(&mut clinic, Message::reserver_avtale(&slot).without_text()).await;
    assert_eq!((silent.answer.as_deref(), silent.events.len()), (Some("26"), 0));
    assert!(silent.text.unwrap().starts_with("Skriv hva timen gjelder"));
    let request = Message::reserver_avtale(&slot).guardian("05840399895", "Petra", "Danser");
    let sent = request.build();
    let confirmed = asked(&mut clinic, request).await;
    assert_eq!((confirmed.answer.as_deref(), confirmed.answers.as_deref()), (Some("05"), Some(sent.msg_id.as_str())));
    assert_eq!((uid(&confirmed.events[0]), confirmed.events[0].sequence), (uid(&slot), Some(1)));
    let again = asked(&mut clinic, Message::reserver_avtale(&slot)).await;
    assert_eq!((again.answer.as_deref(), again.events[0].sequence), (Some("05"), Some(1)), "the same answer");
    let late = asked(&mut clinic, Message::reserver_avtale(&slot).patient(TROND, "Trond", "Harboe")).await;
    assert_eq!((late.answer.as_deref(), late.events.len()), (Some("06"), 0));
    assert_eq!(clinic.fleet.rows.count("dialogpost.appointment").await, 1);
    assert_eq!(free(&mut clinic, question(at, at)).await.answer.as_deref(), Some("04"));
    let seen = epj.done(&of("kari", "ShowTimebok", json!({ "timebok": "kari-bok", "from": super::date(at) }))).await;
    let booked = &seen["timebok"]["appointments"][0];
    assert_eq!((&booked["patient"], &booked["start"]), (&json!(LINE), &json!(at)));
    assert_eq!(booked["comment"], "Kneet er hovent etter løpeturen.");
    assert_eq!(seen["timebok"]["slots"][0]["free"], false);
    assert!(booked.get("guardian").is_none(), "T8");
    let seen = epj.done(&of("kari", "ListAppointments", json!({ "patient": LINE }))).await;
    assert_eq!(seen["appointments"][0]["guardian"]["name"], "Petra Danser", "R6");
    assert_eq!(clinic.fleet.rows.count("dialogpost.message_state where state = 'delivered'").await, 4);
    clinic.close().await;
}

/// What the set-up no longer names stays for the sake of what is of it, and no more is made of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_is_no_longer_named_takes_no_more() {
    let (mut clinic, epj) = open().await;
    let (first, second) = (day(7, 9, 0), day(7, 9, 20));
    release(&epj, &[(first, "vanlig"), (second, "video")]).await;
    assert_eq!(free(&mut clinic, question(first, first)).await.events.len(), 2);
    let mut setup: Value = serde_json::from_str(include_str!("../../../../fixtures/clinic.json")).unwrap();
    setup["clinics"][0]["appointment_types"].as_array_mut().unwrap().retain(|of_type| of_type["id"] != "video");
    setup["clinics"][0]["timeboker"].as_array_mut().unwrap().iter_mut().for_each(|book| book["slots"] = json!([]));
    clinic.fleet.apply(&setup.to_string()).await;
    let told = free(&mut clinic, question(first, first)).await;
    assert_eq!(told.events.iter().map(|event| event.start.unwrap()).collect::<Vec<_>>(), [first]);
    let more = json!({ "timebok": "kari-bok", "slots": [{ "start": day(7, 11, 0), "appointment_type": "video" }] });
    assert_eq!(epj.refused(&of("kari", "ReleaseSlots", more)).await.0, "appointment-type-unknown");
    clinic.fleet.apply(include_str!("../../../../fixtures/clinic.json")).await;
    assert_eq!(free(&mut clinic, question(first, first)).await.events.len(), 2);
    clinic.close().await;
}

/// An answer belongs to the conversation that its request belongs to.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_stays_in_its_conversation() {
    const CONVERSATION: &str = "3c8f2a57-77a5-4d4a-9d2e-0f6f6c1f3a11";
    let (mut clinic, epj) = open().await;
    let at = day(7, 9, 0);
    release(&epj, &[(at, "vanlig")]).await;
    let nothing = Vevent { uid: Some(CONVERSATION.to_owned()), ..Vevent::default() };
    let request = Message::avbestill_avtale(&nothing).in_conversation(CONVERSATION, CONVERSATION);
    let sent = request.build();
    clinic.send(&[request]).await;
    let received = clinic.helsenorge.expect("8093244_async", 2, e2e::PATIENCE).await.unwrap();
    let answer = received.iter().find(|received| received.apprec.is_none()).unwrap();
    let reference = crate::commands::head(answer).conversation_ref.unwrap();
    assert_eq!(reference.ref_to_parent, Some(sent.msg_id));
    assert_eq!(reference.ref_to_conversation.as_deref(), Some(CONVERSATION));
    clinic.close().await;
}

/// Of whom it is known nobody is asked.
async fn all_are_reached(clinic: &Clinic) {
    clinic.fleet.rows.query("update dialogpost.contact_status set active = true, consented = true", &[]).await;
}

/// N2, T5: whoever books is reached by HelseNorge, whatever it said before: it is asked anew.
#[tokio::test(flavor = "multi_thread")]
async fn n2_who_books_is_asked_about_anew() {
    let (mut clinic, epj) = open().await;
    let at = day(7, 9, 0);
    release(&epj, &[(at, "vanlig")]).await;
    let slot = free(&mut clinic, question(at, at)).await.events.remove(0);
    clinic.fleet.rows.query("update dialogpost.contact_status set active = false, consented = false", &[]).await;
    clinic.send(&[Message::reserver_avtale(&slot)]).await;
    let sent = clinic.helsenorge.expect("8093244_async", 3, e2e::PATIENCE).await.unwrap();
    assert!(sent.iter().filter_map(Received::about_appointments).any(|about| about.answer.as_deref() == Some("05")));
    let question = sent.iter().find(|sent| sent.properties.subject.as_deref() == Some(DIGITALBRUKER));
    let question = crate::commands::head(question.expect("a question")).msg_id.unwrap();
    clinic.send(&[Message::digital_users(&question, &[LINE.to_owned()])]).await;
    clinic.receipt().await;
    clinic.fleet.until("select count(*) from dialogpost.notification where channel = 'helsenorge'", 1).await;
    // Whom a parent books for is reached through the parent; so is who wishes.
    let booking = Message::reserver_avtale(&slot).guardian("05840399895", "Petra", "Danser");
    let wish = Message::timeonske(helsenorge::Wish::New).text("Helst en formiddag.");
    for (message, told) in [(booking, 3), (wish, 2)] {
        clinic.fleet.rows.query("update dialogpost.contact_status set active = false, consented = false", &[]).await;
        clinic.send(&[message]).await;
        let sent = clinic.helsenorge.expect("8093244_async", told, e2e::PATIENCE).await.unwrap();
        assert!(sent.iter().any(|sent| sent.properties.subject.as_deref() == Some(DIGITALBRUKER)));
    }
    clinic.close().await;
}

/// A patient cancels, in either process; the slot is free again, under another name.
#[tokio::test(flavor = "multi_thread")]
async fn t5_a_patient_cancels() {
    let (mut clinic, epj) = open().await;
    all_are_reached(&clinic).await;
    let at = day(7, 9, 0);
    release(&epj, &[(at, "vanlig")]).await;
    let slot = free(&mut clinic, question(at, at)).await.events.remove(0);
    let booked = asked(&mut clinic, Message::reserver_avtale(&slot)).await.events.remove(0);
    let of_another = Message::avbestill_avtale(&booked).patient(TROND, "Trond", "Harboe");
    let refused = asked(&mut clinic, of_another).await;
    assert_eq!((refused.answer.as_deref(), refused.events.len()), (Some("09"), 0), "it is not his");
    let cancel = Message::avbestill_avtale(&booked).of_process(AVTALEAVBESTILLING);
    let cancelled = asked(&mut clinic, cancel).await;
    assert_eq!((cancelled.answer.as_deref(), cancelled.process.as_str()), (Some("08"), AVTALEAVBESTILLING));
    assert_eq!((uid(&cancelled.events[0]), cancelled.events[0].sequence), (uid(&slot), Some(2)));
    let again = asked(&mut clinic, Message::avbestill_avtale(&booked)).await;
    assert_eq!((again.answer.as_deref(), again.events[0].sequence), (Some("08"), Some(2)), "it was cancelled before");
    let anew = free(&mut clinic, question(at, at)).await.events.remove(0);
    assert_ne!(uid(&anew), uid(&slot));
    assert_eq!(
        asked(&mut clinic, Message::reserver_avtale(&slot)).await.answer.as_deref(),
        Some("06"),
        "the old name leads nowhere"
    );
    let second = asked(&mut clinic, Message::reserver_avtale(&anew)).await.events.remove(0);
    clinic.fleet.rows.query("update dialogpost.clinic set cancellation_hours = 336", &[]).await;
    let late = asked(&mut clinic, Message::avbestill_avtale(&second)).await;
    assert_eq!(late.answer.as_deref(), Some("09"));
    assert!(late.text.unwrap().starts_with("Det er for sent"));
    clinic.close().await;
}

/// What is no booking, or of nobody, is turned down with a receipt.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_booking_is_turned_down() {
    let mut clinic = Clinic::open().await;
    let event = messages::wire::icalendar::Vevent { uid: Some("slot-7001".into()), ..Default::default() };
    let unknown = asked(&mut clinic, Message::reserver_avtale(&event)).await;
    assert_eq!(unknown.answer.as_deref(), Some("06"), "no name of ours is the name of no slot");
    let table = [
        (Message::reserver_avtale(&event).patient("12905299938", "Per", "Ukjent"), "E35"),
        (Message::reserver_avtale(&event).event(&event), "T99"),
        (Message::reserver_avtale(&event).of_process(AVTALEAVBESTILLING), "T10"),
    ];
    for (message, code) in table {
        clinic.send(&[message]).await;
        let receipt = clinic.receipt().await.apprec.unwrap();
        assert_eq!(receipt.errors[0].v.as_deref(), Some(code));
    }
    clinic.close().await;
}
