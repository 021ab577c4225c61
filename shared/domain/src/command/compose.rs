//! What a clinic writes → the message that HelseNorge gets (message-formats 1, 2).

use crate::entry::{Attachment, Form};
use crate::receipts::norwegian_time;
use jiff::Timestamp;
use messages::command::order::PrescriptionChoice;
use messages::event::DialogKind;
use messages::person_id::PersonIdKind;
use messages::wire::dialogmelding::{Dialogmelding, DialogmeldingVersion, Foresporsel, Notat};
use messages::wire::hodemelding::{
    Code, Content, ConversationRef, Document, HealthcareProfessional, Ident, MsgHead, Organisation, Person,
};
use messages::wire::icalendar::Vevent;
use messages::wire::resept::Resept;
use messages::{HerId, PersonId, Sensitive};
use uuid::Uuid;

const TYPE_FORESP_7601: &str = "2.16.578.1.12.4.1.1.7601";
const TEMA_7602: &str = "2.16.578.1.12.4.1.1.7602";
const ROLE_9034: &str = "2.16.578.1.12.4.1.1.9034";

/// An enterprise and its unit, or two enterprises: HER-ids on two levels (message-formats 1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Name of the enterprise.
    pub enterprise: String,
    /// HER-id of the enterprise.
    pub enterprise_her_id: HerId,
    /// Who or what it is within.
    pub unit: Unit,
}

impl Address {
    /// The same; a doctor is called the patient's fastlege, or not.
    #[must_use]
    pub fn calling_fastlege(mut self, is_his: bool) -> Self {
        if let Unit::Doctor { is_fastlege, .. } = &mut self.unit {
            *is_fastlege = is_his;
        }
        self
    }
}

/// The second level, whose HER-id is the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A service or a clinic.
    Service(String, HerId),
    /// A doctor.
    Doctor {
        /// Family name.
        family_name: String,
        /// Given name.
        given_name: String,
        /// HER-id.
        her_id: HerId,
        /// Number in the register of health personnel.
        hpr: Option<String>,
        /// The patient's fastlege.
        is_fastlege: bool,
    },
}

/// The patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patient {
    /// Family name.
    pub family_name: Sensitive<String>,
    /// Given name.
    pub given_name: Sensitive<String>,
    /// Fødselsnummer or D-nummer.
    pub id: PersonId,
}

/// A message in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// `MsgId`, and its ledger row.
    pub id: Uuid,
    /// The clinic, or its doctor.
    pub from: Address,
    /// HelseNorge.
    pub to: Address,
    /// Whom it is for.
    pub patient: Patient,
    /// The process it belongs to.
    pub kind: DialogKind,
    /// Which message it answers, and the first of the conversation; none begins one.
    pub answers: Option<(String, String)>,
    /// What it says.
    pub body: Body,
    /// Prescriptions that an answer is about.
    pub prescriptions: Vec<Resept>,
    /// Files, in order.
    pub attachments: Vec<Attachment>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// It begins a dialog.
    Opening {
        /// Subject.
        subject: Sensitive<String>,
        /// Text.
        text: Sensitive<String>,
    },
    /// It answers.
    Answer {
        /// Text.
        text: Sensitive<String>,
    },
    /// It ends the dialog.
    Closing {
        /// A last word.
        text: Option<Sensitive<String>>,
    },
    /// It answers a prescription request (P2).
    Prescription {
        /// What became of it.
        choice: PrescriptionChoice,
        /// Text.
        text: Sensitive<String>,
    },
    /// It answers a wish for an appointment.
    Wish {
        /// `TemaKodet` (7602) with its name.
        tema: (&'static str, &'static str),
        /// Text.
        text: Option<Sensitive<String>>,
        /// The appointment.
        event: Option<Box<Vevent>>,
    },
}

impl Letter {
    /// The message.
    pub fn message(self, now: Timestamp) -> MsgHead {
        let at = norwegian_time(now);
        let subject = match &self.body {
            Body::Opening { subject, .. } => Some(subject.clone()),
            _ => None,
        };
        let event = match &self.body {
            Body::Wish { event: Some(event), .. } => Some(Content::Calendar(vec![event.as_ref().clone()])),
            _ => None,
        };
        let dialog = Document::xml(&at, Content::Dialogmelding(Box::new(dialogmelding(self.kind, self.body))));
        let mut documents = vec![Document { content_description: subject, ..dialog }];
        // They belong to the process of prescriptions alone: a request that became another dialog leaves them behind.
        let prescriptions = self.prescriptions.into_iter().filter(|_| self.kind == DialogKind::Reseptfornyelse);
        let prescriptions = prescriptions.map(|one| Content::Resept(Box::new(one)));
        documents.extend(event.map(|content| Document::xml(&at, content)));
        documents.extend(prescriptions.map(|content| Document::xml(&at, content)));
        documents.extend(self.attachments.into_iter().map(|file| Document {
            msg_type: Some(Code::new("A", "Vedlegg")),
            mime_type: Some(file.media_type.to_owned()),
            description: Some(file.file_name),
            ..Document::xml(&at, Content::Attachment(file.bytes))
        }));
        let conversation = |(parent, first)| ConversationRef { ref_to_parent: Some(parent), ref_to_conversation: Some(first) };
        MsgHead {
            msg_type: Some(Code::new(self.kind.message_function(), process(self.kind))),
            gen_date: Some(at),
            msg_id: Some(self.id.to_string()),
            ack: Some(Code::new("J", "Ja")),
            conversation_ref: self.answers.map(conversation),
            sender: Some(organisation(self.from)),
            receiver: Some(organisation(self.to)),
            patient: Some(person(self.patient)),
            documents,
            ..MsgHead::default()
        }
    }
}

