//! A year of appointments on a virtual clock, with real servers and the real fleet: clinics and patients book, move, cancel and change, and
//! every promise about appointments and notices is held against what HelseNorge and the providers of notices have seen.

// A program of tests: what goes wrong ends the run, and the result is printed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod choosing;
mod clock;
mod days;
mod ending;
mod national;
mod night;
mod people;
mod progress;
mod providers;
mod report;
mod settling;
mod story;

use clap::Parser;
use days::Scene;
use e2e::{Epj, Fleet, WORKERS};
use jiff::ToSpan;
use jiff::civil::{Date, time};
use national::{CONTACT_AGE, National};
use people::People;
use providers::Providers;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use report::Report;
use runtime::probe::Probe;
use settling::Settling;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A night with more faults than that ends the year.
const ENOUGH: usize = 20;

/// Lets a year of appointments pass on private servers that it starts and removes itself, and holds every promise about them against what
/// was seen. Exit code 1 when one is broken. The last line is one JSON object.
#[derive(Parser, Clone, Debug)]
#[command(
    after_help = "Examples:\n  cargo run --release -p year -- --small\n  cargo run --release -p year -- --seed 7\n  cargo run --release -p year -- --clinics 20 --doctors 100 --patients 10000 --appointments 5000 --from 2028-01-01 --days 90"
)]
pub(crate) struct Options {
    /// What happens follows from it; printed, so that a run can be made again.
    #[arg(long)]
    seed: Option<u64>,
    /// Clinics, 1 to 1000.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1000))]
    clinics: u32,
    /// Doctors, at least one in each clinic.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    doctors: u32,
    /// Patients, at least one of each doctor.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    patients: u32,
    /// Appointments made in a whole year, about.
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    appointments: u32,
    /// Days that pass, 1 to 800.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=800))]
    days: u32,
    /// The first day; years from 2027 on.
    #[arg(long, default_value = "2027-01-01")]
    from: Date,
    /// The share of patients who use HelseNorge, 0 to 1.
    #[arg(long, default_value_t = 0.75)]
    users: f64,
    /// 8 clinics, 40 doctors, 2 000 patients, 28 days around the change of clocks in spring; for every change of the project.
    #[arg(long, conflicts_with_all = ["clinics", "doctors", "patients", "appointments", "days", "from"])]
    small: bool,
}

impl Options {
    fn sized(self) -> Self {
        if !self.small {
            return self;
        }
        let from = jiff::civil::date(2027, 3, 8);
        Self { clinics: 8, doctors: 40, patients: 2000, appointments: 4000, days: 28, from, ..self }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse().sized();
    runtime::telemetry::logs(runtime::config::LogFormat::Auto, "error");
    runtime::telemetry::metrics();
    let seed = options.seed.unwrap_or_else(rand::random);
    eprintln!("seed {seed}");
    let report = year(options, seed).await;
    eprintln!("\n{}", report.for_people());
    println!("{}", serde_json::to_string(&report).expect("JSON"));
    if report.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn year(options: Options, seed: u64) -> Report {
    let mut random = StdRng::seed_from_u64(seed);
    let providers = Providers::open().await;
    clock::set(clock::at(options.from, time(6, 0, 0, 0)));
    helsenorge::clock::run_on(clock::now);
    let started = Instant::now();
    let (fleet, people) = prepare(&options, &providers, &mut random).await;
    let national = National::open(fleet.helsenorge().await).await;
    let users: Vec<&str> = people.patients.iter().filter(|patient| patient.is_user).map(|patient| patient.nin.as_str()).collect();
    users.iter().for_each(|nin| national.state().become_user(nin, true));
    national.state().are_known(users.into_iter());
    let settling = Settling::connect(&fleet).await;
    let epj = Epj::connect(&fleet.world.amqp_url).await;
    let running = fleet.start_with(&WORKERS, Probe::default());
    let mut scene = Scene::new(options.clone(), people, fleet, national, settling, epj, random);
    let mut report = Report::new(seed, &options, started.elapsed());
    let started = Instant::now();
    let progress = progress::bar("a year of appointments", options.days.into());
    for n in 0..options.days {
        let date = options.from + i64::from(n).days();
        progress.set_message(date.to_string());
        scene.day(date).await;
        report.night(scene.night().await);
        progress.inc(1);
        if report.broken_nights() > ENOUGH {
            break;
        }
    }
    progress.finish_and_clear();
    scene.national.publish_late().await;
    scene.settle().await;
    report.passed(started.elapsed());
    report.end(&scene, &providers).await;
    running.stop().await;
    report
}

async fn prepare(options: &Options, providers: &Providers, random: &mut StdRng) -> (Fleet, People) {
    eprintln!(
        "starting private servers, {} clinics, {} doctors, {} patients ...",
        options.clinics, options.doctors, options.patients
    );
    let mut fleet = Fleet::in_world(testbed::private_world(false).await).await;
    (fleet.batch, fleet.lanes, fleet.clock) = (300, 1, clock::now);
    (fleet.glance, fleet.lease) = (Duration::from_millis(25), Duration::from_secs(60));
    providers.introduce(&mut fleet);
    fleet.settings.insert("CONTACT_AGE_HOURS", CONTACT_AGE.as_hours().to_string());
    let people = People::of(options, random);
    people.move_in(&fleet, random).await;
    (fleet, people)
}
