//! What a clinic may do by command, rule by rule.
//!
//! - [`text`]: what may be written
//! - [`attachments`]: which files may go along
//! - [`contact`]: whom HelseNorge can reach
//! - [`recipients`]: who receives, chosen by an administrator

pub mod attachments;
pub mod compose;
pub mod contact;
pub mod dialog;
pub mod recipients;
pub mod text;
