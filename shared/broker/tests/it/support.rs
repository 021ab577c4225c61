//! What the tests share.

use broker::{Acked, AmqpUrl, Batch, Consumer, IntakeConfig, Publisher, Settled};
use jiff::Timestamp;
use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use messages::transport::{Outgoing, Properties, Wire};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use testbed::Rabbit;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// One node for all tests that leave it running, as long as any of them runs.
pub async fn shared() -> Arc<Rabbit> {
    static NODE: tokio::sync::Mutex<Weak<Rabbit>> = tokio::sync::Mutex::const_new(Weak::new());
    let mut node = NODE.lock().await;
    if let Some(rabbit) = node.upgrade() {
        return rabbit;
    }
    let rabbit = Arc::new(Rabbit::private().await);
    *node = Arc::downgrade(&rabbit);
    rabbit
}

pub fn short(text: &str) -> ShortString {
    ShortString::try_new(text).unwrap()
}

pub fn url(text: &str) -> AmqpUrl {
    text.parse().unwrap()
}

pub fn message(exchange: &str, routing_key: &str, id: impl ToString) -> Outgoing {
    Outgoing {
        id: Uuid::nil(),
        wire: Wire::Dialogpost,
        exchange: exchange.to_owned(),
        routing_key: routing_key.to_owned(),
        properties: Properties { message_id: Some(id.to_string()), ..Default::default() },
        body: vec![b'x'; 1000].into(),
        cause: None,
        led_by: None,
        not_before: None,
        is_awaited: true,
    }
}

/// `n` messages to a queue through the default exchange, with ids from `first` on.
pub fn messages(queue: &str, first: usize, n: usize) -> Vec<Outgoing> {
    (first..first + n).map(|id| message("", queue, format!("{id:05}"))).collect()
}

pub async fn publish(url_text: &str, batch: &[Outgoing]) {
    let publisher = Publisher::new(url(url_text), "test");
    assert_eq!(publisher.publish(batch).await, vec![Settled::Confirmed; batch.len()]);
    publisher.close().await;
}

pub struct Admin {
    connection: lapin::Connection,
}

impl Admin {
    pub async fn new(url_text: &str) -> Self {
        Self { connection: lapin::Connection::connect(url_text, lapin::ConnectionProperties::default()).await.unwrap() }
    }

    pub async fn channel(&self) -> lapin::Channel {
        self.connection.create_channel().await.unwrap()
    }

    pub async fn declare(&self, queue: &str, arguments: &[(&str, AMQPValue)]) {
        let mut table = FieldTable::default();
        table.insert(short("x-queue-type"), AMQPValue::LongString("quorum".into()));
        for (key, value) in arguments {
            table.insert(short(key), value.clone());
        }
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        self.channel().await.queue_declare(short(queue), options, table).await.unwrap();
    }

    pub async fn delete(&self, queue: &str) {
        self.channel().await.queue_delete(short(queue), QueueDeleteOptions::default()).await.unwrap();
    }

    /// Messages ready in a queue.
    pub async fn ready(&self, queue: &str) -> u32 {
        let options = QueueDeclareOptions { passive: true, ..Default::default() };
        self.channel().await.queue_declare(short(queue), options, FieldTable::default()).await.unwrap().message_count()
    }

    pub async fn ready_becomes(&self, queue: &str, want: u32) {
        for _ in 0..100 {
            if self.ready(queue).await == want {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(self.ready(queue).await, want, "{queue}");
    }
}

/// A consumer with the means to steer it.
pub struct Reader {
    pub consumer: Consumer,
    pub queues: watch::Sender<Vec<String>>,
    pub cancel: CancellationToken,
}

impl Reader {
    pub fn new(url_text: &str, queues: &[&str], prefetch: u16, batch: usize) -> Self {
        let queues = watch::Sender::new(queues.iter().map(|q| (*q).to_owned()).collect());
        let cancel = CancellationToken::new();
        let config = IntakeConfig { name: "test".to_owned(), prefetch, batch, now: || Timestamp::UNIX_EPOCH };
        Self { consumer: Consumer::new(url(url_text), config, queues.subscribe(), cancel.clone()), queues, cancel }
    }

    pub async fn next(&mut self) -> Batch {
        tokio::time::timeout(Duration::from_secs(60), self.consumer.next())
            .await
            .expect("a batch in time")
            .expect("not cancelled")
    }

    /// Reads and acknowledges until each of these ids has come; how often each came.
    pub async fn read(&mut self, n: usize) -> BTreeMap<String, usize> {
        let mut seen = BTreeMap::new();
        while seen.len() < n {
            let batch = self.next().await;
            let ids = ids(&batch);
            if batch.ack().await == Acked::Sent {
                ids.into_iter().for_each(|id| *seen.entry(id).or_default() += 1);
            }
        }
        seen
    }

    pub async fn stop(mut self) {
        self.cancel.cancel();
        assert!(self.consumer.next().await.is_none());
    }
}

pub fn ids(batch: &Batch) -> Vec<String> {
    batch.deliveries.iter().map(|d| d.properties.message_id.clone().unwrap()).collect()
}

pub fn id_range(first: usize, n: usize) -> Vec<String> {
    (first..first + n).map(|id| format!("{id:05}")).collect()
}
