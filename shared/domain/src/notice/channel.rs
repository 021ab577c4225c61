//! Over which channel a notice goes (N2–N4, S4). Decided when it is sent, of how things stand then: exactly one channel, or the reason why none.

use super::{Channel, Kind, Language, reminder};
use crate::command::contact::{Showing, Status, contactable, presumed};
use jiff::{SignedDuration, Timestamp};
use messages::command::answer::Contactable;
use messages::{HerId, Sensitive};
use uuid::Uuid;

/// So long a notice waits for what HelseNorge says of the patient.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// So long before it is too late for a reminder nobody waits any more: it has to be looked at and sent.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// The first look after what HelseNorge has said; then after twice as long each time.
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(10);
/// So long delivery is tried, of what has no end of its own.
pub const LIFE: SignedDuration = SignedDuration::from_hours(24);

/// Where a patient can be noticed by us. Each was checked when it was set up (see [`super::address`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// E.164.
    pub phone: Option<Sensitive<String>>,
    /// E-mail.
    pub email: Option<Sensitive<String>>,
    /// What the clinic's own app is reached by.
    pub push: Option<Sensitive<String>>,
}

impl Addresses {
    const fn of(&self, channel: Channel) -> Option<&Sensitive<String>> {
        match channel {
            Channel::Sms => self.phone.as_ref(),
            Channel::Email => self.email.as_ref(),
            Channel::Push => self.push.as_ref(),
        }
    }
}

/// A patient, and how his clinic notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// The clinic.
    pub clinic: HerId,
    /// The patient, by our own id.
    pub patient: Uuid,
    /// Whether the clinic gives notices of its own.
    pub clinic_notifies: bool,
    /// Its channels, the first to be tried first.
    pub channels: Vec<Channel>,
    /// The patient's language, else the clinic's.
    pub language: Language,
    /// The patient's addresses.
    pub addresses: Addresses,
}

/// How HelseNorge is asked whom it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Whether it can be asked about this patient: it knows people by full numbers only.
    pub can_be_asked: bool,
    /// What it said longer ago counts as unknown.
    pub age_limit: SignedDuration,
}

/// An appointment, as far as its notices go by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appointment {
    /// Its patient.
    pub to: Addressee,
    /// The patient's national identity number, by which HelseNorge is asked.
    pub nin: Sensitive<String>,
    /// What HelseNorge said of the patient.
    pub status: Option<Status>,
    /// Whether HelseNorge shows the patient an earlier version.
    pub showing: Showing,
    /// When it starts now.
    pub starts_at: Timestamp,
    /// It is of a hidden type now: nobody is told of it (T6).
    pub is_hidden: bool,
    /// Its version is no longer the last word: it was moved or cancelled since.
    pub is_superseded: bool,
    /// Another notice tells of this start already, or is to.
    pub is_announced: bool,
    /// A reminder of this start was decided on already.
    pub is_reminded: bool,
    /// Its timebok gives notices.
    pub timebok_notifies: bool,
    /// Its type gives notices.
    pub type_notifies: bool,
    /// What became of this very notice before.
    pub before: Before,
}

/// What became of a notice before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    New,
    /// It has waited for HelseNorge since then.
    WaitsSince(Timestamp),
    /// It was decided on.
    Decided,
}

/// Why nobody is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A later version is noticed instead.
    Superseded,
    /// The appointment's type is hidden.
    Hidden,
    /// The appointment has begun.
    Past,
    /// A reminder of this start has been given.
    RemindedBefore,
    /// Fewer than 24 hours remain: an alert, since somebody should have been reminded.
    ReminderLate,
    /// The clinic gives no notices of its own.
    ClinicOff,
    /// The timebok gives none.
    TimebokOff,
    /// The appointment type gives none.
    TypeOff,
    /// The patient has an address for none of the clinic's channels.
    NoAddress,
}

impl Reason {
    /// Stable, kebab-case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::Hidden => "hidden",
            Self::Past => "past",
            Self::RemindedBefore => "reminded-before",
            Self::ReminderLate => "reminder-late",
            Self::ClinicOff => "clinic-off",
            Self::TimebokOff => "timebok-off",
            Self::TypeOff => "type-off",
            Self::NoAddress => "no-address",
        }
    }
}

