//! The table: redrawn in place on a terminal, printed once when it is complete elsewhere.

use crate::story::{End, Row};
use crate::watch::{Seen, Told, Verdict};
use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Instant;

const HEADER: [&str; 9] =
    ["", "from HelseNorge", "patient", "to", "recipients", "journal", "HelseNorge is told", "inbox\nms", "told\nms"];
/// Columns from this one on hold numbers.
const NUMBERS_FROM: usize = 7;

/// What is drawn again and again.
pub(crate) struct Screen(Option<ProgressBar>);

impl Screen {
    /// In place on a terminal, nothing elsewhere.
    pub(crate) fn new() -> Self {
        let live = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let style = ProgressStyle::with_template("{msg}").ok();
        Self(live.then_some(()).and(style).map(|style| ProgressBar::new_spinner().with_style(style)))
    }

    /// Whether somebody watches.
    pub(crate) const fn live(&self) -> bool {
        self.0.is_some()
    }

    /// Shows the table as it stands.
    pub(crate) fn draw(&self, table: &Table) {
        if let Some(bar) = &self.0 {
            bar.set_message(table.to_string());
            bar.tick();
        }
    }

    /// Clears what was drawn: the complete table is printed next.
    pub(crate) fn end(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}

/// A table with nothing in it yet.
pub(crate) fn framed(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        table.force_no_tty();
    }
    table
}

/// The table as it stands.
pub(crate) fn table(rows: &[Row], seen: &[Seen], verdicts: &[Verdict]) -> Table {
    let mut table = framed(&HEADER);
    for ((row, seen), verdict) in rows.iter().zip(seen).zip(verdicts) {
        table.add_row(cells(row, seen, verdict));
    }
    for column in table.column_iter_mut().skip(NUMBERS_FROM) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cells(row: &Row, seen: &Seen, verdict: &Verdict) -> [Cell; HEADER.len()] {
    let told = seen.told.first();
    [
        mark(seen, verdict),
        Cell::new(row.title),
        Cell::new(row.patient),
        Cell::new(row.to),
        recipients(row, seen),
        journaled(row, seen),
        answer(row, seen, told.map(|(told, _)| told), verdict),
        milliseconds(seen.sent, seen.in_inbox),
        milliseconds(seen.sent, told.map(|(_, at)| *at)),
    ]
}

fn mark(seen: &Seen, verdict: &Verdict) -> Cell {
    match verdict {
        Verdict::Waiting if seen.sent.is_none() => Cell::new(" "),
        Verdict::Waiting => Cell::new("…").fg(Color::Yellow),
        Verdict::AsExpected => Cell::new("✓").fg(Color::Green),
        Verdict::Wrong(_) => Cell::new("✗").fg(Color::Red),
    }
}

fn recipients(row: &Row, seen: &Seen) -> Cell {
    match seen.traces.first() {
        Some(trace) if row.end != End::Known && !trace.recipients.is_empty() => Cell::new(trace.recipients.join(", ")),
        Some(_) => Cell::new("—"),
        None => Cell::new(""),
    }
}

fn journaled(row: &Row, seen: &Seen) -> Cell {
    match seen.traces.first() {
        None => Cell::new(""),
        Some(_) if row.end == End::Known => Cell::new("—"),
        Some(trace) if trace.journaled => Cell::new("yes").fg(Color::Green),
        Some(trace) if trace.recipients.is_empty() => Cell::new("—"),
        Some(_) => Cell::new("no"),
    }
}

fn answer(row: &Row, seen: &Seen, told: Option<&Told>, verdict: &Verdict) -> Cell {
    match (told, row.end) {
        (Some(Told::Ok), End::Repeated) => Cell::new("OK, once more").fg(Color::Green),
        (Some(Told::Ok), _) => Cell::new("OK").fg(Color::Green),
        (Some(Told::Rejected(code)), _) => Cell::new(format!("rejected {code}")).fg(Color::Yellow),
        (Some(Told::Error(condition)), _) => Cell::new(format!("error {}", condition.replacen(':', ":\n", 1))).fg(Color::Yellow),
        (Some(Told::Unprotected), _) => Cell::new("something unprotected").fg(Color::Red),
        (None, End::Known) if *verdict == Verdict::AsExpected => Cell::new("— known, no effect"),
        (None, _) if seen.traces.first().is_some_and(|trace| trace.state == "dead") => Cell::new("— (a dead letter)"),
        (None, _) => Cell::new(""),
    }
}

fn milliseconds(from: Option<Instant>, to: Option<Instant>) -> Cell {
    let between = from.zip(to).map(|(from, to)| to.saturating_duration_since(from).as_millis().to_string());
    Cell::new(between.unwrap_or_default())
}
