//! What breaks in earnest: brokers, databases and processes that stop, die, freeze or fall silent while messages flow. `dialogpost-chaos`
//! breaks all of it in turn, at a lower rate, and much longer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod broker;
mod database;
mod poison;
mod processes;
