//! Events on the queue, kept byte by byte in meaning: a golden file per kind and version, never edited.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use messages::HerId;
use messages::command::answer::Told;
use messages::command::refusal::{Refusal, Why};
use messages::event::{
    Answered, AppointmentChanged, BookingRequested, CommandAnswered, DialogClosed, DialogConverted, DialogKind, DialogReceived,
    DialogTurnedDown, EDialogWritten, Event, EventError, Fact,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use uuid::Uuid;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(directory().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn uuid(last: u8) -> Uuid {
    Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 + u128::from(last))
}

/// An event of every kind: the match below must name each.
fn events() -> Vec<Event> {
    let answered = Answered { message: uuid(2) };
    let received = DialogReceived {
        message: uuid(2),
        clinic: HerId::try_from(8_141_333).unwrap(),
        dialog: uuid(3),
        sequence: 5,
        dialog_kind: DialogKind::EKonsultasjon,
    };
    let clinic = received.clinic;
    let refusal = Refusal::of("arguments.dialog", Why::DialogUnknown);
    let changed = AppointmentChanged { appointment: uuid(6), clinic, version: 3 };
    let facts = [
        Fact::BookingRequested(BookingRequested { message: uuid(2), clinic }),
        Fact::AppointmentBooked(changed.clone()),
        Fact::AppointmentMoved(changed.clone()),
        Fact::AppointmentCancelled(changed.clone()),
        Fact::AppointmentTypeChanged(changed.clone()),
        Fact::AppointmentMissed(changed.clone()),
        Fact::ReminderDue(changed),
        Fact::DialogSent(received.clone()),
        Fact::DialogTurnedDown(DialogTurnedDown { entry: uuid(2), dialog: uuid(3), clinic }),
        Fact::DialogConverted(DialogConverted {
            dialog: uuid(3),
            clinic,
            from: DialogKind::EKontakt,
            to: DialogKind::EKonsultasjon,
        }),
        Fact::DialogClosed(DialogClosed { dialog: uuid(3), clinic }),
        Fact::EDialogWritten(EDialogWritten { entry: uuid(2), dialog: uuid(3), clinic, patient: Some(uuid(4)) }),
        Fact::CommandAnswered(CommandAnswered { command: Some(uuid(5)), clinic: Some(clinic), told: Told::Refused { refusal } }),
        Fact::MessageTurnedDown(answered.clone()),
        Fact::DialogReceived(received),
        Fact::MessageRejected(answered.clone()),
        Fact::MessageRefused(answered.clone()),
        Fact::MessageRepeated(answered.clone()),
        Fact::MessageNoted(answered.clone()),
        Fact::RequestReceived(answered.clone()),
        Fact::MessageWritten(answered.clone()),
        Fact::RequestWritten(answered),
    ];
    let time = "2026-03-02T07:15:00.125Z".parse().unwrap();
    facts.into_iter().map(|fact| Event { id: uuid(1), time, fact }).collect()
}

/// The golden file of an event's kind. A new kind does not compile until it has a line here.
const fn file_of(event: &Event) -> &'static str {
    match event.fact {
        Fact::DialogReceived(_) => "DialogReceived.v1.json",
        Fact::MessageRejected(_) => "MessageRejected.v1.json",
        Fact::MessageRefused(_) => "MessageRefused.v1.json",
        Fact::MessageRepeated(_) => "MessageRepeated.v1.json",
        Fact::MessageNoted(_) => "MessageNoted.v1.json",
        Fact::RequestReceived(_) => "RequestReceived.v1.json",
        Fact::MessageWritten(_) => "MessageWritten.v1.json",
        Fact::RequestWritten(_) => "RequestWritten.v1.json",
        Fact::MessageTurnedDown(_) => "MessageTurnedDown.v1.json",
        Fact::DialogSent(_) => "DialogSent.v1.json",
        Fact::DialogTurnedDown(_) => "DialogTurnedDown.v1.json",
        Fact::DialogConverted(_) => "DialogConverted.v1.json",
        Fact::DialogClosed(_) => "DialogClosed.v1.json",
        Fact::EDialogWritten(_) => "EDialogWritten.v1.json",
        Fact::CommandAnswered(_) => "CommandAnswered.v1.json",
        Fact::BookingRequested(_) => "BookingRequested.v1.json",
        Fact::AppointmentBooked(_) => "AppointmentBooked.v1.json",
        Fact::AppointmentMoved(_) => "AppointmentMoved.v1.json",
        Fact::AppointmentCancelled(_) => "AppointmentCancelled.v1.json",
        Fact::AppointmentTypeChanged(_) => "AppointmentTypeChanged.v1.json",
        Fact::AppointmentMissed(_) => "AppointmentMissed.v1.json",
        Fact::ReminderDue(_) => "ReminderDue.v1.json",
    }
}

fn fields(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn events_are_written_as_ever() {
    for event in events() {
        let name = file_of(&event);
        let want: Value = serde_json::from_slice(&golden(name)).unwrap();
        let got: Value = serde_json::from_slice(&event.to_json()).unwrap();
        assert_eq!(fields(&got), fields(&want), "{name}");
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn events_are_read_as_ever() {
    for event in events() {
        assert_eq!(Event::from_json(&golden(file_of(&event))), Ok(event));
    }
}

#[test]
fn every_kind_has_its_file_and_no_file_is_left_over() {
    let files = std::fs::read_dir(directory()).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
    let wanted = events().iter().map(|event| file_of(event).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(files.collect::<BTreeSet<_>>(), wanted);
    for event in events() {
        let body: Value = serde_json::from_slice(&golden(file_of(&event))).unwrap();
        assert_eq!(format!("{}.v{}.json", body["kind"].as_str().unwrap(), body["version"]), file_of(&event));
    }
}

#[test]
fn every_dialog_kind_has_its_name() {
    for (kind, name) in DialogKind::ALL.into_iter().zip(["EKONTAKT", "EKONSULTASJON", "RESEPTFORNYELSE", "TIMEONSKE"]) {
        assert_eq!(serde_json::to_value(kind).unwrap(), Value::from(name));
        assert_eq!(kind.as_str(), name);
    }
}

/// A golden body with one field changed.
fn changed(field: &str, value: impl Into<Value>) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&golden("MessageRejected.v1.json")).unwrap();
    body[field] = value.into();
    serde_json::to_vec(&body).unwrap()
}

#[test]
fn foreign_bodies() {
    assert_eq!(Event::from_json(&changed("version", 2)), Err(EventError::UnknownVersion(2)));
    assert_eq!(Event::from_json(&changed("kind", "SomethingElse")), Err(EventError::Unreadable));
    assert_eq!(Event::from_json(&changed("message", "not a uuid")), Err(EventError::Unreadable));
    assert_eq!(Event::from_json(&changed("version", "1")), Err(EventError::Unreadable));
    for body in [&b""[..], b"{}", b"[]", b"null", b"\xff", b"{\"version\":1}"] {
        assert_eq!(Event::from_json(body), Err(EventError::Unreadable));
    }
    assert!(Event::from_json(&changed("added-later", true)).is_ok(), "fields a newer version adds are passed over");
}
