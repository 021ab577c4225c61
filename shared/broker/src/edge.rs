//! What the fleet asks of a broker, whichever protocol and client speak to it.
//!
//! NHN's national profile asks for AMQP 1.0 (HITS 1216). Another client takes the place of [`Amqp091`] by implementing [`Edge`]; no worker
//! knows which one it has.

use crate::connect::AmqpUrl;
use crate::consume::{Consumer, ConsumerState};
use crate::publish::{Publisher, Settled};
use futures_util::future::BoxFuture;
use messages::transport::{Delivery, Outgoing};
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A broker: where messages are read and sent.
pub trait Edge: fmt::Debug + Send + Sync {
    /// Reads queues; the list may change at any time. Connects at the first [`Intake::next`].
    fn intake(&self, config: IntakeConfig, queues: watch::Receiver<Vec<String>>, cancel: CancellationToken) -> Box<dyn Intake>;

    /// Sends; connects when there is something to send.
    fn sender(&self, name: String) -> Arc<dyn Sender>;
}

/// How much to read at a time.
#[derive(Clone, Debug)]
pub struct IntakeConfig {
    /// The worker; the broker's operator sees it.
    pub name: String,
    /// Deliveries the broker may have under way per queue; three times the batch is good: one is written, one read, one on its way.
    pub prefetch: u16,
    /// Most deliveries in one batch.
    pub batch: usize,
    /// The clock.
    pub now: fn() -> jiff::Timestamp,
}

/// The reading side.
pub trait Intake: Send {
    /// The next batch: what one queue has ready, up to the limit, without waiting for more. `None` only after cancellation; then everything
    /// that was not handed out is back in its queue. Safe to drop and call again.
    fn next(&mut self) -> BoxFuture<'_, Option<Batch>>;

    /// Whether it is connected and which queues it misses, for readiness.
    fn state(&self) -> watch::Receiver<ConsumerState>;
}

/// The sending side; calls run side by side.
pub trait Sender: Send + Sync {
    /// Sends a batch, persistent and mandatory, and tells what became of each message, in the order given.
    fn publish<'a>(&'a self, batch: &'a [Outgoing]) -> BoxFuture<'a, Vec<Settled>>;

    /// Whether the broker takes nothing at present. Claim no outbox rows meanwhile: they would fail at once.
    fn is_blocked(&self) -> bool;

    /// Closes the connection; the next publish opens another.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Whether an acknowledgement went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acked {
    /// Written to the broker.
    Sent,
    /// The link was gone: expect every message of the batch again.
    Lost,
}

/// What is told the broker about a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything in it is committed.
    Ack,
    /// Not our turn: back into the queue, no attempt counted where the broker can tell the two apart.
    Requeue,
}

/// What is owed to the broker for a batch. Dropped unsettled, its messages go back to their queue.
pub trait Settle: Send {
    /// Settles the batch as a whole.
    fn settle(self: Box<Self>, verdict: Verdict) -> BoxFuture<'static, Acked>;
}

/// Deliveries of one queue, in order, or of several batches one after the other. Dropped unsettled, they go back to their queues.
#[must_use = "a batch must be acknowledged or given back"]
pub struct Batch {
    /// The deliveries; never empty.
    pub deliveries: Vec<Delivery>,
    owed: Vec<Box<dyn Settle>>,
}

impl Batch {
    /// Deliveries with what is owed for them.
    pub fn new(deliveries: Vec<Delivery>, owed: Box<dyn Settle>) -> Self {
        Self { deliveries, owed: vec![owed] }
    }

    /// Adds a later batch, to be settled together with this one.
    pub fn append(&mut self, later: Self) {
        self.deliveries.extend(later.deliveries);
        self.owed.extend(later.owed);
    }

    /// Acknowledges the whole batch. Only after the commit of everything in it.
    pub async fn ack(self) -> Acked {
        self.settle(Verdict::Ack).await
    }

    /// Puts the whole batch back into its queue, for a shutdown: "not my turn", not "failed".
    pub async fn give_back(self) {
        self.settle(Verdict::Requeue).await;
    }

    /// The oldest first, so that each can be settled at once.
    async fn settle(self, verdict: Verdict) -> Acked {
        let mut all = Acked::Sent;
        for owed in self.owed {
            if owed.settle(verdict).await == Acked::Lost {
                all = Acked::Lost;
            }
        }
        all
    }
}

impl fmt::Debug for Batch {
    /// Counts, never content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("deliveries", &self.deliveries.len()).finish_non_exhaustive()
    }
}

/// AMQP 0.9.1, over lapin.
#[derive(Clone, Debug)]
pub struct Amqp091(pub AmqpUrl);

impl Edge for Amqp091 {
    fn intake(&self, config: IntakeConfig, queues: watch::Receiver<Vec<String>>, cancel: CancellationToken) -> Box<dyn Intake> {
        Box::new(Consumer::new(self.0.clone(), config, queues, cancel))
    }

    fn sender(&self, name: String) -> Arc<dyn Sender> {
        Arc::new(Publisher::new(self.0.clone(), name))
    }
}

impl Intake for Consumer {
    fn next(&mut self) -> BoxFuture<'_, Option<Batch>> {
        Box::pin(Self::next(self))
    }

    fn state(&self) -> watch::Receiver<ConsumerState> {
        Self::state(self)
    }
}

impl Sender for Publisher {
    fn publish<'a>(&'a self, batch: &'a [Outgoing]) -> BoxFuture<'a, Vec<Settled>> {
        Box::pin(Self::publish(self, batch))
    }

    fn is_blocked(&self) -> bool {
        Self::is_blocked(self)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(Self::close(self))
    }
}
