//! What HelseNorge shows each patient of his appointments, and tells him of them, by all that clinics have said, in whatever order.
//!
//! An appointment is known by the `uid` of its vevent, a version of it by `sequence`: the highest holds, and the same once more is a
//! repetition. Versions come as confirmations of what the patient asked for (Notat 05, 07, 08, 10), as pushes (Foresporsel MOA), or as
//! word that he did not attend (Notat 11), which changes nothing that is shown. A MOA whose subject begins with [`REMINDER`] reminds.

mod said;
#[cfg(test)]
mod tests;

pub use said::AboutAppointments;

use crate::received::Received;
use jiff::Timestamp;
use messages::wire::icalendar::{CANCELLED, CONFIRMED, Vevent};
use std::collections::{BTreeMap, BTreeSet};

/// How the subject of a reminder begins.
pub const REMINDER: &str = "Påminnelse";

/// An appointment as its patient sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// What both sides know it by.
    pub uid: String,
    /// Its start.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// HER-id of the doctor.
    pub doctor: i64,
    /// Whether it is a video consultation.
    pub is_video: bool,
}

/// Something that a patient is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// The appointment.
    pub uid: String,
    /// Its version.
    pub sequence: u32,
    /// What he is told.
    pub kind: NoticeKind,
}

/// See [`Notice::kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeKind {
    /// There is a new appointment.
    Booked,
    /// It is at another time, or with another doctor.
    Moved,
    /// It is off.
    Cancelled,
    /// It is of another kind.
    TypeChanged,
    /// It is soon.
    Reminder,
}

/// What HelseNorge knows of all appointments.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// Messages heard, by their MsgId: each counts once.
    heard: BTreeSet<String>,
    appointments: BTreeMap<String, BTreeMap<u32, Version>>,
    reminders: Vec<(String, u32)>,
    faults: BTreeSet<String>,
}

/// Ordered so that of two that claim the same sequence the same one is kept, whichever comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    patient: String,
    /// None: it is off.
    at: Option<Place>,
    /// Summary and type, as far as they are told.
    called: [Option<String>; 2],
    /// It says that the patient did not attend: he knows.
    silent: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    start: Timestamp,
    end: Timestamp,
    doctor: i64,
    is_video: bool,
}

impl Picture {
    /// Takes a message of a clinic in; what is not about appointments changes nothing.
    pub fn hear(&mut self, received: &Received) {
        if let Some(said) = received.about_appointments() {
            self.take(&said);
        }
    }

    /// Likewise, once it was read.
    pub fn take(&mut self, said: &AboutAppointments) {
        if !self.heard.insert(said.msg_id.clone()) || !said.tells_a_version() {
            return;
        }
        if let Err(fault) = self.learn(said) {
            self.faults.insert(format!("{}: {fault}", said.msg_id));
        }
    }

    /// Nothing is shown to a patient any more, nor again should he come back: only what is told from now on.
    pub fn forget(&mut self, patient: &str) {
        self.appointments.retain(|_, versions| versions.values().next_back().is_some_and(|version| version.patient != patient));
    }

    /// What a patient is shown: every appointment that is not off, also one that he missed.
    pub fn shown(&self, patient: &str) -> BTreeSet<Shown> {
        let newest = self.appointments.iter().filter_map(|(uid, versions)| Some((uid, versions.values().next_back()?)));
        let his = newest.filter(|(_, version)| version.patient == patient);
        his.filter_map(|(uid, version)| {
            let Place { start, end, doctor, is_video } = version.at.clone()?;
            Some(Shown { uid: uid.clone(), start, end, doctor, is_video })
        })
        .collect()
    }

    /// What every patient is shown of what begins later than that, by his number; whoever is shown nothing is left out.
    pub fn shown_after(&self, time: Timestamp) -> BTreeMap<&str, BTreeSet<Shown>> {
        let mut all: BTreeMap<&str, BTreeSet<Shown>> = BTreeMap::new();
        for (uid, versions) in &self.appointments {
            let newest = versions.values().next_back();
            let Some((version, place)) = newest.and_then(|version| Some((version, version.at.clone()?))) else { continue };
            let Place { start, end, doctor, is_video } = place;
            if start > time {
                all.entry(&version.patient).or_default().insert(Shown { uid: uid.clone(), start, end, doctor, is_video });
            }
        }
        all
    }

