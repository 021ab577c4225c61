//! What was decided on and holds no longer is called off, whether we were to give it or HelseNorge.

use super::telling::{book, open_without, told};
use super::{day, open};
use crate::commands::{LINE, TROND, of};
use e2e::Clinic;
use e2e::epj::{COMMANDS, Epj};
use helsenorge::{Message, Picture};
use messages::wire::icalendar::Vevent;
use serde_json::{Value, json};
use store::notice::delivery::{self, End, Ended};
use uuid::Uuid;

/// Appointments that HelseNorge is to remind of: the messages that tell it so are written, and nobody has sent them.
async fn reminded(clinic: &Clinic, epj: &Epj, number: i8) -> Vec<Value> {
    let mut ids = Vec::new();
    for hour in 6..6 + number {
        let arguments = json!({ "timebok": "kari-bok", "patient": LINE, "start": day(2, hour, 0), "appointment_type": "vanlig" });
        ids.push(epj.done(&of("siri", "BookAppointment", arguments)).await["appointment"].clone());
    }
    let number = i64::from(number);
    clinic
        .fleet
        .until("select count(*) from dialogpost.notification where kind = 'booked' and channel = 'helsenorge'", number)
        .await;
    clinic.fleet.rows.query("update dialogpost.reminder set due_at = now()", &[]).await;
    let written = "select count(*) from dialogpost.notification where kind = 'reminder' and message is not null";
    clinic.fleet.until(written, number).await;
    ids
}

/// N4: what was to be said by our own channels and holds no longer is not said.
#[tokio::test(flavor = "multi_thread")]
async fn n4_what_holds_no_longer_is_called_off() {
    let (clinic, epj) = open().await;
    let id = book(&epj, TROND, "vanlig").await;
    clinic.fleet.until("select count(*) from dialogpost.notification where channel = 'sms' and state = 'due'", 1).await;
    epj.done(&of("siri", "CancelAppointment", json!({ "appointment": id }))).await;
    clinic.fleet.until("select count(*) from dialogpost.notification where kind = 'cancelled' and channel = 'sms'", 1).await;
    let booked = "select state || ' ' || reason from dialogpost.notification where kind = 'booked'";
    assert_eq!(clinic.fleet.rows.one::<String>(booked).await, "none superseded");
    clinic.close().await;
}

/// N4: what is under way when it is called off is not sent again, and nobody misses it.
#[tokio::test(flavor = "multi_thread")]
async fn n4_what_is_called_off_under_way_is_not_sent_again() {
    let (clinic, epj) = open().await;
    let id = book(&epj, TROND, "vanlig").await;
    clinic.fleet.until("select count(*) from dialogpost.notification where channel = 'sms' and state = 'due'", 1).await;
    let rows = &clinic.fleet.rows;
    let taken = "update dialogpost.notification set state = 'sending', attempts = 1, due_at = now() + interval '3 minutes'";
    rows.query(taken, &[]).await;
    epj.done(&of("siri", "CancelAppointment", json!({ "appointment": id }))).await;
    let again = End::Again(runtime::clock::system(), "webhook-503".to_owned());
    let id = rows.one::<Uuid>("select id from dialogpost.notification where kind = 'booked'").await;
    let session = clinic.fleet.store().session().await.unwrap();
    delivery::settle(&session, &[Ended { id, attempt: 2, end: again.clone() }], runtime::clock::system()).await.unwrap();
    let state = "select state from dialogpost.notification where kind = 'booked'";
    assert_eq!(rows.one::<String>(state).await, "sending", "that was another attempt");
    delivery::settle(&session, &[Ended { id, attempt: 1, end: again }], runtime::clock::system()).await.unwrap();
    clinic.fleet.until("select count(*) from dialogpost.notification where state = 'none' and reason = 'superseded'", 1).await;
    clinic.close().await;
}

