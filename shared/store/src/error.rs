//! SQLSTATE → fault, once.

use crate::step::COMMIT;
use ::messages::Fault;
use tokio_postgres::error::SqlState;

/// What went wrong in the database. Holds no values: a constraint's detail may quote a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The server is away, full, shutting down or too slow: the whole transaction may be tried again, nothing is spent.
    #[error("the database is unavailable in step {step} ({code})")]
    Unavailable {
        /// Named step.
        step: &'static str,
        /// SQLSTATE, or `connection`, `pool`.
        code: Code,
    },
    /// Serialization failure, deadlock or a unique key that a concurrent transaction took first: run again at once.
    #[error("a concurrent transaction interfered in step {step} ({code})")]
    Conflict {
        /// Named step.
        step: &'static str,
        /// SQLSTATE.
        code: Code,
    },
    /// The data does not fit (class 22, 23): the batch must be split to find the guilty message.
    #[error("the database refused the data in step {step} ({code})")]
    Content {
        /// Named step.
        step: &'static str,
        /// SQLSTATE.
        code: Code,
    },
    /// Our statement or schema is wrong.
    #[error("the statement of step {step} is wrong ({code})")]
    Bug {
        /// Named step.
        step: &'static str,
        /// SQLSTATE, or `row`.
        code: Code,
    },
    /// The schema is not the one this build knows.
    #[error(
        "the database schema is at version {found}, this build needs {needed}: run `dialogpost migrate`, or run a newer build"
    )]
    Schema {
        /// Version found; 0 = none.
        found: i32,
        /// Version this build knows.
        needed: i32,
    },
}

/// A five-character SQLSTATE or a word of ours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code([u8; 10]);

impl Code {
    pub(crate) fn new(text: &str) -> Self {
        let mut code = [b' '; 10];
        for (to, from) in code.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Self(code)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default().trim_end()
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The code of a connection that TLS did not come about on: nobody we trust vouches for the server.
const UNTRUSTED: &str = "tls";

impl StoreError {
    pub(crate) fn classify(step: &'static str, error: &tokio_postgres::Error) -> Self {
        match error.code() {
            Some(state) => Self::from_state(step, state),
            // rustls's own words, in what the driver's error comes from.
            None if std::error::Error::source(error).is_some_and(|s| s.to_string().contains("invalid peer certificate")) => {
                Self::Unavailable { step, code: Code::new(UNTRUSTED) }
            }
            None if error.is_closed() || std::error::Error::source(error).is_some_and(|s| s.is::<std::io::Error>()) => {
                Self::Unavailable { step, code: Code::new("connection") }
            }
            None if error.to_string().starts_with("error deserializing") => Self::Bug { step, code: Code::new("row") },
            None if error.to_string().starts_with("error serializing") => Self::Bug { step, code: Code::new("param") },
            None => Self::Unavailable { step, code: Code::new("connection") },
        }
    }

    pub(crate) fn from_state(step: &'static str, state: &SqlState) -> Self {
        let text = state.code();
        let code = Code::new(text);
        match (text, text.get(..2).unwrap_or_default()) {
            ("40001" | "40P01" | "23505" | "23P01", _) => Self::Conflict { step, code },
            // 57014: our own statement_timeout; 55P03: lock_timeout; 25P03: idle in transaction. 42P01, 42703: a table or column is gone,
            // since a migration runs under an older build: what it has under way is for the newer one.
            ("57014" | "55P03" | "25P03" | "42P01" | "42703", _) | (_, "08" | "53" | "57" | "58") => {
                Self::Unavailable { step, code }
            }
            // 54: larger than Postgres takes, in an index for instance.
            (_, "22" | "23" | "54") => Self::Content { step, code },
            _ => Self::Bug { step, code },
        }
    }

    /// Whether nobody we trust vouches for the server.
    pub fn is_untrusted(&self) -> bool {
        matches!(self, Self::Unavailable { code, .. } if code.as_str() == UNTRUSTED)
    }

    /// The statement that took longer than it may. A commit says nothing of what it commits: it waits for the disk, or for a standby.
    pub fn too_slow_in(&self) -> Option<&'static str> {
        match self {
            Self::Unavailable { step, code } if *step != COMMIT && matches!(code.as_str(), "57014" | "time-out") => Some(step),
            _ => None,
        }
    }

    /// The fault of a message that no statement gets done in time for: time does not heal it.
    pub fn too_slow(&self) -> Fault {
        Fault::broken("database-too-slow", self.to_string())
    }

    /// Something that the same transaction has written, or that its constraints promise, is not there.
    pub fn missing(step: &'static str) -> Self {
        Self::row(step)
    }

    pub(crate) fn row(step: &'static str) -> Self {
        Self::Bug { step, code: Code::new("row") }
    }

    /// Whether only time heals, and the same work may be done again untouched.
    pub const fn is_unavailable(self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// As a fault of one message.
    pub fn fault(self) -> Fault {
        let text = self.to_string();
        match self {
            Self::Unavailable { .. } => Fault::transient("database-unavailable", text),
            Self::Conflict { .. } => Fault::broken("database-conflict", text),
            Self::Content { .. } => Fault::broken("database-refused-content", text),
            Self::Bug { .. } => Fault::broken("database-statement", text),
            Self::Schema { .. } => Fault::broken("database-schema", text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_slow_and_what_is_away() {
        let of = |step: &'static str, code: &str| StoreError::from_state(step, &SqlState::from_code(code)).too_slow_in();
        assert_eq!(of("t", "57014"), Some("t"));
        assert_eq!(["55P03", "57P01", "53300"].map(|code| of("t", code)), [None; 3]);
        assert_eq!(of(COMMIT, "57014"), None);
        assert_eq!(StoreError::Unavailable { step: "t", code: Code::new("time-out") }.too_slow_in(), Some("t"));
        assert_eq!(StoreError::Unavailable { step: "t", code: Code::new("connection") }.too_slow_in(), None);
    }

    #[test]
    fn sqlstates_are_classified_once() {
        let class = |code: &str| match StoreError::from_state("t", &SqlState::from_code(code)) {
            StoreError::Unavailable { .. } => 'u',
            StoreError::Conflict { .. } => 'c',
            StoreError::Content { .. } => 'd',
            StoreError::Bug { .. } | StoreError::Schema { .. } => 'b',
        };
        let table = [
            ("08006", 'u'),
            ("57P01", 'u'),
            ("57P03", 'u'),
            ("57014", 'u'),
            ("53100", 'u'),
            ("53300", 'u'),
            ("58030", 'u'),
            ("55P03", 'u'),
            ("40001", 'c'),
            ("40P01", 'c'),
            ("23505", 'c'),
            ("23503", 'd'),
            ("23514", 'd'),
            ("22021", 'd'),
            ("22P05", 'd'),
            ("42P01", 'u'),
            ("42601", 'b'),
            ("XX000", 'b'),
        ];
        for (code, want) in table {
            assert_eq!(class(code), want, "{code}");
        }
    }
}