    /// All that patients are told, sorted. A version is told once, by how it differs from the one before that was heard, however often it
    /// comes; each reminder is told, so that one too many shows.
    pub fn notices(&self) -> Vec<Notice> {
        let mut notices: Vec<Notice> = self.appointments.iter().flat_map(|(uid, versions)| of_versions(uid, versions)).collect();
        let reminder =
            |(uid, sequence): &(String, u32)| Notice { uid: uid.clone(), sequence: *sequence, kind: NoticeKind::Reminder };
        notices.extend(self.reminders.iter().map(reminder));
        notices.sort();
        notices
    }

    /// What a clinic has said that HelseNorge can make nothing of, by MsgId or by uid: empty when all is well.
    pub fn faults(&self) -> Vec<String> {
        self.faults.iter().cloned().collect()
    }

    fn learn(&mut self, said: &AboutAppointments) -> Result<(), &'static str> {
        let [event] = &said.events[..] else { return Err("there is not exactly one vevent") };
        let uid = event.uid.clone().ok_or("the vevent has no uid")?;
        let sequence = event.sequence.ok_or("the vevent has no sequence")?;
        if said.is_reminder() {
            self.reminders.push((uid, sequence));
            return Ok(());
        }
        let version = version(said, event)?;
        let versions = self.appointments.entry(uid.clone()).or_default();
        match versions.get_mut(&sequence) {
            None => drop(versions.insert(sequence, version)),
            Some(known) => {
                if (&known.patient, &known.at) != (&version.patient, &version.at) {
                    self.faults.insert(format!("{uid}: version {sequence} is told in two ways"));
                }
                if version > *known {
                    *known = version;
                }
            }
        }
        Ok(())
    }
}

fn version(said: &AboutAppointments, event: &Vevent) -> Result<Version, &'static str> {
    let patient = said.patient.clone().ok_or("there is no patient")?;
    let is_off = match event.status.as_deref() {
        Some(CANCELLED) => true,
        Some(CONFIRMED) => false,
        Some(_) => return Err("the vevent has an unknown status"),
        None => said.answer.as_deref() == Some("08"),
    };
    let summary = event.summary.as_ref().map(|text| text.expose().clone());
    let called = [summary, event.service_type.clone()];
    let at = if is_off { None } else { Some(place(event)?) };
    Ok(Version { patient, at, called, silent: said.answer.as_deref() == Some("11") })
}

fn place(event: &Vevent) -> Result<Place, &'static str> {
    Ok(Place {
        start: event.start.ok_or("the vevent has no dtstart")?,
        end: event.end.ok_or("the vevent has no dtend")?,
        doctor: event.contact.as_deref().and_then(|text| text.parse().ok()).ok_or("the vevent has no doctor")?,
        is_video: event.is_video(),
    })
}

fn of_versions(uid: &str, versions: &BTreeMap<u32, Version>) -> Vec<Notice> {
    let before = std::iter::once(None).chain(versions.values().map(Some));
    let kinds = versions.iter().zip(before).filter(|((_, now), _)| !now.silent);
    kinds
        .filter_map(|((sequence, now), before)| {
            Some(Notice { uid: uid.to_owned(), sequence: *sequence, kind: change(before, now)? })
        })
        .collect()
}

/// What a version changes for the patient.
fn change(before: Option<&Version>, now: &Version) -> Option<NoticeKind> {
    let was = before.and_then(|version| version.at.as_ref());
    let (was, is) = match (was, now.at.as_ref()) {
        (Some(was), Some(is)) => (was, is),
        (None, Some(_)) => return Some(NoticeKind::Booked),
        (_, None) => return before.is_none_or(|version| version.at.is_some()).then_some(NoticeKind::Cancelled),
    };
    let renamed = |n: usize| match (before.and_then(|version| version.called[n].as_ref()), &now.called[n]) {
        (Some(before), Some(now)) => before != now,
        _ => false,
    };
    match () {
        () if (was.start, was.doctor) != (is.start, is.doctor) => Some(NoticeKind::Moved),
        () if was.is_video != is.is_video || renamed(0) || renamed(1) => Some(NoticeKind::TypeChanged),
        () => (was.end != is.end).then_some(NoticeKind::Moved),
    }
}
