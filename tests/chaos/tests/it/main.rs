//! What breaks in earnest, each by itself: brokers that fall silent, processes that are told to stop, poison; beside `dialogpost-chaos`, which
//! breaks everything in turn.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod broker;
mod poison;
mod processes;
