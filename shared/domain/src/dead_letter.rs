//! Dead letters: what each was, whether it can be replayed, how it is edited, and in which order and how fast many are.

pub mod edit;
pub mod pace;
pub mod replay;

use crate::transport::is_code;
use messages::HerId;
use messages::transport::Properties;
use serde_json::Value;
use uuid::Uuid;

/// Larger bodies are not looked into: no event or command of ours is so large, but for parts of files, which nobody sorts.
const LOOKED_INTO: usize = 512 * 1024;

/// What a letter was, as far as it tells without anybody opening it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// An event's or command's name, or a message function.
    pub kind: Option<String>,
    /// The clinic.
    pub clinic: Option<HerId>,
    /// The dialog or appointment within which order is kept.
    pub thread: Option<String>,
}

/// Reads what a message was: of our own JSON its fields, of anything else its function. What is no code is left out.
pub fn about(properties: &Properties, body: &[u8]) -> About {
    let json = || (body.len() <= LOOKED_INTO && body.starts_with(b"{")).then(|| serde_json::from_slice::<Value>(body).ok());
    let json = json().flatten().unwrap_or(Value::Null);
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    let kind = text("kind").or_else(|| text("command")).or(properties.subject.as_deref());
    let thread = text("dialog").or_else(|| text("appointment")).and_then(|id| Uuid::try_parse(id).ok());
    About {
        kind: kind.filter(|kind| is_code(kind)).map(str::to_owned),
        clinic: json.get("clinic").and_then(Value::as_i64).and_then(|id| HerId::try_from(id).ok()),
        thread: thread.map(|id| id.to_string()),
    }
}

/// Where a letter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Nobody has done anything about it.
    Open,
    /// It was replayed, and is handled, or waits.
    UnderWay,
    /// It was replayed, and its effect has happened.
    Done,
    /// It was replayed, and is another dead letter now.
    DiedAgain,
    /// Nobody will do anything about it.
    Discarded,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Open, Self::UnderWay, Self::Done, Self::DiedAgain, Self::Discarded];

    /// The name in tables and options.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::UnderWay => "under_way",
            Self::Done => "done",
            Self::DiedAgain => "died_again",
            Self::Discarded => "discarded",
        }
    }

    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_tells_what_it_was_and_nothing_of_a_person() {
        let dialog = "0192f1c0-0000-7000-8000-000000000001";
        let event = format!(r#"{{"kind":"DialogReceived","clinic":8141333,"dialog":"{dialog}"}}"#);
        let of = |subject: Option<&str>, body: &[u8]| {
            about(&Properties { subject: subject.map(str::to_owned), ..Properties::default() }, body)
        };
        let known = of(None, event.as_bytes());
        assert_eq!((known.kind.as_deref(), known.clinic.map(HerId::get)), (Some("DialogReceived"), Some(8_141_333)));
        assert_eq!(known.thread.as_deref(), Some(dialog));
        let command = br#"{"command":"StartDialog","clinic":"x","appointment":"Line Danser"}"#;
        assert_eq!(of(None, command), About { kind: Some("StartDialog".into()), ..About::default() });
        assert_eq!(of(Some("DIALOG_INNBYGGER_EKONTAKT"), b"<x/>").kind.as_deref(), Some("DIALOG_INNBYGGER_EKONTAKT"));
        assert_eq!(of(Some("15868549960"), br#"{"kind":"Line Danser"}"#), About::default());
        assert_eq!(of(None, &[b'{'; 600_000]), About::default());
    }
}
