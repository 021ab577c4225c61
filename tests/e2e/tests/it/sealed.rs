//! The whole path under protection: nothing passes unprotected, nothing that is not the sender's.

use e2e::epj::command;
use e2e::{Clinic, Exchange};
use helsenorge::example::{LINE, SOLBAKKEN};
use helsenorge::{Message, Receipt, SEALED};
use messages::wire::hodemelding::Content;
use messages::wire::{Incoming, Limits, read};
use serde_json::json;

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

/// No content type, queue or root element leads past the protection.
#[tokio::test(flavor = "multi_thread")]
async fn unprotected_content_passes_on_no_queue_under_no_name() {
    let exchange = Exchange::new(2048);
    let mut clinic = Clinic::of(exchange.fleet().await).await;
    let sent = clinic.fleet.write(8_141_333, 8_093_244, &Message::svar()).await;
    clinic.helsenorge.expect("8093244_async", 1, e2e::PATIENCE).await.unwrap();
    let apprec = || Receipt::for_message(&sent.to_string()).between((8_093_244, 115_851), (8_141_333, 115_900)).to_message();
    for content_type in ["text/plain", "application/soap+xml", "application/xml; charset=utf-8"] {
        for message in [Message::ekontakt(), apprec(), Message::kommunikasjonstest()] {
            clinic.send(&[message.content_type(content_type)]).await;
            assert_eq!(
                clinic.error().await.application("errorCondition"),
                Some("transport:unsupported-message"),
                "{content_type}"
            );
        }
    }
    let codes = "select distinct code from dialogpost.message where direction = 'in'";
    assert_eq!(clinic.fleet.rows.column::<String>(codes).await, ["content-unprotected"]);
    // Nobody answers for what comes on these two.
    let nameless = |m: Message| m.without_property("content-type");
    clinic.send(&[nameless(Message::svar().on_queue("8141333_syncreply")), apprec().on_queue("8141333_error")]).await;
    assert_eq!(clinic.fleet.sent_state(sent).await, "failed", "what lies on the error queue is no receipt");
    for table in ["dialog_entry", "sync_reply", "receipt where kind = 'apprec'"] {
        assert_eq!(clinic.fleet.rows.count(&format!("dialogpost.{table}")).await, 0, "{table}");
    }
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_nobody_named_is_ours_to_mend() {
    let exchange = Exchange::new(2048);
    let clinic = Clinic::of(exchange.fleet().await).await;
    let mut setup = exchange.setup();
    setup.clinics[0].own_certificates.encryption = None;
    clinic.fleet.apply_setup(setup).await;
    let (sent, session) = (exchange.sealed(&Message::ekontakt()), clinic.fleet.store().session().await.unwrap());
    clinic.helsenorge.publish(std::slice::from_ref(&sent)).await.unwrap();
    clinic.fleet.until("select count(*) from dialogpost.outbox where attempts = 0 and due_at > now()", 1).await;
    // A copy waits in the same row.
    clinic.helsenorge.publish(std::slice::from_ref(&sent)).await.unwrap();
    clinic.fleet.until("select count(*) from dialogpost.outbox where attempts = 0 and due_at > now()", 2).await;
    let ledger = store::ledger::lines(&session, 1).await.unwrap();
    let found = store::show::find(&session, &sent.transport_id).await.unwrap();
    assert!(matches!(&ledger[..], [line] if line.balances() && (line.received, line.in_flight) == (1, 1)), "{ledger:?}");
    assert!(matches!(&found[..], [trace] if trace.state == "in_flight" && trace.outcome == "waiting"), "{found:?}");
    assert_eq!(found[0].code.as_deref(), Some("own-key-unavailable"));
    clinic.fleet.apply_setup(exchange.setup()).await;
    clinic.fleet.settle(1).await;
    clinic.fleet.until("select count(*) from dialogpost.outbox", 0).await;
    let ledger = store::ledger::lines(&session, 1).await.unwrap();
    assert!(matches!(&ledger[..], [line] if line.balances() && (line.received, line.delivered) == (1, 1)), "{ledger:?}");
    assert_eq!(exchange.opened(&clinic.receipt().await).apprec.unwrap().status.unwrap().v.as_deref(), Some("1"));
    assert_eq!(clinic.helsenorge.waiting_on("8093244_error").await.unwrap(), 0, "the sender was told nothing");
    clinic.close().await;
}

/// What a clinic writes by command leaves signed and encrypted, whatever its size; what the ledger keeps is what HelseNorge opens.
#[tokio::test(flavor = "multi_thread")]
async fn s1_s3_what_a_clinic_writes_is_sealed_with_its_files() {
    let exchange = Exchange::new(2048);
    let clinic = Clinic::of(exchange.fleet().await).await;
    let epj = clinic.epj().await;
    for bytes in [10_000, 3_000_000] {
        let file = [b"%PDF-1.7\n".to_vec(), vec![b'x'; bytes]].concat();
        let upload = epj.upload(SOLBAKKEN, "kari", &file).await;
        let arguments = json!({ "kind": "EKONSULTASJON", "patient": LINE.nin, "subject": "Svar", "text": "Se her",
            "attachments": [{ "file_name": "svar.pdf", "upload": upload }] });
        let entry = epj.done(&command("StartDialog", SOLBAKKEN, "kari", arguments)).await["entry"].clone();
        let received = clinic.receipt().await;
        assert_eq!(received.properties.content_type.as_deref(), Some(SEALED));
        assert_eq!(received.properties.message_id.as_deref(), entry.as_str());
        let opened = exchange.opened(&received);
        if let Some(driver) = schemas::driver() {
            schemas::validate(&driver, "what HelseNorge opens", &opened.body);
        }
        let kept = format!("select raw from dialogpost.message where id = '{}'", entry.as_str().unwrap());
        assert!(clinic.fleet.rows.one::<Vec<u8>>(&kept).await == opened.body, "the ledger keeps what was signed");
        let Ok(Incoming::MsgHead(head)) = read(&opened.body, &Limits::default()).map(|seen| seen.incoming) else {
            panic!("no dialog")
        };
        let files = head.documents.iter().filter_map(|document| match &document.content {
            Content::Attachment(bytes) => Some(bytes.expose().clone()),
            _ => None,
        });
        assert!(files.eq([file]), "every byte");
    }
    assert_eq!(clinic.fleet.rows.count("dialogpost.journal_entry").await, 2);
    clinic.close().await;
}
