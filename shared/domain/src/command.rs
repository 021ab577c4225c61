//! What a clinic may do by command, rule by rule.
//!
//! - [`text`]: what may be written
//! - [`attachments`]: which files may go along
//! - [`contact`]: whom HelseNorge can reach
//! - [`question`]: how it is asked
//! - [`recipients`]: who receives, chosen by an administrator
//! - [`dialog`]: what may be done with a dialog as it stands
//! - [`writing`]: the messages that commands write, by those rules together; [`deed`]: what comes of it
//! - [`wish`]: the answer to a wish for an appointment
//! - [`compose`]: a message as HelseNorge gets it
//! - [`reply`]: where an answer goes

pub mod attachments;
pub mod compose;
pub mod contact;
pub mod deed;
pub mod dialog;
pub mod question;
pub mod recipients;
pub mod reply;
pub mod text;
pub mod wish;
pub mod writing;
