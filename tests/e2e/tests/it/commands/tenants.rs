//! No command of one clinic reads or changes anything of another, and none tells that the other's things exist.

use super::{LINE, TABLES, TROND, dialog, of, open};
use e2e::epj::{COMMANDS, command};
use e2e::{Clinic, Epj};
use helsenorge::Message;
use messages::command::order::Order;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The neighbour, who employs people of the same names, and has Line as a patient too.
const NEIGHBOUR: i64 = 8_142_000;

fn setup() -> String {
    let mut setup: Value = serde_json::from_str(include_str!("../../../../fixtures/clinic.json")).unwrap();
    let mut clinic = setup["clinics"][0].take();
    clinic["her_id"] = json!(NEIGHBOUR);
    clinic["name"] = json!("Nabolegene");
    clinic["patients"].as_array_mut().unwrap().truncate(1);
    for (n, employee) in clinic["employees"].as_array_mut().unwrap().iter_mut().enumerate() {
        employee["her_id"] = json!(NEIGHBOUR + 1 + n as i64);
    }
    json!({ "clinics": [clinic] }).to_string()
}

/// A refusal as its caller gets it, but for the id of the command and the time.
async fn refusal(epj: &Epj, command: &Value) -> Value {
    let mut answer = epj.ask_anyhow(COMMANDS, command).await.body;
    assert_eq!(answer["outcome"], "refused", "{answer}");
    let whole = answer.as_object_mut().unwrap();
    assert!(whole.remove("command").is_some() && whole.remove("at").is_some());
    answer
}

/// What a clinic has that another could name.
struct Things {
    dialog: Uuid,
    entry: Uuid,
    upload: Uuid,
    patient: &'static str,
}

/// Each command that names something, once for each thing it can name; `own` is a dialog of the neighbour's.
fn naming(things: &Things, own: Uuid) -> Vec<(&'static str, Value)> {
    let Things { dialog, entry, upload, patient } = things;
    let files = json!([{ "file_name": "a.pdf", "upload": upload }]);
    vec![
        ("StartDialog", json!({ "kind": "EKONTAKT", "patient": patient, "subject": "Hei", "text": "Hei" })),
        ("StartDialog", json!({ "kind": "EDIALOG", "patient": patient, "subject": "Hei", "text": "Hei" })),
        (
            "StartDialog",
            json!({ "kind": "EDIALOG", "colleagues": ["ole"], "subject": "Hei", "text": "Hei", "attachments": files }),
        ),
        ("StartDialog", json!({ "kind": "EKONTAKT", "patient": LINE, "subject": "Hei", "text": "Hei", "attachments": files })),
        ("ReplyToDialog", json!({ "dialog": dialog, "text": "Hei" })),
        ("ReplyToDialog", json!({ "dialog": own, "text": "Hei", "attachments": files })),
        ("CloseDialog", json!({ "dialog": dialog })),
        ("AnswerPrescriptionRequest", json!({ "dialog": dialog, "choice": "renewed", "text": "Hei" })),
        ("ConvertDialog", json!({ "dialog": dialog, "to": "EKONTAKT", "text": "Hei" })),
        ("ShowDialog", json!({ "dialog": dialog })),
        ("ListDialogs", json!({ "patient": patient })),
        ("ListDialogs", json!({ "after": dialog })),
        ("FetchAttachment", json!({ "entry": entry, "number": 1 })),
    ]
}

