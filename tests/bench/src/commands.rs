//! What a journal system waits for, and what a large file costs in memory.

use crate::{Commands, meter, progress::bar};
use e2e::Fleet;
use e2e::epj::{COMMANDS, Epj, QUESTIONS, command};
use hdrhistogram::Histogram;
use helsenorge::{SyntheticPatient, example};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Instant;

/// Patients in one question: as many as there may be.
const PATIENTS: usize = 1000;
/// Bytes of the file: as many as there may be.
const FILE: usize = 12 * 1024 * 1024;

/// The figures, in the order of the last line.
#[derive(Serialize)]
pub(crate) struct Figures {
    /// Median from asking about a thousand patients to having the answer, all of them known.
    thousand_p50_ms: f64,
    /// 99th percentile of the same.
    thousand_p99_ms: f64,
    /// Median of the same question about one patient: what a command costs at least.
    ceiling_one_p50_ms: f64,
    /// Most memory above what the fleet had before, while a dialog with the largest file is written and sent, in sizes of that file.
    peak_in_files: f64,
    questions: u32,
    file_bytes: usize,
}

impl Figures {
    /// A few lines for people.
    pub(crate) fn for_people(&self) -> String {
        format!(
            "{:.1} ms median, {:.1} ms p99 for a question about {PATIENTS} patients; {:.1} ms median about one\n\
             a dialog with a file of {} MiB takes {:.2} times that in memory, from the command to HelseNorge's queue",
            self.thousand_p50_ms,
            self.thousand_p99_ms,
            self.ceiling_one_p50_ms,
            self.file_bytes >> 20,
            self.peak_in_files,
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
    let peak_in_files = file(&fleet, &epj).await / FILE as f64;
    running.stop().await;
    let ms = |latencies: &Histogram<u64>, quantile| (latencies.value_at_quantile(quantile) as f64 / 100.0).round() / 10.0;
    Figures {
        thousand_p50_ms: ms(&thousand, 0.5),
        thousand_p99_ms: ms(&thousand, 0.99),
        ceiling_one_p50_ms: ms(&one, 0.5),
        peak_in_files: (peak_in_files * 100.0).round() / 100.0,
        questions: options.questions,
        file_bytes: FILE,
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

/// Bytes beyond what was there before, at most, while the fleet writes and sends.
async fn file(fleet: &Fleet, epj: &Epj) -> f64 {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    bytes.resize(FILE, b'x');
    // The first one warms up what is kept for good.
    for round in 0..2 {
        let upload = epj.upload(example::SOLBAKKEN, "kari", &bytes).await;
        let arguments = json!({ "kind": "EKONTAKT", "patient": example::LINE.nin, "subject": "Fil", "text": "Se her",
            "attachments": [{ "file_name": "a.pdf", "upload": upload }] });
        meter::forget_peak();
        let before = meter::rss_mb();
        epj.send_raw(COMMANDS, &of("StartDialog", arguments), "1").await;
        let answer = epj.next().await.body;
        assert_eq!(answer["outcome"], "done", "{answer}");
        let sent = "select count(*) from dialogpost.sent_state where state in ('sent', 'awaiting_receipt')";
        fleet.until(sent, round + 1).await;
        if round == 1 {
            return (meter::rss_mb() - before) * 1024.0 * 1024.0;
        }
    }
    unreachable!("there are two rounds")
}
