//! Who did what, on whose data, why, when: one chain of rows for each clinic, each row's hash covering the one before.
//!
//! A row that is changed, removed or slipped in breaks its chain. Whoever may write anything can cut off the end, or write the whole
//! chain anew; that is seen by a row that was noted elsewhere ([`Walk::new`]).
//!
//! # How a hash is computed
//!
//! SHA-256 (FIPS 180-4) of these, one after the other:
//!
//! 1. the hash of the row before, 32 bytes; zeros where there is none
//! 2. the text `dialogpost audit 1`
//! 3. clinic (0 for none), sequence, and `at` in whole microseconds since 1970-01-01T00:00:00Z, each a text of decimal digits
//! 4. actor, action, subject
//! 5. the number of patients, a text of decimal digits, and each patient in the order of the row
//! 6. reason, detail
//!
//! From 2 on each is its length in bytes, 8 bytes with the most significant first, then its bytes of UTF-8; one that is null is eight
//! bytes FF and nothing else. `detail` is in the canonical form of RFC 8785.

use jiff::Timestamp;
use messages::{HerId, Sensitive};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// Something that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The clinic it concerns, whose chain it joins; none: no single clinic.
    pub clinic: Option<HerId>,
    /// When; kept to the microsecond.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What, a stable name in kebab-case.
    pub action: String,
    /// On what; never personal data.
    pub subject: String,
    /// National numbers of those whose data it concerns.
    pub patients: Vec<Sensitive<String>>,
    /// Why, when somebody said so.
    pub reason: Option<String>,
    /// More of it; never personal data.
    pub detail: Option<Value>,
}

/// Levels of lists and objects that are kept as such in a detail; what lies deeper is kept as its JSON text.
const LEVELS: usize = 64;
/// Whole numbers up to this are the same to every reader of JSON (RFC 8785, section 3.2.2.3).
const WHOLE: u64 = (1 << 53) - 1;

impl Record {
    /// The number of the chain it joins.
    pub fn chain(&self) -> i64 {
        chain_of(self.clinic)
    }

    /// As a row of Postgres gives it back: time to the microsecond, U+FFFD for NUL, and in the detail no number that `jsonb`, or a reader
    /// of JSON, writes otherwise than it was: those that are not whole, or beyond 2^53 - 1, become text. Doing it again changes nothing.
    #[must_use]
    pub fn as_kept(&self) -> Self {
        Self {
            clinic: self.clinic,
            at: Timestamp::from_microsecond(self.at.as_microsecond()).unwrap_or(self.at),
            actor: without_nul(&self.actor),
            action: without_nul(&self.action),
            subject: without_nul(&self.subject),
            patients: self.patients.iter().map(|nin| without_nul(nin.expose()).into()).collect(),
            reason: self.reason.as_deref().map(without_nul),
            detail: self.detail.as_ref().map(|detail| kept(detail, LEVELS)),
        }
    }
}

/// The number of a clinic's chain; 0 is that of what concerns no single clinic.
pub fn chain_of(clinic: Option<HerId>) -> i64 {
    clinic.map_or(0, HerId::get)
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn kept(value: &Value, levels: usize) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) if number.as_i64().is_some_and(|n| n.unsigned_abs() <= WHOLE) => value.clone(),
        Value::Number(number) => Value::String(number.to_string()),
        Value::String(text) => Value::String(without_nul(text)),
        Value::Array(_) | Value::Object(_) if levels == 0 => Value::String(value.to_string()),
        Value::Array(items) => items.iter().map(|item| kept(item, levels - 1)).collect(),
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (without_nul(key), kept(value, levels - 1))).collect())
        }
    }
}

/// SHA-256 of a row. Shown, and read, as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What stands before the first row of a chain.
    pub const ZERO: Self = Self([0; 32]);

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = BadHead;

    fn try_from(bytes: &[u8]) -> Result<Self, BadHead> {
        bytes.try_into().map(Self).map_err(|_| BadHead)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = BadHead;

    fn from_str(text: &str) -> Result<Self, BadHead> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
        let bytes = bytes.filter(|_| rest.is_empty()).ok_or(BadHead)?;
        Self::try_from(bytes.as_slice())
    }
}

/// A row by its place in a chain and its hash; of the newest row, the chain's head. Shown, and read, as `SEQUENCE:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Place, from 1 on; 0 before the first.
    pub sequence: i64,
    /// Its hash.
    pub hash: Hash,
}

/// Why a text is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a head is SEQUENCE:HASH, a whole number and 64 hexadecimal digits")]
pub struct BadHead;

impl Head {
    /// The head of a chain without rows.
    pub const START: Self = Self { sequence: 0, hash: Hash::ZERO };

