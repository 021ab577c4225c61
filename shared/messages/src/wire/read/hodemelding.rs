//! Hodemelding 1.2 and what its documents hold.

use super::{dialogmelding, icalendar, resept, sensitive};
use crate::Sensitive;
use crate::wire::base64;
use crate::wire::hodemelding::{
    Content, ConversationRef, Document, HealthcareProfessional, Ident, MAX_PERSONER, MsgHead, Organisation, Pasientrelasjon,
    Person,
};
use crate::wire::limits::XmlError;
use crate::wire::reader::{Children, Files, Reader, Tag};
use crate::wire::shape::{self, Ns};

/// Reads `MsgHead`.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<MsgHead, XmlError> {
    let mut head = MsgHead::default();
    let mut children = Children::of(&shape::MSG_HEAD, Ns::MsgHead);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "MsgInfo" => msg_info(reader, &mut head)?,
            "Document" => head.documents.push(document(reader)?),
            _ => reader.skip()?,
        }
    }
    Ok(head)
}

fn msg_info(reader: &mut Reader<'_>, head: &mut MsgHead) -> Result<(), XmlError> {
    let mut children = Children::of(&shape::MSG_INFO, Ns::MsgHead);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Type" => head.msg_type = reader.code(&tag)?,
            "MIGversion" => head.mig_version = reader.text()?,
            "GenDate" => head.gen_date = reader.text()?,
            "MsgId" => head.msg_id = reader.text()?,
            "ProcessingStatus" => head.processing_status = reader.code(&tag)?,
            "Ack" => head.ack = reader.code(&tag)?,
            "ConversationRef" => head.conversation_ref = Some(conversation_ref(reader)?),
            "Sender" => head.sender = party(reader)?,
            "Receiver" => head.receiver = party(reader)?,
            "Patient" => head.patient = Some(person(reader, Ns::MsgHead)?),
            _ => reader.skip()?,
        }
    }
    Ok(())
}

fn conversation_ref(reader: &mut Reader<'_>) -> Result<ConversationRef, XmlError> {
    let mut conversation = ConversationRef::default();
    let mut children = Children::of(&shape::CONVERSATION_REF, Ns::MsgHead);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "RefToParent" => conversation.ref_to_parent = reader.text()?,
            _ => conversation.ref_to_conversation = reader.text()?,
        }
    }
    Ok(conversation)
}

fn party(reader: &mut Reader<'_>) -> Result<Option<Organisation>, XmlError> {
    let mut found = None;
    let mut children = Children::of(&shape::PARTY, Ns::MsgHead);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Organisation" => found = Some(organisation(reader)?),
            _ => reader.skip()?,
        }
    }
    Ok(found)
}

fn organisation(reader: &mut Reader<'_>) -> Result<Organisation, XmlError> {
    let mut unit = Organisation::default();
    let mut children = Children::of(&shape::ORGANISATION, Ns::MsgHead);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "OrganisationName" => unit.name = reader.text()?,
            "Ident" => unit.idents.push(ident(reader, Ns::MsgHead)?),
            "Organisation" => unit.organisation = Some(Box::new(organisation(reader)?)),
            "HealthcareProfessional" => unit.healthcare_professional = Some(healthcare_professional(reader, Ns::MsgHead)?),
            _ => reader.skip()?,
        }
    }
    Ok(unit)
}

/// `HealthcareProfessional`, and `Helsepersonell` which has the same children.
fn healthcare_professional(reader: &mut Reader<'_>, ns: Ns) -> Result<HealthcareProfessional, XmlError> {
    let mut person = HealthcareProfessional::default();
    let mut children = Children::of(&shape::HEALTHCARE_PROFESSIONAL, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "RoleToPatient" => person.role_to_patient = reader.code(&tag)?,
            "FamilyName" => person.family_name = sensitive(reader)?,
            "MiddleName" => person.middle_name = sensitive(reader)?,
            "GivenName" => person.given_name = sensitive(reader)?,
            "Ident" => person.idents.push(ident(reader, tag.ns)?),
            _ => reader.skip()?,
        }
    }
    Ok(person)
}

fn person(reader: &mut Reader<'_>, ns: Ns) -> Result<Person, XmlError> {
    let mut person = Person::default();
    let mut children = Children::of(&shape::PERSON, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "FamilyName" => person.family_name = sensitive(reader)?,
            "MiddleName" => person.middle_name = sensitive(reader)?,
            "GivenName" => person.given_name = sensitive(reader)?,
            "Ident" => person.idents.push(ident(reader, tag.ns)?),
            _ => reader.skip()?,
        }
    }
    Ok(person)
}

