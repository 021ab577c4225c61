//! The figures of a run: how fast, how long, and whether anything was lost or doubled, by two counts that know nothing of each other.

use crate::mix::{End, Order, Shot, shots};
use crate::playing::{Played, play};
use crate::{Run, exchange, ledger, page, roots, secret};
use hdrhistogram::Histogram;
use helsenorge::{HelseNorge, Pace};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::process::ExitCode;
use std::time::Duration;

/// Longer times count as so long.
const LONGEST: u64 = 3_600_000_000;

/// How values are spread, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Spread {
    pub(crate) count: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
}

/// A second of a run.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Second {
    /// Sent in it.
    pub(crate) sent: u64,
    /// Answered in it.
    pub(crate) answered: u64,
    /// Of those sent in it, the 99th percentile until the receipt.
    pub(crate) p99_ms: f64,
}

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) started_at: Timestamp,
    pub(crate) seconds: f64,
    pub(crate) rate: Option<u32>,
    pub(crate) bytes: usize,
    /// What was sent, by what must become of it.
    pub(crate) sent: BTreeMap<String, u64>,
    pub(crate) msg_per_s: f64,
    /// The most that a message was sent after its time.
    pub(crate) most_behind_ms: f64,
    /// Stages, each from when the message was due to be sent.
    pub(crate) stages: BTreeMap<&'static str, Spread>,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// Each fault in words; none: all became what it must.
    pub(crate) faults: Vec<String>,
    /// Each limit that was missed, in words.
    pub(crate) missed: Vec<String>,
    pub(crate) per_second: Vec<Second>,
}

/// Runs it.
///
/// # Errors
/// A server is away.
pub(crate) async fn measure(run: &Run) -> Result<Report, String> {
    let messages = run.messages.unwrap_or_else(|| run.rate.saturating_mul(run.seconds)) as usize;
    let order = Order {
        messages,
        mix: run.mix.clone(),
        text: run.text as usize,
        duplicates: run.duplicates,
        bad: run.bad,
        patients: run.patients as usize,
        seed: run.seed,
        run: rand::random(),
    };
    let exchange = run.exchange.as_deref().map(exchange::read).transpose()?;
    eprintln!("making {messages} messages ...");
    let shots = match &exchange {
        Some(exchange) => exchange::sealed(exchange, shots(&order)),
        None => shots(&order),
    };
    let pace = if run.fast { Pace::AsFastAsPossible } else { Pace::PerSecond(f64::from(run.rate)) };
    let away = |trouble: helsenorge::Trouble| {
        format!("The broker does not answer as it should: {trouble}\nCheck AMQP_URL and NHN_EXCHANGE.")
    };
    let amqp_url = secret("AMQP_URL").ok_or("AMQP_URL is not set: amqp://user:password@host:5672/vhost")?;
    let roots = roots::read()?;
    let helsenorge = HelseNorge::connect_trusting(&amqp_url, &run.nhn_exchange, roots.pem.clone()).await.map_err(away)?;
    let mut played = play(&helsenorge, &shots, pace, Duration::from_secs(run.patience)).await.map_err(away)?;
    if let Some(exchange) = &exchange {
        played.heard.open(exchange);
    }
    let accepted: Vec<&str> = ids(&shots, End::Accepted);
    let found = match secret("DATABASE_URL") {
        Some(url) => {
            let found = ledger::find(&url, &roots, &accepted, played.started_at).await;
            Some(found.map_err(|error| format!("The database does not answer: {error}\nCheck DATABASE_URL."))?)
        }
        None => None,
    };
    Ok(report(run, &shots, &played, found.as_ref()))
}

fn ids(shots: &[Shot], end: End) -> Vec<&str> {
    shots.iter().filter(|shot| shot.end == end).map(|shot| shot.sent.msg_id.as_str()).collect()
}

