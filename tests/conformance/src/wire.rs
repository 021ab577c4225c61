//! Deliveries of any shape on a real broker, read as the fleet reads them.

use broker::{Consumer, IntakeConfig};
use e2e::NHN_EXCHANGE;
use jiff::Timestamp;
use lapin::message::BasicGetMessage;
use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use messages::transport::Delivery;
use std::time::Duration;
use testbed::World;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The queue.
const QUEUE: &str = "q";

/// A queue `q`, and both ends of it.
pub struct Wire {
    /// The servers.
    pub world: World,
    _connection: Connection,
    channel: Channel,
    consumer: Option<Consumer>,
}

impl Wire {
    /// On the servers that tests share.
    pub async fn new() -> Self {
        let world = testbed::world().await;
        let (connection, channel) = channel(&world).await;
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(short(QUEUE), options, FieldTable::default()).await.expect("a queue");
        Self { world, _connection: connection, channel, consumer: None }
    }

    /// Puts a message on the queue as it is.
    pub async fn put(&self, properties: BasicProperties, body: &[u8]) {
        publish(&self.channel, "", QUEUE, properties, body).await;
    }

    /// Puts a message on a party's queue, by way of NHN's exchange.
    pub async fn put_to(world: &World, queue: &str, properties: BasicProperties, body: &[u8]) {
        let (_connection, channel) = channel(world).await;
        publish(&channel, NHN_EXCHANGE, queue, properties, body).await;
    }

    /// One more queue on NHN's exchange.
    pub async fn make(world: &World, queue: &str) {
        let (_connection, channel) = channel(world).await;
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(short(queue), options, FieldTable::default()).await.expect("a queue");
        let binding =
            channel.queue_bind(short(queue), short(NHN_EXCHANGE), short(queue), Default::default(), FieldTable::default());
        binding.await.expect("a binding");
    }

    /// The next message of any queue as it lies there, and how many consumers the queue has.
    pub async fn take(world: &World, queue: &str) -> (Option<BasicGetMessage>, u32) {
        let (_connection, channel) = channel(world).await;
        let message = channel.basic_get(short(queue), BasicGetOptions { no_ack: true }).await.expect("an answer");
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare(short(queue), options, FieldTable::default()).await.expect("the queue is there");
        (message, queue.consumer_count())
    }

    /// What the fleet's reader makes of the next message.
    pub async fn read(&mut self) -> Delivery {
        let consumer = self.consumer.get_or_insert_with(|| {
            let url = self.world.amqp_url.parse().expect("a URL");
            let config = IntakeConfig { name: "case".into(), prefetch: 1, batch: 1, now: || Timestamp::UNIX_EPOCH };
            Consumer::new(url, config, watch::channel(vec![QUEUE.to_owned()]).1, CancellationToken::new())
        });
        let batch = tokio::time::timeout(Duration::from_secs(20), consumer.next()).await.expect("in time").expect("a batch");
        let delivery = batch.deliveries[0].clone();
        batch.ack().await;
        delivery
    }
}

async fn channel(world: &World) -> (Connection, Channel) {
    let connection = Connection::connect(&world.amqp_url, ConnectionProperties::default()).await.expect("the broker answers");
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    (connection, channel)
}

async fn publish(channel: &Channel, exchange: &str, queue: &str, properties: BasicProperties, body: &[u8]) {
    let options = BasicPublishOptions { mandatory: true, immediate: false };
    let confirm = channel.basic_publish(short(exchange), short(queue), options, body, properties).await.expect("it can be sent");
    assert!(confirm.await.expect("a confirm").take_message().is_none(), "the queue takes it");
}

/// At most 255 bytes.
pub fn short(text: &str) -> ShortString {
    ShortString::try_new(text).expect("a short text")
}

/// A header's value.
pub fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

/// A header's value.
pub fn section(bytes: Vec<u8>) -> AMQPValue {
    AMQPValue::LongString(bytes.into())
}

/// Properties with these headers.
pub fn headers(entries: &[(&str, AMQPValue)]) -> BasicProperties {
    let mut table = FieldTable::default();
    for (key, value) in entries {
        table.insert(short(key), value.clone());
    }
    BasicProperties::default().with_headers(table)
}
