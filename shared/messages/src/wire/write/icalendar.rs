//! xCal 2.0: one calendar with its events, times in UTC.

use super::{WriteError, Xml};
use crate::Sensitive;
use crate::wire::icalendar::{MAX_EVENTS, Vevent};
use crate::wire::namespaces::ICALENDAR;
use jiff::Timestamp;

/// Who made the calendar (RFC 5545, 3.7.3).
const PRODUCT: &str = "-//Dialogpost//NONSGML Dialogpost//NO";

pub(super) fn write(xml: &mut Xml, events: &[Vevent]) -> Result<(), WriteError> {
    match events.len() {
        0 => return Err(WriteError::Missing("icalendar/vevent")),
        1..=MAX_EVENTS => {}
        _ => return Err(WriteError::Illegal("icalendar/vevent")),
    }
    xml.element_with("icalendar", &[("xmlns", ICALENDAR)], |xml| {
        xml.element("vcalendar", |xml| {
            xml.element("properties", |xml| {
                property(xml, "prodid", "text", "icalendar/prodid", PRODUCT)?;
                property(xml, "version", "text", "icalendar/version", "2.0")
            })?;
            xml.element("components", |xml| events.iter().try_for_each(|event| vevent(xml, event)))
        })
    })
}

fn vevent(xml: &mut Xml, event: &Vevent) -> Result<(), WriteError> {
    xml.element("vevent", |xml| {
        xml.element("properties", |xml| {
            id(xml, "uid", "vevent/uid", event.uid.as_deref())?;
            time(xml, "dtstart", "vevent/dtstart", event.start)?;
            time(xml, "dtend", "vevent/dtend", event.end)?;
            id(xml, "contact", "vevent/contact", event.contact.as_deref())?;
            id(xml, "status", "vevent/status", event.status.as_deref())?;
            if let Some(sequence) = event.sequence {
                property(xml, "sequence", "integer", "vevent/sequence", &sequence.to_string())?;
            }
            text(xml, "summary", event.summary.as_ref().map(Sensitive::expose))?;
            text(xml, "description", event.description.as_ref().map(Sensitive::expose))?;
            text(xml, "location", event.location.as_ref())?;
            id(xml, "x-servicetype", "vevent/x-servicetype", event.service_type.as_deref())
        })
    })
}

fn property(xml: &mut Xml, name: &str, of_type: &str, field: &'static str, value: &str) -> Result<(), WriteError> {
    xml.element(name, |xml| xml.id(of_type, field, value))
}

fn id(xml: &mut Xml, name: &str, field: &'static str, value: Option<&str>) -> Result<(), WriteError> {
    value.map_or(Ok(()), |value| property(xml, name, "text", field, value))
}

fn time(xml: &mut Xml, name: &str, field: &'static str, at: Option<Timestamp>) -> Result<(), WriteError> {
    let Some(at) = at else { return Ok(()) };
    xml.element(name, |xml| xml.date_time("date-time", field, Some(&at.to_string())))
}

fn text(xml: &mut Xml, name: &str, text: Option<&String>) -> Result<(), WriteError> {
    let Some(text) = text else { return Ok(()) };
    xml.element(name, |xml| {
        xml.text("text", Some(text));
        Ok(())
    })
}
