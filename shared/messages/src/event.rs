//! Our own events on the exchange `dialogpost`: facts in the past tense, ids instead of content.
//!
//! On the queue: `{"kind":"DialogReceived","version":1,"id":…,"time":…,…}`. A kind's fields never change within a version; each kind and
//! version has a golden file in `tests/golden/` that is never edited.

use crate::command::answer::Told;
use crate::command::schema::generated;
use crate::ids::HerId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// What a dialog is about: the services a clinic can offer that arrive as dialogs (features R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum DialogKind {
    /// General contact with the clinic.
    EKontakt,
    /// Medical question; always journaled (K1).
    EKonsultasjon,
    /// Request to renew prescriptions.
    Reseptfornyelse,
    /// Wish for an appointment, or for a change of one.
    Timeonske,
}

impl DialogKind {
    /// Every kind, in the order people list them.
    pub const ALL: [Self; 4] = [Self::EKontakt, Self::EKonsultasjon, Self::Reseptfornyelse, Self::Timeonske];

    /// The name in tables, routing keys and files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EKontakt => "EKONTAKT",
            Self::EKonsultasjon => "EKONSULTASJON",
            Self::Reseptfornyelse => "RESEPTFORNYELSE",
            Self::Timeonske => "TIMEONSKE",
        }
    }

    /// `MsgInfo/Type/@V` (code list 8279).
    pub const fn message_function(self) -> &'static str {
        match self {
            Self::EKontakt => "DIALOG_INNBYGGER_EKONTAKT",
            Self::EKonsultasjon => "DIALOG_INNBYGGER_EKONSULTASJON",
            Self::Reseptfornyelse => "DIALOG_INNBYGGER_RESEPTFORNYELSE",
            Self::Timeonske => "DIALOG_INNBYGGER_TIMEONSKE",
        }
    }

    /// From the name in tables and files.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == name)
    }

    /// From `MsgInfo/Type/@V`, any case.
    pub fn from_message_function(function: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.message_function().eq_ignore_ascii_case(function))
    }
}

/// An event with its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Unique; the AMQP message id too.
    pub id: Uuid,
    /// When it was decided.
    pub time: Timestamp,
    /// The fact.
    pub fact: Fact,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind")]
pub enum Fact {
    /// A dialog message was accepted and stored.
    DialogReceived(DialogReceived),
    /// A message was understood and turned down: a negative AppRec is due.
    MessageRejected(Answered),
    /// A message could not be understood: an error message is due.
    MessageRefused(Answered),
    /// A message that had been decided before came again under a new transport id: the same AppRec is due again.
    MessageRepeated(Answered),
    /// A message was taken in that belongs to no dialog: its AppRec is due.
    MessageNoted(Answered),
    /// A request was understood whose sender waits: its reply is due.
    RequestReceived(Answered),
    /// A message of ours was written into the ledger and is to be sent.
    MessageWritten(Answered),
    /// Likewise a request whose reply somebody waits for.
    RequestWritten(Answered),
    /// The receiver has turned a dialog message of ours down: its author must learn of it.
    MessageTurnedDown(Answered),
    /// The clinic has written in a dialog that HelseNorge carries.
    DialogSent(DialogReceived),
    /// HelseNorge has turned down what the clinic wrote in a dialog: it lies in the inbox of who wrote it.
    DialogTurnedDown(DialogTurnedDown),
    /// A dialog goes on under another kind.
    DialogConverted(DialogConverted),
    /// The clinic has ended a dialog.
    DialogClosed(DialogClosed),
    /// The clinic has written in an E-dialog: who receives it is to be told by our own channels.
    EDialogWritten(EDialogWritten),
    /// A command that names no `reply-to` was decided on.
    CommandAnswered(CommandAnswered),
    /// A patient wants to book a slot, or to cancel an appointment: its AppRec and its answer are due.
    BookingRequested(BookingRequested),
    /// An appointment was made.
    AppointmentBooked(AppointmentChanged),
    /// An appointment has another time, or another timebok.
    AppointmentMoved(AppointmentChanged),
    /// An appointment was cancelled.
    AppointmentCancelled(AppointmentChanged),
    /// An appointment is of another type.
    AppointmentTypeChanged(AppointmentChanged),
    /// The patient did not come.
    AppointmentMissed(AppointmentChanged),
    /// It is time to remind a patient.
    ReminderDue(AppointmentChanged),
}

