//! A SOAP fault on the error queue.

use super::SoapFault;
use crate::Sensitive;
use crate::wire::limits::XmlError;
use crate::wire::reader::{Children, Reader};
use crate::wire::shape::{self, Ns};

/// Reads an envelope; `None` when its body holds no fault.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<SoapFault>, XmlError> {
    let mut fault = None;
    let mut children = Children::of(&shape::ANY, Ns::Soap);
    while let Some(tag) = reader.child(&mut children)? {
        if tag.local() != "Body" {
            reader.skip()?;
            continue;
        }
        let mut inside = Children::of(&shape::ANY, Ns::Soap);
        while let Some(tag) = reader.child(&mut inside)? {
            match tag.local() {
                "Fault" if fault.is_none() => fault = Some(the_fault(reader)?),
                _ => reader.skip()?,
            }
        }
    }
    Ok(fault)
}

fn the_fault(reader: &mut Reader<'_>) -> Result<SoapFault, XmlError> {
    let mut fault = SoapFault::default();
    let mut children = Children::of(&shape::ANY, Ns::Soap);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Code" => {
                let value = first(reader, "Value")?;
                fault.code = value.map(|v| v.rsplit(':').next().unwrap_or_default().to_owned());
            }
            "Reason" => fault.reason = first(reader, "Text")?.map(Sensitive::new),
            "Detail" => detail(reader, &mut fault)?,
            _ => reader.skip()?,
        }
    }
    Ok(fault)
}

fn first(reader: &mut Reader<'_>, name: &str) -> Result<Option<String>, XmlError> {
    let mut found = None;
    let mut children = Children::of(&shape::ANY, Ns::Soap);
    while let Some(tag) = reader.child(&mut children)? {
        if tag.local() == name && found.is_none() {
            found = reader.text()?;
        } else {
            reader.skip()?;
        }
    }
    Ok(found)
}

fn detail(reader: &mut Reader<'_>, fault: &mut SoapFault) -> Result<(), XmlError> {
    let mut children = Children::of(&shape::ANY, Ns::Soap);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "messageId" => fault.message_id = reader.text()?,
            "applicationTimeStamp" => fault.application_time_stamp = reader.text()?,
            _ => reader.skip()?,
        }
    }
    Ok(())
}
