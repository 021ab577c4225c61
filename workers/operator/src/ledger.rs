//! `dialogpost ledger`.

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid, or_dash};
use clap::Args;
use serde_json::json;
use store::ledger::{self, Line, SentLine};

/// Proves that every message received has exactly one end state or is on its way, for each clinic and day.
///
/// Days are Norwegian. A line without a clinic counts messages that named no clinic of ours. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Ledger {
    /// How many days, today included.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(i32).range(1..=3660))]
    days: i32,
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost ledger
  dialogpost ledger --days 30 --json

Exit codes: 0 it balances; 1 it does not; 2 it could not be asked.";

impl Ledger {
    /// Does it.
    ///
    /// # Errors
    /// The database is away.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let config = environment::read(&[Need::Database])?;
        let session = environment::database(&config).await?;
        let received = ledger::lines(&session, self.days).await?;
        Ok(answer(&received, &ledger::sent(&session, self.days).await?, self.days))
    }
}

fn answer(lines: &[Line], sent: &[SentLine], days: i32) -> Answer {
    let positive = lines.iter().all(Line::balances);
    Answer {
        text: format!("{}{}{}", table(lines), balance(lines), sent_table(sent)),
        json: json!({ "days": days, "balances": positive, "lines": lines, "sent": sent }),
        positive,
    }
}

/// Columns that are left out while they hold nothing but zeros.
const RARE: [&str; 8] = ["repeated", "filed", "replied", "expired", "noted", "dead", "in flight", "unexplained"];

const COLUMNS: usize = 12;

fn table(lines: &[Line]) -> String {
    let Some(first) = lines.first() else { return String::new() };
    let names = columns(first).map(|(name, _)| name);
    let shown = |name: &str| !RARE.contains(&name) || lines.iter().any(|l| columns(l).iter().any(|(n, v)| *n == name && *v != 0));
    let header = ["day", "clinic"].into_iter().chain(names.into_iter().filter(|name| shown(name))).chain(["balances"]);
    let mut grid = Grid::new(header).numbers_from(2);
    for line in lines {
        let numbers = columns(line).into_iter().filter(|(name, _)| shown(name)).map(|(_, n)| n.to_string());
        let balances = if line.balances() { "yes" } else { "NO" }.to_owned();
        grid.row([line.day.clone(), or_dash(line.clinic)].into_iter().chain(numbers).chain([balances]));
    }
    grid.to_string()
}

const fn columns(line: &Line) -> [(&'static str, i64); COLUMNS] {
    [
        ("received", line.received),
        ("delivered", line.delivered),
        ("journaled and delivered", line.journaled_and_delivered),
        ("rejected", line.rejected),
        ("repeated", line.repeated),
        ("filed", line.filed),
        ("replied", line.replied),
        ("expired", line.expired),
        ("noted", line.noted),
        ("dead", line.dead),
        ("in flight", line.in_flight),
        ("unexplained", line.unexplained),
    ]
}

/// What we sent, and what its receivers said.
fn sent_table(lines: &[SentLine]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut grid = Grid::new([
        "day",
        "clinic",
        "queued",
        "sent",
        "awaiting receipt",
        "overdue",
        "receipted",
        "rejected",
        "failed",
        "called off",
        "dead",
    ])
    .numbers_from(2);
    for l in lines {
        let numbers = [l.queued, l.sent, l.awaiting_receipt, l.overdue, l.receipted, l.rejected, l.failed, l.called_off, l.dead];
        grid.row([l.day.clone(), or_dash(l.clinic)].into_iter().chain(numbers.map(|n| n.to_string())));
    }
    let overdue: i64 = lines.iter().map(|l| l.overdue).sum();
    let note = if overdue > 0 { format!("{overdue} receipt(s) are overdue: ask the receiver.\n") } else { String::new() };
    format!("Sent:\n{grid}{note}")
}

/// The sum over all lines, as an equation that holds or does not.
fn balance(lines: &[Line]) -> String {
    let mut sums = [("received", 0); COLUMNS];
    for line in lines {
        for (sum, (name, n)) in sums.iter_mut().zip(columns(line)) {
            *sum = (name, sum.1 + n);
        }
    }
    let [(_, received), ended @ ..] = sums;
    let terms: Vec<_> = ended.iter().filter(|(_, n)| *n != 0).map(|(name, n)| format!("{n} {name}")).collect();
    let right = if terms.is_empty() { "0".to_owned() } else { terms.join(" + ") };
    match lines.iter().filter(|line| !line.balances()).count() {
        0 => format!("balances: received {received} = {right}\n"),
        n => format!(
            "DOES NOT BALANCE on {n} line(s): received {received}, accounted for {right}\nThis must never be: keep the database as it is and report it.\n"
        ),
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line {
            day: "2026-11-23".into(),
            clinic: Some(8_141_333),
            received: 6,
            delivered: 1,
            journaled_and_delivered: 2,
            rejected: 1,
            repeated: 0,
            filed: 0,
            replied: 0,
            expired: 0,
            noted: 0,
            dead: 1,
            in_flight: 1,
            unexplained: 0,
        }
    }

    #[test]
    fn an_equation_that_holds() {
        let want = "balances: received 12 = 2 delivered + 4 journaled and delivered + 2 rejected + 2 dead + 2 in flight\n";
        assert_eq!(balance(&[line(), Line { clinic: None, ..line() }]), want);
        assert_eq!(balance(&[]), "balances: received 0 = 0\n");
    }

    #[test]
    fn one_line_that_does_not_balance_is_a_negative_answer() {
        let wrong = Line { received: 7, ..line() };
        let answer = answer(&[line(), wrong], &[], 7);
        assert!(!answer.positive && answer.text.contains("DOES NOT BALANCE on 1 line") && answer.text.contains("NO"));
        assert_eq!(answer.json["balances"], false);
        // Two wrongs that cancel out are wrong still.
        assert!(!super::answer(&[Line { received: 7, ..line() }, Line { received: 5, ..line() }], &[], 7).positive);
    }

    #[test]
    fn overdue_receipts_are_pointed_out() {
        let sent = SentLine { day: "2026-11-23".into(), overdue: 2, receipted: 5, ..SentLine::default() };
        let answer = answer(&[line()], &[sent], 7);
        assert!(answer.positive && answer.text.contains("2 receipt(s) are overdue"), "{}", answer.text);
        assert_eq!(answer.json["sent"][0]["receipted"], 5);
    }
}