    /// The head once this record, [as it is kept](Record::as_kept), is the next row.
    #[must_use]
    pub fn then(&self, record: &Record) -> Self {
        let sequence = self.sequence.saturating_add(1);
        Self { sequence, hash: hash(&self.hash, sequence, record) }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

impl FromStr for Head {
    type Err = BadHead;

    fn from_str(text: &str) -> Result<Self, BadHead> {
        let (sequence, hash) = text.trim().split_once(':').ok_or(BadHead)?;
        let sequence = sequence.parse().ok().filter(|sequence| *sequence >= 0).ok_or(BadHead)?;
        Ok(Self { sequence, hash: hash.parse()? })
    }
}

/// The hash of a row, as this page says, of a record [as it is kept](Record::as_kept).
pub fn hash(previous: &Hash, sequence: i64, record: &Record) -> Hash {
    let mut fields = Fields(Sha256::new_with_prefix(previous.0));
    fields.text("dialogpost audit 1");
    for number in [record.chain(), sequence, record.at.as_microsecond()] {
        fields.text(&number.to_string());
    }
    for text in [&record.actor, &record.action, &record.subject] {
        fields.text(text);
    }
    fields.text(&record.patients.len().to_string());
    record.patients.iter().for_each(|nin| fields.text(nin.expose()));
    fields.text_or_null(record.reason.as_deref());
    fields.text_or_null(record.detail.as_ref().map(canonical).as_deref());
    Hash(fields.0.finalize().into())
}

struct Fields(Sha256);

impl Fields {
    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
    }

    fn text_or_null(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.0.update(u64::MAX.to_be_bytes()),
        }
    }
}

/// A detail in the form of RFC 8785: no white space, keys in the order of their UTF-16 code units.
fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(entries) => format!("{{{}}}", members(entries).join(",")),
        plain => plain.to_string(),
    }
}

fn members(entries: &Map<String, Value>) -> Vec<String> {
    let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
    entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    entries.into_iter().map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value))).collect()
}

/// A row that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its place in the chain.
    pub sequence: i64,
    /// The hash that stands beside it.
    pub hash: Hash,
    /// What it says; none: nothing that was ever written so.
    pub record: Option<Record>,
}

/// Why a chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The row is missing.
    Gap,
    /// The row stands before the first.
    Surplus,
    /// The row is not what its hash covers, or does not follow the one before.
    Changed,
    /// The head says of the row that it is not, or that it is, or that it is another one.
    HeadDiffers,
    /// The row that was noted is another one now.
    NotedDiffers,
    /// The row is missing, and one that was noted came after it.
    CutOff,
}

impl Why {
    /// Stable, kebab-case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Surplus => "surplus",
            Self::Changed => "changed",
            Self::HeadDiffers => "head-differs",
            Self::NotedDiffers => "noted-differs",
            Self::CutOff => "cut-off",
        }
    }

    /// In words, of the row.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Gap => "it is missing",
            Self::Surplus => "it stands before the first",
            Self::Changed => "it was changed, or slipped in, or the one before was",
            Self::HeadDiffers => "the chain's head says otherwise: the end was cut off or added to",
            Self::NotedDiffers => "it is not the one that was noted: the chain was written anew",
            Self::CutOff => "it is missing, and a later one was noted: the end was cut off",
        }
    }
}

/// The first place where a chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// The row's place.
    pub sequence: i64,
    /// What is wrong there.
    pub why: Why,
}

/// Verification of one chain: its rows in order, however many at a time, then its head.
#[derive(Clone, Debug)]
pub struct Walk {
    reached: Head,
    noted: Option<Head>,
}

impl Walk {
    /// Begins before the first row. A row that was `noted` earlier, outside of the database, must still stand.
    pub const fn new(noted: Option<Head>) -> Self {
        Self { reached: Head::START, noted }
    }

    /// The last row that is as it must be.
    pub const fn reached(&self) -> &Head {
        &self.reached
    }

    /// Verifies the rows that come next; nothing is to be asked of it after a break.
    ///
    /// # Errors
    /// The first row that is not as it must be.
    pub fn verify(&mut self, rows: impl IntoIterator<Item = Row>) -> Result<(), Break> {
        for row in rows {
            let sequence = self.reached.sequence.saturating_add(1);
            let broken = |sequence, why| Err(Break { sequence, why });
            if row.sequence > sequence {
                return broken(sequence, Why::Gap);
            }
            if row.sequence < sequence {
                return broken(row.sequence, Why::Surplus);
            }
            let covered = row.record.map(|record| hash(&self.reached.hash, sequence, &record));
            if covered != Some(row.hash) {
                return broken(sequence, Why::Changed);
            }
            self.reached = Head { sequence, hash: row.hash };
            if self.noted.is_some_and(|noted| noted.sequence == sequence && noted != self.reached) {
                return broken(sequence, Why::NotedDiffers);
            }
        }
        Ok(())
    }

    /// Compares the end with the chain's head.
    ///
    /// # Errors
    /// It ends elsewhere, or before the row that was noted.
    pub fn end(&self, head: &Head) -> Result<(), Break> {
        let next = self.reached.sequence.saturating_add(1);
        match self.noted {
            Some(noted) if noted.sequence >= next => Err(Break { sequence: next, why: Why::CutOff }),
            Some(noted) if noted.sequence == 0 && noted != Head::START => Err(Break { sequence: 0, why: Why::NotedDiffers }),
            _ if self.reached == *head => Ok(()),
            _ => {
                // With more rows than the head knows, the first it does not know.
                let sequence =
                    if head.sequence >= next { next } else { self.reached.sequence.min(head.sequence.saturating_add(1)) };
                Err(Break { sequence, why: Why::HeadDiffers })
            }
        }
    }
}
