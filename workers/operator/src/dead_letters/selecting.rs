//! Which letters a verb is about.

use clap::Args;
use clap::builder::PossibleValuesParser;
use domain::dead_letter::State;
use jiff::{SignedDuration, Timestamp};
use messages::HerId;
use store::dead_letter::Filter;
use uuid::Uuid;

/// Which letters.
#[derive(Clone, Debug, Args)]
pub(super) struct Selection {
    /// Given up by this worker.
    #[arg(long)]
    worker: Option<String>,
    /// Of this cause, as `groups` gives it, or with this code.
    #[arg(long)]
    cause: Option<String>,
    /// Of this clinic, by its HER-id.
    #[arg(long)]
    clinic: Option<HerId>,
    /// An event's or command's name, or a message function.
    #[arg(long)]
    kind: Option<String>,
    /// Dead for so long at least: 30m, 2h, 3d.
    #[arg(long, value_name = "AGE", value_parser = age)]
    older: Option<SignedDuration>,
    /// Dead for so long at most.
    #[arg(long, value_name = "AGE", value_parser = age)]
    newer: Option<SignedDuration>,
}

impl Selection {
    /// As the store takes it; without ids, all.
    pub(super) fn filter(self, ids: Vec<Uuid>, states: Vec<State>, now: Timestamp) -> Filter {
        let ago = |age: SignedDuration| now.checked_sub(age).unwrap_or(Timestamp::MIN);
        Filter {
            ids,
            worker: self.worker,
            cause: self.cause,
            clinic: self.clinic,
            kind: self.kind,
            before: self.older.map(ago),
            after: self.newer.map(ago),
            states,
            is_oldest_first: false,
        }
    }
}

/// An age: a number and `s`, `m`, `h` or `d`.
fn age(text: &str) -> Result<SignedDuration, &'static str> {
    const WRONG: &str = "expected a number and s, m, h or d, such as 2h, of at most 3650d";
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(WRONG)?;
    let number: i64 = number.parse().map_err(|_| WRONG)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(WRONG),
    };
    let seconds = number.checked_mul(unit).filter(|seconds| (0..=3650 * 86_400).contains(seconds)).ok_or(WRONG)?;
    Ok(SignedDuration::from_secs(seconds))
}

/// The states a letter may be in, as an option takes them.
pub(super) fn states() -> PossibleValuesParser {
    PossibleValuesParser::new(State::ALL.map(State::as_str))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_and_bounded() {
        let table = [("90s", 90), ("30m", 1800), ("2h", 7200), ("3d", 259_200), ("0s", 0)];
        for (text, seconds) in table {
            assert_eq!(age(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for text in ["", "h", "2", "-1h", "2w", "9999999999999999h", "3651d", "2å"] {
            assert!(age(text).is_err(), "{text}");
        }
    }
}
