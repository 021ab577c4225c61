//! Appointments: what patients book on HelseNorge, and what the clinic changes itself, with HelseNorge on the other side.

mod booking;
mod calling_off;
mod changing;
mod crashing;
mod operating;
mod racing;
mod rules;
mod telling;
mod wishing;

use crate::commands::{by_the_schemas, of};
use e2e::epj::Epj;
use e2e::{Clinic, PATIENCE};
use helsenorge::appointments::AboutAppointments;
use helsenorge::example::{KARI, SOLBAKKEN, syncreply_queue};
use helsenorge::{Message, Received};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use messages::wire::icalendar::Vevent;
use serde_json::{Value, json};

const HELSENORGE: i64 = 8_093_244;

/// A running fleet, and the journal system of Solbakken.
async fn open() -> (Clinic, Epj) {
    by_the_schemas();
    let clinic = Clinic::open().await;
    let epj = clinic.epj().await;
    (clinic, epj)
}

/// At this hour, Norwegian time, some days from today.
pub(crate) fn day(days: i64, hour: i8, minute: i8) -> Timestamp {
    let oslo = TimeZone::get("Europe/Oslo").unwrap();
    let today: Zoned = runtime::clock::system().to_zoned(oslo);
    let at = today.date().checked_add(days.days()).unwrap().at(hour, minute, 0, 0);
    at.to_zoned(today.time_zone().clone()).unwrap().timestamp()
}

pub(crate) fn date(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::get("Europe/Oslo").unwrap()).date()
}

/// Releases slots of a type in Kari's timebok.
async fn release(epj: &Epj, slots: &[(Timestamp, &str)]) {
    let slots: Vec<Value> = slots.iter().map(|(at, of_type)| json!({ "start": at, "appointment_type": of_type })).collect();
    let result = epj.done(&of("siri", "ReleaseSlots", json!({ "timebok": "kari-bok", "slots": slots }))).await;
    assert_eq!(result["slots"], slots.len());
}

/// What a question for free slots between two days is answered.
async fn free(clinic: &mut Clinic, question: Message) -> AboutAppointments {
    clinic.send(&[question]).await;
    let replies = clinic.helsenorge.expect(&syncreply_queue(HELSENORGE), 1, PATIENCE).await.unwrap();
    let reply = replies.into_iter().next().unwrap();
    assert_eq!(reply.shape_faults(), Vec::<String>::new());
    valid(&reply);
    reply.about_appointments().unwrap()
}

fn valid(received: &Received) {
    if let Some(driver) = schemas::driver() {
        schemas::validate(&driver, "what HelseNorge gets", &received.body);
    }
}

/// Line asks Kari.
fn question(from: Timestamp, until: Timestamp) -> Message {
    Message::hent_ledige_timer(SOLBAKKEN, KARI, date(from), date(until))
}

/// What a request is answered, beside its receipt, which says yes.
async fn asked(clinic: &mut Clinic, request: Message) -> AboutAppointments {
    clinic.send(&[request]).await;
    let mut answer = None;
    for received in clinic.helsenorge.expect("8093244_async", 2, PATIENCE).await.unwrap() {
        valid(&received);
        match &received.apprec {
            Some(receipt) => assert!(receipt.errors.is_empty(), "{receipt:?}"),
            None => answer = received.about_appointments(),
        }
    }
    answer.expect("an answer beside the receipt")
}

/// HelseNorge is told this often of what the clinic changes.
async fn told(clinic: &Clinic, times: usize) {
    for _ in 0..times {
        let sent = clinic.sent().await;
        assert_eq!(sent.about_appointments().unwrap().request.as_deref(), Some("MOA"));
    }
}

fn uid(event: &Vevent) -> &str {
    event.uid.as_deref().unwrap()
}
