//! The answer to a patient who asks for free slots (T1, T2): decided when the question comes in, kept with it, written when it is sent.

use super::bookable::bookable;
use super::letter::offered;
use super::offer::is_offered;
use super::{Contact, Slot};
use crate::acceptance::Facts;
use crate::readiness::missing;
use crate::receipts::norwegian_time;
use jiff::Timestamp;
use messages::transport::Properties;
use messages::wire::dialogmelding::{Dialogmelding, DialogmeldingVersion, Notat};
use messages::wire::hodemelding::{Code, Content, Document, Ident, MsgHead, Person};
use messages::wire::icalendar::Vevent;
use messages::{HerId, Sensitive};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const TEMA_7602: &str = "2.16.578.1.12.4.1.1.7602";

/// What a patient is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedigeTimer {
    /// `TemaKodet` (7602) with its name.
    tema: (String, String),
    /// Why there are none: our stable code.
    pub code: Option<String>,
    /// The earliest first.
    slots: Vec<Offered>,
    /// Whose timebok it is.
    doctor: Option<HerId>,
    patient: Option<Asker>,
}

/// A slot as it is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Offered {
    uid: Uuid,
    start: Timestamp,
    end: Timestamp,
    contact: Option<Contact>,
}

/// Who asks, as his question names him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asker {
    family_name: Option<Sensitive<String>>,
    middle_name: Option<Sensitive<String>>,
    given_name: Option<Sensitive<String>>,
    idents: Vec<Ident>,
}

impl LedigeTimer {
    /// Decides what a question is answered. Pure: the same question and facts give the same answer.
    pub fn of(head: &MsgHead, facts: &Facts, properties: &Properties, now: Timestamp) -> Self {
        let patient = head.patient.clone().map(|Person { family_name, middle_name, given_name, idents }| Asker {
            family_name,
            middle_name,
            given_name,
            idents,
        });
        let answer = |(v, dn): (&str, &str), code: Option<&str>| Self {
            tema: (v.to_owned(), dn.to_owned()),
            code: code.map(str::to_owned),
            slots: Vec::new(),
            doctor: None,
            patient: patient.clone(),
        };
        let addressed = properties.application("toHerId").and_then(|id| id.parse::<HerId>().ok());
        let Some((clinic, addressed)) = facts.clinic.as_deref().zip(addressed) else {
            return answer(("31", "Generell feil"), Some("receiver-unknown"));
        };
        if !missing(clinic).is_empty() {
            return answer(("33", "Tjenesten tilbys ikke"), Some("clinic-not-ready"));
        }
        let timebok = match bookable(clinic, facts.fastlege.as_deref(), addressed) {
            Ok(timebok) => timebok,
            Err(why) => return answer(why.tema(), Some(why.code())),
        };
        let booking = &clinic.booking;
        let offered = |slot: &&Slot| slot.timebok == timebok && is_offered(slot, booking, now);
        let slots = facts.slots.iter().filter(offered).map(|slot| Offered {
            uid: slot.uid,
            start: slot.span.start,
            end: slot.span.end,
            contact: booking.types.get(&slot.appointment_type).map(|of_type| of_type.contact),
        });
        let slots: Vec<Offered> = slots.collect();
        let owner = booking.timeboker.get(timebok).and_then(|timebok| clinic.employees.get(&timebok.owner));
        let tema = if slots.is_empty() { ("04", "Ingen ledige timer") } else { ("03", "Ledige timer") };
        Self { slots, doctor: owner.and_then(|doctor| doctor.her_id), ..answer(tema, None) }
    }

    /// The message below its header.
    pub(crate) fn message(self, head: MsgHead, now: Timestamp) -> MsgHead {
        let at = norwegian_time(now);
        let (v, dn) = &self.tema;
        let notat = vec![Notat { tema_kodet: Some(Code::in_system(v, dn, TEMA_7602)), ..Notat::default() }];
        let dialog = Dialogmelding { version: DialogmeldingVersion::V1_1, foresporsel: vec![], notat };
        let mut documents = vec![Document::xml(&at, Content::Dialogmelding(Box::new(dialog)))];
        let doctor = self.doctor;
        let events: Vec<Vevent> = self.slots.into_iter().map(|slot| slot.vevent(doctor)).collect();
        if !events.is_empty() {
            documents.push(Document::xml(&at, Content::Calendar(events)));
        }
        let patient = self.patient.map(|Asker { family_name, middle_name, given_name, idents }| Person {
            family_name,
            middle_name,
            given_name,
            idents,
        });
        MsgHead { patient, documents, ..head }
    }
}

impl Offered {
    fn vevent(self, doctor: Option<HerId>) -> Vevent {
        let span = super::Span { start: self.start, end: self.end };
        let slot = Slot { timebok: String::new(), span, appointment_type: String::new(), online: true, uid: self.uid };
        offered(&slot, self.contact, doctor)
    }
}
