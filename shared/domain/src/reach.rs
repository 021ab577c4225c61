//! Through which party a clinic reaches HelseNorge.

use messages::HerId;

/// Why nobody knows through whom: every command that HelseNorge is to hear of is refused then (`helsenorge-unknown`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// There is no party at all.
    NoParty,
    /// There are several, and the clinic names none.
    Several,
    /// The clinic names one that there is not.
    Missing,
}

/// HelseNorge for a clinic, or why nobody knows.
pub type Reach = Result<HerId, Unreached>;

impl Unreached {
    /// Stable, kebab-case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoParty => "helsenorge-party",
            Self::Several => "helsenorge-unnamed",
            Self::Missing => "helsenorge-missing",
        }
    }

    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::NoParty => "list HelseNorge under parties of a set-up file; until then no command can send it anything",
            Self::Several => {
                "there are several parties: name HelseNorge's HER-id as helsenorge of the clinic; until then no command can send it anything"
            }
            Self::Missing => {
                "no party has the HER-id that helsenorge of the clinic names: list it under parties, or correct it; until then no command can \
                 send it anything"
            }
        }
    }
}

/// The party that the clinic names, else the only one there is. Of `parties` two are enough, and the one named, if there is such a one.
///
/// # Errors
/// Nobody knows which.
pub fn through(named: Option<HerId>, parties: &[HerId]) -> Reach {
    match (named, parties) {
        (Some(named), parties) if parties.contains(&named) => Ok(named),
        (Some(_), _) => Err(Unreached::Missing),
        (None, []) => Err(Unreached::NoParty),
        (None, [only]) => Ok(*only),
        (None, _) => Err(Unreached::Several),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_named_else_the_only_one() {
        let id = |n: i64| HerId::try_from(n).unwrap();
        let table = [
            (None, vec![], Err(Unreached::NoParty)),
            (None, vec![id(1)], Ok(id(1))),
            (None, vec![id(1), id(2)], Err(Unreached::Several)),
            (Some(id(2)), vec![id(1), id(2)], Ok(id(2))),
            (Some(id(2)), vec![id(2)], Ok(id(2))),
            (Some(id(3)), vec![id(1), id(2)], Err(Unreached::Missing)),
            (Some(id(3)), vec![], Err(Unreached::Missing)),
        ];
        for (named, parties, want) in table {
            assert_eq!(through(named, &parties), want, "{named:?} {parties:?}");
        }
    }
}
