//! What must hold of a run's figures.

use std::str::FromStr;

/// A limit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit {
    pub(crate) name: String,
    pub(crate) number: f64,
}

/// What can be limited: the name, and whether more is better.
pub(crate) const NAMES: [(&str, bool); 8] = [
    ("msg_per_s", true),
    ("p50_ms", false),
    ("p90_ms", false),
    ("p99_ms", false),
    ("p999_ms", false),
    ("max_ms", false),
    ("lost", false),
    ("doubled", false),
];

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || NAMES.map(|(name, _)| name).join(", ");
        let (name, number) = text.split_once('=').ok_or_else(|| format!("expected NAME=NUMBER, of {}", names()))?;
        if !NAMES.iter().any(|(known, _)| *known == name) {
            return Err(format!("there is no {name}: expected one of {}", names()));
        }
        match number.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(Self { name: name.to_owned(), number }),
            _ => Err(format!("{name}: expected a number, not below 0")),
        }
    }
}

impl Limit {
    /// What is wrong with a figure, if anything is.
    pub(crate) fn fault(&self, figure: f64) -> Option<String> {
        let more_is_better = NAMES.iter().any(|(name, more)| *name == self.name && *more);
        let holds = if more_is_better { figure >= self.number } else { figure <= self.number };
        let bound = if more_is_better { "at least" } else { "at most" };
        (!holds).then(|| format!("{} is {figure:.1}, to be {bound} {}", self.name, self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_held() {
        let table =
            [("p99_ms=50", 49.9, true), ("p99_ms=50", 50.1, false), ("msg_per_s=2500", 2499.0, false), ("lost=0", 0.0, true)];
        for (text, figure, holds) in table {
            assert_eq!(text.parse::<Limit>().unwrap().fault(figure).is_none(), holds, "{text} {figure}");
        }
        for text in ["p99", "p98_ms=1", "lost=-1", "lost=x", "p99_ms=NaN"] {
            assert!(text.parse::<Limit>().is_err(), "{text}");
        }
    }
}
