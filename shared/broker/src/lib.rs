//! RabbitMQ: the only lapin.
//!
//! - [`edge`]: what the fleet asks of a broker, whichever protocol speaks to it.
//! - [`consume`]: batches out of any number of queues, over a connection that comes back by itself.
//! - [`publish`]: batches with confirms, each message settled for itself.
//! - [`request`]: one question and its answer.
//! - [`topology`]: the map of exchanges, queues and bindings.
//! - [`properties`], [`amqp10`]: between a message's properties and what AMQP 0.9.1 and 1.0 make of them.
//! - [`connect`], [`reconnect`]: addresses, what errors mean, how long to wait.

pub mod amqp10;
pub mod connect;
pub mod consume;
pub mod edge;
pub mod properties;
pub mod publish;
pub mod reconnect;
pub mod request;
pub mod topology;

pub use connect::AmqpUrl;
pub use consume::{BATCH_BYTES, Consumer, ConsumerState, LinkState};
pub use edge::{Acked, Amqp091, Batch, Edge, Intake, IntakeConfig, Sender, Settle, Verdict};
pub use properties::bare_queue_name;
pub use publish::{Publisher, Settled};
pub use reconnect::{Delays, Policy};
