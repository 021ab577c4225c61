//! The trust crate against `OpenSSL`'s command line, forged and damaged messages, and certificates good and bad.

// Helpers of tests are tests to clippy only inside test functions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub
)]

mod attributes;
mod certificates;
mod forgery;
mod gnupg;
mod keys;
mod limits;
mod pool;
mod reports;
mod round_trip;
mod seeds;
mod support;
mod theirs;
mod validation;
