//! Requests whose sender waits: answered in time or not at all, apart from everything else.

use e2e::{Clinic, PATIENCE};
use helsenorge::example::syncreply_queue;
use helsenorge::{Message, Received};

async fn reply(clinic: &Clinic) -> Received {
    let replies = clinic.helsenorge.expect(&syncreply_queue(8_093_244), 1, PATIENCE).await.unwrap();
    replies.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_nobody_waits_for_any_more_is_not_answered() {
    let mut clinic = Clinic::open().await;
    clinic.send(&[Message::kommunikasjonstest().seconds_old(25)]).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.message_state where state = 'expired'").await, 1);
    assert_eq!(clinic.helsenorge.waiting_on(&syncreply_queue(8_093_244)).await.unwrap(), 0);
    clinic.close().await;
}

/// While nothing with content can be stored, whoever waits is answered all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_does_not_delay_a_reply() {
    let clinic = Clinic::open().await;
    let rows = &clinic.fleet.rows;
    rows.query("begin", &[]).await;
    rows.query("lock table dialogpost.dialog in share row exclusive mode", &[]).await;
    clinic.helsenorge.send_all(&[Message::ekontakt(), Message::ekonsultasjon()]).await.unwrap();
    clinic.helsenorge.send(&Message::kommunikasjonstest()).await.unwrap();
    reply(&clinic).await;
    assert_eq!(rows.count("dialogpost.message where outcome = 'accepted'").await, 0, "the others still wait");
    rows.query("commit", &[]).await;
    clinic.fleet.settle(3).await;
    clinic.helsenorge.receipts(2, PATIENCE).await.unwrap();
    clinic.close().await;
}
