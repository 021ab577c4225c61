//! Hodemelding 1.2 (`MsgHead-v1_2.xsd`): the header and what its documents hold.
//!
//! Everything a sender may leave out is an `Option`: reading never fails on a missing part, the rules in `domain` decide what is needed.

use super::dialogmelding::Dialogmelding;
use super::icalendar::Vevent;
use super::resept::Resept;
use crate::{HerId, Sensitive};
use serde::{Deserialize, Serialize};

/// A coded value: `CS` (V, DN) and `CV` (V, S, DN, OT) alike. Compare `v`, never `dn`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub v: Option<String>,
    /// Code system, an OID or its last part.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub s: Option<String>,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dn: Option<String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ot: Option<String>,
}

impl Code {
    /// A code with its display name (`CS`).
    pub fn new(v: &str, dn: &str) -> Self {
        Self { v: Some(v.to_owned()), dn: Some(dn.to_owned()), ..Self::default() }
    }

    /// A code with its code system (`CV`); `s` is the full OID.
    pub fn in_system(v: &str, dn: &str, s: &str) -> Self {
        Self { s: Some(s.to_owned()), ..Self::new(v, dn) }
    }

    /// Whether the code is `v`.
    pub fn is(&self, v: &str) -> bool {
        self.v.as_deref() == Some(v)
    }
}

/// `Ident`: an identifier and its kind (9051 for organisations, 8116 for persons).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ident {
    /// The identifier: a HER-id or HPR number, but also a person's national number.
    pub id: Sensitive<String>,
    /// `TypeId`; match on `v`, ignore `s` (message-formats 1.1).
    pub type_id: Code,
}

/// Code list 9051: kinds of organisations' identifiers.
const ORGANISATION_9051: &str = "2.16.578.1.12.4.1.1.9051";
/// Code list 8116: kinds of persons' identifiers.
const PERSON_8116: &str = "2.16.578.1.12.4.1.1.8116";

impl Ident {
    /// An organisation's HER-id.
    pub fn organisation_her_id(her_id: HerId) -> Self {
        Self { id: her_id.to_string().into(), type_id: Code::in_system("HER", "HER-id", ORGANISATION_9051) }
    }

    /// A person's identifier of this kind.
    pub fn of_person(id: Sensitive<String>, kind: &str, name: &str) -> Self {
        Self { id, type_id: Code::in_system(kind, name, PERSON_8116) }
    }
}

/// The HER-id among identifiers, as text.
pub fn her_id_of(idents: &[Ident]) -> Option<&str> {
    idents.iter().find(|i| i.type_id.is("HER")).map(|i| i.id.expose().as_str())
}

/// `Organisation`, two levels: the enterprise, and within it the communication party.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// `OrganisationName`.
    pub name: Option<String>,
    /// `Ident`.
    pub idents: Vec<Ident>,
    /// Level 2 as a service.
    pub organisation: Option<Box<Organisation>>,
    /// Level 2 as a person.
    pub healthcare_professional: Option<HealthcareProfessional>,
}

impl Organisation {
    /// A unit with its HER-id.
    pub fn with_her_id(name: String, her_id: HerId) -> Self {
        Self { name: Some(name), idents: vec![Ident::organisation_her_id(her_id)], ..Self::default() }
    }

    /// HER-id of level 2, the communication party: the person's, else the inner organisation's, else (no level 2) its own.
    pub fn level_2_her_id(&self) -> Option<&str> {
        let person = self.healthcare_professional.as_ref().and_then(|p| her_id_of(&p.idents));
        let service = || self.organisation.as_ref().and_then(|o| o.level_2_her_id());
        person.or_else(service).or_else(|| her_id_of(&self.idents))
    }
}

/// `HealthcareProfessional`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthcareProfessional {
    /// `RoleToPatient` (9034): 6 = fastlege.
    pub role_to_patient: Option<Code>,
    /// `FamilyName`.
    pub family_name: Option<Sensitive<String>>,
    /// `MiddleName`.
    pub middle_name: Option<Sensitive<String>>,
    /// `GivenName`.
    pub given_name: Option<Sensitive<String>>,
    /// `Ident`.
    pub idents: Vec<Ident>,
}