/// T5, N4: moved and then changed in one batch: what was to be said of the former time is called off.
#[tokio::test(flavor = "multi_thread")]
async fn n4_a_move_among_other_changes_calls_off() {
    let commands = clinic_commands::WORKER;
    let (clinic, epj) = open_without(commands.name).await;
    let running = clinic.fleet.start_with(&[commands], runtime::probe::Probe::default());
    let id = book(&epj, TROND, "vanlig").await;
    clinic.fleet.until("select count(*) from dialogpost.notification where channel = 'sms' and state = 'due'", 1).await;
    running.stop().await;
    for command in [
        of("siri", "MoveAppointment", json!({ "appointment": id, "start": day(7, 10, 0) })),
        of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": "video" })),
    ] {
        epj.send_raw(COMMANDS, &serde_json::to_vec(&command).unwrap(), "").await;
    }
    let running = clinic.fleet.start_with(&[commands], runtime::probe::Probe::default());
    for _ in 0..2 {
        assert_eq!(epj.next().await.body["outcome"], "done");
    }
    let booked = "select state || ' ' || coalesce(reason, '') from dialogpost.notification where kind = 'booked'";
    assert_eq!(clinic.fleet.rows.one::<String>(booked).await, "none superseded");
    running.stop().await;
    clinic.close().await;
}

/// N1: a reminder that waited to be sent, while what it reminds of changed, is not sent; the ledger says so.
#[tokio::test(flavor = "multi_thread")]
async fn n1_no_reminder_of_what_no_longer_stands_is_sent() {
    let outbound = helsenorge_outbound::WORKER;
    let (clinic, epj) = open_without(outbound.name).await;
    let rows = &clinic.fleet.rows;
    let id = reminded(&clinic, &epj, 1).await.remove(0);
    epj.done(&of("siri", "CancelAppointment", json!({ "appointment": id }))).await;
    clinic
        .fleet
        .until("select count(*) from dialogpost.notification where kind = 'cancelled' and channel = 'helsenorge'", 1)
        .await;
    let running = clinic.fleet.start_with(&[outbound], runtime::probe::Probe::default());
    clinic.fleet.until("select count(*) from dialogpost.sent_state where state = 'called_off'", 1).await;
    let reminder = "select state || ' ' || reason from dialogpost.notification where kind = 'reminder'";
    assert_eq!(rows.one::<String>(reminder).await, "none superseded");
    let mut picture = Picture::default();
    let (first, second) = (told(&clinic, &mut picture).await, told(&clinic, &mut picture).await);
    assert!(!first.is_reminder() && !second.is_reminder());
    assert_eq!(picture.shown(LINE).len(), 0);
    running.stop().await;
    clinic.close().await;
}

/// N1: a reminder that waited to be sent until it was too late is not sent, and is not said to have been.
#[tokio::test(flavor = "multi_thread")]
async fn n1_no_reminder_is_sent_too_late() {
    let outbound = helsenorge_outbound::WORKER;
    let (clinic, epj) = open_without(outbound.name).await;
    let rows = &clinic.fleet.rows;
    reminded(&clinic, &epj, 1).await;
    let soon = "with a as (update dialogpost.appointment set starts_at = now() + interval '23 hours', ends_at = now() + interval '24 hours'
            returning id, starts_at)
        update dialogpost.notification n set starts_at = a.starts_at from a where n.appointment = a.id";
    rows.query(soon, &[]).await;
    let running = clinic.fleet.start_with(&[outbound], runtime::probe::Probe::default());
    clinic.fleet.until("select count(*) from dialogpost.sent_state where state = 'called_off'", 1).await;
    let reminder = "select state || ' ' || code from dialogpost.notification where kind = 'reminder'";
    assert_eq!(rows.one::<String>(reminder).await, "failed expired");
    assert!(!told(&clinic, &mut Picture::default()).await.is_reminder());
    running.stop().await;
    clinic.close().await;
}

