//! HelseNorge's XML: read leniently by (namespace, local name), written strictly.
//!
//! Bytes become text in `encoding`, elements in `reader`, the structures of this module in [`read()`]; `write` goes the other way.
//! Collaboration agreements, which come from a registry or a file and never off a queue, have a reader of their own: [`cppa::read`].

pub mod apprec;
mod base64;
mod chars;
pub mod cppa;
mod datetime;
pub mod dialogmelding;
mod encoding;
pub mod hodemelding;
pub mod icalendar;
mod limits;
pub mod namespaces;
mod read;
mod reader;
pub mod resept;
mod richtext;
mod shape;
mod write;

pub use chars::is_xml_char;
pub(crate) use datetime::days_in;
pub use datetime::{instant, is_xs_date_time};
pub use limits::{Limits, XmlError};
pub use read::{Incoming, Read, SoapFault, read, read_without_files};
pub use write::{Streamed, WriteError};