impl Fact {
    /// Whether a worker of ours waits for it. What is told to whoever listens needs nobody.
    pub const fn is_awaited(&self) -> bool {
        !matches!(
            self,
            Self::DialogSent(_)
                | Self::DialogTurnedDown(_)
                | Self::DialogConverted(_)
                | Self::DialogClosed(_)
                | Self::CommandAnswered(_)
        )
    }

    /// The ledger row it is about; none of what never crosses NHN's broker.
    pub const fn message(&self) -> Option<Uuid> {
        match self {
            Self::DialogReceived(dialog) | Self::DialogSent(dialog) => Some(dialog.message),
            Self::DialogTurnedDown(about) => Some(about.entry),
            Self::MessageRejected(a)
            | Self::MessageRefused(a)
            | Self::MessageRepeated(a)
            | Self::MessageNoted(a)
            | Self::RequestReceived(a)
            | Self::MessageWritten(a)
            | Self::RequestWritten(a)
            | Self::MessageTurnedDown(a) => Some(a.message),
            Self::BookingRequested(about) => Some(about.message),
            Self::DialogConverted(_)
            | Self::DialogClosed(_)
            | Self::EDialogWritten(_)
            | Self::CommandAnswered(_)
            | Self::AppointmentBooked(_)
            | Self::AppointmentMoved(_)
            | Self::AppointmentCancelled(_)
            | Self::AppointmentTypeChanged(_)
            | Self::AppointmentMissed(_)
            | Self::ReminderDue(_) => None,
        }
    }
}

/// See [`Fact::DialogReceived`], [`Fact::DialogSent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DialogReceived {
    /// Ledger row, and id of the new entry of the dialog.
    pub message: Uuid,
    /// The clinic.
    pub clinic: HerId,
    /// The dialog.
    pub dialog: Uuid,
    /// Place of the entry in its dialog, from 1, in order of arrival or writing.
    pub sequence: u32,
    /// Kind of the dialog.
    pub dialog_kind: DialogKind,
}

/// A message of the ledger, in which stands everything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answered {
    /// Ledger row.
    pub message: Uuid,
}

/// See [`Fact::DialogTurnedDown`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DialogTurnedDown {
    /// The entry that was turned down.
    pub entry: Uuid,
    /// The dialog.
    pub dialog: Uuid,
    /// The clinic.
    pub clinic: HerId,
}

/// See [`Fact::DialogConverted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DialogConverted {
    /// The dialog.
    pub dialog: Uuid,
    /// The clinic.
    pub clinic: HerId,
    /// Its kind until now.
    pub from: DialogKind,
    /// Its kind from now on.
    pub to: DialogKind,
}

/// See [`Fact::DialogClosed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DialogClosed {
    /// The dialog.
    pub dialog: Uuid,
    /// The clinic.
    pub clinic: HerId,
}

/// See [`Fact::EDialogWritten`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EDialogWritten {
    /// The new entry.
    pub entry: Uuid,
    /// The dialog.
    pub dialog: Uuid,
    /// The clinic.
    pub clinic: HerId,
    /// The patient, by our own id; none when it is between colleagues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<Uuid>,
}

/// See [`Fact::CommandAnswered`]. What only its sender may see, such as texts, stands in answers, never here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandAnswered {
    /// The command's id; none when it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Uuid>,
    /// Its clinic, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinic: Option<HerId>,
    /// What was decided.
    #[serde(flatten)]
    pub told: Told,
}

/// See [`Fact::BookingRequested`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BookingRequested {
    /// Ledger row, and id of the request.
    pub message: Uuid,
    /// The clinic.
    pub clinic: HerId,
}

/// A version of an appointment. Whoever reads it looks up how the appointment stands now: a later version may be there already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentChanged {
    /// The appointment.
    pub appointment: Uuid,
    /// The clinic.
    pub clinic: HerId,
    /// From 1, one more with each change. Around it stands the version of the event.
    #[serde(rename = "appointment_version")]
    pub version: u32,
}

/// The version in which every present kind is written.
const VERSION: u32 = 1;