/// All that Solbakken can have: dialogs of each kind, files, somebody at the portal.
async fn furnish(clinic: &mut Clinic, epj: &Epj) -> Things {
    clinic.send(&[Message::reseptfornyelse().attachment("a.pdf", "application/pdf", b"%PDF-1.7")]).await;
    clinic.receipt().await;
    let dialog = dialog(clinic).await;
    let entry: Uuid = clinic.fleet.rows.one("select id from dialogpost.dialog_entry").await;
    let start = |more: Value| {
        let mut whole = json!({ "subject": "Hei", "text": "Hei" });
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        of("kari", "StartDialog", whole)
    };
    epj.done(&start(json!({ "kind": "EDIALOG", "colleagues": ["ole"] }))).await;
    epj.done(&start(json!({ "kind": "EDIALOG", "patient": TROND }))).await;
    epj.done(&start(json!({ "kind": "EKONSULTASJON", "patient": LINE }))).await;
    clinic.sent().await;
    clinic.fleet.settle(0).await;
    Things { dialog, entry, upload: epj.upload(8_141_333, "kari", b"%PDF-1.7").await, patient: TROND }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_reaches_into_another_clinic() {
    let (mut clinic, epj) = open().await;
    clinic.fleet.apply(&setup()).await;
    let theirs = furnish(&mut clinic, &epj).await;
    let neighbour = |name: &str, arguments: Value| command(name, NEIGHBOUR, "kari", arguments);
    // They have a patient in common: what one clinic does with her says nothing of the other.
    let line = json!({ "patient": LINE });
    assert_eq!(epj.done(&neighbour("ListDialogs", line.clone())).await["dialogs"], json!([]));
    let start = json!({ "kind": "EKONTAKT", "patient": LINE, "subject": "Hei", "text": "Hei" });
    let before = everything(&clinic).await;
    let own = epj.done(&neighbour("StartDialog", start)).await["dialog"].clone();
    clinic.sent().await;
    let listed = epj.done(&neighbour("ListDialogs", line)).await["dialogs"].clone();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["dialog"]), (1, &own));
    // Each command twice: once with what is the other clinic's, once with what does not exist at all.
    let own: Uuid = own.as_str().unwrap().parse().unwrap();
    let id = Uuid::new_v4;
    let nobodys = Things { dialog: id(), entry: id(), upload: id(), patient: "29820099840" };
    let mut tried = BTreeSet::new();
    for ((name, theirs), (_, nobodys)) in naming(&theirs, own).into_iter().zip(naming(&nobodys, own)) {
        tried.insert(name);
        let (theirs, nobodys) = (neighbour(name, theirs), neighbour(name, nobodys));
        assert_eq!(refusal(&epj, &theirs).await, refusal(&epj, &nobodys).await, "{name}: they look the same");
    }
    at_home(&epj, &theirs).await;
    tried.extend(["UploadAttachment", "SetRecipients", "ShowRecipients", "CheckContactability"]);
    assert_eq!(tried, Order::NAMES.iter().copied().collect(), "every command was tried");
    assert_eq!(everything(&clinic).await, before);
    // And what was tried in vain works at home.
    let mine = json!({ "kind": "EDIALOG", "colleagues": ["ole"], "subject": "Hei", "text": "Hei",
        "attachments": [{ "file_name": "a.pdf", "upload": theirs.upload }] });
    epj.done(&of("kari", "StartDialog", mine)).await;
    clinic.fleet.until("select count(*) from dialogpost.contact_status where clinic = 8142000 and asked_at is not null", 1).await;
    clinic.sent().await;
    clinic.close().await;
}

/// These name nothing of another clinic: what they do stays at home.
async fn at_home(epj: &Epj, theirs: &Things) {
    let part = json!({ "upload": theirs.upload, "part": 1, "parts": 2, "bytes": "eHh4eA==" });
    assert_eq!(epj.done(&command("UploadAttachment", NEIGHBOUR, "kari", part)).await["missing"], 1, "an upload of its own");
    let rule = json!({ "kind": "EKONTAKT", "mode": "behandler" });
    epj.done(&command("SetRecipients", NEIGHBOUR, "siri", rule)).await;
    let told = epj.done(&command("CheckContactability", NEIGHBOUR, "kari", json!({ "patients": [TROND] }))).await;
    assert_eq!(told["patients"][0]["contactable"], "unknown", "what another clinic was told is not told on");
}

/// All that Solbakken has.
async fn everything(clinic: &Clinic) -> Vec<String> {
    let mut all = Vec::new();
    let of_entry = |table: &str| {
        format!(
            "{table} t join dialogpost.dialog_entry e on e.id = t.entry join dialogpost.dialog d on d.id = e.dialog where d.clinic"
        )
    };
    let of_dialog = |table: &str| format!("{table} t join dialogpost.dialog d on d.id = t.dialog where d.clinic");
    let place = |table: &str| match table {
        "attachment" => of_entry(table),
        "dialog_entry" | "dialog_participant" => of_dialog(table),
        _ => format!("{table} t where t.clinic"),
    };
    // Nothing is asked of HelseNorge here.
    let tables = TABLES.into_iter().chain(["audit", "command"]).filter(|table| *table != "contact_question");
    for place in tables.map(place) {
        let sql = format!("select t::text from dialogpost.{place} = 8141333 order by 1");
        let rows = clinic.fleet.rows.column::<String>(&sql).await;
        assert!(!rows.is_empty(), "there is something that could change: {place}");
        all.extend(rows);
    }
    all
}
