//! THE schema: everything that crosses a queue.
//!
//! - [`wire`]: HelseNorge's XML (Hodemelding, Dialogmelding, AppRec, M1, attachments), read leniently, written strictly.
//! - [`event`]: our own JSON, versioned; ids only, never content.
//! - [`command`]: what an EPJ asks of us and is answered, with JSON Schema of all of it.
//! - [`transport`]: a message around its body: properties, deliveries, what is to be sent.
//! - [`ids`], [`person_id`], [`sensitive`]: newtypes that parse; a bad one cannot exist inside.
//! - [`fault`]: who must act when something is wrong.

pub mod command;
pub mod event;
pub mod fault;
pub mod ids;
pub mod person_id;
pub mod sensitive;
pub mod transport;
pub mod wire;

pub use fault::{Fault, FaultClass};
pub use ids::{HerId, MessageId};
pub use person_id::PersonId;
pub use sensitive::Sensitive;
