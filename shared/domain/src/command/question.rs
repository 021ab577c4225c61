//! Whom HelseNorge is asked about: the message *SjekkStatus* (message-formats 6).

use crate::command::compose::{Address, national_id, organisation};
use crate::receipts::norwegian_time;
use jiff::Timestamp;
use messages::PersonId;
use messages::wire::dialogmelding::{Dialogmelding, DialogmeldingVersion, Foresporsel};
use messages::wire::hodemelding::{Code, Content, Document, MsgHead, Person};
use uuid::Uuid;

/// Message function of the question, its answer and HelseNorge's own notices.
pub const DIGITALBRUKER: &str = "DIALOG_INNBYGGER_DIGITALBRUKER";
const TYPE_FORESP_7601: &str = "2.16.578.1.12.4.1.1.7601";

/// A question in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// `MsgId`, and its ledger row.
    pub id: Uuid,
    /// The clinic.
    pub from: Address,
    /// HelseNorge.
    pub to: Address,
    /// About whom; 1 to [`messages::wire::hodemelding::MAX_PERSONER`], or no valid message comes of it.
    pub about: Vec<PersonId>,
}

impl Question {
    /// The message: the question in the first document, those whom it is about in the second. About nobody in particular, so without a
    /// patient.
    pub fn message(self, now: Timestamp) -> MsgHead {
        let at = norwegian_time(now);
        let asks = Foresporsel {
            type_foresp: Some(Code::in_system("SIDAB", "Sjekk om innbyggere er digitalt aktive brukere", TYPE_FORESP_7601)),
            ..Foresporsel::default()
        };
        let dialog = Dialogmelding { version: DialogmeldingVersion::V1_1, foresporsel: vec![asks], notat: vec![] };
        let people = self.about.iter().map(|id| Person { idents: vec![national_id(id)], ..Person::default() }).collect();
        MsgHead {
            msg_type: Some(Code::new(DIGITALBRUKER, "Dialog med innbygger - digital bruker")),
            gen_date: Some(at.clone()),
            msg_id: Some(self.id.to_string()),
            ack: Some(Code::new("J", "Ja")),
            sender: Some(organisation(self.from)),
            receiver: Some(organisation(self.to)),
            documents: vec![
                Document::xml(&at, Content::Dialogmelding(Box::new(dialog))),
                Document::xml(&at, Content::Personer(people)),
            ],
            ..MsgHead::default()
        }
    }
}
