//! The life of a message, and what every worker's `main` calls.
//!
//! - [`pipeline`]: receive → parse → prepare → claim → facts → decide → write → outgoing → commit → ack → publish, on one screen
//! - [`handler`]: what a worker supplies
//! - [`relay`]: outbox → broker
//! - [`protection`]: sealing and opening, with keys, trust and revocation
//! - [`worker`], [`process`]: a worker as part of a process
//! - [`config`], [`clock`], [`telemetry`], [`catalogue`] of metrics, [`traces`], [`health`]: one concern each

pub mod catalogue;
pub mod clock;
pub mod config;
pub mod handler;
pub mod health;
pub mod pipeline;
pub mod probe;
pub mod process;
pub mod protection;
pub mod relay;
pub mod telemetry;
pub mod topology;
pub mod traces;
pub mod worker;

pub use config::Config;
pub use handler::{Handler, Verdict};
pub use worker::{Context, Worker};