fn report(run: &Run, shots: &[Shot], played: &Played, found: Option<&ledger::Found>) -> Report {
    let due = |place: usize| match run.fast {
        true => played.sending.sent_at.get(&shots[place].sent.transport_id).copied().unwrap_or(played.started_at),
        false => played.started_at + SignedDuration::from_secs_f64(place as f64 / f64::from(run.rate)),
    };
    let receipts = &played.heard.receipts;
    let of = |shot: &Shot| receipts.get(&shot.sent.msg_id.to_lowercase()).map_or(&[][..], Vec::as_slice);
    let (mut stages, mut per_second) = (Stages::default(), PerSecond::default());
    for (place, shot) in shots.iter().enumerate() {
        let due = due(place);
        per_second.sent(played.started_at, due);
        if shot.end != End::Accepted {
            continue;
        }
        if let Some((at, _)) = of(shot).first() {
            stages.add("receipted", due, Some(*at));
            per_second.answered(played.started_at, due, *at);
        }
        if let Some(way) = found.and_then(|found| found.ways.get(&shot.sent.msg_id)) {
            stages.add("stored", due, Some(way.stored));
            stages.add("in inboxes", due, way.in_inboxes);
            stages.add("journaled", due, way.journaled);
        }
    }
    let (lost, doubled, faults) = accounting(shots, played, found);
    let last = receipts.values().flatten().map(|(at, _)| *at).max().unwrap_or(played.started_at);
    let seconds = last.duration_since(played.started_at).as_secs_f64().max(0.001);
    let mut sent: BTreeMap<String, u64> = BTreeMap::new();
    for shot in shots {
        let name = serde_json::to_value(shot.end).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
        *sent.entry(name).or_default() += 1;
    }
    let mut report = Report {
        started_at: played.started_at,
        seconds: round(seconds),
        rate: (!run.fast).then_some(run.rate),
        bytes: shots.iter().map(|shot| shot.sent.body.len()).sum::<usize>() / shots.len().max(1),
        sent,
        msg_per_s: round(played.heard.receipts.len() as f64 / seconds),
        most_behind_ms: round(played.sending.most_behind.as_secs_f64() * 1000.0),
        stages: stages.spreads(),
        lost,
        doubled,
        faults,
        missed: Vec::new(),
        per_second: per_second.all(),
    };
    report.missed = run.limits.iter().filter_map(|limit| limit.fault(report.figure(&limit.name))).collect();
    report
}

/// What was lost, what was doubled, and every fault in words.
fn accounting(shots: &[Shot], played: &Played, found: Option<&ledger::Found>) -> (u64, u64, Vec<String>) {
    let mut want: HashMap<String, (u64, bool)> = HashMap::new();
    let mut errors = 0;
    for shot in shots {
        let positive = match shot.end {
            End::Accepted | End::Repeated => true,
            End::Rejected => false,
            End::Refused => {
                errors += 1;
                continue;
            }
            End::Redelivered => continue,
        };
        want.entry(shot.sent.msg_id.to_lowercase()).or_insert((0, positive)).0 += 1;
    }
    let (mut lost, mut doubled, mut wrong) = (0, 0, 0_u64);
    for (id, (count, positive)) in &want {
        let got = played.heard.receipts.get(id).map_or(&[][..], Vec::as_slice);
        lost += count.saturating_sub(got.len() as u64);
        doubled += (got.len() as u64).saturating_sub(*count);
        wrong += got.iter().filter(|(_, is_positive)| is_positive != positive).count() as u64;
    }
    lost += u64::saturating_sub(errors, played.heard.errors);
    doubled += played.heard.errors.saturating_sub(errors);
    let strange = played.heard.receipts.keys().filter(|id| !want.contains_key(*id)).count();
    let mut faults = Vec::new();
    let mut note = |n: u64, what: &str| {
        if n > 0 {
            faults.push(format!("{n} {what}"))
        }
    };
    note(lost, "answers have not come");
    note(doubled, "answers came once too often");
    note(wrong, "receipts say the opposite of what they must");
    note(played.heard.unopened, "answers were not signed by the clinic and encrypted for HelseNorge");
    note(strange as u64, "receipts are of messages that nobody sent");
    note(
        played.sending.unconfirmed.len() as u64,
        "messages were not confirmed by the broker, and may have been lost before the fleet",
    );
    if let Some(found) = found {
        let accepted = ids(shots, End::Accepted);
        let missing = accepted.iter().filter(|id| !found.ways.contains_key(**id)).count() as u64;
        let nowhere = found.ways.values().filter(|way| way.in_inboxes.is_none()).count() as u64;
        note(missing, "messages are not in the ledger");
        note(found.doubled, "messages are in the ledger twice");
        note(nowhere, "messages are in no inbox");
        note(found.dead.unsigned_abs(), "dead letters");
        note(found.outbox.unsigned_abs(), "rows wait in the outbox");
        lost = lost.max(missing);
        doubled = doubled.max(found.doubled);
    }
    (lost, doubled, faults)
}

#[derive(Default)]
struct Stages(BTreeMap<&'static str, Option<Histogram<u64>>>);

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("these bounds are allowed")
}

