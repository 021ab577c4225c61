//! Everything that is printed.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use domain::command::text::turns_direction;
use domain::transport::may_hold_identity_number;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

/// What a command found or did.
#[derive(Debug)]
pub struct Answer {
    /// For people.
    pub text: String,
    /// For programs; `Null` for a command without `--json`.
    pub json: Value,
    /// Exit code 0, or 1.
    pub positive: bool,
}

impl Default for Answer {
    fn default() -> Self {
        Self { text: String::new(), json: Value::Null, positive: true }
    }
}

/// Prints an answer; the exit code that goes with it.
pub fn answer(answer: &Answer, json: bool) -> ExitCode {
    let text = if json { serde_json::to_string_pretty(&answer.json).unwrap_or_default() } else { answer.text.clone() };
    let mut stdout = std::io::stdout().lock();
    // A reader that closes the pipe early, such as `head`, has seen enough.
    let _ = writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush());
    if answer.positive { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says on standard error what went wrong.
pub fn problem(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Waits for work; what lasts longer than two seconds shows that it goes on.
pub async fn patiently<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = tokio::time::sleep(Duration::from_secs(2)) => {}
    }
    if !std::io::stderr().is_terminal() {
        problem(&format!("{what} …"));
        return work.await;
    }
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} … {elapsed}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(120));
    let done = work.await;
    spinner.finish_and_clear();
    done
}

/// Width of tables of names and values where no terminal tells its own.
const WIDTH: u16 = 120;
/// Characters that the last column should have at least.
const ROOM: u16 = 24;

/// A table for people. It has no colours.
#[derive(Debug)]
pub struct Grid {
    table: Table,
    numbers_from: usize,
}

impl Grid {
    /// An empty table.
    pub fn new<'a>(header: impl IntoIterator<Item = &'a str>) -> Self {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(header.into_iter().map(Cell::new));
        // Lists stay one line a row, for other programs; what is named beside its value may be long.
        if !std::io::stdout().is_terminal() && table.column_count() == 2 {
            table.set_width(WIDTH);
        }
        Self { table, numbers_from: usize::MAX }
    }

    /// Columns from this one on hold numbers.
    #[must_use]
    pub const fn numbers_from(mut self, column: usize) -> Self {
        self.numbers_from = column;
        self
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.table.add_row(cells.into_iter().map(|text| Cell::new(clean(&text))));
    }
}

impl Grid {
    /// Whether the last column has room beside the others.
    fn fits(&self, table: &Table) -> bool {
        let widths = table.column_max_content_widths();
        let (last, others) = widths.split_last().map_or((0, 0), |(last, rest)| (*last, rest.iter().map(|w| w + 3).sum::<u16>()));
        table.width().is_none_or(|width| others + last.min(ROOM) + 4 <= width)
    }
}

impl std::fmt::Display for Grid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut table = self.table.clone();
        // Ids, dates and numbers stay whole, so that they can be copied; what is long stands last and wraps. Where that would leave it no
        // room, everything wraps.
        let whole = match self.numbers_from {
            usize::MAX if self.fits(&table) => table.column_count().saturating_sub(1),
            usize::MAX => 0,
            _ => usize::MAX,
        };
        for column in table.column_iter_mut().take(whole) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        for column in table.column_iter_mut().skip(self.numbers_from) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(f, "{table}")
    }
}

/// Text from outside without what would steer a terminal.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_bidi(c) { '\u{fffd}' } else { c }).collect()
}

fn is_bidi(c: char) -> bool {
    turns_direction(c) || matches!(c, '\u{200e}' | '\u{200f}')
}

/// What somebody put where it should be harmless; hidden when it is long or holds what may be an identity number.
pub fn unless_a_person(value: &str) -> String {
    let fits = value.len() <= 100 && !may_hold_identity_number(value);
    if fits { value.to_owned() } else { format!("(hidden, {} bytes)", value.len()) }
}

/// A value that may be missing.
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| v.to_string())
}

/// A time as Norwegian clocks show it.
pub fn time(at: Timestamp) -> String {
    let zone = TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_steers_the_terminal() {
        let mut grid = Grid::new(["a", "n"]).numbers_from(1);
        grid.row(["\u{1b}[31mred\r\n\u{202e}".into(), "7".into()]);
        let text = grid.to_string();
        assert!(!text.contains('\u{1b}') && !text.contains('\r') && !text.contains('\u{202e}'), "{text}");
        assert!(text.contains("┌") && text.contains("┆ 7 │"), "{text}");
    }

    #[test]
    fn what_is_long_has_room_on_a_narrow_terminal_too() {
        let text = "a text of many words ".repeat(10);
        let lines = |width| {
            let mut grid = Grid::new(["id", "code", "text"]);
            grid.table.set_width(width);
            grid.row(["a76d8934-d4ba-4a22-8f5d-12345678901a".into(), "recipient-certificate-refused".into(), text.clone()]);
            grid.to_string().lines().map(str::to_owned).collect::<Vec<_>>()
        };
        for width in [80, 160] {
            let lines = lines(width);
            assert!(lines.len() < 25, "{width}: {}", lines.join("\n"));
            assert!(lines.iter().all(|line| line.chars().count() <= usize::from(width)), "{}", lines.join("\n"));
        }
        assert!(lines(160).iter().any(|line| line.contains("a76d8934-d4ba-4a22-8f5d-12345678901a")), "what fits stays whole");
    }

    #[test]
    fn what_may_be_a_person_is_hidden() {
        for harmless in ["8141333", "ID:host-1700000", "a76d8934-d4ba-4a22-8f5d-12345678901a"] {
            assert_eq!(unless_a_person(harmless), harmless);
        }
        for person in ["15868549960", "158685 49960", "nin=15868549960;", &"x".repeat(101)] {
            assert!(unless_a_person(person).starts_with("(hidden, "), "{person}");
        }
    }

    #[test]
    fn times_are_norwegian() {
        assert_eq!(time("2026-07-01T10:00:00Z".parse().unwrap()), "2026-07-01 12:00:00.000");
        assert_eq!(time("2026-12-01T10:00:00.25Z".parse().unwrap()), "2026-12-01 11:00:00.250");
    }
}
