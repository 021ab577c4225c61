//! What goes in comes out, as the fleet reads it and as HelseNorge reads the fleet.

use crate::{EXCHANGE, PATIENCE, connected};
use broker::{Consumer, IntakeConfig, Publisher, Settled};
use bytes::Bytes;
use helsenorge::example::{HELSENORGE, HELSENORGE_PARENT, SOLBAKKEN, SOLBAKKEN_PARENT, async_queue, error_queue};
use helsenorge::{ErrorMessage, HelseNorge, Message, Receipt, Sent, Shape, Trouble};
use jiff::Timestamp;
use messages::transport::{Delivery, Outgoing, Wire};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Reads one message as a worker of the fleet does.
pub(crate) async fn as_the_fleet_reads(amqp_url: &str, queue: &str) -> Delivery {
    let cancel = CancellationToken::new();
    let now = || Timestamp::UNIX_EPOCH;
    let config = IntakeConfig { name: "test".to_owned(), prefetch: 10, batch: 1, now };
    let queues = watch::channel(vec![queue.to_owned()]).1;
    let mut consumer = Consumer::new(amqp_url.parse().unwrap(), config, queues, cancel.clone());
    let batch = tokio::time::timeout(PATIENCE, consumer.next()).await.unwrap().unwrap();
    let delivery = batch.deliveries[0].clone();
    let _ = batch.ack().await;
    cancel.cancel();
    assert!(consumer.next().await.is_none());
    delivery
}

/// Sends as the fleet does.
pub(crate) async fn publish_as_the_fleet(amqp_url: &str, sent: &Sent) {
    let outgoing = Outgoing {
        id: Uuid::new_v4(),
        wire: Wire::Nhn,
        exchange: EXCHANGE.to_owned(),
        routing_key: sent.queue.clone(),
        properties: sent.properties.clone(),
        body: sent.body.clone(),
        cause: None,
        led_by: None,
        not_before: None,
        is_awaited: true,
    };
    let publisher = Publisher::new(amqp_url.parse().unwrap(), "test");
    assert_eq!(publisher.publish(&[outgoing]).await, [Settled::Confirmed]);
    publisher.close().await;
}

/// A clinic's receipt on its way to HelseNorge.
pub(crate) fn receipt_for(original: &Sent) -> Sent {
    let receipt = Receipt::for_message(&original.msg_id);
    receipt.between((SOLBAKKEN, SOLBAKKEN_PARENT), (HELSENORGE, HELSENORGE_PARENT)).to_message().build()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fleet_reads_what_helsenorge_sends() {
    let (world, helsenorge) = connected().await;
    let sent = helsenorge.send(&Message::ekonsultasjon().text("Blåbær på øya")).await.unwrap();
    let delivery = as_the_fleet_reads(&world.amqp_url, &async_queue(SOLBAKKEN)).await;
    assert_eq!(delivery.properties, sent.properties);
    assert_eq!(delivery.body, sent.body);
    assert_eq!(delivery.deviations, Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_rabbitmq_4_subject_and_to_are_gone() {
    let (world, _) = connected().await;
    let helsenorge = HelseNorge::connect(&world.amqp_url, EXCHANGE).await.unwrap().behind(Shape::Containers);
    let sent = helsenorge.send(&Message::ekontakt()).await.unwrap();
    let delivery = as_the_fleet_reads(&world.amqp_url, &async_queue(SOLBAKKEN)).await;
    let mut want = sent.properties.clone();
    (want.subject, want.to) = (None, None);
    assert_eq!(delivery.properties, want);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_witness_sees_the_shape_and_the_receipt() {
    let (world, helsenorge) = connected().await;
    let original = Message::ekontakt().build();
    let receipt = receipt_for(&original);
    publish_as_the_fleet(&world.amqp_url, &receipt).await;
    helsenorge.publish(std::slice::from_ref(&receipt)).await.unwrap();
    let received = helsenorge.receipts(2, PATIENCE).await.unwrap();
    assert_eq!(received[0].shape_faults(), Vec::<String>::new());
    assert_eq!(received[0].properties, receipt.properties);
    let apprec = received[0].apprec.as_ref().unwrap();
    assert_eq!(apprec.original_id.as_ref(), Some(&original.msg_id));
    assert!(apprec.status.as_ref().unwrap().is("1"));
    assert_eq!(apprec.sender_her_id.as_deref(), Some("8141333"));
    let faults = received[1].shape_faults();
    assert_eq!(faults.len(), 3, "HelseNorge's own shape would not do for a sender to HelseNorge: {faults:?}");
    helsenorge.nothing_on(&async_queue(HELSENORGE), Duration::from_millis(100)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn error_messages_arrive_on_error_queues() {
    let (world, helsenorge) = connected().await;
    let receipt = receipt_for(&Message::ekontakt().build());
    let notice = ErrorMessage::about(&receipt.properties);
    let sent = helsenorge.send_error_message(&notice).await.unwrap();
    let delivery = as_the_fleet_reads(&world.amqp_url, &error_queue(SOLBAKKEN)).await;
    assert_eq!((delivery.properties, delivery.body), (sent.properties, Bytes::new()));
    helsenorge.publish(&[Sent { queue: error_queue(HELSENORGE), ..receipt }]).await.unwrap();
    let unexpected = helsenorge.nothing_on(&error_queue(HELSENORGE), Duration::ZERO).await;
    assert!(matches!(unexpected, Err(Trouble::Unexpected { count: 1, .. })), "{unexpected:?}");
    assert_eq!(helsenorge.errors(1, PATIENCE).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_or_unroutable_is_told() {
    let (_world, helsenorge) = connected().await;
    let missing = helsenorge.errors(2, Duration::from_millis(100)).await;
    assert!(matches!(missing, Err(Trouble::TooFew { wanted: 2, got: 0, .. })), "{missing:?}");
    let messages = [Message::ekontakt(), Message::ekontakt().on_queue("1_async"), Message::ekontakt()];
    let returned = helsenorge.send_all(&messages).await;
    assert!(matches!(&returned, Err(Trouble::Returned { count: 1, queue, .. }) if queue == "1_async"), "{returned:?}");
    let received = helsenorge.receive(&async_queue(SOLBAKKEN), 5, Duration::from_millis(300)).await.unwrap();
    assert_eq!(received.len(), 2);
    let strange = Message::ekontakt().transport_id("i".repeat(300));
    assert!(matches!(helsenorge.send(&strange).await, Err(Trouble::Unfit(_))));
    helsenorge.close().await;
}
