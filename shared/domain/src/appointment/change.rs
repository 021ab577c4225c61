//! What the clinic changes itself: releases slots, books, moves, cancels, changes the type, notes that a patient did not come (T5). Every
//! change is one version; what changes nothing is none.

use super::request::COMMENT_LIMIT;
use super::{Appointment, Booking, Change, NewVersion, Span, Status, is_seen, reminder_of};
use crate::command::text::check;
use jiff::{SignedDuration, Timestamp};
use messages::HerId;
use messages::command::order::{
    BookAppointment, CancelAppointment, ChangeAppointmentType, MarkNoShow, MoveAppointment, ReleaseSlots,
};
use messages::command::refusal::{Refusal, Why};
use uuid::Uuid;

/// So far ahead an appointment may be made: ten years.
const AHEAD: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

/// What the clinic asks for.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// An appointment is made.
    Book(&'a BookAppointment),
    /// It gets another time or timebok.
    Move(&'a MoveAppointment),
    /// It does not take place.
    Cancel(&'a CancelAppointment),
    /// It is of another type.
    Type(&'a ChangeAppointmentType),
    /// The patient did not come.
    NoShow(&'a MarkNoShow),
}

/// What is known when it is decided.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The clinic.
    pub clinic: HerId,
    /// Its types and timebøker.
    pub booking: &'a Booking,
    /// The patient whom a booking names, if the clinic knows him.
    pub patient: Option<Uuid>,
    /// The appointment that is named, if it is the clinic's.
    pub appointment: Option<&'a Appointment>,
    /// Times that appointments take, in any timebok that is named: timebok, time, appointment.
    pub taken: &'a [(String, Span, Uuid)],
    /// Who asks: an employee id.
    pub actor: &'a str,
    /// Id and uid of an appointment that is made.
    pub new: (Uuid, Uuid),
}

/// An appointment as it stands then, and the version that makes it so, unless it stood so before.
pub type Changed = (Appointment, Option<NewVersion>);

/// Decides. Pure: the same command and facts give the same decision.
///
/// # Errors
/// Why not, by field.
pub fn decide(asked: Asked<'_>, facts: &Facts<'_>, now: Timestamp) -> Result<Changed, Refusal> {
    match asked {
        Asked::Book(order) => book(order, facts, now),
        Asked::Move(order) => moved(order, facts, now),
        Asked::Cancel(order) => cancel(order, facts, now),
        Asked::Type(order) => change_type(order, facts, now),
        Asked::NoShow(order) => no_show(order, facts, now),
    }
}

fn book(order: &BookAppointment, facts: &Facts<'_>, now: Timestamp) -> Result<Changed, Refusal> {
    let timebok = known_timebok(&order.timebok, "arguments.timebok", facts.booking)?;
    let of_type = facts.booking.open_type(&order.appointment_type);
    let of_type = of_type.ok_or_else(|| Refusal::of("arguments.appointment_type", Why::AppointmentTypeUnknown))?;
    let patient = facts.patient.ok_or_else(|| Refusal::of("arguments.patient", Why::PatientUnknown))?;
    if let Some(comment) = &order.comment {
        check(comment.expose(), COMMENT_LIMIT).map_err(|why| Refusal::of("arguments.comment", why))?;
    }
    let span = Span { start: order.start, end: of_type.end(order.start) };
    free(timebok, span, None, facts, now)?;
    let appointment = Appointment {
        id: facts.new.0,
        timebok: timebok.to_owned(),
        patient,
        span,
        appointment_type: order.appointment_type.clone(),
        status: Status::Booked,
        uid: facts.new.1,
        version: 1,
        comment: order.comment.clone(),
    };
    Ok((appointment.clone(), Some(by_clinic(facts, appointment, Change::Booked, now))))
}

fn moved(order: &MoveAppointment, facts: &Facts<'_>, now: Timestamp) -> Result<Changed, Refusal> {
    let before = booked(facts, order.version)?;
    let timebok = match &order.timebok {
        Some(named) => known_timebok(named, "arguments.timebok", facts.booking)?,
        None => &before.timebok,
    };
    let length = before.span.end.duration_since(before.span.start);
    let span = Span { start: order.start, end: order.start.checked_add(length).unwrap_or(Timestamp::MAX) };
    if (timebok, span) == (before.timebok.as_str(), before.span) {
        return Ok((before.clone(), None));
    }
    free(timebok, span, Some(before.id), facts, now)?;
    Ok(next(facts, Appointment { timebok: timebok.to_owned(), span, ..before.clone() }, Change::Moved, now))
}

fn cancel(order: &CancelAppointment, facts: &Facts<'_>, now: Timestamp) -> Result<Changed, Refusal> {
    let before = named(facts, order.version)?;
    match before.status {
        Status::Cancelled => Ok((before.clone(), None)),
        Status::Booked | Status::NoShow => {
            Ok(next(facts, Appointment { status: Status::Cancelled, ..before.clone() }, Change::Cancelled, now))
        }
    }
}

fn change_type(order: &ChangeAppointmentType, facts: &Facts<'_>, now: Timestamp) -> Result<Changed, Refusal> {
    let before = booked(facts, order.version)?;
    if facts.booking.open_type(&order.appointment_type).is_none() {
        return Err(Refusal::of("arguments.appointment_type", Why::AppointmentTypeUnknown));
    }
    if order.appointment_type == before.appointment_type {
        return Ok((before.clone(), None));
    }
    Ok(next(facts, Appointment { appointment_type: order.appointment_type.clone(), ..before.clone() }, Change::TypeChanged, now))
}

fn no_show(order: &MarkNoShow, facts: &Facts<'_>, now: Timestamp) -> Result<Changed, Refusal> {
    let before = named(facts, order.version)?;
    match before.status {
        Status::NoShow => Ok((before.clone(), None)),
        Status::Cancelled => Err(Refusal::of("arguments.appointment", Why::AppointmentCancelled)),
        Status::Booked if before.span.start > now => Err(Refusal::of("arguments.appointment", Why::TimeToCome)),
        Status::Booked => Ok(next(facts, Appointment { status: Status::NoShow, ..before.clone() }, Change::NoShow, now)),
    }
}

fn known_timebok<'a>(named: &'a str, field: &str, booking: &Booking) -> Result<&'a str, Refusal> {
    match booking.timeboker.contains_key(named) {
        true => Ok(named),
        false => Err(Refusal::of(field, Why::TimebokUnknown)),
    }
}

/// The appointment that is named, in the version that was looked at.
fn named<'a>(facts: &Facts<'a>, version: Option<u32>) -> Result<&'a Appointment, Refusal> {
    let found = facts.appointment.ok_or_else(|| Refusal::of("arguments.appointment", Why::AppointmentUnknown))?;
    match version {
        Some(seen) if seen != found.version => Err(Refusal::of("arguments.version", Why::VersionStale { has: found.version })),
        _ => Ok(found),
    }
}

