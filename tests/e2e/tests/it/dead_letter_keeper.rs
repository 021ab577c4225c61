//! `dead-letter-keeper`: what the broker gave up on is stored whole, once.

use broker::{Publisher, Settled, topology};
use e2e::Fleet;
use messages::transport::{LEDGER_ID, Outgoing, Properties, Wire};
use runtime::probe::{Probe, Step};
use std::time::Duration;
use store::ledger;
use uuid::Uuid;

async fn put(fleet: &Fleet, queue: String, id: Uuid, body: &'static [u8]) {
    put_with(fleet, queue, id, body, Properties::default()).await;
}

async fn put_with(fleet: &Fleet, queue: String, id: Uuid, body: &'static [u8], properties: Properties) {
    let publisher = Publisher::new(fleet.world.amqp_url.parse().unwrap(), "test");
    let properties = Properties { message_id: Some(id.to_string()), ..properties };
    let body = body.into();
    let outgoing = Outgoing {
        id,
        wire: Wire::Dialogpost,
        exchange: String::new(),
        routing_key: queue,
        properties,
        body,
        cause: None,
        led_by: None,
        not_before: None,
        is_awaited: true,
    };
    assert_eq!(publisher.publish(&[outgoing]).await, [Settled::Confirmed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_event_is_a_dead_letter_of_its_worker() {
    let fleet = Fleet::new().await;
    let running = fleet.start();
    put(&fleet, topology::queue_of("recipient-routing"), Uuid::now_v7(), b"\x00not json").await;
    fleet
        .until(
            "select count(*) from dialogpost.dead_letter where code = 'event-unreadable' and body = '\\x006e6f74206a736f6e'",
            1,
        )
        .await;
    running.stop().await;
}

/// A worker that dies on a message again and again: the broker's delivery limit ends it, and the keeper stores what it gave up.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_kills_its_worker_ends_with_the_keeper() {
    let fleet = Fleet::new().await;
    let id = Uuid::now_v7();
    put(&fleet, topology::queue_of("recipient-routing"), id, b"whatever").await;
    let routing = [recipient_routing::WORKER];
    for _ in 0..=topology::DELIVERY_LIMIT {
        fleet.start_with(&routing, Probe::new(|_, step| step == Step::Parsed)).crashed().await;
    }
    let keeper = fleet.start_with(&[dead_letter_keeper::WORKER], Probe::default());
    let sql =
        "select count(*) from dialogpost.dead_letter where code = 'broker-gave-up' and queue = 'dialogpost.recipient-routing'
         and worker = 'recipient-routing' and body = 'whatever'";
    fleet.until(sql, 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(fleet.rows.count("dialogpost.dead_letter").await, 1);
    keeper.stop().await;
}

/// A message that was put off and dies on its way back has ended, and the ledger says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_waited_and_was_given_up_no_longer_waits() {
    let fleet = Fleet::new().await;
    let (id, session) = (Uuid::now_v7(), fleet.store().session().await.unwrap());
    let waits = format!(
        "insert into dialogpost.waiting (key, message, at, queue, bytes, code) values ('k', '{id}', now(), '8141333_async', 1, 'x')"
    );
    fleet.rows.query(&waits, &[]).await;
    let in_flight = ledger::lines(&session, 1).await.unwrap();
    assert!(matches!(&in_flight[..], [line] if line.balances() && (line.received, line.in_flight) == (1, 1)), "{in_flight:?}");
    let keeper = fleet.start_with(&[dead_letter_keeper::WORKER], Probe::default());
    let properties = Properties { application: [(LEDGER_ID.to_owned(), id.to_string())].into(), ..Properties::default() };
    put_with(&fleet, topology::queue_of("dead-letter-keeper"), Uuid::now_v7(), b"whatever", properties).await;
    fleet.until(&format!("select count(*) from dialogpost.dead_letter where message = '{id}'"), 1).await;
    let dead = ledger::lines(&session, 1).await.unwrap();
    assert!(matches!(&dead[..], [line] if line.balances() && (line.received, line.dead) == (1, 1)), "{dead:?}");
    keeper.stop().await;
}
