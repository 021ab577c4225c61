//! Sections as every generation of RabbitMQ and the .NET client read them: 32-bit lists and maps.

use super::{MAX_ENTRIES, MAX_SECTION, PropertiesSection, SectionError};
use std::collections::BTreeMap;

const UTF8: (u8, u8) = (0xa1, 0xb1);
const SYMBOL: (u8, u8) = (0xa3, 0xb3);

/// A properties section with its descriptor.
///
/// # Errors
/// [`SectionError::TooLarge`] beyond [`MAX_SECTION`].
pub fn encode_properties(p: &PropertiesSection) -> Result<Vec<u8>, SectionError> {
    let mut list = Vec::with_capacity(256);
    for (field, codes) in [
        (&p.message_id, UTF8),
        (&None, UTF8), // user-id
        (&p.to, UTF8),
        (&p.subject, UTF8),
        (&p.reply_to, UTF8),
        (&p.correlation_id, UTF8),
        (&p.content_type, SYMBOL),
    ] {
        match field {
            Some(text) => put(&mut list, codes, text)?,
            None => list.push(0x40),
        }
    }
    section(0x73, 0xd0, 7, &list)
}

/// An application-properties section with its descriptor; keys and values as strings.
///
/// # Errors
/// [`SectionError::TooLarge`] beyond [`MAX_SECTION`] or [`MAX_ENTRIES`].
pub fn encode_application_properties(entries: &BTreeMap<String, String>) -> Result<Vec<u8>, SectionError> {
    if entries.len() > MAX_ENTRIES {
        return Err(SectionError::TooLarge);
    }
    let mut map = Vec::with_capacity(512);
    for (key, value) in entries {
        put(&mut map, UTF8, key)?;
        put(&mut map, UTF8, value)?;
    }
    section(0x74, 0xd1, 2 * entries.len(), &map)
}

fn section(descriptor: u8, code: u8, count: usize, content: &[u8]) -> Result<Vec<u8>, SectionError> {
    let mut out = vec![0x00, 0x53, descriptor, code];
    out.extend(four_bytes(content.len() + 4)?);
    out.extend(four_bytes(count)?);
    out.extend(content);
    if out.len() > MAX_SECTION { Err(SectionError::TooLarge) } else { Ok(out) }
}

fn put(out: &mut Vec<u8>, (short, long): (u8, u8), text: &str) -> Result<(), SectionError> {
    match u8::try_from(text.len()) {
        Ok(length) => out.extend([short, length]),
        Err(_) => {
            out.push(long);
            out.extend(four_bytes(text.len())?);
        }
    }
    out.extend(text.as_bytes());
    Ok(())
}

fn four_bytes(n: usize) -> Result<[u8; 4], SectionError> {
    u32::try_from(n).map(u32::to_be_bytes).map_err(|_| SectionError::TooLarge)
}
