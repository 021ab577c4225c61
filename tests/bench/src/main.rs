//! Measurements of the whole path, as ratios to the ceilings of the same run on the same private servers.

// A measuring program: what goes wrong ends the run, and the result is printed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod ceilings;
mod commands;
mod files;
mod inbound;
mod meter;
mod profile;
mod progress;
mod protection;
mod slots;
mod stored;
mod traced;

use clap::{Args, Parser, Subcommand, ValueEnum};
use e2e::{Exchange, WORKERS};
use serde::Serialize;
use std::process::ExitCode;

/// Measures Dialogpost on private servers that it starts and removes itself.
#[derive(Parser)]
#[command(
    after_help = "Examples:\n  cargo run --release -p bench -- inbound --messages 20000\n  cargo run --release -p bench -- inbound --messages 5000 --batch 128 --lanes 2\n  cargo run --release -p bench -- sealed --bits 3072 --messages 5000"
)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// NHN queue → inbox + journal + AppRec on HelseNorge's queue, the fleet in one process; at half the rate each worker in its own. The last line
    /// is one JSON object.
    Inbound(Inbound),
    /// Where the time of one message goes: broker, database, each worker as a process of its own, and each statement.
    Profile(Inbound),
    /// The same with everything signed and encrypted, against the private-key operations of this machine: each message takes two.
    Sealed(Sealed),
    /// A question about a thousand patients, and the memory that the largest file takes in each worker on its way to HelseNorge.
    Commands(Commands),
    /// The same on an empty store and on one that has held millions for a year, and how long pruning and the ledger take there. Needs 3 GB of
    /// disk for each million.
    Stored(Stored),
    /// What traces cost: the same with a collector that takes every span, and without.
    Traced(Inbound),
    /// How long a patient waits for free slots while the clinic's other messages come, from when HelseNorge means to ask.
    Slots(Slots),
    /// Serves as this worker, for measurements of a process of its own.
    #[command(hide = true)]
    Worker {
        /// Its name.
        name: String,
    },
}

/// See [`What::Commands`].
#[derive(Args, Clone, Copy)]
struct Commands {
    /// Questions, 10 to 100 000.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    questions: u32,
}

/// See [`What::Slots`].
#[derive(Args, Clone, Copy)]
struct Slots {
    /// Seconds of each of the three measurements: alone, at half load, with a full queue; 2 to 600.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=600))]
    seconds: u32,
    /// Questions in a second, at fixed times, 1 to 1000.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    #[command(flatten)]
    inbound: Inbound,
}

#[derive(Clone, Copy, ValueEnum)]
enum Bits {
    #[value(name = "2048")]
    B2048,
    #[value(name = "3072")]
    B3072,
    #[value(name = "4096")]
    B4096,
}

impl Bits {
    const fn get(self) -> u32 {
        match self {
            Self::B2048 => 2048,
            Self::B3072 => 3072,
            Self::B4096 => 4096,
        }
    }
}

/// See [`What::Sealed`].
#[derive(Args, Clone, Copy)]
struct Sealed {
    /// Bits of the parties' RSA keys.
    #[arg(long, value_enum, default_value = "2048")]
    bits: Bits,
    #[command(flatten)]
    inbound: Inbound,
}

/// See [`What::Stored`].
#[derive(Args, Clone, Copy)]
struct Stored {
    /// Messages in its ledger, received and sent, 10 000 to 100 000 000.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u32).range(10_000..=100_000_000))]
    stored: u32,
    #[command(flatten)]
    inbound: Inbound,
}

/// See [`What::Inbound`].
#[derive(Args, Clone, Copy)]
struct Inbound {
    /// Messages of about 2.5 kB, 100 to 1 000 000.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    messages: u32,
    /// Messages in one transaction at most.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1000))]
    batch: u32,
    /// Pipelines of each worker.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    lanes: u32,
    /// Also show which database steps the time went to.
    #[arg(long)]
    steps: bool,
}

fn main() -> ExitCode {
    match Cli::parse().what {
        What::Worker { name } => serve(&name),
        what => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(measure(what));
            ExitCode::SUCCESS
        }
    }
}

fn serve(name: &str) -> ExitCode {
    let worker = WORKERS.into_iter().find(|worker| worker.name == name).unwrap();
    runtime::process::serve(runtime::Config::from_env().unwrap(), &[worker])
}

async fn measure(what: What) {
    runtime::telemetry::logs(runtime::config::LogFormat::Auto, "warn");
    match what {
        What::Inbound(options) => {
            let figures = inbound::measure(options, None).await;
            print(&figures.for_people(), &figures);
        }
        What::Sealed(options) => {
            let figures = inbound::measure(options.inbound, Some(&Exchange::new(options.bits.get()))).await;
            print(&figures.for_people(), &figures);
        }
        What::Commands(options) => {
            let figures = commands::measure(options).await;
            print(&figures.for_people(), &figures);
        }
        What::Profile(options) => {
            let figures = profile::measure(options).await;
            print(&figures.for_people(), &figures);
        }
        What::Stored(options) => {
            let figures = stored::measure(options).await;
            print(&figures.for_people(), &figures);
        }
        What::Traced(options) => {
            let figures = traced::measure(options).await;
            print(&figures.for_people(), &figures);
        }
        What::Slots(options) => {
            let figures = slots::measure(options).await;
            print(&figures.for_people(), &figures);
        }
        What::Worker { .. } => unreachable!("it measures nothing"),
    }
}

fn print(for_people: &str, figures: &impl Serialize) {
    eprintln!("\n{for_people}");
    println!("{}", serde_json::to_string(figures).unwrap());
}
