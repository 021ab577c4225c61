//! Protection against a database and a server of revocation lists that does as it is told.

// Helpers of tests are tests to clippy only inside test functions.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, unreachable_pub)]

mod opening;
mod revocation;
mod server;
mod support;
