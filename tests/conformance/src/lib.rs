//! What the cases share: OpenSSL as a stranger, a server of revocation lists, a broker's wire that can be cut, deliveries of any shape.

// Test support: a failed expectation should stop the test where it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bench;
mod lists;
mod outcome;
mod proxy;
mod wire;

pub use bench::Bench;
pub use lists::ListServer;
pub use outcome::{accepted, refused, texts};
pub use proxy::{Method, Proxy};
pub use wire::{Wire, headers, section, short, text};
