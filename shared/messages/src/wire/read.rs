//! Reading: leniently, by namespace and local name, in any order within a parent.
//!
//! What we do not know is passed over, what is missing stays `None`, and how a document strayed from its schema is told in a few words.
//! Of an element that its schema allows once the first is read. Where a document is no XML at all it is refused as a whole.

mod apprec;
mod cppa;
mod dialogmelding;
mod fault;
mod hodemelding;
mod icalendar;
mod resept;

use super::apprec::ReceivedAppRec;
use super::cppa::{CppaError, Document};
use super::encoding;
use super::hodemelding::MsgHead;
use super::limits::{Limits, XmlError};
use super::reader::{Files, Reader};
use super::shape::Ns;
use crate::Sensitive;

/// A document that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// What it is.
    pub incoming: Incoming,
    /// How it strayed from its schema, each once: `attribute-unknown`, `content-repeated`, `element-order`, `element-repeated`,
    /// `element-unknown`, `encoding-not-utf-8`, `events-too-many`, `persons-too-many`, `text-unexpected`, `value-unreadable`.
    pub deviations: Vec<&'static str>,
}

/// What a document is, by its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Hodemelding 1.2.
    MsgHead(Box<MsgHead>),
    /// AppRec 1.0 or 1.1.
    AppRec(Box<ReceivedAppRec>),
    /// A SOAP 1.2 envelope with a fault: an old kind of error message.
    SoapFault(SoapFault),
    /// Well-formed, and nothing we read.
    Unknown {
        /// Namespace of the root, possibly empty; at most 256 characters.
        namespace: String,
        /// Local name of the root; at most 256 characters.
        local_name: String,
    },
}

/// What a SOAP fault tells (message-formats 10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoapFault {
    /// `Code/Value` without its prefix: `Sender`, `Receiver`.
    pub code: Option<String>,
    /// `Reason/Text`, the first.
    pub reason: Option<Sensitive<String>>,
    /// `Detail/messageId`.
    pub message_id: Option<String>,
    /// `Detail/applicationTimeStamp`, as received; seen in US order.
    pub application_time_stamp: Option<String>,
}

/// Reads a document from HelseNorge.
///
/// # Errors
/// [`XmlError`] when the bytes are not XML 1.0 within the limits. A well-formed document is never an error.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Read, XmlError> {
    whole(bytes, limits, Files::Decoded)
}

/// As [`read`], but every file comes out empty: for whoever asks about the rest, and need not hold them.
///
/// # Errors
/// As [`read`].
pub fn read_without_files(bytes: &[u8], limits: &Limits) -> Result<Read, XmlError> {
    whole(bytes, limits, Files::PassedOver)
}

fn whole(bytes: &[u8], limits: &Limits, files: Files) -> Result<Read, XmlError> {
    if bytes.len() > limits.max_bytes {
        return Err(XmlError::TooLarge { limit: limits.max_bytes });
    }
    let decoded = encoding::decode(bytes)?;
    let mut reader = Reader::new(&decoded.text, limits, files)?;
    if !decoded.utf8 {
        reader.note("encoding-not-utf-8");
    }
    let incoming = root(&mut reader)?;
    Ok(Read { incoming, deviations: reader.finish()? })
}

/// Reads a collaboration profile or agreement; see [`super::cppa::read`].
pub(super) fn agreement(bytes: &[u8], limits: &Limits) -> Result<Document, CppaError> {
    if bytes.len() > limits.max_bytes {
        return Err(XmlError::TooLarge { limit: limits.max_bytes }.into());
    }
    let decoded = encoding::decode(bytes)?;
    let mut reader = Reader::new(&decoded.text, limits, Files::PassedOver)?;
    let document = cppa::read(&mut reader)?;
    reader.finish()?;
    Ok(document)
}

fn root(reader: &mut Reader<'_>) -> Result<Incoming, XmlError> {
    let tag = reader.root()?;
    match (tag.ns, tag.local()) {
        (Ns::MsgHead, "MsgHead") => Ok(Incoming::MsgHead(Box::new(hodemelding::read(reader)?))),
        (Ns::AppRec10 | Ns::AppRec11, "AppRec") => Ok(Incoming::AppRec(Box::new(apprec::read(reader, tag.ns)?))),
        (ns, local) => {
            let (namespace, local_name) = reader.name_of(&tag);
            let fault = if (ns, local) == (Ns::Soap, "Envelope") {
                fault::read(reader)?
            } else {
                reader.skip()?;
                None
            };
            Ok(fault.map_or(Incoming::Unknown { namespace, local_name }, Incoming::SoapFault))
        }
    }
}

/// The text of the element just begun, wrapped.
fn sensitive(reader: &mut Reader<'_>) -> Result<Option<Sensitive<String>>, XmlError> {
    Ok(reader.text()?.map(Sensitive::new))
}
