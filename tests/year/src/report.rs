//! What came of the year.

use crate::Options;
use crate::days::Scene;
use crate::providers::Providers;
use comfy_table::{CellAlignment, Table, presets};
use helsenorge::NoticeKind;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Offenders that are named of one promise.
pub(crate) const NAMED: usize = 10;

/// The figures, in the order of the last line.
#[derive(Serialize)]
pub(crate) struct Report {
    seed: u64,
    clinics: u32,
    doctors: u32,
    patients: u32,
    from: String,
    /// Days that have passed.
    days: u32,
    set_up_s: f64,
    passed_s: f64,
    checked_s: f64,
    ms_per_day: f64,
    counts: BTreeMap<String, i64>,
    /// By promise, how often it was broken.
    broken: BTreeMap<String, usize>,
    #[serde(skip)]
    faults: BTreeMap<String, Vec<String>>,
}

/// Every night's promise.
const NIGHTLY: &str = "HelseNorge shows each patient what is to be seen, every night";

impl Report {
    pub(crate) fn new(seed: u64, options: &Options, set_up: Duration) -> Self {
        Self {
            seed,
            clinics: options.clinics,
            doctors: options.doctors,
            patients: options.patients,
            from: options.from.to_string(),
            days: 0,
            set_up_s: rounded(set_up),
            passed_s: 0.0,
            checked_s: 0.0,
            ms_per_day: 0.0,
            counts: BTreeMap::new(),
            broken: BTreeMap::new(),
            faults: BTreeMap::from([(NIGHTLY.to_owned(), Vec::new())]),
        }
    }

    /// Takes in what a night has shown.
    pub(crate) fn night(&mut self, faults: Vec<String>) {
        self.days += 1;
        self.faults.entry(NIGHTLY.to_owned()).or_default().extend(faults);
    }

    /// Faults of all nights so far.
    pub(crate) fn broken_nights(&self) -> usize {
        self.faults.get(NIGHTLY).map_or(0, Vec::len)
    }

    /// All days have passed.
    pub(crate) fn passed(&mut self, took: Duration) {
        self.passed_s = rounded(took);
        self.ms_per_day = (took.as_secs_f64() * 1000.0 / f64::from(self.days.max(1))).round();
    }

    /// Looks at the whole.
    pub(crate) async fn end(&mut self, scene: &Scene, providers: &Providers) {
        let started = std::time::Instant::now();
        let faults = scene.ending(providers).await;
        self.faults.extend(faults.into_iter().map(|(promise, faults)| (promise.to_owned(), faults)));
        self.broken = self.faults.iter().map(|(promise, faults)| (promise.clone(), faults.len())).collect();
        self.counts = counts(scene).await;
        self.checked_s = rounded(started.elapsed());
    }

    /// Whether every promise was kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.faults.values().all(Vec::is_empty)
    }

    /// Tables, and the first who broke a promise.
    pub(crate) fn for_people(&self) -> String {
        let table = |rows: Vec<[String; 2]>| {
            let mut table = Table::new();
            table.load_style(presets::NOTHING).add_rows(rows);
            if let Some(column) = table.column_mut(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            table.to_string()
        };
        let counts = table(self.counts.iter().map(|(what, count)| [what.clone(), count.to_string()]).collect());
        let kept = |count: usize| if count == 0 { "kept".to_owned() } else { format!("BROKEN {count} times") };
        let promises = table(self.faults.iter().map(|(promise, faults)| [promise.clone(), kept(faults.len())]).collect());
        let named = |(promise, faults): (&String, &Vec<String>)| {
            faults.iter().take(NAMED).map(|fault| format!("{promise}: {fault}\n")).collect::<String>()
        };
        format!(
            "{counts}\n\n{promises}\n\n{}{} days in {:.0} s, {:.0} ms a day; set up in {:.0} s, checked in {:.0} s; seed {}",
            self.faults.iter().map(named).collect::<String>(),
            self.days,
            self.passed_s,
            self.ms_per_day,
            self.set_up_s,
            self.checked_s,
            self.seed,
        )
    }
}

fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).round() / 10.0
}

async fn counts(scene: &Scene) -> BTreeMap<String, i64> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut counts: BTreeMap<String, i64> = scene.counts.iter().map(|(what, n)| (what.clone(), number(*n))).collect();
    let sql = "select 'appointments ' || status, count(*) from dialogpost.appointment group by status
        union all select 'versions ' || change, count(*) from dialogpost.appointment_change group by change
        union all select 'notices ' || kind || ' ' || coalesce(channel, reason), count(*) from dialogpost.notification group by kind, coalesce(channel, reason)
        union all select 'messages ' || direction, count(*) from dialogpost.message group by direction
        union all select 'questions about users', count(*) from dialogpost.contact_question";
    counts.extend(scene.fleet.rows.query(sql, &[]).await.iter().map(|row| (row.get(0), row.get(1))));
    let state = scene.national.state();
    counts.extend(state.answers.iter().map(|(code, n)| (format!("HelseNorge was answered {code}"), number(*n))));
    counts.insert("HelseNorge turned down".to_owned(), number(state.told.iter().filter(|told| told.is_refused).count() as u64));
    for notice in state.picture.notices() {
        let kind = match notice.kind {
            NoticeKind::Booked => "booked",
            NoticeKind::Moved => "moved",
            NoticeKind::Cancelled => "cancelled",
            NoticeKind::TypeChanged => "type changed",
            NoticeKind::Reminder => "reminder",
        };
        *counts.entry(format!("HelseNorge told patients {kind}")).or_default() += 1;
    }
    counts
}
