//! HelseNorge's connection: sends as its AMQP 1.0 client looks through a broker, receives without the fleet's own reader.

use crate::error_message::ErrorMessage;
use crate::example::{HELSENORGE, async_queue, error_queue};
use crate::message::{Message, Sent};
use crate::received::Received;
use crate::shape::{Shape, short};
use crate::trouble::Trouble;
use broker::AmqpUrl;
use futures_util::future::ready;
use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt};
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::tcp::OwnedTLSConfig;
use lapin::types::FieldTable;
use lapin::{Channel, Confirmation, Connection, ConnectionProperties, PublisherConfirm};
use messages::HerId;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// Most messages that wait for their confirm, or that the broker hands out ahead.
const WINDOW: usize = 1000;
const PREFETCH: usize = 500;
/// How often a queue that should stay empty is looked at.
const GLANCE: Duration = Duration::from_millis(20);
/// How long a connection may take to be made, all told.
const CONNECT: Duration = Duration::from_secs(5);

/// HelseNorge. It connects again by itself at the next call after its connection was lost; what was under way then fails.
pub struct HelseNorge {
    url: String,
    /// Authorities that vouch for the broker beside the public ones, in PEM.
    roots: Option<String>,
    exchange: String,
    shape: Shape,
    link: Mutex<Option<Link>>,
}

struct Link {
    connection: Connection,
    publishing: Channel,
}

impl HelseNorge {
    /// Connects. `exchange` is NHN's namespace.
    ///
    /// # Errors
    /// [`Trouble::Broker`].
    pub async fn connect(amqp_url: &str, exchange: &str) -> Result<Self, Trouble> {
        Self::connect_trusting(amqp_url, exchange, None).await
    }

    /// As [`HelseNorge::connect`]; authorities in PEM vouch for the broker beside the public ones.
    ///
    /// # Errors
    /// [`Trouble::Broker`].
    pub async fn connect_trusting(amqp_url: &str, exchange: &str, roots: Option<String>) -> Result<Self, Trouble> {
        let (url, exchange) = (amqp_url.to_owned(), exchange.to_owned());
        let helsenorge = Self { url, roots, exchange, shape: Shape::default(), link: Mutex::new(None) };
        helsenorge.publishing().await?;
        Ok(helsenorge)
    }

