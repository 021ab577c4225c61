//! Commands about timebøker and appointments: what the rules ask, which rule a command goes by, and what the next command of the batch finds.

use crate::deciding::{Act, Decided, SHOWN_LIMIT};
use domain::appointment::bookable::why_not;
use domain::appointment::change::{self, Asked as Change, Facts as ChangeFacts, PutSlot};
use domain::appointment::offer::start_of;
use domain::appointment::{Appointment, NewVersion, Slot, Span, Status};
use domain::clinic::Clinic;
use domain::command::writing::KnownPatient;
use jiff::{SignedDuration, Timestamp};
use messages::command::Command;
use messages::command::answer::{self, Done};
use messages::command::order::{Fulfilment, ListAppointments, MOST_DAYS, Order, ReleaseSlots, ShowTimebok};
use messages::command::refusal::{Refusal, Why};
use messages::{HerId, Sensitive};
use std::collections::HashMap;
use std::sync::Arc;
use store::appointment::{self, Known, Taken};
use store::timebok::{self, Part, TimebokKey};
use store::{StoreError, Tx};
use uuid::Uuid;

/// Facts about timebøker. Decisions are noted in them.
#[derive(Default)]
pub struct Timeboker {
    /// Appointments that commands name, if they are their clinics'.
    known: HashMap<Uuid, Known>,
    taken: Taken,
    slots: HashMap<TimebokKey, Vec<Span>>,
    shown: HashMap<Looked, Stands>,
    lists: Lists,
}

/// A timebok and the time of it that somebody looks at.
type Looked = (TimebokKey, Timestamp, Timestamp);

/// What stands in a timebok: slots, each with whether it is free, and appointments.
type Stands = (Vec<(Slot, bool)>, Vec<answer::Appointment>);

/// The appointment that a command changes.
pub const fn appointment_of(order: &Order) -> Option<Uuid> {
    match order {
        Order::MoveAppointment(order) => Some(order.appointment),
        Order::CancelAppointment(order) => Some(order.appointment),
        Order::ChangeAppointmentType(order) => Some(order.appointment),
        Order::MarkNoShow(order) => Some(order.appointment),
        Order::AnswerTimeonske(order) => match &order.becomes {
            Fulfilment::Moved { appointment, .. } | Fulfilment::Cancelled { appointment } => Some(*appointment),
            _ => None,
        },
        _ => None,
    }
}

/// The timebok that a command changes by its name.
fn timebok_of(order: &Order) -> Option<&str> {
    match order {
        Order::ReleaseSlots(order) => Some(&order.timebok),
        Order::BookAppointment(order) => Some(&order.timebok),
        Order::MoveAppointment(order) => order.timebok.as_deref(),
        Order::AnswerTimeonske(order) => match &order.becomes {
            Fulfilment::Booked { timebok, .. } => Some(timebok),
            Fulfilment::Moved { timebok, .. } => timebok.as_deref(),
            _ => None,
        },
        _ => None,
    }
}

fn named(commands: &[&Command]) -> Vec<(HerId, Uuid)> {
    commands.iter().filter_map(|c| appointment_of(&c.order).map(|id| (c.clinic, id))).collect()
}

/// Locks every timebok and appointment that is to change.
///
/// # Errors
/// As any step.
pub async fn lock(tx: &Tx<'_>, commands: &[&Command]) -> Result<(), StoreError> {
    let of_name = |c: &&Command| timebok_of(&c.order).map(|name| (c.clinic, name.to_owned()));
    let timeboker: Vec<TimebokKey> = commands.iter().filter_map(of_name).collect();
    appointment::lock(tx, &timeboker, &named(commands)).await
}

/// Loads them, once they are locked.
///
/// # Errors
/// As any step.
pub async fn load(tx: &Tx<'_>, commands: &[&Command], clinics: &HashMap<HerId, Arc<Clinic>>) -> Result<Timeboker, StoreError> {
    let known = appointment::by_id(tx, &named(commands)).await?;
    let parts: Vec<Part> = commands.iter().flat_map(|command| parts(command, clinics.get(&command.clinic), &known)).collect();
    let taken = appointment::taken(tx, &parts).await?;
    let is_release = |c: &&&Command| matches!(c.order, Order::ReleaseSlots(_));
    let released: Vec<Part> =
        commands.iter().filter(is_release).flat_map(|c| self::parts(c, clinics.get(&c.clinic), &known)).collect();
    let slots = timebok::slots_around(tx, &released).await?;
    let shown = looked_at(tx, commands).await?;
    let lists = lists(tx, commands).await?;
    Ok(Timeboker { known, taken, slots, shown, lists })
}

