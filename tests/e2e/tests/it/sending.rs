//! What the clinic writes itself: sent by agreement, followed until its receipt.

use e2e::{Clinic, Exchange, PATIENCE};
use helsenorge::{ErrorMessage, Message, Receipt, Received};
use uuid::Uuid;

const US: (i64, i64) = (8_141_333, 115_900);
const HELSENORGE: (i64, i64) = (8_093_244, 115_851);

async fn written(clinic: &Clinic) -> (Uuid, Received) {
    let id = clinic.fleet.write(US.0, HELSENORGE.0, &Message::svar()).await;
    let received = clinic.helsenorge.expect("8093244_async", 1, PATIENCE).await.unwrap().remove(0);
    (id, received)
}

async fn becomes(clinic: &Clinic, id: Uuid, state: &str) {
    clinic.fleet.until(&format!("select count(*) from dialogpost.sent_state where id = '{id}' and state = '{state}'"), 1).await;
}

fn receipt(id: Uuid) -> Receipt {
    Receipt::for_message(&id.to_string()).between(HELSENORGE, US)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_followed_until_its_receipt() {
    let clinic = Clinic::open().await;
    let (id, received) = written(&clinic).await;
    assert_eq!(received.shape_faults(), Vec::<String>::new());
    let p = &received.properties;
    assert_eq!((p.message_id.clone(), p.correlation_id.clone()), (Some(id.to_string()), Some(id.to_string())));
    assert_eq!((p.subject.as_deref(), p.reply_to.as_deref()), (Some("DIALOG_INNBYGGER_EKONTAKT"), Some("8141333_async")));
    becomes(&clinic, id, "awaiting_receipt").await;
    let hours =
        format!("select extract(epoch from receipt_due_at - at)::float8 / 3600 from dialogpost.message where id = '{id}'");
    assert!((clinic.fleet.rows.one::<f64>(&hours).await - 4.0).abs() < 0.1, "due in four hours");
    clinic.helsenorge.send(&receipt(id).to_message()).await.unwrap();
    becomes(&clinic, id, "receipted").await;
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_receiver_does_not_take_is_seen() {
    let clinic = Clinic::open().await;
    let (rejected, _) = written(&clinic).await;
    clinic.helsenorge.send(&receipt(rejected).rejected("E21", "Mottaker finnes ikke").to_message()).await.unwrap();
    becomes(&clinic, rejected, "rejected").await;
    let (failed, received) = written(&clinic).await;
    let error = ErrorMessage::about(&received.properties).condition("transport:expired-certificate", "Invalid end date");
    clinic.helsenorge.send_error_message(&error).await.unwrap();
    becomes(&clinic, failed, "failed").await;
    let codes = clinic.fleet.rows.column::<Vec<String>>("select codes from dialogpost.sent_state order by id").await;
    assert_eq!(codes, [["E21"], ["transport:expired-certificate"]]);
    let (overdue, _) = written(&clinic).await;
    becomes(&clinic, overdue, "awaiting_receipt").await;
    clinic
        .fleet
        .rows
        .query("update dialogpost.message set receipt_due_at = now() - interval '1 s' where id = $1", &[&overdue])
        .await;
    assert_eq!(clinic.fleet.sent_state(overdue).await, "overdue");
    let session = clinic.fleet.store().session().await.unwrap();
    assert_eq!(store::ledger::overdue(&session).await.unwrap(), 1);
    let line = store::ledger::sent(&session, 1).await.unwrap().remove(0);
    assert_eq!((line.rejected, line.failed, line.overdue, line.receipted), (1, 1, 1, 0));
    // A receipt that is late is a receipt.
    clinic.helsenorge.send(&receipt(overdue).to_message()).await.unwrap();
    becomes(&clinic, overdue, "receipted").await;
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_receipts_what_was_sent_to_another() {
    let mut clinic = Clinic::open().await;
    let other = r#"{"parties": [{"her_id": 8093299, "name": "En annen", "queues":
        {"async": "8093299_async", "sync": "8093299_sync", "error": "8093299_error"}}]}"#;
    clinic.fleet.apply(other).await;
    let (id, _) = written(&clinic).await;
    clinic.send(&[receipt(id).between((8_093_299, 1), US).to_message()]).await;
    assert_eq!(clinic.fleet.sent_state(id).await, "awaiting_receipt");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_without_a_certificate_is_sent_nothing_and_a_key_of_ours_is_waited_for() {
    let exchange = Exchange::new(2048);
    let clinic = Clinic::of(exchange.fleet().await).await;
    let mut setup = exchange.setup();
    setup.parties[0].certificates.retain(|c| !c.encryption);
    clinic.fleet.apply_setup(setup).await;
    let no_certificate = clinic.fleet.write(US.0, HELSENORGE.0, &Message::svar()).await;
    becomes(&clinic, no_certificate, "dead").await;
    let mut setup = exchange.setup();
    setup.clinics[0].own_certificates.signing = None;
    clinic.fleet.apply_setup(setup).await;
    let no_key = clinic.fleet.write(US.0, HELSENORGE.0, &Message::svar()).await;
    clinic.fleet.until("select count(*) from dialogpost.outbox where wire = 'dialogpost' and due_at > now()", 1).await;
    assert_eq!(clinic.fleet.sent_state(no_key).await, "queued");
    let codes = clinic.fleet.rows.column::<String>("select code from dialogpost.dead_letter").await;
    assert_eq!(codes, ["recipient-certificate-missing"]);
    clinic.fleet.apply_setup(exchange.setup()).await;
    let received = clinic.helsenorge.expect("8093244_async", 1, PATIENCE).await.unwrap().remove(0);
    let stored: Vec<u8> = clinic.fleet.rows.one(&format!("select raw from dialogpost.message where id = '{no_key}'")).await;
    assert_eq!(exchange.opened(&received).body, stored, "exactly the stored bytes were signed");
    clinic.close().await;
}