/// `Patient` or `Person`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// `FamilyName`.
    pub family_name: Option<Sensitive<String>>,
    /// `MiddleName`.
    pub middle_name: Option<Sensitive<String>>,
    /// `GivenName`.
    pub given_name: Option<Sensitive<String>>,
    /// `Ident`.
    pub idents: Vec<Ident>,
}

impl Person {
    /// The national identity number's text: the first ident typed FNR, DNR or FHN (in that order), untested.
    pub fn national_id(&self) -> Option<&Sensitive<String>> {
        ["FNR", "DNR", "FHN"].iter().find_map(|kind| self.idents.iter().find(|i| i.type_id.is(kind))).map(|i| &i.id)
    }
}

/// `ConversationRef`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationRef {
    /// MsgId of the message answered.
    pub ref_to_parent: Option<String>,
    /// MsgId of the first message.
    pub ref_to_conversation: Option<String>,
}

/// `MsgHead`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MsgHead {
    /// `MsgInfo/Type` (8279).
    pub msg_type: Option<Code>,
    /// `MIGversion`.
    pub mig_version: Option<String>,
    /// `GenDate` exactly as received: it is echoed in the receipt.
    pub gen_date: Option<String>,
    /// `MsgId` exactly as received.
    pub msg_id: Option<String>,
    /// `ProcessingStatus` (8113).
    pub processing_status: Option<Code>,
    /// `Ack` (7304): J, N, F.
    pub ack: Option<Code>,
    /// `ConversationRef`.
    pub conversation_ref: Option<ConversationRef>,
    /// `Sender/Organisation`.
    pub sender: Option<Organisation>,
    /// `Receiver/Organisation`.
    pub receiver: Option<Organisation>,
    /// `Patient`.
    pub patient: Option<Person>,
    /// `Document`, in order. Empty for a header with `PatientReport` only.
    pub documents: Vec<Document>,
}

/// `Document` with its `RefDoc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// `ContentDescription`, shown as the subject.
    pub content_description: Option<Sensitive<String>>,
    /// `RefDoc/IssueDate/@V`.
    pub issue_date: Option<String>,
    /// `RefDoc/MsgType` (8114): XML, A, REF.
    pub msg_type: Option<Code>,
    /// `RefDoc/MimeType`.
    pub mime_type: Option<String>,
    /// `RefDoc/Description`: the file name of an attachment.
    pub description: Option<Sensitive<String>>,
    /// `RefDoc/Compression` (1204).
    pub compression: Option<Code>,
    /// What the document holds.
    pub content: Content,
}

impl Document {
    /// A part of the message itself, written at this time.
    pub fn xml(at: &str, content: Content) -> Self {
        Self {
            content_description: None,
            issue_date: Some(at.to_owned()),
            msg_type: Some(Code::new("XML", "XML-instans")),
            mime_type: None,
            description: None,
            compression: None,
            content,
        }
    }
}

/// Most people in one [`Content::Personer`]: as many as HelseNorge's other service for the same question takes (message-formats 6).
pub const MAX_PERSONER: usize = 1000;

/// What `RefDoc` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Dialogmelding 1.0 or 1.1.
    Dialogmelding(Box<Dialogmelding>),
    /// M1.
    Resept(Box<Resept>),
    /// Someone acts for the patient.
    Pasientrelasjon(Box<Pasientrelasjon>),
    /// `Personer`: those whom a question about digital users asks about, or whom its answer names; at most [`MAX_PERSONER`].
    Personer(Vec<Person>),
    /// `icalendar`: free slots, or the appointment that the message is about; at most [`MAX_EVENTS`](super::icalendar::MAX_EVENTS).
    Calendar(Vec<Vevent>),
    /// `Helsepersonell`: another doctor than the one written to, or by.
    Helsepersonell(HealthcareProfessional),
    /// `Base64Container`, decoded.
    Attachment(Sensitive<Vec<u8>>),
    /// `Base64Container` that holds something other than base64.
    BadAttachment,
    /// `FileReference`, never followed.
    FileReference,
    /// No content.
    Empty,
    /// An element we do not read: its namespace and local name.
    Unknown {
        /// Namespace, possibly empty.
        namespace: String,
        /// Local name.
        local_name: String,
    },
}

/// `Pasientrelasjon`: the person at the keyboard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pasientrelasjon {
    /// `Relasjon` (7611): FO, VE, FU, TD.
    pub relasjon: Option<Code>,
    /// `Person`.
    pub person: Person,
}
