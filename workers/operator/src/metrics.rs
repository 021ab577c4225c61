//! `dialogpost metrics`.

use crate::cli::Format;
use crate::out::{Answer, Grid};
use clap::Args;
use runtime::catalogue::METRICS;
use serde_json::json;

/// Tells what every metric says that the workers show at /metrics.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Metrics {
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost metrics
  dialogpost metrics --json

Exit code: 0.";

impl Metrics {
    /// Does it.
    pub fn execute(&self) -> Answer {
        let mut grid = Grid::new(["metric", "kind", "labels", "says"]);
        let mut all = Vec::new();
        for m in METRICS {
            grid.row([m.name.to_owned(), m.kind.as_str().to_owned(), m.labels.join(" "), m.about.to_owned()]);
            all.push(json!({ "name": m.name, "kind": m.kind.as_str(), "labels": m.labels, "about": m.about }));
        }
        Answer { text: grid.to_string(), json: json!({ "metrics": all }), positive: true }
    }
}
