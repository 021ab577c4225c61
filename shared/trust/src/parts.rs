//! The parts of a DER structure in order, by tag, without copying and without a decoder for what is only passed over.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};

/// A value that OpenSSL has read too: it is only a question of finding the algorithms in it.
pub(crate) struct Parts<'a>(SliceReader<'a>);

impl<'a> Parts<'a> {
    /// The parts of a constructed value.
    pub(crate) fn of(value: AnyRef<'a>) -> der::Result<Self> {
        SliceReader::new(value.value()).map(Self)
    }

    /// The next part, whatever it is.
    pub(crate) fn any(&mut self) -> der::Result<Option<AnyRef<'a>>> {
        if self.0.is_finished() { Ok(None) } else { AnyRef::decode(&mut self.0).map(Some) }
    }

    /// The next part, of this tag.
    pub(crate) fn need(&mut self, tag: Tag) -> der::Result<AnyRef<'a>> {
        self.optional(tag)?.ok_or_else(|| tag.value_error())
    }

    /// The next part if it has this tag.
    pub(crate) fn optional(&mut self, tag: Tag) -> der::Result<Option<AnyRef<'a>>> {
        if self.0.is_finished() || self.0.peek_header()?.tag != tag { Ok(None) } else { self.any() }
    }

    /// The next part if it is `[number]`, primitive or constructed.
    pub(crate) fn context(&mut self, number: TagNumber, constructed: bool) -> der::Result<Option<AnyRef<'a>>> {
        self.optional(Tag::ContextSpecific { constructed, number })
    }

    /// The next part, of this tag, with tag and length.
    pub(crate) fn need_whole(&mut self, tag: Tag) -> der::Result<&'a [u8]> {
        if self.0.peek_header()?.tag == tag { self.0.tlv_bytes() } else { Err(tag.value_error()) }
    }

    /// Nothing is left.
    pub(crate) fn end(self) -> der::Result<()> {
        self.0.finish(())
    }
}

/// The content type of a `ContentInfo` and its content.
pub(crate) fn content_info(der: &[u8]) -> der::Result<(ObjectIdentifier, AnyRef<'_>)> {
    let mut parts = Parts::of(AnyRef::from_der(der)?)?;
    let content_type = parts.need(Tag::ObjectIdentifier)?.decode_as()?;
    let tag = Tag::ContextSpecific { constructed: true, number: TagNumber::N0 };
    let content = Parts::of(parts.need(tag)?)?.need(Tag::Sequence)?;
    parts.end()?;
    Ok((content_type, content))
}
