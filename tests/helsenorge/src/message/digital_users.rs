//! What HelseNorge says of its users.

use super::Message;
use crate::parts;
use domain::command::question::DIGITALBRUKER;
use messages::wire::hodemelding::{Code, Document, MsgHead};

impl Message {
    /// Answers a clinic's question: those of it who are active users (28), or that nobody is (29).
    pub fn digital_users(question: &str, active: &[String]) -> Self {
        match active {
            [] => Self::digital_users_code(question, "29"),
            active => Self::digital_users_code(question, "28").document(parts::people(active)),
        }
    }

    /// Answers a clinic's question with a code alone: 30 no access, 31 general error.
    pub fn digital_users_code(question: &str, code: &str) -> Self {
        Self::about_users(parts::digital_users(code)).in_conversation(question, question)
    }

    /// Tells that a person's status has changed.
    pub fn digital_user_changed(nin: &str) -> Self {
        Self::about_users(parts::digital_user_changed()).edit(|head| {
            let person = parts::person(nin, "", "");
            head.patient = Some(messages::wire::hodemelding::Person { family_name: None, given_name: None, ..person });
        })
    }

    fn about_users(main: Document) -> Self {
        let msg_type = Some(Code::new(DIGITALBRUKER, "Dialog med innbygger - digital bruker"));
        Self::of(MsgHead { msg_type, ack: Some(Code::new("J", "Ja")), ..Self::head(main) })
    }
}