/// Times that a command wants for itself.
fn parts(command: &Command, clinic: Option<&Arc<Clinic>>, known: &HashMap<Uuid, Known>) -> Vec<Part> {
    let Some(clinic) = clinic else { return Vec::new() };
    let end = |of_type: &str, start| clinic.booking.types.get(of_type).map(|of_type| of_type.end(start));
    let part = |timebok: &str, start, end: Option<Timestamp>| {
        let span = Span { start, end: end? };
        (span.start < span.end).then(|| Part { key: (command.clinic, timebok.to_owned()), span })
    };
    let moved = |id: &Uuid, start: Timestamp, timebok: Option<&String>| {
        let before = &known.get(id)?.appointment;
        let length = before.span.end.duration_since(before.span.start);
        part(timebok.unwrap_or(&before.timebok), start, start.checked_add(length).ok())
    };
    let booked = |timebok: &str, start, of_type: &str| part(timebok, start, end(of_type, start));
    match &command.order {
        Order::BookAppointment(order) => booked(&order.timebok, order.start, &order.appointment_type).into_iter().collect(),
        Order::ReleaseSlots(order) => {
            order.slots.iter().filter_map(|s| booked(&order.timebok, s.start, &s.appointment_type)).collect()
        }
        Order::MoveAppointment(order) => moved(&order.appointment, order.start, order.timebok.as_ref()).into_iter().collect(),
        Order::AnswerTimeonske(order) => match &order.becomes {
            Fulfilment::Booked { timebok, start, appointment_type } => booked(timebok, *start, appointment_type),
            Fulfilment::Moved { appointment, start, timebok } => moved(appointment, *start, timebok.as_ref()),
            _ => None,
        }
        .into_iter()
        .collect(),
        _ => Vec::new(),
    }
}

fn looked(clinic: HerId, order: &ShowTimebok) -> Option<Looked> {
    let days = i64::from(order.days.clamp(1, MOST_DAYS));
    let until = order.from.checked_add(SignedDuration::from_hours(24 * days)).ok()?;
    Some(((clinic, order.timebok.clone()), start_of(order.from)?, start_of(until)?))
}

async fn looked_at(tx: &Tx<'_>, commands: &[&Command]) -> Result<HashMap<Looked, Stands>, StoreError> {
    let looks = commands.iter().filter_map(|c| match &c.order {
        Order::ShowTimebok(order) => looked(c.clinic, order),
        _ => None,
    });
    let looks: Vec<Looked> = looks.collect();
    let part = |(key, start, end): &Looked| Part { key: key.clone(), span: Span { start: *start, end: *end } };
    let parts: Vec<Part> = looks.iter().map(part).collect();
    let slots = timebok::slots(tx, &parts, false, usize::MAX).await?;
    let appointments = appointment::standing(tx, &parts).await?;
    Ok(looks.into_iter().zip(slots.into_iter().zip(appointments)).collect())
}

type Lists = HashMap<(HerId, String), Vec<answer::Appointment>>;

async fn lists(tx: &Tx<'_>, commands: &[&Command]) -> Result<Lists, StoreError> {
    let listed = commands.iter().filter_map(|c| match &c.order {
        Order::ListAppointments(order) => Some((c.clinic, order.patient.expose().clone())),
        _ => None,
    });
    appointment::of_patients(tx, &listed.collect::<Vec<_>>()).await
}

impl Timeboker {
    /// Times that appointments of a clinic take, as far as its commands ask.
    pub(crate) fn taken(&self, clinic: HerId) -> Vec<(String, Span, Uuid)> {
        let taken = self.taken.iter().filter(|((of, _), _)| *of == clinic);
        taken.flat_map(|((_, timebok), spans)| spans.iter().map(|(span, by)| (timebok.clone(), *span, *by))).collect()
    }

