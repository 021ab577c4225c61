//! The documented examples, sent as they stand but for the ids that the clinic's own things have here.

use super::open;
use helsenorge::Message;
use messages::command::order::Order;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Ids of the examples: a dialog, the prescription request's and the request in it, the first message.
const DIALOG: &str = "0192f1c0-0000-7000-8000-0000000000d1";
const REQUEST: &str = "0192f1c0-0000-7000-8000-0000000000d2";
const REQUESTED: &str = "0192f1c0-0000-7000-8000-0000000000e2";
const ENTRY: &str = "0192f1c0-0000-7000-8000-0000000000e1";

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
    ];
    for (name, sent) in order {
        let result = epj.done(&example(name, &ids)).await;
        if name == "StartDialog" {
            ids.insert(DIALOG, result["dialog"].as_str().unwrap().to_owned());
            ids.insert(ENTRY, result["entry"].as_str().unwrap().to_owned());
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
