//! AMQP 1.0 sections as a 0.9.1 client meets them: in headers, and around bodies.
//!
//! A flat decoder of our own: the general ones recurse and can be made to overflow the stack. Every length is checked, nesting is bounded,
//! compound values are skipped by their size, and no input panics.

mod read;
mod write;

pub use write::{encode_application_properties, encode_properties};

use read::{Reader, Value};
pub(crate) use read::{text_or_hex, timestamp_text};
use std::collections::BTreeMap;

/// Largest section that is decoded or encoded, in bytes.
pub const MAX_SECTION: usize = 64 * 1024;
/// Most application properties in one section.
pub const MAX_ENTRIES: usize = 64;

const PROPERTIES: u64 = 0x73;
const APPLICATION_PROPERTIES: u64 = 0x74;
const DATA: u64 = 0x75;
const VALUE: u64 = 0x77;
const FOOTER: u64 = 0x78;

/// Why bytes are no section that we can use. Free of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionError {
    /// It ends before a length says it does, or a length disagrees with its content.
    Truncated,
    /// Larger than [`MAX_SECTION`] or more than [`MAX_ENTRIES`].
    TooLarge,
    /// Described values inside each other beyond what any sender needs.
    TooDeep,
    /// Not the section that was asked for, or a type that cannot stand there.
    Unsupported,
}

/// The properties section: the fields this project uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertiesSection {
    /// `message-id`, of any type, as text.
    pub message_id: Option<String>,
    /// `to`.
    pub to: Option<String>,
    /// `subject`.
    pub subject: Option<String>,
    /// `reply-to`.
    pub reply_to: Option<String>,
    /// `correlation-id`, of any type, as text.
    pub correlation_id: Option<String>,
    /// `content-type`.
    pub content_type: Option<String>,
}

/// Reads a properties section with its descriptor.
///
/// # Errors
/// [`SectionError`] when it is anything else.
pub fn decode_properties(section: &[u8]) -> Result<PropertiesSection, SectionError> {
    let mut reader = open(section, PROPERTIES)?;
    let mut list = match reader.value()? {
        Value::List(list) => list,
        _ => return Err(SectionError::Unsupported),
    };
    // Trailing fields may be absent, any may be null; those after content-type are of no use here.
    let mut field = || if list.count_down() { list.value().map(Value::into_text) } else { Ok(None) };
    let (message_id, _user_id, to, subject) = (field()?, field()?, field()?, field()?);
    let (reply_to, correlation_id, content_type) = (field()?, field()?, field()?);
    Ok(PropertiesSection { message_id, to, subject, reply_to, correlation_id, content_type })
}

/// Reads an application-properties section with its descriptor; values of every scalar type become text, nulls and compound values are left out.
///
/// # Errors
/// [`SectionError`] when it is anything else.
pub fn decode_application_properties(section: &[u8]) -> Result<BTreeMap<String, String>, SectionError> {
    let mut reader = open(section, APPLICATION_PROPERTIES)?;
    let mut map = match reader.value()? {
        Value::Map(map) => map,
        _ => return Err(SectionError::Unsupported),
    };
    if map.count() > 2 * MAX_ENTRIES {
        return Err(SectionError::TooLarge);
    }
    let mut entries = BTreeMap::new();
    while map.count_down() {
        let key = map.value()?;
        if !map.count_down() {
            return Err(SectionError::Truncated);
        }
        let value = map.value()?;
        if let (Value::Text(key), Some(value)) = (key, value.into_text()) {
            entries.entry(key.to_owned()).or_insert(value);
        }
    }
    Ok(entries)
}

/// The payload out of body sections: one or more data sections, or one value holding binary or text.
///
/// # Errors
/// [`SectionError::Unsupported`] for sequences and other values, the rest for broken bytes.
pub fn decode_body(sections: &[u8]) -> Result<Vec<u8>, SectionError> {
    let mut reader = Reader::new(sections);
    let mut payload = None;
    while !reader.is_empty() {
        match (reader.descriptor()?, reader.value()?, &mut payload) {
            (DATA, Value::Binary(bytes), None) => payload = Some(bytes.to_vec()),
            (DATA, Value::Binary(bytes), Some(so_far)) => so_far.extend_from_slice(bytes),
            (VALUE, Value::Binary(bytes), None) => return Ok(bytes.to_vec()),
            (VALUE, Value::Text(text), None) => return Ok(text.as_bytes().to_vec()),
            (FOOTER, _, Some(_)) => break,
            _ => return Err(SectionError::Unsupported),
        }
    }
    payload.ok_or(SectionError::Unsupported)
}

fn open(section: &[u8], descriptor: u64) -> Result<Reader<'_>, SectionError> {
    if section.len() > MAX_SECTION {
        return Err(SectionError::TooLarge);
    }
    let mut reader = Reader::new(section);
    if reader.descriptor()? == descriptor { Ok(reader) } else { Err(SectionError::Unsupported) }
}

#[cfg(test)]
mod tests;
