//! Identifiers that parse.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A HER-id: the address of a communication party in the national address registry. Positive, at most ten digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i64", into = "i64")]
#[schemars(with = "i64", extend("minimum" = 1, "maximum" = 9_999_999_999_i64))]
pub struct HerId(i64);

/// Why a text is no HER-id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a HER-id is a positive number of at most ten digits")]
pub struct BadHerId;

impl HerId {
    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for HerId {
    type Error = BadHerId;
    fn try_from(n: i64) -> Result<Self, BadHerId> {
        if (1..=9_999_999_999).contains(&n) { Ok(Self(n)) } else { Err(BadHerId) }
    }
}

impl From<HerId> for i64 {
    fn from(id: HerId) -> Self {
        id.0
    }
}

impl FromStr for HerId {
    type Err = BadHerId;
    fn from_str(text: &str) -> Result<Self, BadHerId> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadHerId);
        }
        text.parse::<i64>().map_err(|_| BadHerId)?.try_into()
    }
}

impl fmt::Display for HerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `MsgInfo/MsgId` of a business message: a UUID in practice, compared case-insensitively, echoed as received (message-formats 1.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageId(String);

/// Why a text is no message id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message id is a UUID")]
pub struct BadMessageId;

impl MessageId {
    /// As received.
    pub fn as_received(&self) -> &str {
        &self.0
    }

    /// The form to compare and store by: lower case.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for MessageId {
    type Err = BadMessageId;
    fn from_str(text: &str) -> Result<Self, BadMessageId> {
        let text = text.trim();
        uuid::Uuid::try_parse(text).map_err(|_| BadMessageId)?;
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for MessageId {
    type Error = BadMessageId;
    fn try_from(text: String) -> Result<Self, BadMessageId> {
        text.parse()
    }
}

impl From<MessageId> for String {
    fn from(id: MessageId) -> Self {
        id.0
    }
}

impl PartialEq for MessageId {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for MessageId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn her_ids() {
        for (text, want) in
            [("8141333", Some(8_141_333)), (" 1 ", Some(1)), ("007", Some(7)), ("9999999999", Some(9_999_999_999))]
        {
            assert_eq!(text.parse::<HerId>().ok().map(HerId::get), want, "{text}");
        }
        for text in ["", "0", "-1", "+1", "abc", "1.0", "10000000000", "99999999999999999999", "８１", "1 2"] {
            assert_eq!(text.parse::<HerId>(), Err(BadHerId), "{text}");
        }
    }

    #[test]
    fn message_ids_ignore_case_and_echo() {
        let a: MessageId = "A76D8934-D4BA-4A22-8F5D-5DF5E3FC5756".parse().unwrap();
        let b: MessageId = "a76d8934-d4ba-4a22-8f5d-5df5e3fc5756".parse().unwrap();
        assert_eq!(a, b);
        assert_eq!(a.as_received(), "A76D8934-D4BA-4A22-8F5D-5DF5E3FC5756");
        assert_eq!(a.key(), b.key());
        assert!("FiktivTestdata0001".parse::<MessageId>().is_err());
        assert!("".parse::<MessageId>().is_err());
    }
}
