//! What can go wrong for HelseNorge.

use std::time::Duration;

/// Why something was not sent or not received.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The broker is away or says no.
    #[error("broker: {0}")]
    Broker(#[from] lapin::Error),
    /// No queue takes some of the messages.
    #[error("{count} message(s) came back, the first from routing key {queue}: {text}")]
    Returned {
        /// How many.
        count: usize,
        /// Routing key of the first.
        queue: String,
        /// The broker's words.
        text: String,
    },
    /// The broker would not store some of the messages.
    #[error("{count} message(s) were refused by the broker: a queue is full")]
    Refused {
        /// How many.
        count: usize,
    },
    /// Properties that no AMQP message can carry.
    #[error("the message cannot be carried: {0}")]
    Unfit(&'static str),
    /// Fewer messages than expected.
    #[error("{got} of {wanted} messages came to {queue} within {waited:?}")]
    TooFew {
        /// Where they should have come.
        queue: String,
        /// Expected.
        wanted: usize,
        /// Came.
        got: usize,
        /// How long was waited.
        waited: Duration,
    },
    /// Messages where there should be none.
    #[error("{count} message(s) on {queue} where none was expected")]
    Unexpected {
        /// The queue.
        queue: String,
        /// How many.
        count: u32,
    },
    /// The stand-in's queues could not be made.
    #[error("{0}")]
    Topology(#[from] messages::Fault),
    /// There is no AMQP 1.0 client.
    #[error("no AMQP 1.0 client: install the Debian package python3-qpid-proton (apt-get install python3-qpid-proton); {0}")]
    NoProton(String),
    /// The AMQP 1.0 client failed.
    #[error("AMQP 1.0 client: {0}")]
    Proton(String),
}