/// N4: booked hidden and shown at once, before anybody looks: one notice.
#[tokio::test(flavor = "multi_thread")]
async fn n4_what_comes_to_be_seen_at_once_is_noticed_once() {
    let notifications = appointment_notifications::WORKER;
    let (clinic, epj) = open_without(notifications.name).await;
    let id = book(&epj, TROND, "skjult").await;
    for of_type in ["vanlig", "skjult", "video"] {
        epj.done(&of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": of_type }))).await;
    }
    let running = clinic.fleet.start_with(&[notifications], runtime::probe::Probe::default());
    clinic.fleet.until("select count(*) from dialogpost.processed where worker = 'appointment-notifications'", 4).await;
    let given = "select count(*) from dialogpost.notification where kind = 'booked' and channel = 'sms'";
    assert_eq!(clinic.fleet.rows.one::<i64>(given).await, 1);
    running.stop().await;
    clinic.close().await;
}

/// N1: a reminder that HelseNorge's broker has not taken yet is taken back when its appointment changes, and when it is too late.
#[tokio::test(flavor = "multi_thread")]
async fn n1_a_reminder_that_waits_for_the_broker_is_taken_back() {
    let (clinic, epj) = open_without(helsenorge_outbound::WORKER.name).await;
    let rows = &clinic.fleet.rows;
    let ids = reminded(&clinic, &epj, 2).await;
    // Sent, as far as outbound is concerned; the broker is away.
    let sealed = "with r as (select message from dialogpost.notification where kind = 'reminder'),
        done as (insert into dialogpost.processed select 'helsenorge-outbound', message::text, now() from r),
        awaited as (update dialogpost.message m set receipt_due_at = now() + interval '4 hours' from r where m.id = r.message)
        insert into dialogpost.outbox (id, wire, exchange, routing_key, properties, body, cause, due_at, awaited)
        select message, 'nhn', '', 'nowhere', '{}', '', message, now() - interval '1 minute', false from r";
    rows.query(sealed, &[]).await;
    epj.done(&of("siri", "CancelAppointment", json!({ "appointment": ids[0] }))).await;
    let state = "select count(*) from dialogpost.sent_state s join dialogpost.notification n on n.message = s.id where s.state = 'called_off'";
    clinic.fleet.until(&format!("{state} and n.state = 'none' and n.reason = 'superseded'"), 1).await;
    rows.query(
        "update dialogpost.notification set starts_at = now() + interval '23 hours' where kind = 'reminder' and state = 'sent'",
        &[],
    )
    .await;
    clinic.fleet.until(&format!("{state} and n.state = 'failed' and n.code = 'expired'"), 1).await;
    assert_eq!(rows.count("dialogpost.outbox where wire = 'nhn'").await, 0);
    clinic.close().await;
}

/// T5: a patient who was reminded can cancel.
#[tokio::test(flavor = "multi_thread")]
async fn t5_who_was_reminded_can_cancel() {
    let (mut clinic, epj) = open().await;
    let arguments = json!({ "timebok": "kari-bok", "patient": LINE, "start": day(2, 6, 0), "appointment_type": "vanlig" });
    epj.done(&of("siri", "BookAppointment", arguments)).await;
    let mut picture = Picture::default();
    told(&clinic, &mut picture).await;
    clinic.fleet.rows.query("update dialogpost.reminder set due_at = now()", &[]).await;
    assert!(told(&clinic, &mut picture).await.is_reminder());
    let uid: Uuid = clinic.fleet.rows.one("select uid from dialogpost.appointment").await;
    let event = Vevent { uid: Some(uid.to_string()), ..Vevent::default() };
    clinic.send(&[Message::avbestill_avtale(&event)]).await;
    clinic.helsenorge.expect("8093244_async", 2, e2e::PATIENCE).await.unwrap();
    assert_eq!(clinic.fleet.rows.one::<String>("select status from dialogpost.appointment").await, "cancelled");
    assert_eq!(clinic.fleet.rows.count("dialogpost.dead_letter").await, 0);
    clinic.close().await;
}
