//! The fleet on real servers: one module for each worker, each whole flow, and what holds for all of them.

// Tests: a failed expectation should stop the test where it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod activation;
mod amqp10;
mod appointments;
mod bad_input;
mod canary;
mod commands;
mod contactability;
mod dead_letter_keeper;
mod dead_letters;
mod ekonsultasjon_journaling;
mod encrypted;
mod helsenorge_inbound;
mod helsenorge_outbound;
mod judging;
mod least;
mod notices;
mod once;
mod pipeline;
mod recipient_routing;
mod registry;
mod retention;
mod sealed;
mod sending;
mod structure;
mod sync;
mod traces;
mod whole_flow;
