//! S5: what became of what the clinic wrote.

use super::{head, of, open, shown, start};
use helsenorge::{ErrorMessage, Receipt, Sent};
use serde_json::json;
use uuid::Uuid;

pub(super) const US: (i64, i64) = (8_141_334, 115_900);
pub(super) const HELSENORGE: (i64, i64) = (8_093_244, 115_851);

async fn state(epj: &e2e::Epj, dialog: Uuid) -> String {
    shown(epj, dialog).await["entries"][0]["state"]["state"].as_str().unwrap().to_owned()
}

/// A doctor has no queues of his own: what is for him comes on the clinic's.
pub(super) fn ours(sent: Sent) -> Sent {
    let queue = sent.queue.replace("8141334", "8141333");
    let properties = messages::transport::Properties { to: Some(queue.clone()), ..sent.properties.clone() };
    Sent { queue, properties, ..sent }
}

async fn inbox(clinic: &e2e::Clinic) -> Vec<String> {
    let sql = "select employee || '/' || array_to_string(via, ',') || '/' || flagged from dialogpost.inbox_item order by 1";
    clinic.fleet.rows.column(sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_a_rejection_lands_in_the_inbox_of_who_wrote_it() {
    let (mut clinic, epj) = open().await;
    let dialog: Uuid = epj.done(&start()).await["dialog"].as_str().unwrap().parse().unwrap();
    let id = head(&clinic.sent().await).msg_id.unwrap();
    let rejection = Receipt::for_message(&id).between(HELSENORGE, US).rejected("E21", "Mottaker finnes ikke");
    clinic.publish(&[ours(rejection.to_message().build())]).await;
    clinic.fleet.until("select count(*) from dialogpost.inbox_item", 1).await;
    assert_eq!(inbox(&clinic).await, ["kari/turned-down/true"]);
    let seen = shown(&epj, dialog).await["entries"][0]["state"].clone();
    let why = json!({ "code": "E21", "norwegian": "Mottakeren finnes ikke.", "english": "The receiver does not exist." });
    assert_eq!(seen, json!({ "state": "rejected", "codes": ["E21"], "reasons": [why] }));
    let listed = epj.done(&of("kari", "ListDialogs", json!({}))).await;
    assert_eq!(listed["dialogs"][0]["dialog"], json!(dialog));
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_an_error_message_lands_there_too_and_once() {
    let (clinic, epj) = open().await;
    let dialog: Uuid = epj.done(&start()).await["dialog"].as_str().unwrap().parse().unwrap();
    let received = clinic.sent().await;
    let error = || ErrorMessage::about(&received.properties).condition("transport:internal-error", "Noe gikk galt");
    clinic.helsenorge.publish(&[ours(error().build())]).await.unwrap();
    clinic.helsenorge.publish(&[ours(error().condition("transport:invalid-field-value", "Og mer").build())]).await.unwrap();
    clinic.fleet.until("select count(*) from dialogpost.receipt", 2).await;
    clinic.fleet.until("select count(*) from dialogpost.inbox_item", 1).await;
    assert_eq!(state(&epj, dialog).await, "failed");
    clinic.fleet.settle(2).await;
    assert_eq!(inbox(&clinic).await, ["kari/turned-down/true"]);
    clinic.close().await;
}

/// Who has left gets nothing: then the whole clinic does (R4).
#[tokio::test(flavor = "multi_thread")]
async fn s5_nothing_is_told_to_nobody() {
    let (mut clinic, epj) = open().await;
    epj.done(&start()).await;
    let id = head(&clinic.sent().await).msg_id.unwrap();
    clinic.fleet.rows.query("delete from dialogpost.employee where id = 'kari'", &[]).await;
    let rejection = Receipt::for_message(&id).between(HELSENORGE, US).rejected("E21", "Mottaker finnes ikke");
    clinic.fleet.rows.query("update dialogpost.employee set her_id = 8141334 where id = 'ole'", &[]).await;
    clinic.publish(&[ours(rejection.to_message().build())]).await;
    clinic.fleet.until("select count(*) from dialogpost.inbox_item", 2).await;
    assert_eq!(inbox(&clinic).await, ["ole/turned-down,fallback:clinic/true", "siri/turned-down,fallback:clinic/true"]);
    clinic.close().await;
}
