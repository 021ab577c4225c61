//! From bytes to text, once.
//!
//! UTF-8 with or without a byte order mark. A declared ISO-8859-1 is read as windows-1252, as browsers do: the two differ only in
//! 0x80–0x9F, where ISO-8859-1 has control codes nobody writes and senders mean quotes and dashes. Anything else is refused.

use super::limits::XmlError;
use encoding_rs::WINDOWS_1252;
use quick_xml::events::attributes::Attributes;
use std::borrow::Cow;

/// A document as text, without byte order mark and XML declaration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    /// Whether it was UTF-8.
    pub(super) utf8: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Declared {
    Nothing,
    Utf8,
    Latin1,
}

/// Longest declaration looked for.
const DECLARATION: usize = 256;

/// Decodes a document.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded<'_>, XmlError> {
    // A NUL in the first two bytes is UTF-16 without a mark.
    if bytes.starts_with(&[0xFE, 0xFF]) || bytes.starts_with(&[0xFF, 0xFE]) || bytes.iter().take(2).any(|b| *b == 0) {
        return Err(XmlError::Encoding);
    }
    let (bom, bytes) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    let (declared, body) = cut_declaration(bytes)?;
    match declared {
        Declared::Latin1 if bom => Err(XmlError::Encoding),
        Declared::Latin1 => {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(body);
            Ok(Decoded { text, utf8: false })
        }
        Declared::Nothing | Declared::Utf8 => {
            let text = std::str::from_utf8(body).map_err(|_| XmlError::Utf8)?;
            Ok(Decoded { text: Cow::Borrowed(text), utf8: true })
        }
    }
}

/// The declared encoding and what follows the XML declaration.
fn cut_declaration(bytes: &[u8]) -> Result<(Declared, &[u8]), XmlError> {
    let Some(rest) = bytes.strip_prefix(b"<?xml") else { return Ok((Declared::Nothing, bytes)) };
    if !rest.first().is_some_and(u8::is_ascii_whitespace) {
        return Ok((Declared::Nothing, bytes));
    }
    let end = rest.windows(2).take(DECLARATION).position(|w| w == b"?>").ok_or(XmlError::NotWellFormed)?;
    let (declaration, body) = rest.split_at_checked(end).ok_or(XmlError::NotWellFormed)?;
    let body = body.get(2..).unwrap_or_default();
    let declaration = std::str::from_utf8(declaration).map_err(|_| XmlError::NotWellFormed)?;
    Ok((declared(declaration)?, body))
}

/// Reads `version="1.0" encoding="…" standalone="…"`.
fn declared(declaration: &str) -> Result<Declared, XmlError> {
    let mut encoding = Declared::Nothing;
    let mut version = false;
    for attribute in Attributes::new(declaration, 0) {
        let attribute = attribute.map_err(|_| XmlError::NotWellFormed)?;
        match (attribute.key.into_inner(), attribute.value.as_ref()) {
            ("version", "1.0") if !version => version = true,
            ("version", _) => return Err(XmlError::Version),
            ("encoding", name) if version => encoding = encoding_named(name)?,
            ("standalone", "yes" | "no") if version => {}
            _ => return Err(XmlError::NotWellFormed),
        }
    }
    if version { Ok(encoding) } else { Err(XmlError::NotWellFormed) }
}

fn encoding_named(name: &str) -> Result<Declared, XmlError> {
    match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" => Ok(Declared::Utf8),
        "iso-8859-1" | "latin1" | "windows-1252" => Ok(Declared::Latin1),
        _ => Err(XmlError::Encoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Result<String, XmlError> {
        decode(bytes).map(|d| d.text.into_owned())
    }

    #[test]
    fn encodings() {
        let cases: [(&[u8], Result<&str, XmlError>); 19] = [
            (b"<a/>", Ok("<a/>")),
            (b"\xEF\xBB\xBF<a/>", Ok("<a/>")),
            (b"\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>", Ok("<a/>")),
            (b"<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<a/>", Ok("\n<a/>")),
            (b"<?xml version=\"1.0\"?><a/>", Ok("<a/>")),
            ("<a>å</a>".as_bytes(), Ok("<a>å</a>")),
            (b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xE5\x96</a>", Ok("<a>å–</a>")),
            (b"<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>\xF8</a>", Ok("<a>ø</a>")),
            (b"<a>\xE5</a>", Err(XmlError::Utf8)),
            (b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>\xE5</a>", Err(XmlError::Utf8)),
            (b"<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>", Err(XmlError::Encoding)),
            (b"<?xml version=\"1.0\" encoding=\"ISO-8859-15\"?><a/>", Err(XmlError::Encoding)),
            (b"\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>", Err(XmlError::Encoding)),
            (b"\xFF\xFE<\0a\0/\0>\0", Err(XmlError::Encoding)),
            (b"\0<\0a\0/\0>", Err(XmlError::Encoding)),
            (b"<?xml version=\"1.1\"?><a/>", Err(XmlError::Version)),
            (b"<?xml encoding=\"UTF-8\"?><a/>", Err(XmlError::NotWellFormed)),
            (b"<?xml version=\"1.0\" encoding=\"UTF-8\"", Err(XmlError::NotWellFormed)),
            (b"<?xml?><a/>", Ok("<?xml?><a/>")),
        ];
        for (bytes, want) in cases {
            assert_eq!(text(bytes), want.map(str::to_owned), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
