//! No command of one clinic reads or changes anything of another, and none tells that the other's things exist.

use super::{dialog, of, open};
use e2e::epj::command;
use helsenorge::Message;
use messages::command::order::Order;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The neighbour, who employs people of the same names.
const NEIGHBOUR: i64 = 8_142_000;

fn setup() -> String {
    let mut setup: Value = serde_json::from_str(include_str!("../../../../fixtures/clinic.json")).unwrap();
    let mut clinic = setup["clinics"][0].take();
    clinic["her_id"] = json!(NEIGHBOUR);
    clinic["name"] = json!("Nabolegene");
    clinic["patients"] = json!([]);
    for (n, employee) in clinic["employees"].as_array_mut().unwrap().iter_mut().enumerate() {
        employee["her_id"] = json!(NEIGHBOUR + 1 + n as i64);
    }
    json!({ "clinics": [clinic] }).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_reaches_into_another_clinic() {
    let (mut clinic, epj) = open().await;
    clinic.fleet.apply(&setup()).await;
    clinic.send(&[Message::reseptfornyelse().attachment("a.pdf", "application/pdf", b"%PDF-1.7")]).await;
    clinic.receipt().await;
    let theirs = dialog(&clinic).await;
    let entry: Uuid = clinic.fleet.rows.one("select id from dialogpost.dialog_entry").await;
    let upload = epj.upload(8_141_333, "kari", b"%PDF-1.7").await;
    let before = everything(&clinic).await;
    let unknown = Uuid::new_v4();
    // Each command twice: once with what is the other clinic's, once with what does not exist at all.
    let of_neighbour = |name: &str, theirs: Value, nobodys: Value| {
        (name.to_owned(), command(name, NEIGHBOUR, "kari", theirs), command(name, NEIGHBOUR, "kari", nobodys))
    };
    let nin = super::LINE;
    let attached = |upload: Uuid| {
        json!({ "kind": "EDIALOG", "colleagues": ["ole"], "subject": "Hei", "text": "Hei",
            "attachments": [{ "file_name": "a.pdf", "upload": upload }] })
    };
    let start = |nin: &str| json!({ "kind": "EKONTAKT", "patient": nin, "subject": "Hei", "text": "Hei" });
    let on = |dialog: Uuid, more: Value| {
        let mut whole = json!({ "dialog": dialog });
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    let answer = json!({ "choice": "renewed", "text": "Hei" });
    let mut tried = BTreeSet::new();
    for (name, theirs, nobodys) in [
        of_neighbour("StartDialog", start(nin), start("29820099840")),
        of_neighbour("StartDialog", attached(upload), attached(unknown)),
        of_neighbour("ReplyToDialog", on(theirs, json!({ "text": "Hei" })), on(unknown, json!({ "text": "Hei" }))),
        of_neighbour("CloseDialog", on(theirs, json!({})), on(unknown, json!({}))),
        of_neighbour("AnswerPrescriptionRequest", on(theirs, answer.clone()), on(unknown, answer)),
        of_neighbour(
            "ConvertDialog",
            on(theirs, json!({ "to": "EKONTAKT", "text": "Hei" })),
            on(unknown, json!({ "to": "EKONTAKT", "text": "Hei" })),
        ),
        of_neighbour("ShowDialog", on(theirs, json!({})), on(unknown, json!({}))),
        of_neighbour("ListDialogs", json!({ "patient": nin }), json!({ "patient": "29820099840" })),
        of_neighbour("FetchAttachment", json!({ "entry": entry, "number": 1 }), json!({ "entry": unknown, "number": 1 })),
    ] {
        tried.insert(name.clone());
        assert_eq!(epj.refused(&theirs).await, epj.refused(&nobodys).await, "{name}: they look the same");
    }
    // These name nothing of another clinic: what they do stays at home.
    let part = json!({ "upload": upload, "part": 1, "parts": 2, "bytes": "eHh4eA==" });
    assert_eq!(epj.done(&command("UploadAttachment", NEIGHBOUR, "kari", part)).await["missing"], 1, "an upload of its own");
    let rule = json!({ "kind": "EKONTAKT", "mode": "behandler" });
    epj.done(&command("SetRecipients", NEIGHBOUR, "siri", rule)).await;
    let told = epj.done(&command("CheckContactability", NEIGHBOUR, "kari", json!({ "patients": [nin] }))).await;
    assert_eq!(told["patients"][0]["contactable"], "unknown", "what another clinic was told is not told on");
    assert_eq!(epj.done(&command("ListDialogs", NEIGHBOUR, "kari", json!({}))).await["dialogs"], json!([]));
    tried.extend(["UploadAttachment", "SetRecipients", "ShowRecipients", "CheckContactability"].map(str::to_owned));
    assert_eq!(tried, Order::NAMES.iter().map(|name| (*name).to_owned()).collect(), "every command was tried");
    assert_eq!(everything(&clinic).await, before);
    // And what was tried in vain works at home.
    let mine = json!({ "kind": "EDIALOG", "colleagues": ["ole"], "subject": "Hei", "text": "Hei",
        "attachments": [{ "file_name": "a.pdf", "upload": upload }] });
    epj.done(&of("kari", "StartDialog", mine)).await;
    clinic.fleet.until("select count(*) from dialogpost.contact_status where clinic = 8142000 and asked_at is not null", 1).await;
    clinic.sent().await;
    clinic.close().await;
}

/// All that Solbakken has.
async fn everything(clinic: &e2e::Clinic) -> Vec<String> {
    let mut all = Vec::new();
    for sql in [
        "select t::text from dialogpost.dialog t where clinic = 8141333",
        "select t::text from dialogpost.dialog_entry t join dialogpost.dialog d on d.id = t.dialog where d.clinic = 8141333 order by 1",
        "select t::text from dialogpost.upload_part t where clinic = 8141333 order by 1",
        "select t::text from dialogpost.routing_rule t where clinic = 8141333 order by 1",
        "select t::text from dialogpost.contact_status t where clinic = 8141333 order by 1",
        "select t::text from dialogpost.inbox_item t where clinic = 8141333 order by 1",
        "select t::text from dialogpost.journal_entry t where clinic = 8141333 order by 1",
        "select t.sequence::text from dialogpost.audit t where clinic = 8141333 order by 1",
    ] {
        all.extend(clinic.fleet.rows.column::<String>(sql).await);
    }
    all
}
