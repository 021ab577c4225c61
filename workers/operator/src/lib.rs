//! The `dialogpost` command: what an operator does with the fleet from a shell.
//!
//! A command asks the environment only for what it needs, does its work and gives back an [`out::Answer`] or a [`failure::Failure`];
//! [`out`] alone prints. Exit codes: 0 = done; 1 = a negative answer (not ready, not found, does not balance); 2 = wrong usage,
//! environment, file or surroundings.

pub mod apply;
pub mod audit;
pub mod certificate;
pub mod check;
pub mod cli;
pub mod command;
pub mod communication_test;
pub mod dead_letters;
pub mod environment;
pub mod failure;
pub mod healthy;
pub mod ledger;
pub mod metrics;
pub mod migrate;
pub mod out;
pub mod protection;
pub mod registry;
pub mod retention;
pub mod roles;
pub mod run;
pub mod schema;
pub mod secrets;
pub mod setup_file;
pub mod show;
pub mod topology;

use clap::Parser;
use cli::{Cli, Command};
use std::process::ExitCode;

/// Reads the command line, does what it says.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(run) => run.serve(),
        command => match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
            Ok(runtime) => runtime.block_on(answer(command)),
            Err(error) => {
                out::problem(&format!("no runtime: {error}"));
                ExitCode::from(2)
            }
        },
    }
}

async fn answer(command: Command) -> ExitCode {
    let json = command.json();
    match command.execute().await {
        Ok(answer) => out::answer(&answer, json),
        Err(failure) => {
            out::problem(&failure.to_string());
            ExitCode::from(2)
        }
    }
}
