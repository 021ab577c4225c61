//! What a journal system waits for.

use crate::files;
use crate::{Commands, progress::bar};
use e2e::Fleet;
use e2e::epj::{Epj, QUESTIONS, command};
use hdrhistogram::Histogram;
use helsenorge::{SyntheticPatient, example};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Instant;

/// Patients in one question: as many as there may be.
const PATIENTS: usize = 1000;

/// The figures, in the order of the last line.
#[derive(Serialize)]
pub(crate) struct Figures {
    /// Median from asking about a thousand patients to having the answer, all of them known.
    thousand_p50_ms: f64,
    /// 99th percentile of the same.
    thousand_p99_ms: f64,
    /// Median of the same question about one patient: what a command costs at least.
    ceiling_one_p50_ms: f64,
    questions: u32,
    /// See there.
    #[serde(flatten)]
    file: files::Figures,
}

impl Figures {
    /// A few lines for people.
    pub(crate) fn for_people(&self) -> String {
        format!(
            "{:.1} ms median, {:.1} ms p99 for a question about {PATIENTS} patients; {:.1} ms median about one\n{}",
            self.thousand_p50_ms,
            self.thousand_p99_ms,
            self.ceiling_one_p50_ms,
            self.file.for_people(),
        )
    }
}

/// Sets everything up and measures.
pub(crate) async fn measure(options: Commands) -> Figures {
    eprintln!("starting private servers ...");
    let fleet = Fleet::in_world(testbed::private_world(true).await).await;
    let patients: Vec<SyntheticPatient> = helsenorge::synthetic_patients(PATIENTS);
    known(&fleet, &patients).await;
    let running = fleet.start();
    let epj = Epj::connect(&fleet.world.amqp_url).await;
    let numbers: Vec<&str> = patients.iter().map(|patient| patient.nin.as_str()).collect();
    let one = asked(&epj, &numbers[..1], options.questions).await;
    let thousand = asked(&epj, &numbers, options.questions).await;
    running.stop().await;
    let file = files::measure(fleet).await;
    let ms = |latencies: &Histogram<u64>, quantile| (latencies.value_at_quantile(quantile) as f64 / 100.0).round() / 10.0;
    Figures {
        thousand_p50_ms: ms(&thousand, 0.5),
        thousand_p99_ms: ms(&thousand, 0.99),
        ceiling_one_p50_ms: ms(&one, 0.5),
        questions: options.questions,
        file,
    }
}

/// HelseNorge has said of each that it reaches him.
async fn known(fleet: &Fleet, patients: &[SyntheticPatient]) {
    let numbers: Vec<&str> = patients.iter().map(|patient| patient.nin.as_str()).collect();
    let put = "insert into dialogpost.contact_status (clinic, nin, active, consented, as_of) select 8141333, n, true, true, now() from unnest($1::text[]) n";
    fleet.rows.query(put, &[&numbers]).await;
}

fn of(name: &str, arguments: Value) -> Vec<u8> {
    serde_json::to_vec(&command(name, example::SOLBAKKEN, "kari", arguments)).unwrap()
}

async fn asked(epj: &Epj, numbers: &[&str], questions: u32) -> Histogram<u64> {
    let progress = bar("questions", u64::from(questions));
    let mut latencies = Histogram::new(3).unwrap();
    for _ in 0..questions {
        let body = of("CheckContactability", json!({ "patients": numbers }));
        let started = Instant::now();
        epj.send_raw(QUESTIONS, &body, "1").await;
        let answer = epj.next_raw().await.data;
        latencies.record(u64::try_from(started.elapsed().as_micros()).unwrap()).unwrap();
        assert!(answer.windows(18).filter(|bytes| bytes == b"\"contactable\":\"yes").count() == numbers.len());
        progress.inc(1);
    }
    progress.finish_and_clear();
    latencies
}
