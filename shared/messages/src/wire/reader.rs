//! The only way from bytes to elements: quick-xml's events behind the checks it leaves to its users.

mod text;

use super::chars;
use super::hodemelding::Code;
use super::limits::{Limits, XmlError};
use super::namespaces::{SCHEMA_INSTANCE, XML};
use super::shape::{Ns, Shape};
use quick_xml::events::attributes::AttrError;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, NamespaceError, QName, ResolveResult};
use quick_xml::reader::NsReader;
use quick_xml::{Error, XmlVersion};
use std::borrow::Cow;
use text::{check_value, follows_white_space, resolve, trimmed};

pub(super) use text::normalised;

/// Longest namespace or local name repeated to the caller.
const NAME_IN_REPORT: usize = 256;

/// What comes next inside the root.
pub(super) enum Item<'a> {
    Start(Tag<'a>),
    End,
    /// As written: line ends are not normalised.
    Text(Cow<'a, str>),
    /// A resolved reference.
    Char(char),
}

/// A start tag whose attributes have been checked.
pub(super) struct Tag<'a> {
    start: BytesStart<'a>,
    pub(super) ns: Ns,
}

impl Tag<'_> {
    pub(super) fn local(&self) -> &str {
        self.start.name().local_name().into_inner()
    }

    /// An attribute without prefix, trimmed; absent when empty.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let found = self.start.attributes().with_checks(false).flatten().find(|a| a.key == QName(name))?;
        trimmed(&found.normalized_value(XmlVersion::Implicit1_0).ok()?)
    }

    fn as_code(&self) -> Code {
        let mut code = Code::default();
        for attribute in self.start.attributes().with_checks(false).flatten() {
            let place = match attribute.key.into_inner() {
                "V" => &mut code.v,
                "S" => &mut code.s,
                "DN" => &mut code.dn,
                "OT" => &mut code.ot,
                _ => continue,
            };
            *place = attribute.normalized_value(XmlVersion::Implicit1_0).ok().and_then(|v| trimmed(&v));
        }
        code
    }
}

/// Where a parent's children have got to.
pub(super) struct Children {
    shape: &'static Shape,
    ns: Ns,
    at: usize,
    seen: u32,
}

impl Children {
    pub(super) fn of(shape: &'static Shape, ns: Ns) -> Self {
        Self { shape, ns, at: 0, seen: 0 }
    }
}

/// What is done with files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    Decoded,
    PassedOver,
}