    /// What the rules ask about one command.
    pub(crate) fn facts_of<'a>(
        &'a self,
        command: &'a Command,
        clinic: &'a Clinic,
        taken: &'a [(String, Span, Uuid)],
        patient: Option<Uuid>,
    ) -> ChangeFacts<'a> {
        ChangeFacts {
            clinic: command.clinic,
            booking: &clinic.booking,
            patient,
            appointment: self.known(command).map(|known| &known.appointment),
            taken,
            actor: &command.actor,
            new: (Uuid::now_v7(), Uuid::new_v4()),
        }
    }

    /// Decides about one command.
    pub(crate) fn rule(
        &self,
        asked: Change<'_>,
        command: &Command,
        clinic: &Clinic,
        patient: Option<&KnownPatient>,
        now: Timestamp,
    ) -> Decided {
        let taken = self.taken(command.clinic);
        let facts = self.facts_of(command, clinic, &taken, patient.map(|patient| patient.id));
        let (appointment, version) = change::decide(asked, &facts, now)?;
        let done = Done::Appointment { appointment: appointment.id, version: appointment.version };
        Ok((version.map_or(Act::Nothing, |version| Act::Appointment(Box::new(version))), done))
    }

    /// The appointment that a command names, if it is its clinic's.
    pub(crate) fn known(&self, command: &Command) -> Option<&Known> {
        appointment_of(&command.order).and_then(|id| self.known.get(&id)).filter(|known| known.clinic == command.clinic)
    }

    pub(crate) fn release(&self, command: &Command, order: &ReleaseSlots, clinic: &Clinic, now: Timestamp) -> Decided {
        let there = self.slots.get(&(command.clinic, order.timebok.clone()));
        let there = there.map_or(&[][..], Vec::as_slice);
        let put = change::release(order, command.clinic, &clinic.booking, there, Uuid::new_v4, now)?;
        let slots = u32::try_from(put.len()).unwrap_or(u32::MAX);
        Ok((Act::Slots(put), Done::SlotsReleased { slots }))
    }

    pub(crate) fn show(&self, command: &Command, order: &ShowTimebok, clinic: &Clinic) -> Decided {
        if !(1..=MOST_DAYS).contains(&order.days) {
            let why = if order.days == 0 { Why::TooFew { least: 1 } } else { Why::TooMany { limit: MOST_DAYS as usize } };
            return Err(Refusal::of("arguments.days", why));
        }
        let unknown = || Refusal::of("arguments.timebok", Why::TimebokUnknown);
        let timebok = clinic.booking.timeboker.get(&order.timebok).ok_or_else(unknown)?;
        let stands = looked(command.clinic, order).and_then(|look| self.shown.get(&look));
        let (slots, appointments) = stands.cloned().unwrap_or_default();
        let has = appointments.iter().filter_map(|one| Some(one.comment.as_ref()?.expose().len())).sum();
        if has > SHOWN_LIMIT {
            return Err(Refusal::of("arguments.days", Why::AnswerTooLarge { has, limit: SHOWN_LIMIT }));
        }
        let slot = |(slot, free): (Slot, bool)| answer::Slot {
            start: slot.span.start,
            end: slot.span.end,
            appointment_type: slot.appointment_type,
            online: slot.online,
            free,
        };
        let timebok = answer::Timebok {
            timebok: order.timebok.clone(),
            owner: timebok.owner.clone(),
            not_bookable: why_not(clinic, &order.timebok).map(Refusal::new),
            slots: slots.into_iter().map(slot).collect(),
            appointments,
        };
        Ok((Act::Nothing, Done::Timebok { timebok: Box::new(timebok) }))
    }

    pub(crate) fn list(&self, command: &Command, order: &ListAppointments, is_known: bool, now: Timestamp) -> Decided {
        if !is_known {
            return Err(Refusal::of("arguments.patient", Why::PatientUnknown));
        }
        let found = self.lists.get(&(command.clinic, order.patient.expose().clone()));
        let to_come = found.into_iter().flatten().filter(|appointment| appointment.end > now).cloned().collect();
        Ok((Act::Nothing, Done::Appointments { appointments: to_come }))
    }

    /// What the next command of the batch finds changed.
    pub(crate) fn note(&mut self, version: &NewVersion, patient: Option<Sensitive<String>>) {
        let NewVersion { clinic, appointment, .. } = version;
        for (_, taken) in self.taken.iter_mut().filter(|((of, _), _)| of == clinic) {
            taken.retain(|(_, by)| *by != appointment.id);
        }
        if appointment.status != Status::Cancelled {
            let key = (*clinic, appointment.timebok.clone());
            self.taken.entry(key).or_default().push((appointment.span, appointment.id));
        }
        let nin = patient.or_else(|| self.known.get(&appointment.id).map(|known| known.nin.clone()));
        if let Some(nin) = nin {
            self.known.insert(appointment.id, Known { clinic: *clinic, appointment: Appointment::clone(appointment), nin });
        }
    }

    pub(crate) fn note_slots(&mut self, put: &[PutSlot]) {
        for slot in put {
            let there = self.slots.entry((slot.clinic, slot.timebok.clone())).or_default();
            there.retain(|span| span.start != slot.span.start);
            there.push(slot.span);
        }
    }
}
