//! What became of a message.

use e2e::{Clinic, Exchange};
use helsenorge::{Received, Sent};

/// Sends, and asserts that exactly one error message tells this; gives it back.
pub async fn refused(clinic: &mut Clinic, sent: &Sent, condition: &str) -> Received {
    clinic.publish(std::slice::from_ref(sent)).await;
    let error = clinic.error().await;
    assert_eq!(error.application("errorCondition"), Some(condition), "{:?}", error.properties);
    assert_eq!(error.application("originalMessageId"), Some(sent.transport_id.as_str()));
    assert!(error.application("errorDescription").is_some_and(|text| !text.is_empty()));
    assert_eq!(state(clinic, sent).await, "rejected");
    error
}

/// Sends sealed content, and asserts that it is delivered and receipted; gives the receipt back, opened.
pub async fn accepted(clinic: &mut Clinic, exchange: &Exchange, sent: &Sent) -> Received {
    clinic.publish(std::slice::from_ref(sent)).await;
    let receipt = exchange.opened(&clinic.receipt().await);
    let apprec = receipt.apprec.clone().expect("an AppRec");
    assert_eq!(apprec.original_id.as_deref(), Some(sent.msg_id.as_str()));
    assert!(apprec.status.is_some_and(|status| status.is("1")), "{:?}", apprec.errors);
    assert_eq!(state(clinic, sent).await, "delivered");
    receipt
}

async fn state(clinic: &Clinic, sent: &Sent) -> String {
    let arrived = format!("select id from dialogpost.message where transport_id = '{}'", sent.transport_id);
    clinic
        .fleet
        .until(&format!("select count(*) from dialogpost.message_state where state <> 'in_flight' and id in ({arrived})"), 1)
        .await;
    let sql = "select s.state from dialogpost.message_state s join dialogpost.message m on m.id = s.id where m.transport_id = $1";
    let rows = clinic.fleet.rows.query(sql, &[&sent.transport_id]).await;
    assert_eq!(rows.len(), 1, "one row in the ledger");
    rows[0].get(0)
}

/// The texts of all entries, sorted.
pub async fn texts(clinic: &Clinic) -> Vec<String> {
    clinic.fleet.rows.column("select text from dialogpost.dialog_entry order by text").await
}
