//! xCal. A property's value stands inside an element that names its type, and may be preceded by parameters, which are passed over.

use super::sensitive;
use crate::wire::datetime::instant;
use crate::wire::icalendar::{MAX_EVENTS, Vevent};
use crate::wire::limits::XmlError;
use crate::wire::reader::{Children, Reader};
use crate::wire::shape::{self, Ns};

/// Reads `icalendar`: the events of all its calendars, up to the most there may be, and a word when there are more.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Vec<Vevent>, XmlError> {
    let mut events = Vec::new();
    let mut calendars = Children::of(&shape::ICALENDAR, Ns::Calendar);
    while reader.child(&mut calendars)?.is_some() {
        let mut children = Children::of(&shape::COMPONENT, Ns::Calendar);
        while let Some(tag) = reader.child(&mut children)? {
            match tag.local() {
                "components" => components(reader, &mut events)?,
                _ => reader.skip()?,
            }
        }
    }
    Ok(events)
}

fn components(reader: &mut Reader<'_>, events: &mut Vec<Vevent>) -> Result<(), XmlError> {
    let mut children = Children::of(&shape::ANY, Ns::Calendar);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "vevent" if events.len() < MAX_EVENTS => events.push(vevent(reader)?),
            "vevent" => {
                reader.note("events-too-many");
                reader.skip()?;
            }
            _ => reader.skip()?,
        }
    }
    Ok(())
}

fn vevent(reader: &mut Reader<'_>) -> Result<Vevent, XmlError> {
    let mut event = Vevent::default();
    let mut children = Children::of(&shape::COMPONENT, Ns::Calendar);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "properties" => properties(reader, &mut event)?,
            _ => reader.skip()?,
        }
    }
    Ok(event)
}

/// They stand in any order; of one that stands there twice the first is read.
fn properties(reader: &mut Reader<'_>, event: &mut Vevent) -> Result<(), XmlError> {
    let mut children = Children::of(&shape::ANY, Ns::Calendar);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "uid" => once(reader, &mut event.uid, "text", Reader::text)?,
            "dtstart" => once(reader, &mut event.start, "date-time", time)?,
            "dtend" => once(reader, &mut event.end, "date-time", time)?,
            "contact" => once(reader, &mut event.contact, "text", Reader::text)?,
            "status" => once(reader, &mut event.status, "text", Reader::text)?,
            "sequence" => once(reader, &mut event.sequence, "integer", number)?,
            "summary" => once(reader, &mut event.summary, "text", sensitive)?,
            "description" => once(reader, &mut event.description, "text", sensitive)?,
            "location" => once(reader, &mut event.location, "text", Reader::text)?,
            "x-servicetype" => once(reader, &mut event.service_type, "text", Reader::text)?,
            _ => reader.skip()?,
        }
    }
    Ok(())
}

/// Reads a property's value of the type that we know, unless the property was there already.
fn once<'a, T>(
    reader: &mut Reader<'a>,
    place: &mut Option<T>,
    of_type: &str,
    read: impl Fn(&mut Reader<'a>) -> Result<Option<T>, XmlError>,
) -> Result<(), XmlError> {
    if place.is_some() {
        reader.note("element-repeated");
        return reader.skip();
    }
    let mut children = Children::of(&shape::ANY, Ns::Calendar);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "parameters" => reader.skip()?,
            local if local == of_type && place.is_none() => *place = read(reader)?,
            local => {
                // Another type: a day without a time, say.
                reader.note(if local == of_type { "element-repeated" } else { "value-unreadable" });
                reader.skip()?;
            }
        }
    }
    Ok(())
}

fn time(reader: &mut Reader<'_>) -> Result<Option<jiff::Timestamp>, XmlError> {
    reader.value(instant)
}

fn number(reader: &mut Reader<'_>) -> Result<Option<u32>, XmlError> {
    reader.value(|text| text.parse().ok())
}
