//! `dialogpost-load`: plays HelseNorge to a fleet that runs, at a rate or as fast as the broker takes it, and tells what became of every message.
//!
//! - [`mix`]: what is sent, and what must become of each; pure
//! - [`exchange`]: how it is protected
//! - [`playing`]: sends at fixed times and hears what comes back
//! - [`ledger`]: what the database says, as a witness of its own
//! - [`report`], [`page`]: figures, as JSON and as one page with pictures

// A measuring program: what goes wrong ends the run, and the result is printed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod exchange;
mod ledger;
mod limits;
mod mix;
mod page;
mod playing;
mod report;
mod roots;

use clap::{Args, Parser, Subcommand};
use limits::Limit;
use mix::Mix;
use std::path::PathBuf;
use std::process::ExitCode;

/// Plays HelseNorge to a fleet that runs, and tells what became of every message.
#[derive(Parser)]
#[command(name = "dialogpost-load", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost-load setup --patients 2000 | dialogpost apply - && dialogpost topology apply --nhn-standin
  dialogpost-load run --rate 500 --seconds 60 --html load.html
  dialogpost-load exchange keys && dialogpost-load setup --exchange keys | dialogpost apply -
  dialogpost-load run --exchange keys --rate 200
  dialogpost-load run --fast --messages 50000 --limit lost=0 --limit doubled=0 --limit msg_per_s=2500
  dialogpost-load run --rate 1250 --seconds 30 --limit p99_ms=50 --json load.json

Exit codes: 0 everything became what it must, within the limits; 1 something was lost or doubled, or missed a limit; 2 it could not be run.";

#[derive(Subcommand)]
enum What {
    /// Prints a set-up file with the patients that the load comes from.
    Setup(Setup),
    /// Makes authorities, keys and certificates: DIR/keys is the fleet's KEYS_DIR, DIR/trust its TRUST_DIR, DIR/helsenorge is HelseNorge's.
    Exchange(NewExchange),
    /// Sends, waits for what comes back, and counts. Needs AMQP_URL, or AMQP_URL_FILE: our broker, where HelseNorge's queues are too; with
    /// DATABASE_URL, or DATABASE_URL_FILE, it also tells what happened on the way. EXTRA_ROOTS names a file of
    /// authorities (PEM) that vouch for the two beside the public ones.
    Run(Box<Run>),
}

#[derive(Args)]
struct Setup {
    /// Patients, 1 to 1 000 000.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    patients: u32,
    /// With HelseNorge's certificates, and the names of the clinic's keys: what `dialogpost-load exchange` made.
    #[arg(long, value_name = "DIR")]
    exchange: Option<PathBuf>,
}

/// See [`What::Exchange`].
#[derive(Args)]
struct NewExchange {
    /// A directory; what is there is written over.
    dir: PathBuf,
    /// Bits of the RSA keys.
    #[arg(long, default_value = "2048", value_parser = ["2048", "3072", "4096"])]
    bits: String,
}

/// See [`What::Run`].
#[derive(Args, Clone, Debug)]
pub(crate) struct Run {
    /// Messages a second, at fixed times whatever the broker does, 1 to 100 000.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with = "fast")]
    rate: u32,
    /// As fast as the broker confirms; latencies then say how long the queue is.
    #[arg(long)]
    fast: bool,
    /// For so many seconds, at the rate.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400), conflicts_with_all = ["messages", "fast"])]
    seconds: u32,
    /// So many messages.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000), required_if_eq("fast", "true"))]
    messages: Option<u32>,
    /// Shares of kinds: ekonsultasjon=6,ekontakt=3,reseptfornyelse=1.
    #[arg(long, default_value = "ekonsultasjon=6,ekontakt=3,reseptfornyelse=1")]
    mix: Mix,
    /// Bytes of text in a message, 10 to 100 000.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    text: u32,
    /// Percent of messages that come twice: in the same envelope, or in a new one.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=100))]
    duplicates: u32,
    /// Percent of messages that are bad: no XML, nobody's, or to nobody.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=100))]
    bad: u32,
    /// Patients that the set-up has.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    patients: u32,
    /// The same seed sends the same mix; ids differ, so that a second run is not a repetition.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Give up so many seconds after the last answer.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
    /// What must hold: msg_per_s at least, p50_ms, p90_ms, p99_ms, p999_ms, max_ms, lost and doubled at most; may be repeated.
    #[arg(long = "limit", value_name = "NAME=NUMBER")]
    limits: Vec<Limit>,
    /// Sign and encrypt everything, and open what comes back, by what `dialogpost-load exchange` made.
    #[arg(long, value_name = "DIR")]
    exchange: Option<PathBuf>,
    /// Write the figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write one page with pictures to this file.
    #[arg(long)]
    html: Option<PathBuf>,
    /// The exchange that leads to them.
    #[arg(long, env = "NHN_EXCHANGE", default_value = "NHNTESTServiceBus")]
    nhn_exchange: String,
}

/// A variable, or the content of the file that NAME_FILE names: passwords are nothing for a command line.
pub(crate) fn secret(name: &str) -> Option<String> {
    let file = || std::fs::read_to_string(std::env::var(format!("{name}_FILE")).ok()?).ok();
    std::env::var(name).ok().or_else(file).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().what {
        What::Setup(setup) => told(exchange::setup(mix::setup(setup.patients as usize), setup.exchange.as_deref())),
        What::Exchange(new) => told(exchange::write(&new.dir, new.bits.parse().unwrap()).map(|()| "made".to_owned())),
        What::Run(run) => match report::measure(&run).await {
            Ok(report) => report.tell(&run),
            Err(problem) => {
                eprintln!("{problem}");
                ExitCode::from(2)
            }
        },
    }
}

fn told(outcome: Result<String, String>) -> ExitCode {
    match outcome {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}
