//! A certificate authority for tests, made when they run: nothing here is a secret, nothing is kept.
//!
//! [`Pki::new`] builds what a message exchange needs: a root, an intermediate that issues, an authority nobody trusts, and
//! the certificates of parties, good and bad. [`Authority`] and [`Request`] make whatever else a test asks for. [`key`]
//! makes each key once a process, since that is the slow part.
#![allow(clippy::expect_used, reason = "test support: an authority that cannot be made is the end of the test")]

mod authority;
mod identity;
mod keys;
mod parties;
mod request;

pub use authority::{Authority, CrlRequest};
pub use identity::Identity;
pub use keys::key;
pub use parties::{Party, Pki};
pub use request::{Period, Request, Subject, Usage};
