//! `dialogpost-chaos`: breaks everything that a fleet stands on while HelseNorge writes, and then counts.
//!
//! - [`plan`]: what breaks, by a seed; pure
//! - [`chaos::wire`], [`crew`]: the network, and the workers' processes
//! - [`traffic`]: HelseNorge among it all
//! - [`strike`]: breaks, mends, measures
//! - [`books`]: the accounting

// A measuring program: what goes wrong ends the run, and the result is printed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod books;
mod crew;
mod logs;
mod plan;
mod strike;
mod told;
mod traffic;

use chaos::{Scene, Wire};
use clap::{Args, Parser, Subcommand};
use crew::Crew;
use e2e::{Fleet, WORKERS};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use strike::Field;
use tokio_util::sync::CancellationToken;
use told::Told;
use traffic::Traffic;

/// Breaks everything that a fleet stands on while HelseNorge writes, on private servers, and then counts what became of every message.
#[derive(Parser)]
#[command(name = "dialogpost-chaos", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    run: Run,
    #[command(subcommand)]
    what: Option<What>,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost-chaos                                         half an hour: 300 kills, each trouble 20 times
  dialogpost-chaos --seed 11 --kills 30 --each 2           five minutes
  dialogpost-chaos --kills 10 --each 0 --json chaos.json   only killed workers

Exit codes: 0 nothing was lost, doubled, leaked or slow to recover; 1 something was; 2 it could not be run.";

/// What breaks, and how often.
#[derive(Args)]
struct Run {
    /// The same seed breaks the same in the same order.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Workers killed, half of them at named points of a message's life, 0 to 100 000.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    kills: u32,
    /// How often each of the twelve troubles of broker, database and network comes, 0 to 10 000; and a replay for every five of them.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    each: u32,
    /// Messages a second from HelseNorge, 1 to 1000.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// A recovery may take so many seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    limit: u64,
    /// Write the figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Subcommand)]
enum What {
    /// Serves as this worker.
    #[command(hide = true)]
    Worker {
        /// Its name.
        name: String,
        /// The named point at which it dies.
        #[arg(long)]
        die: Option<String>,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.what {
        Some(What::Worker { name, die }) => serve(&name, die.as_deref()),
        None => tokio::runtime::Runtime::new().unwrap().block_on(run(&cli.run)),
    }
}

/// Under its own role.
fn serve(name: &str, die: Option<&str>) -> ExitCode {
    let worker = WORKERS.into_iter().find(|worker| worker.name == name).expect("a worker");
    let mut config = runtime::Config::from_env().unwrap();
    config.database_url = config.database_url.replacen("dialogpost@", &format!("{}@", store::roles::name_of(name)), 1);
    runtime::process::serve_probed(config, &[worker], die.map(strike::dies_at).unwrap_or_default())
}

async fn run(run: &Run) -> ExitCode {
    let dialogpost = std::env::current_exe().unwrap().with_file_name("dialogpost");
    if !dialogpost.exists() {
        eprintln!(
            "{} is not there, which replays dead letters: build it (cargo build --release -p operator), or use deploy/chaos.sh",
            dialogpost.display()
        );
        return ExitCode::from(2);
    }
    eprintln!("starting servers and workers ...");
    let mut fleet = Scene::servers(traffic::PATIENTS).await;
    let (rabbit, postgres) = (fleet.world.rabbit().port(), fleet.world.postgres().port());
    let (broker, database) = (Wire::to(rabbit).await, Wire::to(postgres).await);
    fleet.settings.insert("AMQP_URL", broker.url(&fleet.world.amqp_url, rabbit));
    fleet.settings.insert("DATABASE_URL", database.url(&fleet.world.database_url, postgres));
    fleet.settings.insert("CONTACT_SERVICE", "off".to_owned());
    let fleet = Arc::new(fleet);
    let (heard_all, sent_all) = (CancellationToken::new(), CancellationToken::new());
    let crew = Crew::start(&fleet).await;
    let traffic = Traffic::open(&fleet.world.amqp_url, &heard_all).await;
    let limit = Duration::from_secs(run.limit);
    let field = Field { fleet: Arc::clone(&fleet), crew, traffic, broker, database, dialogpost, limit };
    strike_and_count(run, field, &sent_all, &heard_all).await.tell(run.json.as_deref())
}

async fn strike_and_count(run: &Run, field: Field, sent_all: &CancellationToken, heard_all: &CancellationToken) -> Told {
    let plan = plan::plan(run.seed, run.kills as usize, run.each as usize);
    let (bar, started) = (bar(plan.len()), Instant::now());
    let striking = async {
        let struck = field.strike(&plan, run.seed, |place, fault, took| tell(&bar, place, fault, took)).await;
        sent_all.cancel();
        struck
    };
    let (struck, ()) = tokio::join!(striking, field.traffic.send(run.rate, run.seed, sent_all));
    bar.finish_and_clear();
    let (recoveries, trouble) = match struck {
        Ok(recoveries) => (recoveries, None),
        Err(trouble) => (strike::Recoveries::new(), Some(trouble)),
    };
    settle(&field.fleet, &field.traffic).await;
    let Field { fleet, crew, traffic, .. } = field;
    let (launched, died, gave_up) = (crew.launched(), crew.died(), crew.gave_up());
    crew.stop().await;
    // An answer too many must be heard, too.
    tokio::time::sleep(Duration::from_secs(2)).await;
    heard_all.cancel();
    let said = traffic.end().await;
    let mut books = books::close(&fleet, &said, launched).await;
    if died < plan::deaths(&plan) {
        books.faults.push(format!("{died} processes died, {} were to", plan::deaths(&plan)));
    }
    books.counts.extend([("processes killed", died), ("processes that ended by themselves", gave_up)]);
    books.counts.insert("redelivered", traffic.redelivered.load(std::sync::atomic::Ordering::SeqCst));
    books.faults.extend(trouble);
    Told { seed: run.seed, seconds: started.elapsed().as_secs(), limit: Duration::from_secs(run.limit), recoveries, books }
}

/// Until everything has come back and nothing waits to be sent, or nothing more comes.
async fn settle(fleet: &Fleet, traffic: &Traffic) {
    let started = Instant::now();
    let rows = e2e::Rows::connect(&fleet.world.database_url).await;
    loop {
        let waits = traffic.said().waits();
        let busy = rows.count("dialogpost.outbox").await > 0 || rows.flight().await.1 > 0;
        if !waits && !busy || started.elapsed() > Duration::from_secs(90) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What is under way: a bar for people, lines for a log.
fn tell(bar: &ProgressBar, place: usize, fault: plan::Fault, took: Option<Duration>) {
    match took {
        None if bar.is_hidden() => eprintln!("{:4}  {fault:?} ...", place + 1),
        None => bar.set_message(fault.name()),
        Some(_) if !bar.is_hidden() => bar.set_position(place as u64 + 1),
        Some(took) => eprintln!("{:4}  {fault:?}: recovered in {:.1} s", place + 1, took.as_secs_f64()),
    }
}

fn bar(faults: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        eprintln!("breaking {faults} things ...");
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} broken and mended, {elapsed}: {msg}");
    ProgressBar::new(faults as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
