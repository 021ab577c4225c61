//! The whole fleet in one process against private servers: what end-to-end tests, chaos tests and the bench share.

// Test support: a failed expectation should stop the test where it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod clinic;
pub mod epj;
mod fleet;
mod programs;
mod rows;
mod sealed;
mod snapshot;
mod writing;

pub use clinic::{Clinic, PATIENCE};
pub use epj::Epj;
pub use fleet::{Fleet, NHN_EXCHANGE, Running, SHORT_LEASE, WORKERS};
pub use programs::Program;
pub use rows::Rows;
pub use sealed::{Exchange, certificate, decryption_key, known, signing_key};
pub use snapshot::Snapshot;
