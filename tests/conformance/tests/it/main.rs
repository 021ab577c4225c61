//! How messages are exchanged over NHN's broker: what must come of each kind of input. One test for each case, by number.
//!
//! Cases 47 and 48, requests of our own whose answer we wait for, are not among them.

// Tests: a failed expectation should stop the test where it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod broker_edge;
mod certificates;
mod codec;
mod crypto;
mod error_queue;
mod header;
mod payload;
mod profiles;
mod robustness;
mod sync;