    /// The same behind another generation of RabbitMQ.
    #[must_use]
    pub fn behind(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// Creates the exchange, and the queues of these parties. In production they are NHN's.
    ///
    /// # Errors
    /// [`Trouble::Topology`].
    pub async fn create_queues(&self, her_ids: &[i64]) -> Result<(), Trouble> {
        let url: AmqpUrl = self.url.parse()?;
        let her_ids: Vec<HerId> = her_ids.iter().map(|id| (*id).try_into().expect("a HER-id")).collect();
        broker::topology::apply_nhn_standin(&url, &self.exchange, &her_ids).await?;
        Ok(())
    }

    /// Sends a message and waits until the broker has it.
    ///
    /// # Errors
    /// [`Trouble`] when the broker does not have it.
    pub async fn send(&self, message: &Message) -> Result<Sent, Trouble> {
        let sent = message.build();
        self.publish(std::slice::from_ref(&sent)).await?;
        Ok(sent)
    }

    /// Sends messages without waiting between them, then waits for all.
    ///
    /// # Errors
    /// [`Trouble`] when the broker lacks any of them.
    pub async fn send_all(&self, messages: &[Message]) -> Result<Vec<Sent>, Trouble> {
        let sent: Vec<Sent> = messages.iter().map(Message::build).collect();
        self.publish(&sent).await?;
        Ok(sent)
    }

    /// Tells a clinic, on its error queue, that something it sent could not be processed.
    ///
    /// # Errors
    /// [`Trouble`] when the broker does not have it.
    pub async fn send_error_message(&self, message: &ErrorMessage) -> Result<Sent, Trouble> {
        let sent = message.build();
        self.publish(std::slice::from_ref(&sent)).await?;
        Ok(sent)
    }

    /// Sends what has been built before, pipelined: again under the same ids, or from the load generator.
    ///
    /// # Errors
    /// [`Trouble`] when the broker lacks any of them.
    pub async fn publish(&self, messages: &[Sent]) -> Result<(), Trouble> {
        let mut outcome = Outcome::default();
        let mut confirms = FuturesUnordered::new();
        for message in messages {
            if confirms.len() >= WINDOW
                && let Some(confirmation) = confirms.next().await
            {
                outcome.add(confirmation?);
            }
            confirms.push(self.put(message).await?);
        }
        while let Some(confirmation) = confirms.next().await {
            outcome.add(confirmation?);
        }
        outcome.verdict()
    }

    /// Takes up to `count` messages off a queue, acknowledged, waiting at most `patience` for them all. Never takes more than `count`.
    ///
    /// # Errors
    /// [`Trouble::Broker`]; what was taken before is back on the queue.
    pub async fn receive(&self, queue: &str, count: usize, patience: Duration) -> Result<Vec<Received>, Trouble> {
        let deadline = Instant::now() + patience;
        if count == 0 {
            return Ok(Vec::new());
        }
        let channel = self.channel().await?;
        let prefetch = count.min(PREFETCH);
        channel.basic_qos(u16::try_from(prefetch).unwrap_or(u16::MAX), BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let mut consumer = channel.basic_consume(short(queue)?, short("")?, options, FieldTable::default()).await?;
        let (mut received, mut last, mut acked) = (Vec::new(), 0, 0);
        while received.len() < count
            && let Ok(Some(delivery)) = timeout_at(deadline, consumer.next()).await
        {
            let delivery = delivery?;
            last = delivery.delivery_tag;
            received.push(Received::of(queue, delivery));
            // The broker never hands out more than it has acknowledged back plus the prefetch: so never more than `count`.
            let due = received.len().min(count - prefetch);
            if due > acked && (due - acked >= prefetch / 2 || due == count - prefetch) {
                acked = due;
                channel.basic_ack(due as u64, BasicAckOptions { multiple: true }).await?;
            }
        }
        channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
        while let Ok(Some(Ok(delivery))) = timeout(GLANCE, consumer.next()).await {
            last = delivery.delivery_tag;
            received.push(Received::of(queue, delivery));
        }
        if last > acked as u64 {
            channel.basic_ack(last, BasicAckOptions { multiple: true }).await?;
        }
        // What is acknowledged does not come again, whatever the goodbye comes to.
        let _ = close(channel).await;
        Ok(received)
    }

    /// Everything that comes to a queue, taken off it as it comes, until the stream is dropped or the connection is lost.
    ///
    /// # Errors
    /// [`Trouble::Broker`], also when there is no such queue.
    pub async fn listen(&self, queue: &str) -> Result<impl Stream<Item = Received> + Unpin + use<>, Trouble> {
        let channel = self.channel().await?;
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let consumer = channel.basic_consume(short(queue)?, short("")?, options, FieldTable::default()).await?;
        let queue = queue.to_owned();
        Ok(consumer.filter_map(move |delivery| ready(delivery.ok().map(|delivery| Received::of(&queue, delivery)))))
    }

    /// Exactly `count` messages of a queue.
    ///
    /// # Errors
    /// [`Trouble::TooFew`] when fewer come in time; those are gone all the same.
    pub async fn expect(&self, queue: &str, count: usize, patience: Duration) -> Result<Vec<Received>, Trouble> {
        let received = self.receive(queue, count, patience).await?;
        if received.len() == count {
            return Ok(received);
        }
        Err(Trouble::TooFew { queue: queue.to_owned(), wanted: count, got: received.len(), waited: patience })
    }

    /// `count` messages from HelseNorge's own async queue: receipts, and what clinics send.
    ///
    /// # Errors
    /// Like [`HelseNorge::expect`].
    pub async fn receipts(&self, count: usize, patience: Duration) -> Result<Vec<Received>, Trouble> {
        self.expect(&async_queue(HELSENORGE), count, patience).await
    }

    /// `count` messages from HelseNorge's own error queue.
    ///
    /// # Errors
    /// Like [`HelseNorge::expect`].
    pub async fn errors(&self, count: usize, patience: Duration) -> Result<Vec<Received>, Trouble> {
        self.expect(&error_queue(HELSENORGE), count, patience).await
    }

    /// Watches a queue for a while without taking anything off it.
    ///
    /// # Errors
    /// [`Trouble::Unexpected`] as soon as there is a message.
    pub async fn nothing_on(&self, queue: &str, wait: Duration) -> Result<(), Trouble> {
        let deadline = Instant::now() + wait;
        loop {
            match self.waiting_on(queue).await? {
                0 if Instant::now() >= deadline => return Ok(()),
                0 => sleep(GLANCE).await,
                count => return Err(Trouble::Unexpected { queue: queue.to_owned(), count }),
            }
        }
    }

    /// How many messages of a queue are ready to be taken.
    ///
    /// # Errors
    /// [`Trouble::Broker`], also when there is no such queue.
    pub async fn waiting_on(&self, queue: &str) -> Result<u32, Trouble> {
        let channel = self.channel().await?;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let count = channel.queue_declare(short(queue)?, options, FieldTable::default()).await?.message_count();
        close(channel).await?;
        Ok(count)
    }

    /// Says goodbye.
    pub async fn close(self) {
        if let Some(link) = self.link.into_inner() {
            let _ = link.connection.close(200, "done".into()).await;
        }
    }

    /// Hands one message to the broker; the confirm comes later.
    pub(crate) async fn put(&self, message: &Sent) -> Result<PublisherConfirm, Trouble> {
        let properties = self.shape.basic_properties(&message.properties)?;
        let (exchange, queue) = (short(&self.exchange)?, short(&message.queue)?);
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        let channel = self.publishing().await?;
        Ok(channel.basic_publish(exchange, queue, options, &message.body, properties).await?)
    }

    async fn publishing(&self) -> Result<Channel, Trouble> {
        let mut link = self.link.lock().await;
        match &*link {
            Some(link) if link.connection.status().connected() && link.publishing.status().connected() => {
                Ok(link.publishing.clone())
            }
            _ => {
                // Everybody waits for it.
                let opened = timeout(CONNECT, self.open()).await.map_err(|_| Trouble::Unfit("the broker does not answer"))?;
                Ok(link.insert(opened?).publishing.clone())
            }
        }
    }

    async fn open(&self) -> Result<Link, Trouble> {
        let options = ConnectionProperties::default().with_connection_name("helsenorge".into());
        let tls = OwnedTLSConfig { identity: None, cert_chain: self.roots.clone() };
        let runtime = lapin::runtime::default_runtime()?;
        let connection = Connection::connect_with_config(&self.url, options, tls, runtime).await?;
        let publishing = connection.create_channel().await?;
        publishing.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Link { connection, publishing })
    }

    /// A channel to read with.
    async fn channel(&self) -> Result<Channel, Trouble> {
        self.publishing().await?;
        let link = self.link.lock().await;
        let link = link.as_ref().ok_or(Trouble::Unfit("the connection is closed"))?;
        Ok(link.connection.create_channel().await?)
    }
}

async fn close(channel: Channel) -> Result<(), Trouble> {
    Ok(channel.close(200, "done".into()).await?)
}

/// What the broker said to a pipeline of messages. Which confirm a return hangs on means nothing: only their number counts.
#[derive(Default)]
struct Outcome {
    returned: usize,
    first: Option<(String, String)>,
    refused: usize,
}

impl Outcome {
    fn add(&mut self, confirmation: Confirmation) {
        if confirmation.is_nack() {
            self.refused += 1;
        }
        if let Some(message) = confirmation.take_message() {
            self.returned += 1;
            let first = || (message.delivery.routing_key.to_string(), message.reply_text.to_string());
            self.first.get_or_insert_with(first);
        }
    }

    fn verdict(self) -> Result<(), Trouble> {
        match self.first {
            Some((queue, text)) => Err(Trouble::Returned { count: self.returned, queue, text }),
            None if self.refused > 0 => Err(Trouble::Refused { count: self.refused }),
            None => Ok(()),
        }
    }
}
