//! A message around its body: what both brokers carry, in one structure.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Name of the application property that counts attempts of our own retries (decimal, 1 = first retry).
pub const ATTEMPT: &str = "dialogpost-attempt";
/// Name of the application property that keeps the queue a retried message first came from.
pub const ORIGIN_QUEUE: &str = "dialogpost-origin-queue";

/// Name of the application property that keeps when a retried message was first received (RFC 3339).
pub const RECEIVED_AT: &str = "dialogpost-received-at";

/// Name of the application property that keeps the id a put-off message has in the ledger.
pub const LEDGER_ID: &str = "dialogpost-ledger-id";
/// Header of an event: bytes of the message that whoever takes it will hold in hand.
pub const BYTES: &str = "dialogpost-bytes";
/// Header of our own retries: the stable code of what was missing.
pub const WAITS_FOR: &str = "dialogpost-waits-for";

/// Header of what is replayed: the dead letter that it was.
pub const REPLAY_OF: &str = "dialogpost-replay-of";

/// Header of our own messages: the span that led to it (W3C Trace Context, section 3.2). Never on NHN's wire, in neither direction.
pub const TRACEPARENT: &str = "traceparent";

/// The properties of one message, independent of AMQP version (nhn-messaging 2.1, 2.2).
///
/// `shared/broker` reads them out of every shape a broker may deliver and writes them in every shape a receiver may read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Properties {
    /// Unique per transport message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The message this one belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Message function, code list 8279 ("Label").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Recipient queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Where an answer goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Media type of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Time to live in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// Application properties, values as strings.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub application: BTreeMap<String, String>,
}

impl Properties {
    /// An application property by its case-sensitive key.
    pub fn application(&self, key: &str) -> Option<&str> {
        self.application.get(key).map(String::as_str)
    }

    /// How often we have already put this message off; 0 for a first delivery.
    pub fn attempt(&self) -> u32 {
        self.application(ATTEMPT).and_then(|n| n.parse().ok()).unwrap_or(0).min(1_000_000)
    }

    /// The dead letter that this is a replay of.
    pub fn replay_of(&self) -> Option<Uuid> {
        self.application(REPLAY_OF).and_then(|id| Uuid::try_parse(id).ok())
    }

    /// The id it was given when it was first put off.
    pub fn ledger_id(&self) -> Option<Uuid> {
        self.application(LEDGER_ID).and_then(|id| Uuid::try_parse(id).ok())
    }
}

/// One message as it came off a queue.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The queue it was read from.
    pub queue: String,
    /// Whether the broker has handed it out before.
    pub redelivered: bool,
    /// What it says about itself.
    pub properties: Properties,
    /// Where its shape differed from what is expected; never content.
    pub deviations: Vec<&'static str>,
    /// The payload bytes, unwrapped from any AMQP 1.0 section.
    pub body: Bytes,
    /// When we took it off the queue.
    pub received_at: Timestamp,
    /// The name under which its sender is known to the broker, which vouches for it (RabbitMQ, validated user-id); none when the sender
    /// does not say. It says nothing of messages that came over other brokers.
    pub user: Option<String>,
}

impl Delivery {
    /// Bytes that are held while it is handled: its own, and those of the message it is about, where it tells.
    pub fn weight(&self) -> usize {
        let about = self.properties.application(BYTES).and_then(|n| n.parse().ok()).unwrap_or(0);
        self.body.len().saturating_add(about)
    }

    /// When it was first received: of our own retry, when the original was.
    pub fn first_received_at(&self) -> Timestamp {
        self.properties.application(RECEIVED_AT).and_then(|at| at.parse().ok()).unwrap_or(self.received_at)
    }

    /// The queue it first came from: the same, or that of the original when this is our own retry of it.
    pub fn origin_queue(&self) -> &str {
        self.properties.application(ORIGIN_QUEUE).unwrap_or(&self.queue)
    }
}

/// Which broker a message leaves through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wire {
    /// Our own broker: plain AMQP 0.9.1 properties and headers.
    Dialogpost,
    /// NHN's broker: both AMQP 1.0 section headers besides the plain ones (nhn-messaging 7.3).
    Nhn,
}

impl Wire {
    /// The name in the outbox table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dialogpost => "dialogpost",
            Self::Nhn => "nhn",
        }
    }
}

/// A message to be sent: a row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Key of the outbox row. Unique, time-ordered.
    pub id: Uuid,
    /// Which broker.
    pub wire: Wire,
    /// Exchange; empty = the default exchange.
    pub exchange: String,
    /// Routing key.
    pub routing_key: String,
    /// Properties; `message_id` is always set and stays the same on every resend.
    pub properties: Properties,
    /// The body.
    pub body: Bytes,
    /// The ledger row (table `message`) this belongs to, when there is one.
    pub cause: Option<Uuid>,
    /// The handled message that led to it, by what its worker tells its messages apart by; `None` = that of [`Outgoing::cause`]. Not kept:
    /// it becomes [`TRACEPARENT`].
    pub led_by: Option<Uuid>,
    /// Not before this time; `None` = at once.
    pub not_before: Option<Timestamp>,
    /// Whether somebody must be there to take it. An event that only those hear who have asked for it, and an answer whose reader has
    /// gone, are done with when the broker has no queue for them.
    pub is_awaited: bool,
}
