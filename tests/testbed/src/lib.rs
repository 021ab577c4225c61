//! Private Postgres and RabbitMQ for tests.
//!
//! [`world`] gives a test a database and a virtual host of its own on servers that the tests of a process share;
//! [`private_world`] gives it servers of its own, to stop, kill and freeze. Servers are child processes on random
//! ports below the ephemeral range; a watchdog ends them and removes their files however the test process ends.
#![allow(clippy::panic, reason = "test support: a server that does not start is the end of the test")]

mod home;
mod http;
mod ports;
mod postgres;
mod rabbit;
mod ran;
mod template;
mod world;

pub use postgres::Postgres;
pub use rabbit::Rabbit;
pub use ran::Ran;
pub use world::{Servers, World, private_world, world};