/// Reads one document.
pub(super) struct Reader<'a> {
    inner: NsReader<&'a [u8]>,
    pub(super) files: Files,
    limits: &'a Limits,
    depth: usize,
    elements: usize,
    /// The last tag was an empty element: its end is due.
    end_is_due: bool,
    /// Inside something we do not read: nothing there is a deviation.
    quiet: bool,
    deviations: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    /// A reader of decoded text without XML declaration.
    pub(super) fn new(text: &'a str, limits: &'a Limits, files: Files) -> Result<Self, XmlError> {
        if !chars::all_xml_chars(text) {
            return Err(XmlError::IllegalCharacter);
        }
        let mut inner = NsReader::from_str(text);
        inner.config_mut().enable_all_checks(true);
        inner.resolver_mut().set_max_namespace_bindings(limits.max_namespaces);
        Ok(Self { inner, files, limits, depth: 0, elements: 0, end_is_due: false, quiet: false, deviations: Vec::new() })
    }

    /// The root's tag.
    pub(super) fn root(&mut self) -> Result<Tag<'a>, XmlError> {
        self.outside()?.ok_or(XmlError::Empty)
    }

    /// Checks that nothing follows the root; gives the deviations met.
    pub(super) fn finish(mut self) -> Result<Vec<&'static str>, XmlError> {
        match self.outside()? {
            Some(_) => Err(XmlError::SecondRoot),
            None => Ok(self.deviations),
        }
    }

    /// Remembers a deviation, once.
    pub(super) fn note(&mut self, deviation: &'static str) {
        if !self.quiet && !self.deviations.contains(&deviation) {
            self.deviations.push(deviation);
        }
    }

    /// Runs `read` on something whose markup is nobody's deviation.
    pub(super) fn quietly<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, XmlError>) -> Result<T, XmlError> {
        let before = std::mem::replace(&mut self.quiet, true);
        let result = read(self);
        self.quiet = before;
        result
    }

    /// The next piece of the element we are in.
    pub(super) fn next(&mut self) -> Result<Item<'a>, XmlError> {
        if std::mem::take(&mut self.end_is_due) {
            self.depth = self.depth.saturating_sub(1);
            return Ok(Item::End);
        }
        loop {
            return match self.event()? {
                Event::Start(start) => self.open(start).map(Item::Start),
                Event::Empty(start) => self.open_empty(start).map(Item::Start),
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Ok(Item::End)
                }
                Event::Text(text) if text.contains("]]>") => Err(XmlError::NotWellFormed),
                Event::Text(text) => Ok(Item::Text(text.into_inner())),
                Event::CData(text) => Ok(Item::Text(text.into_inner())),
                Event::GeneralRef(reference) => resolve(&reference).map(Item::Char),
                Event::Comment(_) | Event::PI(_) => continue,
                Event::Decl(_) | Event::Eof => Err(XmlError::NotWellFormed),
                Event::DocType(_) => Err(XmlError::Doctype),
            };
        }
    }

    /// The parent's next child that its shape knows; passes over the others. `None` at the parent's end.
    pub(super) fn child(&mut self, children: &mut Children) -> Result<Option<Tag<'a>>, XmlError> {
        while let Some(tag) = self.element()? {
            if self.belongs(children, &tag) {
                return Ok(Some(tag));
            }
            self.skip()?;
        }
        Ok(None)
    }

    /// The next child, whatever it is. `None` at the parent's end.
    pub(super) fn element(&mut self) -> Result<Option<Tag<'a>>, XmlError> {
        loop {
            match self.next()? {
                Item::Start(tag) => return Ok(Some(tag)),
                Item::End => return Ok(None),
                Item::Text(text) if text.trim().is_empty() => {}
                Item::Text(_) | Item::Char(_) => self.note("text-unexpected"),
            }
        }
    }

    /// Passes over the element just begun.
    pub(super) fn skip(&mut self) -> Result<(), XmlError> {
        let inside = self.depth;
        self.quietly(|reader| {
            while reader.depth >= inside {
                reader.next()?;
            }
            Ok(())
        })
    }

    /// The text of the element just begun, trimmed at its ends; absent when empty.
    pub(super) fn text(&mut self) -> Result<Option<String>, XmlError> {
        let mut text: Cow<'a, str> = Cow::Borrowed("");
        loop {
            match self.next()? {
                Item::End => return Ok(trimmed(&text)),
                Item::Text(piece) if text.is_empty() => text = normalised(piece),
                Item::Text(piece) => text.to_mut().push_str(&normalised(piece)),
                Item::Char(c) => text.to_mut().push(c),
                Item::Start(_) => {
                    self.note("element-unknown");
                    self.skip()?;
                }
            }
        }
    }

    /// What `parse` makes of the text of the element just begun; that it makes nothing of a text is a deviation.
    pub(super) fn value<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, XmlError> {
        let text = self.text()?;
        let value = text.as_deref().and_then(parse);
        if text.is_some() && value.is_none() {
            self.note("value-unreadable");
        }
        Ok(value)
    }

    /// The coded value of the element just begun.
    pub(super) fn code(&mut self, tag: &Tag<'_>) -> Result<Option<Code>, XmlError> {
        let code = tag.as_code();
        self.skip()?;
        Ok(Some(code))
    }

    /// Namespace and local name of a tag just begun, for a report.
    pub(super) fn name_of(&self, tag: &Tag<'_>) -> (String, String) {
        let (namespace, local) = self.inner.resolver().resolve_element(tag.start.name());
        let namespace = if let ResolveResult::Bound(Namespace(uri)) = namespace { uri } else { "" };
        let bounded = |name: &str| name.chars().take(NAME_IN_REPORT).collect();
        (bounded(namespace), bounded(local.into_inner()))
    }

    /// An attribute of a tag just begun, without prefix or in the tag's own namespace; trimmed, absent when empty.
    pub(super) fn attribute(&self, tag: &Tag<'_>, name: &str) -> Option<String> {
        let own = |key: QName<'_>| match self.inner.resolver().resolve_attribute(key).0 {
            ResolveResult::Bound(Namespace(uri)) => Ns::of(uri) == tag.ns,
            ResolveResult::Unbound => true,
            ResolveResult::Unknown(_) => false,
        };
        let named = |key: QName<'_>| key.local_name().into_inner() == name && own(key);
        let found = tag.start.attributes().with_checks(false).flatten().find(|a| named(a.key))?;
        trimmed(&found.normalized_value(XmlVersion::Implicit1_0).ok()?)
    }

    /// The next tag outside the root, or `None` at the end of the document.
    fn outside(&mut self) -> Result<Option<Tag<'a>>, XmlError> {
        loop {
            return match self.event()? {
                Event::Start(start) => self.open(start).map(Some),
                Event::Empty(start) => self.open_empty(start).map(Some),
                Event::Text(text) if text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')) => continue,
                Event::Comment(_) | Event::PI(_) => continue,
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => Err(XmlError::TextOutsideRoot),
                Event::Decl(_) | Event::End(_) => Err(XmlError::NotWellFormed),
                Event::DocType(_) => Err(XmlError::Doctype),
                Event::Eof => Ok(None),
            };
        }
    }

    fn event(&mut self) -> Result<Event<'a>, XmlError> {
        let event = self.inner.read_event().map_err(|error| self.refusal(&error))?;
        match &event {
            Event::PI(pi) if !chars::is_simple_name(pi.target()) || pi.target().eq_ignore_ascii_case("xml") => {
                Err(XmlError::NotWellFormed)
            }
            _ => Ok(event),
        }
    }

    fn refusal(&self, error: &Error) -> XmlError {
        match error {
            Error::Namespace(NamespaceError::TooManyBindings(_)) => {
                XmlError::TooManyNamespaces { limit: self.limits.max_namespaces }
            }
            Error::Namespace(NamespaceError::TooDeeplyNested(_)) => XmlError::TooDeep { limit: self.limits.max_depth },
            Error::Namespace(_) => XmlError::UnboundPrefix,
            Error::Escape(_) => XmlError::Entity,
            Error::Encoding(_) => XmlError::Utf8,
            Error::Syntax(quick_xml::errors::SyntaxError::UnclosedDoctype)
            | Error::IllFormed(quick_xml::errors::IllFormedError::MissingDoctypeName) => XmlError::Doctype,
            _ => XmlError::NotWellFormed,
        }
    }

    fn open_empty(&mut self, start: BytesStart<'a>) -> Result<Tag<'a>, XmlError> {
        self.end_is_due = true;
        self.open(start)
    }

    fn open(&mut self, start: BytesStart<'a>) -> Result<Tag<'a>, XmlError> {
        self.depth += 1;
        self.elements += 1;
        if self.depth > self.limits.max_depth {
            return Err(XmlError::TooDeep { limit: self.limits.max_depth });
        }
        if self.elements > self.limits.max_elements {
            return Err(XmlError::TooManyElements { limit: self.limits.max_elements });
        }
        if !chars::is_qualified_name(start.name().into_inner()) {
            return Err(XmlError::NotWellFormed);
        }
        let ns = match self.inner.resolver().resolve_element(start.name()).0 {
            ResolveResult::Bound(Namespace(uri)) => Ns::of(uri),
            ResolveResult::Unbound => Ns::None,
            ResolveResult::Unknown(_) => return Err(XmlError::UnboundPrefix),
        };
        if self.check_attributes(&start)? && ns.is_known() {
            self.note("attribute-unknown");
        }
        Ok(Tag { start, ns })
    }

    /// Checks a tag's attributes; tells whether one of them is none of ours.
    fn check_attributes(&self, start: &BytesStart<'_>) -> Result<bool, XmlError> {
        let mut unknown = false;
        let mut prefixed = Vec::new();
        for (n, attribute) in start.attributes().enumerate() {
            if n >= self.limits.max_attributes_per_element {
                return Err(XmlError::TooManyAttributes { limit: self.limits.max_attributes_per_element });
            }
            let attribute = attribute.map_err(|error| match error {
                AttrError::Duplicated(..) => XmlError::DuplicateAttribute,
                _ => XmlError::NotWellFormed,
            })?;
            check_value(&attribute.value)?;
            let name = attribute.key.into_inner();
            if !chars::is_qualified_name(name) || !follows_white_space(start, name) {
                return Err(XmlError::NotWellFormed);
            }
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            if attribute.key.prefix().is_none() {
                unknown |= !matches!(name, "V" | "S" | "DN" | "OT" | "U");
                continue;
            }
            let resolved = self.inner.resolver().resolve_attribute(attribute.key);
            match resolved.0 {
                ResolveResult::Bound(Namespace(uri)) => unknown |= !matches!(uri, SCHEMA_INSTANCE | XML),
                _ => return Err(XmlError::UnboundPrefix),
            }
            if prefixed.contains(&resolved) {
                return Err(XmlError::DuplicateAttribute);
            }
            prefixed.push(resolved);
        }
        Ok(unknown)
    }

    /// Whether the child is one to read: known to the parent's shape, and the first of its kind where only one may be.
    fn belongs(&mut self, children: &mut Children, tag: &Tag<'_>) -> bool {
        if !children.ns.holds(tag.ns) {
            // A signature is checked elsewhere or nowhere; anything else is news.
            if tag.ns != Ns::Signature && !children.shape.names.is_empty() {
                self.note("element-unknown");
            }
            return false;
        }
        if children.shape.names.is_empty() {
            return true;
        }
        let local = tag.local();
        let Some(place) = children.shape.names.iter().position(|name| *name == local) else {
            self.note("element-unknown");
            return false;
        };
        if place < children.at {
            self.note("element-order");
        }
        children.at = children.at.max(place);
        let bit = 1_u32.checked_shl(u32::try_from(place).unwrap_or(u32::MAX)).unwrap_or(0);
        if children.seen & bit != 0 && !children.shape.many.contains(&local) {
            self.note("element-repeated");
            return false;
        }
        children.seen |= bit;
        true
    }
}
