//! The whole path under protection: nothing passes unprotected, nothing that is not the sender's.

use e2e::{Clinic, Exchange};
use helsenorge::{Message, SEALED};

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_consultation_reaches_inbox_and_journal_and_its_receipt_is_sealed() {
    let exchange = Exchange::new(2048);
    let clinic = Clinic::of(exchange.fleet().await).await;
    let sent = exchange.sealed(&Message::ekonsultasjon().text("Kneet er hovent"));
    clinic.helsenorge.publish(std::slice::from_ref(&sent)).await.unwrap();
    clinic.fleet.settle(1).await;
    assert_eq!(clinic.fleet.rows.column::<String>("select text from dialogpost.journal_entry").await, ["Kneet er hovent"]);
    let receipt = clinic.receipt().await;
    assert_eq!(receipt.properties.content_type.as_deref(), Some(SEALED));
    assert_eq!(receipt.apprec, None, "it is not readable on the way");
    let opened = exchange.opened(&receipt).apprec.unwrap();
    assert_eq!(opened.original_id.as_deref(), Some(sent.msg_id.as_str()));
    assert!(opened.status.unwrap().is("1"));
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_should_have_been_protected_is_refused() {
    let exchange = Exchange::new(2048);
    let mut clinic = Clinic::of(exchange.fleet().await).await;
    clinic.send(&[Message::ekontakt()]).await;
    assert_eq!(clinic.error().await.application("errorCondition"), Some("transport:unsupported-message"));
    let codes = clinic.fleet.rows.column::<String>("select code from dialogpost.message where direction = 'in'").await;
    assert_eq!(codes, ["content-unprotected"]);
    clinic.close().await;
}
