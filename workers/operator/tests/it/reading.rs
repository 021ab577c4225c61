//! `show`, `ledger` and `dead-letters`.

use crate::{dialogpost, session};
use messages::transport::Properties;
use serde_json::json;
use store::dead_letter::{self, DeadLetter};
use store::message::{self, Outcome, Received};
use testbed::{World, world};
use uuid::Uuid;

const BODY: &[u8] = b"<Patient>15868549960 Danser</Patient>";

fn properties() -> Properties {
    let application = [("fromHerId", "8093244"), ("toHerId", "8141333"), ("patient", "Line Danser")];
    Properties {
        message_id: Some("transport-1".into()),
        subject: Some("DIALOG_INNBYGGER_EKONTAKT".into()),
        application: application.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        ..Properties::default()
    }
}

/// A message that died, and its dead letter.
async fn died(world: &World) -> (Uuid, Uuid) {
    let (id, at) = (Uuid::now_v7(), runtime::clock::system());
    let received = Received {
        id,
        at,
        clinic: "8141333".parse().ok(),
        from: "8093244".parse().ok(),
        to: "8141333".parse().ok(),
        queue: "8141333_async".into(),
        function: properties().subject,
        msg_id: None,
        outcome: Outcome::Dead,
        code: Some("xml-unreadable".into()),
        answer: None,
        head: None,
        repeats: None,
        properties: properties(),
        raw: BODY.into(),
    };
    let letter = DeadLetter {
        id: Uuid::now_v7(),
        at,
        worker: "helsenorge-inbound".into(),
        fault: "broken".into(),
        code: "xml-unreadable".into(),
        text: "the XML cannot be read".into(),
        attempts: 2,
        message: Some(id),
        queue: "8141333_async".into(),
        properties: properties(),
        body: BODY.to_vec(),
        ..DeadLetter::default()
    };
    let mut session = session(world).await;
    let tx = session.begin().await.unwrap();
    message::insert_received(&tx, &[received]).await.unwrap();
    dead_letter::insert(&tx, std::slice::from_ref(&letter)).await.unwrap();
    tx.commit().await.unwrap();
    (id, letter.id)
}

#[tokio::test]
async fn o1_the_ledger_balances_when_empty_and_when_not() {
    let world = world().await;
    dialogpost(&world, &["ledger"]).await.code(0).says(&["balances: received 0 = 0"]);
    let empty = dialogpost(&world, &["ledger", "--json"]).await.code(0).json();
    assert_eq!(empty, json!({ "days": 7, "balances": true, "lines": [], "sent": [] }));
    died(&world).await;
    dialogpost(&world, &["ledger", "--days", "1"]).await.code(0).says(&["8141333", "balances: received 1 = 1 dead"]);
    let one = dialogpost(&world, &["ledger", "--json"]).await.code(0).json();
    assert_eq!(
        (&one["balances"], &one["lines"][0]["dead"], &one["lines"][0]["clinic"]),
        (&json!(true), &json!(1), &json!(8_141_333))
    );
    dialogpost(&world, &["ledger", "--days", "0"]).await.code(2);
}

#[tokio::test]
async fn show_finds_a_message_by_each_of_its_ids_and_says_where_it_looked() {
    let world = world().await;
    let (id, letter) = died(&world).await;
    let id = id.to_string();
    for by in [id.as_str(), "transport-1", " transport-1 "] {
        let shown = dialogpost(&world, &["show", by]).await.code(0).never_says(&["15868549960", "Danser"]);
        shown.says(&[id.as_str(), "dead (xml-unreadable)", "8141333_async", "dead-letter", &letter.to_string(), "0 ms"]);
    }
    let found = dialogpost(&world, &["show", &id, "--json"]).await.code(0).json();
    assert_eq!((&found["found"][0]["state"], &found["found"][0]["steps"][0]["what"]), (&json!("dead"), &json!("dead-letter")));
    dialogpost(&world, &["show", "nobody"]).await.code(1).says(&["Nothing bears the id nobody", "MsgIds", "AMQP message ids"]);
    dialogpost(&world, &["show", "15868549960"]).await.code(1).never_says(&["15868549960"]);
    let none = dialogpost(&world, &["show", "nobody", "--json"]).await.code(1).json();
    assert_eq!(none["found"], json!([]));
}

#[tokio::test]
async fn o3_dead_letters_are_shown_without_body_and_person() {
    let world = world().await;
    dialogpost(&world, &["dead-letters", "list"]).await.code(0).says(&["No dead letters"]);
    let (message, letter) = died(&world).await;
    let letter = letter.to_string();
    let secrets = ["15868549960", "Danser"];
    let list = dialogpost(&world, &["dead-letters", "list", "--limit", "1"]).await.code(0).never_says(&secrets);
    list.says(&[&letter, "xml-unreadable", "helsenorge-inbound", "the XML cannot be read"]);
    let list = dialogpost(&world, &["dead-letters", "list", "--json"]).await.code(0).never_says(&secrets).json();
    assert_eq!(list["dead_letters"][0]["message"], json!(message));
    let one = dialogpost(&world, &["dead-letters", "show", &letter]).await.code(0).never_says(&secrets);
    one.says(&["transport-1", "DIALOG_INNBYGGER_EKONTAKT", "8093244", "patient", "--body shows it, for a reason"]);
    let one = dialogpost(&world, &["dead-letters", "show", &letter, "--json"]).await.code(0).never_says(&secrets).json();
    assert_eq!((&one["bytes"], &one["properties"]["toHerId"]), (&json!(BODY.len()), &json!("8141333")));
    let unknown = Uuid::nil().to_string();
    dialogpost(&world, &["dead-letters", "show", &unknown]).await.code(1).says(&["dialogpost dead-letters list"]);
    let unknown = dialogpost(&world, &["dead-letters", "show", &unknown, "--json"]).await.code(1).json();
    assert_eq!(unknown["found"], json!(false));
}
