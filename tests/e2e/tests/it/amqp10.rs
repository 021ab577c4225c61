//! The whole path through AMQP 1.0, as HelseNorge speaks it: an independent client sends and reads.

use e2e::{Clinic, NHN_EXCHANGE, PATIENCE};
use helsenorge::{Message, Proton, example};

#[tokio::test(flavor = "multi_thread")]
async fn an_ekonsultasjon_from_an_amqp_1_0_client_ends_in_inbox_and_journal_and_its_receipt_is_whole() {
    let clinic = Clinic::open().await;
    let proton = Proton::find(&clinic.fleet.world.amqp_url, NHN_EXCHANGE).await.unwrap();
    let sent = Message::ekonsultasjon().to_doctor(example::SOLBAKKEN, example::KARI).text("Gjennom AMQP 1.0").build();
    proton.send(&sent).await.unwrap();
    clinic.fleet.settle(1).await;
    let state: String = clinic.fleet.rows.one("select state from dialogpost.message_state").await;
    assert_eq!(state, "journaled_and_delivered");
    let text: String = clinic.fleet.rows.one("select text from dialogpost.journal_entry").await;
    assert_eq!(text, "Gjennom AMQP 1.0");
    assert_eq!(clinic.fleet.rows.column::<String>("select employee from dialogpost.inbox_item").await, ["kari"]);

    let receipt = proton.receive("8093244_async", 1, PATIENCE).await.unwrap().remove(0);
    let p = &receipt.properties;
    assert_eq!(p.subject.as_deref(), Some("APPREC"));
    assert_eq!(p.to.as_deref(), Some("8093244_async"));
    assert_eq!(p.reply_to.as_deref(), Some("8141333_async"), "bare, not /queue/…");
    assert_eq!(p.content_type.as_deref(), Some("text/plain"));
    assert!(p.message_id.is_some());
    assert_eq!(p.correlation_id, p.message_id);
    assert_eq!((receipt.message_id_type.as_str(), receipt.correlation_id_type.as_str()), ("str", "str"));
    for key in ["fromHerId", "toHerId", "applicationTimeStamp", "enqueuedTimeUtc", "X-SystemIdentifier"] {
        assert!(p.application(key).is_some_and(|v| !v.is_empty()), "{key}");
    }
    assert_eq!((p.application("fromHerId"), p.application("toHerId")), (Some("8141334"), Some("8093244")));
    assert!(receipt.application_types.iter().all(|t| t == "str"), "{:?}", receipt.application_types);
    assert!(receipt.durable && receipt.body_is_data);
    let xml = String::from_utf8(receipt.body.to_vec()).unwrap();
    assert!(xml.contains(&sent.msg_id) && xml.contains(r#"<Status V="1""#), "{xml}");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_message_is_whole_for_an_amqp_1_0_client() {
    let clinic = Clinic::open().await;
    let proton = Proton::find(&clinic.fleet.world.amqp_url, NHN_EXCHANGE).await.unwrap();
    let sent = Message::ekontakt().raw_body("ikke xml").build();
    proton.send(&sent).await.unwrap();
    clinic.fleet.settle(1).await;
    let error = proton.receive("8093244_error", 1, PATIENCE).await.unwrap().remove(0);
    assert_eq!(error.properties.subject.as_deref(), Some("DIALOG_INNBYGGER_EKONTAKT"));
    assert_eq!(error.properties.reply_to, None);
    assert_eq!(error.properties.application("errorCondition"), Some("transport:not-well-formed-xml"));
    assert_eq!(error.properties.application("originalMessageId"), Some(sent.transport_id.as_str()));
    assert!(error.body_is_data && error.body.is_empty(), "one empty data section");
    clinic.close().await;
}
