//! The documented examples, sent as they stand but for the ids that the clinic's own things have here, and for days that are to come.

use super::{TROND, of, open};
use crate::appointments::{date, day};
use e2e::{Clinic, Epj};
use helsenorge::{Message, Wish};
use messages::command::order::Order;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Ids of the examples: a dialog, the prescription request's and the request in it, the first message.
const DIALOG: &str = "0192f1c0-0000-7000-8000-0000000000d1";
const REQUEST: &str = "0192f1c0-0000-7000-8000-0000000000d2";
const REQUESTED: &str = "0192f1c0-0000-7000-8000-0000000000e2";
const ENTRY: &str = "0192f1c0-0000-7000-8000-0000000000e1";
/// An appointment that is to come, one that has begun, a wish.
const APPOINTMENT: &str = "0192f1c0-0000-7000-8000-0000000000a1";
const BEGUN: &str = "0192f1c0-0000-7000-8000-0000000000a2";
const WISH: &str = "0192f1c0-0000-7000-8000-0000000000d3";
/// Days of the examples, in order.
const DAYS: [&str; 4] = ["2027-01-11", "2027-01-13", "2027-01-14", "2027-01-15"];

fn example(name: &str, ids: &BTreeMap<&str, String>) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/messages/tests/commands");
    let text = std::fs::read_to_string(folder.join(format!("{name}.v1.json"))).unwrap();
    serde_json::from_str(&ids.iter().fold(text, |text, (example, own)| text.replace(example, own))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_example_is_done() {
    let (mut clinic, epj) = open().await;
    clinic.send(&[Message::reseptfornyelse().prescription("Zyrtec", "R06AE07", "C")]).await;
    clinic.receipt().await;
    let requested: uuid::Uuid = clinic.fleet.rows.one("select id from dialogpost.dialog_entry").await;
    let mut ids = BTreeMap::from([(REQUEST, super::dialog(&clinic).await.to_string()), (REQUESTED, requested.to_string())]);
    ids.extend(DAYS.into_iter().zip(30..).map(|(example, own)| (example, date(day(own, 12, 0)).to_string())));
    ids.insert(BEGUN, begun(&clinic, &epj).await);
    let order = [
        ("CheckContactability", 0),
        ("UploadAttachment", 0),
        ("StartDialog", 1),
        ("FetchAttachment", 0),
        ("ReplyToDialog", 1),
        ("ShowDialog", 0),
        ("ListDialogs", 0),
        ("ConvertDialog", 0),
        ("CloseDialog", 1),
        ("AnswerPrescriptionRequest", 1),
        ("SetRecipients", 0),
        ("ShowRecipients", 0),
        ("ReleaseSlots", 0),
        ("ShowTimebok", 0),
        ("BookAppointment", 1),
        ("MoveAppointment", 1),
        ("ListAppointments", 0),
        ("ChangeAppointmentType", 1),
        ("CancelAppointment", 0),
        ("MarkNoShow", 0),
        ("AnswerTimeonske", 1),
    ];
    for (name, sent) in order {
        if name == "AnswerTimeonske" {
            clinic.send(&[Message::timeonske(Wish::New)]).await;
            clinic.receipt().await;
            let wish = "select id::text from dialogpost.dialog where kind = 'TIMEONSKE'";
            ids.insert(WISH, clinic.fleet.rows.one(wish).await);
        }
        let result = epj.done(&example(name, &ids)).await;
        if name == "StartDialog" {
            ids.insert(DIALOG, result["dialog"].as_str().unwrap().to_owned());
            ids.insert(ENTRY, result["entry"].as_str().unwrap().to_owned());
        }
        if name == "BookAppointment" {
            ids.insert(APPOINTMENT, result["appointment"].as_str().unwrap().to_owned());
        }
        if name == "ShowTimebok" {
            assert_eq!(result["timebok"]["slots"].as_array().unwrap().len(), 2, "those that were released");
        }
        if name == "ListDialogs" {
            assert_eq!(result["dialogs"].as_array().unwrap().len(), 2);
            assert_eq!(result["dialogs"][0]["dialog"], json!(ids[DIALOG]), "the newest first");
        }
        for _ in 0..sent {
            clinic.sent().await;
        }
    }
    let mut tried: Vec<&str> = order.iter().map(|(name, _)| *name).collect();
    let mut all = Order::NAMES.to_vec();
    tried.sort_unstable();
    all.sort_unstable();
    assert_eq!(tried, all);
    clinic.close().await;
}

/// An appointment whose time has come.
async fn begun(clinic: &Clinic, epj: &Epj) -> String {
    let book = json!({ "timebok": "kari-bok", "patient": TROND, "start": day(7, 9, 0), "appointment_type": "vanlig" });
    let booked = epj.done(&of("siri", "BookAppointment", book)).await;
    let past = "update dialogpost.appointment set starts_at = now() - interval '1 hour', ends_at = now() - interval '40 minutes'";
    clinic.fleet.rows.query(past, &[]).await;
    booked["appointment"].as_str().unwrap().to_owned()
}
