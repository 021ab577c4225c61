//! What a clinic does by command, feature by feature, with HelseNorge on the other side.

mod answering;
mod audited;
mod batches;
mod converting;
mod crashing;
mod examples;
mod files;
mod following;
mod inboxes;
mod inside;
mod lists;
mod python;
mod racing;
mod recipients;
mod refusals;
mod starting;
mod tenants;
mod users;

pub(crate) use crate::judging::by_the_schemas;
use e2e::Clinic;
use e2e::epj::{Epj, command};
use helsenorge::example::SOLBAKKEN;
use messages::wire::hodemelding::MsgHead;
use messages::wire::{Incoming, Limits, read};
use serde_json::{Value, json};
use uuid::Uuid;

/// Line, whom HelseNorge reaches.
pub(crate) const LINE: &str = "15868549960";
/// Trond, whom it does not.
pub(crate) const TROND: &str = "47819030045";

/// Every table that a command could leave something in, but for those of answers, of the audit and of dead letters.
pub(crate) const TABLES: [&str; 17] = [
    "appointment",
    "appointment_change",
    "appointment_told",
    "attachment",
    "contact_question",
    "contact_status",
    "dialog",
    "dialog_entry",
    "dialog_participant",
    "inbox_item",
    "journal_entry",
    "message",
    "portal_item",
    "routing_rule",
    "slot",
    "upload",
    "upload_part",
];

/// A running fleet, and the journal system of Solbakken.
pub(crate) async fn open() -> (Clinic, Epj) {
    by_the_schemas();
    let clinic = Clinic::open().await;
    let epj = clinic.epj().await;
    (clinic, epj)
}

/// A command of Solbakken's.
pub(crate) fn of(actor: &str, name: &str, arguments: Value) -> Value {
    command(name, SOLBAKKEN, actor, arguments)
}

/// An eKontakt to Line.
pub(crate) fn start() -> Value {
    of(
        "kari",
        "StartDialog",
        json!({ "kind": "EKONTAKT", "patient": LINE, "subject": "Prøvesvar", "text": "Alt er fint.\n\nHilsen Kari" }),
    )
}

/// The only dialog there is.
pub(crate) async fn dialog(clinic: &Clinic) -> Uuid {
    clinic.fleet.rows.one("select id from dialogpost.dialog").await
}

/// The header of what HelseNorge got.
pub(crate) fn head(received: &helsenorge::Received) -> MsgHead {
    match read(&received.body, &Limits::default()).expect("readable").incoming {
        Incoming::MsgHead(head) => *head,
        other => panic!("{other:?}"),
    }
}

/// Entries of a dialog, as the clinic sees it.
pub(crate) async fn shown(epj: &Epj, dialog: Uuid) -> Value {
    epj.done(&of("kari", "ShowDialog", json!({ "dialog": dialog }))).await["dialog"].clone()
}
