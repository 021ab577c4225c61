//! Hodemelding 1.2 and what its documents hold.

use super::CodeType::{self, Cs, Cv};
use super::{Streamed, WriteError, Xml, dialogmelding, icalendar, present, required, resept, valid_date_time};
use crate::Sensitive;
use crate::wire::hodemelding::{
    Code, Content, ConversationRef, Document, HealthcareProfessional, Ident, MAX_PERSONER, MsgHead, Organisation,
    Pasientrelasjon, Person,
};
use crate::wire::namespaces::{BASE64CONTAINER, FELLESKOMPONENT1, HELSEPERSONELL, MSGHEAD, PASIENTRELASJON, PERSONER};

/// The only version there is.
const MIG_VERSION: &str = "v1.2 2006-05-24";

impl MsgHead {
    /// The message as a document, valid by its schemas.
    ///
    /// # Errors
    /// [`WriteError`] names the field that is missing, not valid, or of a kind that is only read.
    pub fn to_xml(&self) -> Result<Vec<u8>, WriteError> {
        self.streamed().map(|streamed| streamed.to_vec())
    }

    /// The same document, its files still to be encoded.
    ///
    /// # Errors
    /// As [`MsgHead::to_xml`].
    pub fn streamed(&self) -> Result<Streamed<'_>, WriteError> {
        if self.documents.is_empty() {
            return Err(WriteError::Missing("Document"));
        }
        let mut xml = Xml::new();
        xml.element_with("MsgHead", &[("xmlns", MSGHEAD)], |xml| {
            xml.element("MsgInfo", |xml| self.msg_info(xml))?;
            self.documents.iter().try_for_each(|document| write_document(xml, document))
        })?;
        let files = self.documents.iter().filter_map(|document| match &document.content {
            Content::Attachment(bytes) => Some(bytes.expose().as_slice()),
            _ => None,
        });
        let files = std::mem::take(&mut xml.files).into_iter().zip(files).collect();
        Ok(Streamed::new(xml.into_bytes(), files))
    }

    fn msg_info(&self, xml: &mut Xml) -> Result<(), WriteError> {
        if self.mig_version.as_deref().is_some_and(|version| version != MIG_VERSION) {
            return Err(WriteError::Illegal("MsgInfo/MIGversion"));
        }
        xml.code("Type", "MsgInfo/Type", required("MsgInfo/Type", self.msg_type.as_ref())?, Cs)?;
        xml.id("MIGversion", "MsgInfo/MIGversion", MIG_VERSION)?;
        xml.date_time("GenDate", "MsgInfo/GenDate", self.gen_date.as_deref())?;
        xml.id("MsgId", "MsgInfo/MsgId", self.msg_id.as_deref().unwrap_or_default())?;
        xml.optional_code("ProcessingStatus", "MsgInfo/ProcessingStatus", self.processing_status.as_ref(), Cs)?;
        xml.optional_code("Ack", "MsgInfo/Ack", self.ack.as_ref(), Cs)?;
        if let Some(conversation) = &self.conversation_ref {
            conversation_ref(xml, conversation)?;
        }
        let sender = required("MsgInfo/Sender", self.sender.as_ref())?;
        xml.element("Sender", |xml| organisation(xml, sender))?;
        let receiver = required("MsgInfo/Receiver", self.receiver.as_ref())?;
        xml.element("Receiver", |xml| organisation(xml, receiver))?;
        match &self.patient {
            Some(patient) => xml.element("Patient", |xml| person(xml, "", patient)),
            None => Ok(()),
        }
    }
}

fn conversation_ref(xml: &mut Xml, conversation: &ConversationRef) -> Result<(), WriteError> {
    let parent = conversation.ref_to_parent.as_deref().unwrap_or_default();
    let first = conversation.ref_to_conversation.as_deref().unwrap_or_default();
    xml.element("ConversationRef", |xml| {
        xml.id("RefToParent", "ConversationRef/RefToParent", parent)?;
        xml.id("RefToConversation", "ConversationRef/RefToConversation", first)
    })
}

fn organisation(xml: &mut Xml, unit: &Organisation) -> Result<(), WriteError> {
    if unit.idents.is_empty() {
        return Err(WriteError::Missing("Organisation/Ident"));
    }
    xml.element("Organisation", |xml| {
        let name = required("Organisation/OrganisationName", unit.name.as_ref().filter(|name| !name.trim().is_empty()))?;
        xml.text("OrganisationName", Some(name));
        unit.idents.iter().try_for_each(|i| ident(xml, "", i))?;
        unit.organisation.as_deref().map_or(Ok(()), |inner| organisation(xml, inner))?;
        unit.healthcare_professional
            .as_ref()
            .map_or(Ok(()), |person| xml.element("HealthcareProfessional", |xml| healthcare_professional(xml, "", person)))
    })
}

/// The children of `HealthcareProfessional` and `Helsepersonell`; `prefix` is empty or `fk1:`.
fn healthcare_professional(xml: &mut Xml, prefix: &str, person: &HealthcareProfessional) -> Result<(), WriteError> {
    if person.idents.is_empty() {
        return Err(WriteError::Missing("HealthcareProfessional/Ident"));
    }
    let role = format!("{prefix}RoleToPatient");
    xml.optional_code(&role, "HealthcareProfessional/RoleToPatient", person.role_to_patient.as_ref(), Cv)?;
    names(xml, prefix, &person.family_name, &person.middle_name, &person.given_name);
    person.idents.iter().try_for_each(|i| ident(xml, prefix, i))
}