fn ident(reader: &mut Reader<'_>, ns: Ns) -> Result<Ident, XmlError> {
    let mut ident = Ident::default();
    let mut children = Children::of(&shape::IDENT, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Id" => ident.id = sensitive(reader)?.unwrap_or_default(),
            _ => ident.type_id = reader.code(&tag)?.unwrap_or_default(),
        }
    }
    Ok(ident)
}

fn document(reader: &mut Reader<'_>) -> Result<Document, XmlError> {
    let mut document = Document {
        content_description: None,
        issue_date: None,
        msg_type: None,
        mime_type: None,
        description: None,
        compression: None,
        content: Content::Empty,
    };
    let mut children = Children::of(&shape::DOCUMENT, Ns::MsgHead);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "ContentDescription" => document.content_description = sensitive(reader)?,
            "RefDoc" => ref_doc(reader, &mut document)?,
            _ => reader.skip()?,
        }
    }
    Ok(document)
}

fn ref_doc(reader: &mut Reader<'_>, document: &mut Document) -> Result<(), XmlError> {
    let mut children = Children::of(&shape::REF_DOC, Ns::MsgHead);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "IssueDate" => {
                document.issue_date = tag.attribute("V");
                reader.skip()?;
            }
            "MsgType" => document.msg_type = reader.code(&tag)?,
            "MimeType" => document.mime_type = reader.text()?,
            "Description" => document.description = sensitive(reader)?,
            "Compression" => document.compression = reader.code(&tag)?,
            "FileReference" => {
                document.content = Content::FileReference;
                reader.skip()?;
            }
            "Content" => document.content = content(reader)?,
            _ => reader.skip()?,
        }
    }
    Ok(())
}

/// The first element in `Content`; more than one is nothing a dialog has.
fn content(reader: &mut Reader<'_>) -> Result<Content, XmlError> {
    let mut found = Content::Empty;
    while let Some(tag) = reader.element()? {
        if found == Content::Empty {
            found = payload(reader, &tag)?;
        } else {
            reader.note("content-repeated");
            reader.skip()?;
        }
    }
    Ok(found)
}

fn payload(reader: &mut Reader<'_>, tag: &Tag<'_>) -> Result<Content, XmlError> {
    let content = match (tag.ns, tag.local()) {
        (Ns::Dialog10 | Ns::Dialog11, "Dialogmelding") => Content::Dialogmelding(Box::new(dialogmelding::read(reader, tag.ns)?)),
        (Ns::M1, "Resept") => Content::Resept(Box::new(resept::read(reader, tag.ns)?)),
        (Ns::Relation, "Pasientrelasjon") => Content::Pasientrelasjon(Box::new(pasientrelasjon(reader)?)),
        (Ns::People, "Personer") => Content::Personer(personer(reader)?),
        (Ns::Calendar, "icalendar") => Content::Calendar(icalendar::read(reader)?),
        (Ns::Professional, "Helsepersonell") => Content::Helsepersonell(healthcare_professional(reader, tag.ns)?),
        (Ns::Base64, "Base64Container") if reader.files == Files::PassedOver => {
            reader.skip()?;
            Content::Attachment(Sensitive::new(Vec::new()))
        }
        (Ns::Base64, "Base64Container") => {
            base64::read(reader)?.map_or(Content::BadAttachment, |b| Content::Attachment(Sensitive::new(b)))
        }
        _ => {
            let (namespace, local_name) = reader.name_of(tag);
            reader.skip()?;
            Content::Unknown { namespace, local_name }
        }
    };
    Ok(content)
}

/// The first of a list, and a word when there are more.
fn personer(reader: &mut Reader<'_>) -> Result<Vec<Person>, XmlError> {
    let mut people = Vec::new();
    let mut children = Children::of(&shape::PERSONER, Ns::People);
    while let Some(tag) = reader.child(&mut children)? {
        if people.len() < MAX_PERSONER {
            people.push(person(reader, tag.ns)?);
        } else {
            reader.note("persons-too-many");
            reader.skip()?;
        }
    }
    Ok(people)
}

fn pasientrelasjon(reader: &mut Reader<'_>) -> Result<Pasientrelasjon, XmlError> {
    let mut relation = Pasientrelasjon::default();
    let mut children = Children::of(&shape::PASIENTRELASJON, Ns::Relation);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Relasjon" => relation.relasjon = reader.code(&tag)?,
            _ => relation.person = person(reader, tag.ns)?,
        }
    }
    Ok(relation)
}