/// Likewise one that is to take place.
fn booked<'a>(facts: &Facts<'a>, version: Option<u32>) -> Result<&'a Appointment, Refusal> {
    let found = named(facts, version)?;
    match found.status {
        Status::Cancelled => Err(Refusal::of("arguments.appointment", Why::AppointmentCancelled)),
        Status::NoShow => Err(Refusal::of("arguments.appointment", Why::TimePast)),
        Status::Booked => Ok(found),
    }
}

/// Whether nobody else has any of that time, which is still to come.
fn free(timebok: &str, span: Span, but: Option<Uuid>, facts: &Facts<'_>, now: Timestamp) -> Result<(), Refusal> {
    let at = |why| Err(Refusal::of("arguments.start", why));
    if !is_whole_minute(span.start) {
        return at(Why::TimeUneven);
    }
    if span.start <= now {
        return at(Why::TimePast);
    }
    if span.start.duration_since(now) > AHEAD {
        return at(Why::TimeTooFar);
    }
    let is_taken = facts.taken.iter().any(|(of, taken, by)| of == timebok && taken.meets(span) && Some(*by) != but);
    if is_taken { at(Why::TimeTaken) } else { Ok(()) }
}

/// Whether an appointment may begin then: patients are told hours and minutes.
pub fn is_whole_minute(time: Timestamp) -> bool {
    time.as_second() % 60 == 0 && time.subsec_nanosecond() == 0
}

fn next(facts: &Facts<'_>, appointment: Appointment, change: Change, now: Timestamp) -> Changed {
    let appointment = Appointment { version: appointment.version.saturating_add(1), ..appointment };
    (appointment.clone(), Some(by_clinic(facts, appointment, change, now)))
}

fn by_clinic(facts: &Facts<'_>, appointment: Appointment, change: Change, now: Timestamp) -> NewVersion {
    NewVersion {
        reminder: reminder_of(&appointment, facts.booking, now),
        is_visible: is_seen(&appointment, facts.booking),
        clinic: facts.clinic,
        appointment,
        change,
        actor: Some(facts.actor.to_owned()),
        request: None,
        takes_slot: false,
    }
}

/// A slot that is put into a timebok, or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutSlot {
    /// The clinic.
    pub clinic: HerId,
    /// Short name of the timebok.
    pub timebok: String,
    /// Its time.
    pub span: Span,
    /// Short name of the type of appointment that it is for.
    pub appointment_type: String,
    /// Released for patients to book.
    pub online: bool,
    /// What HelseNorge knows it by, when it is new.
    pub uid: Uuid,
}

/// Decides which slots are put into a timebok beside those that it has there.
///
/// # Errors
/// Why not, by field.
pub fn release(
    order: &ReleaseSlots,
    clinic: HerId,
    booking: &Booking,
    there: &[Span],
    uid: impl Fn() -> Uuid,
    now: Timestamp,
) -> Result<Vec<PutSlot>, Refusal> {
    known_timebok(&order.timebok, "arguments.timebok", booking)?;
    if order.slots.is_empty() {
        return Err(Refusal::of("arguments.slots", Why::TooFew { least: 1 }));
    }
    let mut spans: Vec<Span> = there.to_vec();
    let mut put = Vec::with_capacity(order.slots.len());
    for (n, slot) in order.slots.iter().enumerate() {
        let at = |field: &str| format!("arguments.slots[{n}].{field}");
        let of_type = booking.open_type(&slot.appointment_type);
        let of_type = of_type.ok_or_else(|| Refusal::of(&at("appointment_type"), Why::AppointmentTypeUnknown))?;
        let span = Span { start: slot.start, end: of_type.end(slot.start) };
        if !is_whole_minute(span.start) {
            return Err(Refusal::of(&at("start"), Why::TimeUneven));
        }
        if span.start.duration_since(now) > AHEAD {
            return Err(Refusal::of(&at("start"), Why::TimeTooFar));
        }
        if order.online && span.start <= now {
            return Err(Refusal::of(&at("start"), Why::TimePast));
        }
        // One that begins at the same time is the same slot, which is changed.
        if spans.iter().any(|other| other.start != span.start && other.meets(span)) {
            return Err(Refusal::of(&at("start"), Why::SlotTaken));
        }
        spans.retain(|other| other.start != span.start);
        spans.push(span);
        let (timebok, appointment_type) = (order.timebok.clone(), slot.appointment_type.clone());
        put.push(PutSlot { clinic, timebok, span, appointment_type, online: order.online, uid: uid() });
    }
    Ok(put)
}
