//! AppRec 1.0 and 1.1: the same tree in two namespaces.

use crate::wire::apprec::ReceivedAppRec;
use crate::wire::limits::XmlError;
use crate::wire::reader::{Children, Reader};
use crate::wire::shape::{self, Ns};

/// Reads `AppRec`.
pub(super) fn read(reader: &mut Reader<'_>, ns: Ns) -> Result<ReceivedAppRec, XmlError> {
    let mut receipt = ReceivedAppRec { is_1_1: ns == Ns::AppRec11, ..ReceivedAppRec::default() };
    let mut children = Children::of(&shape::APP_REC, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Id" => receipt.id = reader.text()?,
            "Sender" => receipt.sender_her_id = party(reader, ns)?,
            "Receiver" => receipt.receiver_her_id = party(reader, ns)?,
            "Status" => receipt.status = reader.code(&tag)?,
            "Error" => receipt.errors.extend(reader.code(&tag)?),
            "OriginalMsgId" => original(reader, ns, &mut receipt)?,
            _ => reader.skip()?,
        }
    }
    Ok(receipt)
}

fn original(reader: &mut Reader<'_>, ns: Ns, receipt: &mut ReceivedAppRec) -> Result<(), XmlError> {
    let mut children = Children::of(&shape::ORIGINAL_MSG_ID, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "MsgType" => receipt.original_type = reader.code(&tag)?,
            "Id" => receipt.original_id = reader.text()?,
            _ => reader.skip()?,
        }
    }
    Ok(())
}

/// HER-ids found below `HCP`, by level.
#[derive(Default)]
struct Found {
    person: Option<String>,
    department: Option<String>,
    institution: Option<String>,
}

fn party(reader: &mut Reader<'_>, ns: Ns) -> Result<Option<String>, XmlError> {
    let mut found = Found::default();
    let mut children = Children::of(&shape::APP_REC_PARTY, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "HCP" => hcp(reader, ns, &mut found)?,
            _ => reader.skip()?,
        }
    }
    Ok(found.person.or(found.department).or(found.institution))
}

fn hcp(reader: &mut Reader<'_>, ns: Ns, found: &mut Found) -> Result<(), XmlError> {
    let mut children = Children::of(&shape::HCP, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Inst" => found.institution = unit(reader, ns, found)?,
            "HCProf" => found.person = unit(reader, ns, found)?,
            _ => reader.skip()?,
        }
    }
    Ok(())
}

/// The HER-id of one unit; those of the units within it are put where they belong.
fn unit(reader: &mut Reader<'_>, ns: Ns, found: &mut Found) -> Result<Option<String>, XmlError> {
    let (mut id, mut is_her_id, mut additional) = (None, false, None);
    let mut children = Children::of(&shape::HCP_UNIT, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Id" => id = reader.text()?,
            "TypeId" => is_her_id = reader.code(&tag)?.is_some_and(|kind| kind.is("HER")),
            "AdditionalId" => additional = additional.or(additional_her_id(reader, ns)?),
            "Dept" => {
                let her_id = unit(reader, ns, found)?;
                found.department = found.department.take().or(her_id);
            }
            "HCPerson" => {
                let her_id = unit(reader, ns, found)?;
                found.person = found.person.take().or(her_id);
            }
            _ => reader.skip()?,
        }
    }
    Ok(id.filter(|_| is_her_id).or(additional))
}

fn additional_her_id(reader: &mut Reader<'_>, ns: Ns) -> Result<Option<String>, XmlError> {
    let (mut id, mut is_her_id) = (None, false);
    let mut children = Children::of(&shape::ADDITIONAL_ID, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Id" => id = reader.text()?,
            _ => is_her_id = reader.code(&tag)?.is_some_and(|kind| kind.is("HER")),
        }
    }
    Ok(id.filter(|_| is_her_id))
}
