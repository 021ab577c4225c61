//! Text and attribute values.

use super::super::chars;
use super::super::limits::XmlError;
use quick_xml::events::BytesRef;
use std::borrow::Cow;

/// Line ends as XML wants them read.
pub(in crate::wire) fn normalised(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { text }
}

/// Without white space at its ends; nothing when that is all.
pub(super) fn trimmed(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The character a reference stands for.
pub(super) fn resolve(reference: &BytesRef<'_>) -> Result<char, XmlError> {
    match reference.resolve_char_ref().map_err(|_| XmlError::Entity)? {
        Some(c) if chars::is_xml_char(c) => Ok(c),
        Some(_) => Err(XmlError::IllegalCharacter),
        None => match &**reference {
            "amp" => Ok('&'),
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "apos" => Ok('\''),
            "quot" => Ok('"'),
            _ => Err(XmlError::Entity),
        },
    }
}

/// Whether white space stands before an attribute's name, which is a slice of its tag.
pub(super) fn follows_white_space(tag: &str, name: &str) -> bool {
    let at = name.as_ptr().addr().wrapping_sub(tag.as_ptr().addr());
    at.checked_sub(1).and_then(|before| tag.as_bytes().get(before)).is_some_and(u8::is_ascii_whitespace)
}

/// An attribute's value as written.
pub(super) fn check_value(value: &str) -> Result<(), XmlError> {
    if value.contains('<') {
        return Err(XmlError::NotWellFormed);
    }
    if !value.contains('&') {
        return Ok(());
    }
    let text = quick_xml::escape::unescape(value).map_err(|_| XmlError::Entity)?;
    if chars::all_xml_chars(&text) { Ok(()) } else { Err(XmlError::IllegalCharacter) }
}