const fn process(kind: DialogKind) -> &'static str {
    match kind {
        DialogKind::EKontakt => "Dialog med innbygger - e-kontakt",
        DialogKind::EKonsultasjon => "Dialog med innbygger - e-konsultasjon",
        DialogKind::Reseptfornyelse => "Dialog med innbygger - reseptfornyelse",
        DialogKind::Timeonske => "Dialog med innbygger - timeønske",
    }
}

/// Request or answer, and its `TypeForesp` or `TemaKodet`.
pub const fn form_and_code(kind: DialogKind, body: &Body) -> (Form, Option<&'static str>) {
    let form = match body {
        Body::Opening { .. } => Form::Foresporsel,
        Body::Answer { .. } | Body::Closing { .. } | Body::Prescription { .. } | Body::Wish { .. } => Form::Notat,
    };
    (form, Some(code(kind, body).0))
}

/// Codes by name of the process: no captured message of a clinic that begins a dialog is known (message-formats 2.1, 2.2).
const fn code(kind: DialogKind, body: &Body) -> (&'static str, &'static str) {
    match (body, kind) {
        (Body::Opening { .. }, DialogKind::EKontakt) => ("HE", "Henvendelse"),
        (Body::Opening { .. }, _) => ("DI", "Dialog med innbygger"),
        // What is written freely about a wish neither grants nor denies it.
        (Body::Answer { .. }, DialogKind::EKontakt | DialogKind::Timeonske) => ("19", "Svar på henvendelse"),
        (Body::Answer { .. }, DialogKind::EKonsultasjon | DialogKind::Reseptfornyelse) => ("12", "Svar på spørsmål"),
        (Body::Closing { .. }, _) => ("13", "Dialog avsluttet"),
        (Body::Prescription { choice, .. }, _) => choice.code(),
        (Body::Wish { tema, .. }, _) => *tema,
    }
}

fn dialogmelding(kind: DialogKind, body: Body) -> Dialogmelding {
    let (mut foresporsel, mut notat) = (Vec::new(), Vec::new());
    let (v, dn) = code(kind, &body);
    match body {
        Body::Opening { subject, text } => {
            foresporsel.push(Foresporsel {
                type_foresp: Some(Code::in_system(v, dn, TYPE_FORESP_7601)),
                emne_sporsmal: Some(subject),
                sporsmal: Some(text),
                ..Foresporsel::default()
            });
        }
        Body::Closing { text } | Body::Wish { text, .. } => notat.push(note((v, dn), text)),
        Body::Answer { text } | Body::Prescription { text, .. } => notat.push(note((v, dn), Some(text))),
    }
    Dialogmelding { version: DialogmeldingVersion::V1_1, foresporsel, notat }
}

fn note((v, dn): (&str, &str), tekst: Option<Sensitive<String>>) -> Notat {
    Notat { tema_kodet: Some(Code::in_system(v, dn, TEMA_7602)), tekst, ..Notat::default() }
}

/// How a party is named in a header.
pub(crate) fn organisation(address: Address) -> Organisation {
    let outer = Organisation::with_her_id(address.enterprise, address.enterprise_her_id);
    match address.unit {
        Unit::Service(name, id) => Organisation { organisation: Some(Box::new(Organisation::with_her_id(name, id))), ..outer },
        Unit::Doctor { family_name, given_name, her_id: id, hpr, is_fastlege } => {
            let hpr = hpr.map(|hpr| Ident::of_person(hpr.into(), "HPR", "HPR-nummer"));
            let her_id = Ident::of_person(id.to_string().into(), "HER", "HER-id");
            let doctor = HealthcareProfessional {
                role_to_patient: is_fastlege.then(|| Code::in_system("6", "Fastlege", ROLE_9034)),
                family_name: Some(family_name.into()),
                middle_name: None,
                given_name: Some(given_name.into()),
                idents: [her_id].into_iter().chain(hpr).collect(),
            };
            Organisation { healthcare_professional: Some(doctor), ..outer }
        }
    }
}

/// A number with its kind.
pub(super) fn national_id(id: &PersonId) -> Ident {
    let (v, dn) = match id.kind() {
        PersonIdKind::Fodselsnummer => ("FNR", "Fødselsnummer"),
        PersonIdKind::DNummer => ("DNR", "D-nummer"),
        PersonIdKind::HNummer => ("HNR", "H-nummer"),
        PersonIdKind::FhNummer => ("FHN", "Felles hjelpenummer"),
    };
    Ident::of_person(id.expose().to_owned().into(), v, dn)
}

/// The patient, in a header.
pub(crate) fn person(patient: Patient) -> Person {
    let id = national_id(&patient.id);
    Person { family_name: Some(patient.family_name), given_name: Some(patient.given_name), idents: vec![id], ..Person::default() }
}