/// An event of ours, on the exchange `dialogpost`.
#[derive(Serialize, Deserialize, JsonSchema)]
struct OnTheQueue {
    version: u32,
    /// Unique; the AMQP message id too.
    id: Uuid,
    /// When it was decided.
    #[schemars(with = "String", extend("format" = "date-time"))]
    time: Timestamp,
    #[serde(flatten)]
    fact: Fact,
}

/// Why a body is not an event of ours. Free of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not JSON, or not the fields of any kind we know.
    #[error("the body is no event of a known kind")]
    Unreadable,
    /// A version this build does not know.
    #[error("version {0} of this event is newer than this build")]
    UnknownVersion(u32),
}

impl Event {
    /// The body to publish.
    pub fn to_json(&self) -> Vec<u8> {
        let body = OnTheQueue { version: VERSION, id: self.id, time: self.time, fact: self.fact.clone() };
        // Strings, numbers and ids only: serialising them cannot fail.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// Reads a published body.
    ///
    /// # Errors
    /// [`EventError`] for foreign bodies and future versions.
    pub fn from_json(body: &[u8]) -> Result<Self, EventError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_slice(body).map_err(|_| EventError::Unreadable)?;
        if version != VERSION {
            return Err(EventError::UnknownVersion(version));
        }
        let OnTheQueue { id, time, fact, .. } = serde_json::from_slice(body).map_err(|_| EventError::Unreadable)?;
        Ok(Self { id, time, fact })
    }

    /// The routing key on the exchange `dialogpost`: what bindings in the topology match on. Where the fact names its clinic, the key ends
    /// with the clinic's HER-id, so that the broker can keep a clinic's journal system to what is its own.
    pub fn routing_key(&self) -> String {
        let of = |what: &str, clinic: HerId| format!("{what}.{clinic}");
        let of_kind = |what: &str, about: &DialogReceived| {
            format!("{what}.{}.{}", about.dialog_kind.as_str().to_ascii_lowercase(), about.clinic)
        };
        match &self.fact {
            Fact::DialogReceived(about) => of_kind("dialog-received", about),
            Fact::MessageRejected(_) => "message-rejected".to_owned(),
            Fact::MessageRefused(_) => "message-refused".to_owned(),
            Fact::MessageRepeated(_) => "message-repeated".to_owned(),
            Fact::MessageNoted(_) => "message-noted".to_owned(),
            Fact::RequestReceived(_) => "request-received".to_owned(),
            Fact::MessageWritten(_) => "message-written".to_owned(),
            Fact::RequestWritten(_) => "request-written".to_owned(),
            Fact::MessageTurnedDown(_) => "message-turned-down".to_owned(),
            Fact::DialogSent(about) => of_kind("dialog-sent", about),
            Fact::DialogTurnedDown(about) => of("dialog-turned-down", about.clinic),
            Fact::DialogConverted(about) => of("dialog-converted", about.clinic),
            Fact::DialogClosed(about) => of("dialog-closed", about.clinic),
            Fact::EDialogWritten(about) => of("e-dialog-written", about.clinic),
            Fact::BookingRequested(about) => of("booking-requested", about.clinic),
            Fact::AppointmentBooked(about) => of("appointment-booked", about.clinic),
            Fact::AppointmentMoved(about) => of("appointment-moved", about.clinic),
            Fact::AppointmentCancelled(about) => of("appointment-cancelled", about.clinic),
            Fact::AppointmentTypeChanged(about) => of("appointment-type-changed", about.clinic),
            Fact::AppointmentMissed(about) => of("appointment-missed", about.clinic),
            Fact::ReminderDue(about) => of("reminder-due", about.clinic),
            Fact::CommandAnswered(CommandAnswered { clinic: Some(clinic), .. }) => of("command-answered", *clinic),
            Fact::CommandAnswered(_) => "command-answered".to_owned(),
        }
    }
}

/// JSON Schema of an event on the queue, whichever its kind.
pub(crate) fn schema() -> Value {
    let mut schema = generated::<OnTheQueue>();
    if let Some(version) = schema.pointer_mut("/properties/version") {
        *version = json!({ "const": VERSION, "description": "Version of the event." });
    }
    schema
}
