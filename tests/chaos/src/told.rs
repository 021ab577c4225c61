//! What is printed at the end.

use crate::books::Books;
use crate::strike::Recoveries;
use comfy_table::{Table, presets};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// A run that is over.
pub(crate) struct Told {
    pub(crate) seed: u64,
    pub(crate) seconds: u64,
    /// How long a recovery may take.
    pub(crate) limit: Duration,
    pub(crate) recoveries: Recoveries,
    pub(crate) books: Books,
}

impl Told {
    /// Tables for people, and a file for programs.
    pub(crate) fn tell(mut self, file: Option<&Path>) -> ExitCode {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["broken", "times", "p50", "p95", "max"]);
        let mut figures = serde_json::Map::new();
        for (what, times) in &mut self.recoveries {
            times.sort();
            let [p50, p95, max] = [50, 95, 100].map(|percent| percentile(times, percent));
            let cells = [p50, p95, max].map(|time| format!("{:.1} s", time.as_secs_f64()));
            table.add_row([(*what).to_owned(), times.len().to_string()].into_iter().chain(cells));
            figures.insert((*what).to_owned(), json!({ "times": times.len(), "p50_s": p50.as_secs_f64(), "p95_s": p95.as_secs_f64(), "max_s": max.as_secs_f64() }));
            if max > self.limit {
                self.books.faults.push(format!(
                    "{what}: a recovery took {:.1} s, more than {} s",
                    max.as_secs_f64(),
                    self.limit.as_secs()
                ));
            }
        }
        println!(
            "Recovery, until all that was sent before is receipted, delivered and journaled, and a fresh message, too:\n{table}"
        );
        let mut counts = Table::new();
        counts.load_style(presets::UTF8_FULL_CONDENSED);
        for (what, count) in &self.books.counts {
            counts.add_row([(*what).to_owned(), count.to_string()]);
        }
        println!("{counts}\nSeed {}, {} s.", self.seed, self.seconds);
        let report = json!({ "seed": self.seed, "seconds": self.seconds, "recoveries": figures, "counts": self.books.counts, "faults": self.books.faults });
        if let Some(file) = file
            && let Err(error) = std::fs::write(file, format!("{report:#}\n"))
        {
            self.books.faults.push(format!("{} cannot be written: {error}", file.display()));
        }
        match self.books.faults.as_slice() {
            [] => {
                println!("Nothing was lost, doubled, left behind or leaked, and every dialog is whole.");
                ExitCode::SUCCESS
            }
            faults => {
                faults.iter().for_each(|fault| println!("FAULT: {fault}"));
                ExitCode::FAILURE
            }
        }
    }
}

/// Of sorted times; nearest rank.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_those_that_happened() {
        let times: Vec<Duration> = (1..=20).map(Duration::from_secs).collect();
        for (percent, seconds) in [(50, 10), (95, 19), (100, 20), (1, 1)] {
            assert_eq!(percentile(&times, percent), Duration::from_secs(seconds), "{percent}");
        }
        assert_eq!(percentile(&times[..1], 95), Duration::from_secs(1));
    }
}
