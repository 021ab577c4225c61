//! The broker crate against a real RabbitMQ. Each test carries the name of its trap or case.

// Helpers of tests are tests to clippy only inside test functions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub
)]

mod amqp10;
mod consuming;
mod outages;
mod publishing;
mod raw;
mod support;
mod tls;
mod topology;
