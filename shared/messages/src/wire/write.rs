//! Writing: strictly, in schema order, and nothing that its schema would refuse.
//!
//! Ids, codes and dates with characters that XML does not know are refused; people's texts and names lose them, so that a stray
//! control character in a pasted text does not stop an answer.

mod apprec;
mod dialogmelding;
mod hodemelding;
mod icalendar;
mod resept;
mod streamed;

use super::chars;
use super::datetime::is_xs_date_time;
use super::hodemelding::Code;
use jiff::civil::Date;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::borrow::Cow;

pub use streamed::Streamed;

/// Why a document cannot be written: the field, never its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A field the schema or the receiver needs is absent or empty.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field has a value its type does not allow.
    #[error("{0} is not valid")]
    Illegal(&'static str),
    /// Something this writer does not write.
    #[error("{0} cannot be written")]
    Unsupported(&'static str),
}

/// A coded value's type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CodeType {
    /// `V` and `DN`.
    Cs,
    /// `V`, `S`, `DN`, `OT`.
    Cv,
}

/// A document in the making.
struct Xml {
    writer: Writer<Vec<u8>>,
    /// Where files stand, in order. Their bytes are put in when the document is sent on.
    files: Vec<usize>,
}

impl Xml {
    fn new() -> Self {
        let mut xml = Self { writer: Writer::new(Vec::new()), files: Vec::new() };
        xml.put(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        xml
    }

    fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner()
    }

    fn put(&mut self, event: Event<'_>) {
        // A Vec takes everything.
        let _ = self.writer.write_event(event);
    }

    /// An element with attributes, and whatever `inside` writes.
    fn element_with(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        inside: impl FnOnce(&mut Self) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.put(Event::Start(BytesStart::new(name).with_attributes(attributes.iter().copied())));
        inside(self)?;
        self.put(Event::End(BytesEnd::new(name)));
        Ok(())
    }

    fn element(&mut self, name: &str, inside: impl FnOnce(&mut Self) -> Result<(), WriteError>) -> Result<(), WriteError> {
        self.element_with(name, &[], inside)
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.put(Event::Empty(BytesStart::new(name).with_attributes(attributes.iter().copied())));
    }

    /// The place of a file. Nothing in base64 needs escaping.
    fn file(&mut self) {
        self.files.push(self.writer.get_ref().len());
    }

    /// A person's text; nothing when absent.
    fn text(&mut self, name: &str, text: Option<&String>) {
        let Some(text) = text else { return };
        self.put(Event::Start(BytesStart::new(name)));
        self.put(Event::Text(BytesText::new(&legal(text))));
        self.put(Event::End(BytesEnd::new(name)));
    }

    /// Text of our own or an id: present, and without stray characters.
    fn id(&mut self, name: &str, field: &'static str, id: &str) -> Result<(), WriteError> {
        let id = present(field, Some(id))?;
        self.put(Event::Start(BytesStart::new(name)));
        self.put(Event::Text(BytesText::new(id)));
        self.put(Event::End(BytesEnd::new(name)));
        Ok(())
    }

    /// A required `xs:dateTime`, exactly as it is.
    fn date_time(&mut self, name: &str, field: &'static str, text: Option<&str>) -> Result<(), WriteError> {
        self.id(name, field, valid_date_time(field, present(field, text)?)?)
    }

    /// An `xs:date`, of the years that every reader takes.
    fn date(&mut self, name: &str, field: &'static str, day: Date) -> Result<(), WriteError> {
        if day.year() < 1 { Err(WriteError::Illegal(field)) } else { self.id(name, field, &day.to_string()) }
    }

    /// A coded value; its `V` is required.
    fn code(&mut self, name: &str, field: &'static str, code: &Code, code_type: CodeType) -> Result<(), WriteError> {
        let v = present(field, code.v.as_deref())?;
        let (dn, ot) = (code.dn.as_deref().map(legal), code.ot.as_deref().map(legal));
        let mut tag = BytesStart::new(name);
        tag.push_attribute(("V", v));
        if code_type == CodeType::Cv
            && let Some(s) = code.s.as_deref()
        {
            tag.push_attribute(("S", if is_oid(s) { s } else { return Err(WriteError::Illegal(field)) }));
        }
        if let Some(dn) = &dn {
            tag.push_attribute(("DN", &**dn));
        }
        if let (CodeType::Cv, Some(ot)) = (code_type, &ot) {
            tag.push_attribute(("OT", &**ot));
        }
        self.put(Event::Empty(tag));
        Ok(())
    }

    fn optional_code(
        &mut self,
        name: &str,
        field: &'static str,
        code: Option<&Code>,
        code_type: CodeType,
    ) -> Result<(), WriteError> {
        code.map_or(Ok(()), |code| self.code(name, field, code, code_type))
    }
}

/// The value, when it is there and XML can carry it.
fn present<'a>(field: &'static str, value: Option<&'a str>) -> Result<&'a str, WriteError> {
    match value.map(str::trim) {
        None | Some("") => Err(WriteError::Missing(field)),
        Some(value) if chars::all_xml_chars(value) => Ok(value),
        Some(_) => Err(WriteError::Illegal(field)),
    }
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, WriteError> {
    value.ok_or(WriteError::Missing(field))
}

fn valid_date_time<'a>(field: &'static str, text: &'a str) -> Result<&'a str, WriteError> {
    if is_xs_date_time(text) { Ok(text) } else { Err(WriteError::Illegal(field)) }
}

/// A text without the characters that XML does not know.
fn legal(text: &str) -> Cow<'_, str> {
    if chars::all_xml_chars(text) {
        text.into()
    } else {
        text.chars().filter(|c| chars::is_xml_char(*c)).collect::<String>().into()
    }
}

/// The schemas' `oid`: numbers with single points between them.
fn is_oid(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}
