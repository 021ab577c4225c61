//! Those who deliver notices, on this machine: an SMTP server and a webhook, both over TLS, each with its moods; and a collector of spans.
//!
//! - [`mail`]: takes e-mail; [`webhook`]: takes text messages and push, and says what became of them
//! - [`collector`]: takes spans
//! - [`mood`]: how they behave; [`Authority`]: who vouches for them
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support: a receiver that cannot be set up is the end of the test"
)]

mod authority;
pub mod collector;
pub mod mail;
pub mod mood;
pub mod webhook;

pub use authority::Authority;
pub use collector::{Collector, Seen};
pub use mail::{Mail, MailServer, Speech};
pub use mood::Mood;
pub use webhook::{Call, WebhookServer};
