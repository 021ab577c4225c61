//! Appointments: what a timebok offers, who may book it, what the clinic may change, and what HelseNorge is told.
//!
//! - [`arrival`]: what a message from HelseNorge asks for
//! - [`bookable`]: may a patient book, and where (T1)
//! - [`offer`]: which slots he sees (T2, T7)
//! - [`slots`]: the answer to a patient who asks for them
//! - [`request`]: what becomes of his reservation or cancellation (T3, T4, T5)
//! - [`change`]: what the clinic changes itself (T5)
//! - [`telling`]: what HelseNorge is owed (T6)
//! - [`letter`]: how it is said

pub mod arrival;
pub mod bookable;
pub mod change;
pub mod letter;
pub mod offer;
pub mod request;
pub mod slots;
pub mod telling;

use self::telling::is_visible;
use crate::notice::reminder::{Due, due};
use jiff::{SignedDuration, Timestamp};
pub use messages::command::answer::AppointmentStatus as Status;
use messages::event::{AppointmentChanged, Fact};
use messages::{HerId, Sensitive};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where patient and doctor meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contact {
    /// At the clinic (*oppmøte*).
    Oppmote,
    /// By video.
    Video,
    /// By telephone.
    Telefon,
}

impl Contact {
    /// The name in files and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oppmote => "oppmote",
            Self::Video => "video",
            Self::Telefon => "telefon",
        }
    }

    /// From the name in files and tables.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Oppmote, Self::Video, Self::Telefon].into_iter().find(|contact| contact.as_str() == name)
    }
}

/// A type of appointment of a clinic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentType {
    /// What people call it.
    pub name: String,
    /// How long one is, 1 to 1440.
    pub minutes: u32,
    /// How they meet.
    pub contact: Contact,
    /// *Skjult time*: never sent to HelseNorge, never noticed (T6).
    pub hidden: bool,
    /// Whether patients who are not on HelseNorge are noticed (N3).
    pub notify: bool,
    /// The set-up no longer names it: no more is made of it, and what is of it stays.
    pub closed: bool,
}

impl AppointmentType {
    /// When one that begins then ends; at the end of all time when it would be later.
    pub fn end(&self, start: Timestamp) -> Timestamp {
        start.checked_add(SignedDuration::from_mins(i64::from(self.minutes))).unwrap_or(Timestamp::MAX)
    }
}

/// A timebok of a clinic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timebok {
    /// Employee id of whose it is; of somebody who may have left.
    pub owner: String,
    /// Whether patients who are not on HelseNorge are noticed (N3).
    pub notify: bool,
}

/// How a clinic takes bookings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booking {
    /// Has the video module (T7).
    pub video_module: bool,
    /// A patient may cancel himself until so many hours before the appointment, 0 to 336.
    pub cancellation_hours: u32,
    /// By short name.
    pub types: std::collections::BTreeMap<String, AppointmentType>,
    /// By short name.
    pub timeboker: std::collections::BTreeMap<String, Timebok>,
}

impl Booking {
    /// A type of which appointments and slots can be made.
    pub fn open_type(&self, name: &str) -> Option<&AppointmentType> {
        self.types.get(name).filter(|of_type| !of_type.closed)
    }
}

/// A time, from and until, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it begins.
    pub start: Timestamp,
    /// When it ends, later than that.
    pub end: Timestamp,
}

impl Span {
    /// Whether the two share any time.
    pub fn meets(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// A slot of a timebok.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Short name of its timebok.
    pub timebok: String,
    /// Its time.
    pub span: Span,
    /// Short name of the type of appointment that it is for.
    pub appointment_type: String,
    /// Released for patients to book.
    pub online: bool,
    /// What HelseNorge knows it by.
    pub uid: Uuid,
}

/// An appointment as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appointment {
    /// Its id.
    pub id: Uuid,
    /// Short name of its timebok.
    pub timebok: String,
    /// Whose it is.
    pub patient: Uuid,
    /// Its time.
    pub span: Span,
    /// Short name of its type.
    pub appointment_type: String,
    /// How it stands.
    pub status: Status,
    /// What HelseNorge knows it by.
    pub uid: Uuid,
    /// From 1.
    pub version: u32,
    /// What it is about, as the patient said.
    pub comment: Option<Sensitive<String>>,
}

/// What was changed of an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was made.
    Booked,
    /// It has another time or timebok.
    Moved,
    /// It does not take place.
    Cancelled,
    /// It is of another type.
    TypeChanged,
    /// The patient did not come.
    NoShow,
}

impl Change {
    /// The name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Moved => "moved",
            Self::Cancelled => "cancelled",
            Self::TypeChanged => "type_changed",
            Self::NoShow => "no_show",
        }
    }
}

/// A version of an appointment that is made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVersion {
    /// The clinic.
    pub clinic: HerId,
    /// As it stands from now on.
    pub appointment: Appointment,
    /// What was changed.
    pub change: Change,
    /// Who did it: an employee id; none = the patient, or the person who acts for him, on HelseNorge.
    pub actor: Option<String>,
    /// The message from HelseNorge that asked for it.
    pub request: Option<Uuid>,
    /// The slot that was booked: HelseNorge's name of it is the appointment's now, and it gets another.
    pub takes_slot: bool,
    /// When its patient is reminded of it; none = never, or not any more.
    pub reminder: Option<Due>,
    /// Whether its type may be seen (T6).
    pub is_visible: bool,
}

/// Whether an appointment may be seen by its patient (T6).
pub fn is_seen(appointment: &Appointment, booking: &Booking) -> bool {
    is_visible(booking.types.get(&appointment.appointment_type))
}

/// When the patient is reminded of an appointment as it stands (N1): of none that is hidden, or does not take place.
pub fn reminder_of(appointment: &Appointment, booking: &Booking, now: Timestamp) -> Option<Due> {
    match is_seen(appointment, booking) && appointment.status == Status::Booked {
        true => due(appointment.span.start, appointment.id, now),
        false => None,
    }
}

/// What whoever waits for it is told of a version.
pub fn event_of(version: &NewVersion) -> Fact {
    let NewVersion { clinic, appointment, change, .. } = version;
    let about = AppointmentChanged { appointment: appointment.id, clinic: *clinic, version: appointment.version };
    match change {
        Change::Booked => Fact::AppointmentBooked(about),
        Change::Moved => Fact::AppointmentMoved(about),
        Change::Cancelled => Fact::AppointmentCancelled(about),
        Change::TypeChanged => Fact::AppointmentTypeChanged(about),
        Change::NoShow => Fact::AppointmentMissed(about),
    }
}