/// The children of `Patient` and `Person`; `prefix` is empty or `fk1:`.
fn person(xml: &mut Xml, prefix: &str, person: &Person) -> Result<(), WriteError> {
    names(xml, prefix, &person.family_name, &person.middle_name, &person.given_name);
    person.idents.iter().try_for_each(|i| ident(xml, prefix, i))
}

type Name = Option<Sensitive<String>>;

fn names(xml: &mut Xml, prefix: &str, family: &Name, middle: &Name, given: &Name) {
    for (name, value) in [("FamilyName", family), ("MiddleName", middle), ("GivenName", given)] {
        xml.text(&format!("{prefix}{name}"), value.as_ref().map(Sensitive::expose));
    }
}

fn ident(xml: &mut Xml, prefix: &str, ident: &Ident) -> Result<(), WriteError> {
    xml.element(&format!("{prefix}Ident"), |xml| {
        xml.id(&format!("{prefix}Id"), "Ident/Id", ident.id.expose())?;
        xml.code(&format!("{prefix}TypeId"), "Ident/TypeId", &ident.type_id, Cv)
    })
}

fn write_document(xml: &mut Xml, document: &Document) -> Result<(), WriteError> {
    xml.element("Document", |xml| {
        xml.text("ContentDescription", document.content_description.as_ref().map(Sensitive::expose));
        xml.element("RefDoc", |xml| ref_doc(xml, document))
    })
}

fn ref_doc(xml: &mut Xml, document: &Document) -> Result<(), WriteError> {
    if let Some(date) = &document.issue_date {
        let date = valid_date_time("RefDoc/IssueDate", present("RefDoc/IssueDate", Some(date))?)?;
        xml.empty("IssueDate", &[("V", date)]);
    }
    let usual = match &document.content {
        Content::Attachment(_) => Code::new("A", "Vedlegg"),
        _ => Code::new("XML", "XML-instans"),
    };
    xml.code("MsgType", "RefDoc/MsgType", document.msg_type.as_ref().unwrap_or(&usual), CodeType::Cs)?;
    if let Some(mime_type) = &document.mime_type {
        xml.id("MimeType", "RefDoc/MimeType", mime_type)?;
    }
    xml.text("Description", document.description.as_ref().map(Sensitive::expose));
    xml.optional_code("Compression", "RefDoc/Compression", document.compression.as_ref(), Cs)?;
    xml.element("Content", |xml| content(xml, &document.content))
}

fn content(xml: &mut Xml, content: &Content) -> Result<(), WriteError> {
    match content {
        Content::Dialogmelding(dialog) => dialogmelding::write(xml, dialog),
        Content::Resept(prescription) => resept::write(xml, prescription),
        Content::Pasientrelasjon(relation) => pasientrelasjon(xml, relation),
        Content::Personer(people) => personer(xml, people),
        Content::Calendar(events) => icalendar::write(xml, events),
        Content::Helsepersonell(person) => {
            let namespaces = [("xmlns", HELSEPERSONELL), ("xmlns:fk1", FELLESKOMPONENT1)];
            xml.element_with("Helsepersonell", &namespaces, |xml| healthcare_professional(xml, "fk1:", person))
        }
        Content::Attachment(_) => xml.element_with("Base64Container", &[("xmlns", BASE64CONTAINER)], |xml| {
            xml.file();
            Ok(())
        }),
        Content::Empty => Err(WriteError::Missing("RefDoc/Content")),
        Content::FileReference => Err(WriteError::Unsupported("RefDoc/FileReference")),
        Content::BadAttachment | Content::Unknown { .. } => Err(WriteError::Unsupported("RefDoc/Content")),
    }
}

fn pasientrelasjon(xml: &mut Xml, relation: &Pasientrelasjon) -> Result<(), WriteError> {
    let kind = required("Pasientrelasjon/Relasjon", relation.relasjon.as_ref())?;
    xml.element_with("Pasientrelasjon", &[("xmlns", PASIENTRELASJON), ("xmlns:fk1", FELLESKOMPONENT1)], |xml| {
        xml.code("Relasjon", "Pasientrelasjon/Relasjon", kind, Cv)?;
        xml.element("Person", |xml| person(xml, "fk1:", &relation.person))
    })
}

fn personer(xml: &mut Xml, people: &[Person]) -> Result<(), WriteError> {
    match people.len() {
        0 => return Err(WriteError::Missing("Personer/Person")),
        1..=MAX_PERSONER => {}
        _ => return Err(WriteError::Illegal("Personer/Person")),
    }
    xml.element_with("Personer", &[("xmlns", PERSONER), ("xmlns:fk1", FELLESKOMPONENT1)], |xml| {
        people.iter().try_for_each(|one| match one.idents.is_empty() {
            true => Err(WriteError::Missing("Person/Ident")),
            false => xml.element("Person", |xml| person(xml, "fk1:", one)),
        })
    })
}
