//! Broken servers, killed workers, hostile input: what every such test needs.
//!
//! - [`scene`]: servers of the test's own, a fleet's database and queues, HelseNorge, and load while something breaks
//! - [`wire`]: the network between workers and a server
//! - [`count`]: the exact count afterwards, by the ledger and by the sender's own list
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test support")]

pub mod count;
pub mod scene;
pub mod wire;

pub use count::Count;
pub use scene::Scene;
pub use wire::{State, Wire};
