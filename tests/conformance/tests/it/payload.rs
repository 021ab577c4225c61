//! Cases 35 to 38: what was sealed.

use conformance::{refused, texts};
use e2e::{Clinic, Exchange, PATIENCE};
use helsenorge::Message;
use messages::wire::hodemelding::MsgHead;
use messages::wire::{Limits, read};
use std::time::{Duration, Instant};

const NOT_WELL_FORMED: &str = "transport:not-well-formed-xml";

async fn open() -> (Exchange, Clinic) {
    let exchange = Exchange::new(2048);
    let clinic = Clinic::of(exchange.fleet().await).await;
    (exchange, clinic)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_35_no_xml_and_not_by_the_schema() {
    let (exchange, mut clinic) = open().await;
    for text in ["hei", "", "<MsgHead>", "<MsgHead xmlns=\"http://www.kith.no/xmlstds/msghead/2006-05-24\"><MsgInfo></MsgHead>"] {
        let error = refused(&mut clinic, &exchange.sealed(&Message::ekontakt().raw_body(text.to_owned())), NOT_WELL_FORMED).await;
        let description = error.application("errorDescription").unwrap();
        assert!(description.starts_with("Could not deserialize payload"), "{text}: {description}");
        assert_eq!(error.application("errorConditionData"), None);
    }
    let without = |element: &str| {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        Message::ekontakt().replacing(&open, "<Annet>").replacing(&close, "</Annet>")
    };
    for message in [Message::ekontakt().without_msg_id(), without("GenDate")] {
        let error = refused(&mut clinic, &exchange.sealed(&message), NOT_WELL_FORMED).await;
        assert_eq!(error.application("errorConditionData"), None);
    }
    assert_eq!(texts(&clinic).await, Vec::<String>::new());
    clinic.close().await;
}

/// The payload names this party as its sender.
fn said_to_be_from(her_id: &str) -> impl Fn(&mut MsgHead) {
    move |head| {
        let sender = head.sender.as_mut().and_then(|s| s.organisation.as_mut()).expect("two levels");
        sender.idents[0].id = her_id.to_owned().into();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_36_her_ids_inside_and_outside() {
    let (exchange, mut clinic) = open().await;
    let other_receiver = Message::ekontakt().property("toHerId", "8141335");
    let error = refused(&mut clinic, &exchange.sealed(&other_receiver), "transport:invalid-field-value").await;
    assert_eq!(error.application("errorConditionData"), Some("8141335;8141333;"), "expected, received");
    let other_sender = Message::ekontakt().property("fromHerId", "8093244").edit(said_to_be_from("8000001"));
    let error = refused(&mut clinic, &exchange.sealed(&other_sender), "abuse:spoofing-attack").await;
    assert_eq!(error.application("errorConditionData"), None);
    assert_eq!(texts(&clinic).await, Vec::<String>::new());
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_37_xml_that_is_an_attack() {
    let (exchange, mut clinic) = open().await;
    let root = |dtd: &str, text: &str| {
        format!("<!DOCTYPE MsgHead [{dtd}]><MsgHead xmlns=\"http://www.kith.no/xmlstds/msghead/2006-05-24\">{text}</MsgHead>")
    };
    let tenfold: String = (1..=9).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let depth = 200_000;
    for attack in [
        root("", ""),
        root("<!ENTITY file SYSTEM \"file:///etc/passwd\">", "&file;"),
        root("<!ENTITY remote SYSTEM \"http://127.0.0.1:9/\">", "&remote;"),
        root(&format!("<!ENTITY l0 \"lol\">{tenfold}"), "&l9;"),
        format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth)),
    ] {
        let started = Instant::now();
        assert!(read(attack.as_bytes(), &Limits::default()).is_err());
        assert!(started.elapsed() < Duration::from_millis(500), "read in {:?}", started.elapsed());
        refused(&mut clinic, &exchange.sealed(&Message::ekontakt().raw_body(attack)), NOT_WELL_FORMED).await;
    }
    let undeclared = Message::ekontakt().replacing("</MsgHead>", "&x;</MsgHead>");
    refused(&mut clinic, &exchange.sealed(&undeclared), NOT_WELL_FORMED).await;
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_38_delivered_again_and_at_the_same_time() {
    let (exchange, clinic) = open().await;
    // Another process on the same queues.
    let other = clinic.fleet.start();
    let sent = exchange.sealed(&Message::ekonsultasjon().text("en gang"));
    for _ in 0..5 {
        clinic.helsenorge.publish(&vec![sent.clone(); 8]).await.unwrap();
    }
    clinic.fleet.settle(1).await;
    let receipt = clinic.helsenorge.receipts(1, PATIENCE).await.unwrap().remove(0);
    assert_eq!(exchange.opened(&receipt).apprec.unwrap().original_id.as_deref(), Some(sent.msg_id.as_str()));
    let started = Instant::now();
    while clinic.helsenorge.waiting_on("8141333_async").await.unwrap() > 0 {
        assert!(started.elapsed() < PATIENCE, "the rest is taken too");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    clinic.helsenorge.nothing_on("8093244_async", Duration::from_millis(300)).await.unwrap();
    for table in
        ["message where direction = 'in'", "message where direction = 'out'", "dialog_entry", "inbox_item", "journal_entry"]
    {
        assert_eq!(clinic.fleet.rows.count(&format!("dialogpost.{table}")).await, 1, "{table}");
    }
    other.stop().await;
    clinic.close().await;
}
