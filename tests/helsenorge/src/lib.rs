//! The stand-in for HelseNorge: what it sends, what it gets back, and how much of it.
//!
//! - [`message`]: any dialog message, right or wrong; [`receipt`], [`error_message`]: what became of a clinic's messages
//! - [`appointments`]: what patients see of their appointments, by all that clinics have told
//! - [`client`]: sends over a broker in the shape that NHN's broker would show, and receives as a witness of its own
//! - [`digital_users`]: who is a user, asked by message or over HTTP
//! - [`load`], [`patients`]: thousands of messages from as many patients, at a given pace
//! - [`proton`]: the same two ways over real AMQP 1.0, with the client library that other vendors use
//! - [`example`]: who is who in the example clinic
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support: a message that cannot be built is the end of the test"
)]

pub mod appointments;
pub mod client;
pub mod clock;
pub mod digital_users;
pub mod error_message;
pub mod example;
pub mod exchange;
pub mod load;
pub mod message;
mod metadata;
mod parts;
pub mod patients;
pub mod proton;
pub mod receipt;
pub mod received;
mod sealing;
pub mod shape;
mod trouble;

pub use appointments::{AboutAppointments, Notice, NoticeKind, Picture, Shown};
pub use client::HelseNorge;
pub use digital_users::{ACTIVE, AktivSjekken, DigitalUsers, Spelling};
pub use error_message::{ErrorMessage, Generation};
pub use exchange::Exchange;
pub use load::{Load, Pace, Sending};
pub use message::{AVTALEAVBESTILLING, AVTALEUTSENDING, Message, Sent, TIMERESERVASJON, Wish};
pub use patients::{SyntheticPatient, synthetic_patients};
pub use proton::{Proton, ProtonOptions, ProtonReceived};
pub use receipt::Receipt;
pub use received::Received;
pub use sealing::SEALED;
pub use shape::Shape;
pub use trouble::Trouble;