fn micros(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_micros()).unwrap_or(0).clamp(1, LONGEST)
}

impl Stages {
    fn add(&mut self, stage: &'static str, from: Timestamp, to: Option<Timestamp>) {
        let Some(to) = to else { return };
        let histogram = self.0.entry(stage).or_default().get_or_insert_with(histogram);
        histogram.saturating_record(micros(from, to));
    }

    fn spreads(self) -> BTreeMap<&'static str, Spread> {
        self.0.into_iter().filter_map(|(stage, histogram)| Some((stage, spread(&histogram?)))).collect()
    }
}

fn spread(histogram: &Histogram<u64>) -> Spread {
    let ms = |quantile| round(histogram.value_at_quantile(quantile) as f64 / 1000.0);
    Spread {
        count: histogram.len(),
        p50_ms: ms(0.5),
        p90_ms: ms(0.9),
        p99_ms: ms(0.99),
        p999_ms: ms(0.999),
        max_ms: round(histogram.max() as f64 / 1000.0),
    }
}

#[derive(Default)]
struct PerSecond(Vec<(Second, Option<Histogram<u64>>)>);

impl PerSecond {
    fn at(&mut self, start: Timestamp, at: Timestamp) -> &mut (Second, Option<Histogram<u64>>) {
        let place = usize::try_from(at.duration_since(start).as_secs()).unwrap_or(0);
        if self.0.len() <= place {
            self.0.resize_with(place + 1, Default::default);
        }
        &mut self.0[place]
    }

    fn sent(&mut self, start: Timestamp, due: Timestamp) {
        self.at(start, due).0.sent += 1;
    }

    fn answered(&mut self, start: Timestamp, due: Timestamp, at: Timestamp) {
        self.at(start, at).0.answered += 1;
        self.at(start, due).1.get_or_insert_with(histogram).saturating_record(micros(due, at));
    }

    fn all(self) -> Vec<Second> {
        let with = |(second, histogram): (Second, Option<Histogram<u64>>)| Second {
            p99_ms: histogram.map_or(0.0, |histogram| spread(&histogram).p99_ms),
            ..second
        };
        self.0.into_iter().map(with).collect()
    }
}

fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

impl Report {
    fn figure(&self, name: &str) -> f64 {
        let receipted = self.stages.get("receipted");
        let ms = |of: fn(&Spread) -> f64| receipted.map_or(f64::INFINITY, of);
        match name {
            "msg_per_s" => self.msg_per_s,
            "p50_ms" => ms(|s| s.p50_ms),
            "p90_ms" => ms(|s| s.p90_ms),
            "p99_ms" => ms(|s| s.p99_ms),
            "p999_ms" => ms(|s| s.p999_ms),
            "max_ms" => ms(|s| s.max_ms),
            "lost" => self.lost as f64,
            _ => self.doubled as f64,
        }
    }

    /// Prints it, writes the files, and says by its code whether all is well.
    pub(crate) fn tell(&self, run: &Run) -> ExitCode {
        println!("{}", self.for_people());
        let json = serde_json::to_string_pretty(self).expect("figures are JSON");
        let files = [(&run.json, json), (&run.html, page::page(self))];
        for (path, content) in files.iter().filter_map(|(path, content)| Some((path.as_ref()?, content))) {
            if let Err(error) = std::fs::write(path, content) {
                eprintln!("{} cannot be written: {error}", path.display());
                return ExitCode::from(2);
            }
            println!("{}", path.display());
        }
        if self.faults.is_empty() && self.missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn for_people(&self) -> String {
        let sent: u64 = self.sent.values().sum();
        let mut text = format!(
            "{sent} messages of {} bytes in {:.1} s: {:.0} a second; {} lost, {} doubled\n",
            self.bytes, self.seconds, self.msg_per_s, self.lost, self.doubled
        );
        text.push_str("from when each was due, ms        p50       p90       p99     p99.9       max     count\n");
        for (stage, s) in &self.stages {
            let row = [s.p50_ms, s.p90_ms, s.p99_ms, s.p999_ms, s.max_ms].map(|ms| format!("{ms:>10.1}")).concat();
            text.push_str(&format!("  {stage:<23}{row}{:>10}\n", s.count));
        }
        for fault in &self.faults {
            text.push_str(&format!("FAULT: {fault}\n"));
        }
        for missed in &self.missed {
            text.push_str(&format!("MISSED: {missed}\n"));
        }
        text.trim_end().to_owned()
    }
}