/// What becomes of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// HelseNorge notices, and nobody else.
    HelseNorge,
    /// We do.
    Own {
        /// How.
        channel: Channel,
        /// Where to.
        address: Sensitive<String>,
        /// Afterwards it is too late.
        expires_at: Timestamp,
    },
    /// Nobody does.
    None(Reason),
    /// Nobody knows whether HelseNorge reaches the patient: it is asked, and looked again then.
    Wait(Timestamp),
}

/// Of an appointment's notice; nothing when it was decided on before.
pub fn of_appointment(kind: Kind, about: &Appointment, asking: Asking, now: Timestamp) -> Option<Outcome> {
    let waiting_since = match about.before {
        Before::Decided => return None,
        Before::New => now,
        Before::WaitsSince(since) => since,
    };
    let (_, closes) = reminder::window(about.starts_at);
    let is_reminder = kind == Kind::Reminder;
    let not_at_all = [
        (about.is_superseded || (kind == Kind::Booked && about.is_announced), Reason::Superseded),
        (about.is_hidden, Reason::Hidden),
        (about.starts_at <= now, Reason::Past),
        (is_reminder && about.is_reminded, Reason::RemindedBefore),
        (is_reminder && now > closes, Reason::ReminderLate),
    ];
    if let Some(reason) = first(&not_at_all) {
        return Some(Outcome::None(reason));
    }
    let patience = later(waiting_since, PATIENCE);
    let ends = if is_reminder { patience.min(closes.checked_sub(MARGIN).unwrap_or(closes)) } else { patience };
    match carried(about, asking, (waiting_since, ends), now) {
        Carried::Yes => return Some(Outcome::HelseNorge),
        Carried::Unknown(look) => return Some(Outcome::Wait(look)),
        Carried::No => {}
    }
    let off = [(!about.timebok_notifies, Reason::TimebokOff), (!about.type_notifies, Reason::TypeOff)];
    let expires_at = if is_reminder { closes } else { later(now, LIFE) };
    Some(own(&about.to, &off, expires_at.min(about.starts_at)))
}

/// Of an E-dialog's notice: HelseNorge knows nothing of E-dialogs, so it is ours to give (S4).
pub fn of_message(to: &Addressee, now: Timestamp) -> Outcome {
    own(to, &[], later(now, LIFE))
}

enum Carried {
    Yes,
    No,
    Unknown(Timestamp),
}

/// Whether HelseNorge reaches the patient. When that is unknown it is asked and waited for, from then until then; in the end it goes by what is
/// known otherwise ([`presumed`]).
fn carried(about: &Appointment, asking: Asking, (waiting_since, ends): (Timestamp, Timestamp), now: Timestamp) -> Carried {
    let status = about.status.as_ref();
    match contactable(status, asking.age_limit, now).0 {
        Contactable::Yes => Carried::Yes,
        Contactable::No => Carried::No,
        Contactable::Unknown if asking.can_be_asked && now < ends => {
            let wait = now.duration_since(waiting_since).max(FIRST_LOOK);
            Carried::Unknown(later(now, wait).min(ends))
        }
        Contactable::Unknown if presumed(status, about.showing, asking.can_be_asked) => Carried::Yes,
        Contactable::Unknown => Carried::No,
    }
}

/// The first of the clinic's channels for which the patient has an address.
fn own(to: &Addressee, off: &[(bool, Reason)], expires_at: Timestamp) -> Outcome {
    if !to.clinic_notifies {
        return Outcome::None(Reason::ClinicOff);
    }
    if let Some(reason) = first(off) {
        return Outcome::None(reason);
    }
    let found = to.channels.iter().find_map(|channel| Some((*channel, to.addresses.of(*channel)?)));
    match found {
        Some((channel, address)) => Outcome::Own { channel, address: address.clone(), expires_at },
        None => Outcome::None(Reason::NoAddress),
    }
}

fn first(reasons: &[(bool, Reason)]) -> Option<Reason> {
    reasons.iter().find(|(holds, _)| *holds).map(|(_, reason)| *reason)
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}
