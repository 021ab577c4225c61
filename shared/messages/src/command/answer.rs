//! What comes back for a command.

mod appointments;
mod dialog;
mod recipients;

pub use appointments::{Appointment, AppointmentStatus, Slot, Timebok};
pub use dialog::{AttachmentInfo, Dialog, Entry, EntryState, From, Guardian, InInbox, Item, Kind, Prescription, Reason, Summary};
pub use recipients::{Choosable, ChosenBy, Named, Recipients, RuleInForce};

use super::refusal::Refusal;
use crate::Sensitive;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The answer to a command. To the same command it is the same, whenever it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// Version of the answer: 1.
    pub version: u32,
    /// The command's id; none when it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Uuid>,
    /// When it was decided.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What was decided.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Done, or refused with nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// It is done.
    Done {
        /// What came of it.
        result: Done,
    },
    /// Nothing has changed.
    Refused {
        /// Why.
        refusal: Refusal,
    },
}

/// An outcome without what only the command's sender may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Told {
    /// It is done.
    Done {
        /// The dialog that was begun, written in or converted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dialog: Option<Uuid>,
        /// The message that was written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entry: Option<Uuid>,
    },
    /// Nothing has changed.
    Refused {
        /// Why.
        refusal: Refusal,
    },
}

impl Outcome {
    /// What may be told to whoever listens.
    pub fn told(&self) -> Told {
        match self {
            Self::Refused { refusal } => Told::Refused { refusal: refusal.clone() },
            Self::Done { result } => {
                let (dialog, entry) = match result {
                    Done::Written { dialog, entry } => (Some(*dialog), Some(*entry)),
                    Done::Converted { dialog, .. } | Done::Closed { dialog } => (Some(*dialog), None),
                    Done::Uploaded { .. }
                    | Done::RecipientsSet { .. }
                    | Done::Recipients { .. }
                    | Done::Contactable { .. }
                    | Done::Dialog { .. }
                    | Done::Dialogs { .. }
                    | Done::AttachmentPart { .. }
                    | Done::SlotsReleased { .. }
                    | Done::Appointment { .. }
                    | Done::Timebok { .. }
                    | Done::Appointments { .. } => (None, None),
                };
                Told::Done { dialog, entry }
            }
        }
    }
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Done {
    /// A message was written: of a dialog that was begun, answered or ended.
    Written {
        /// The dialog.
        dialog: Uuid,
        /// The message in it.
        entry: Uuid,
    },
    /// A dialog was ended without a message.
    Closed {
        /// The dialog.
        dialog: Uuid,
    },
    /// The dialog goes on under another kind.
    Converted {
        /// The dialog.
        dialog: Uuid,
        /// Messages that were journaled by it.
        journaled: u32,
    },
    /// A part of a file is here.
    Uploaded {
        /// The file.
        upload: Uuid,
        /// Parts that are still missing.
        missing: u32,
    },
    /// Who receives was chosen.
    RecipientsSet {
        /// Of the chosen, those who resolve to nobody at present.
        nobody: Vec<String>,
    },
    /// Who receives, and who could.
    Recipients {
        /// It.
        recipients: Box<Recipients>,
    },
    /// Who can be contacted on HelseNorge.
    Contactable {
        /// In the order asked.
        patients: Vec<Contactability>,
    },
    /// A dialog.
    Dialog {
        /// It.
        dialog: Box<Dialog>,
    },
    /// Dialogs without their messages.
    Dialogs {
        /// Newest message first.
        dialogs: Vec<Summary>,
    },
    /// A part of a file.
    AttachmentPart {
        /// Which, from 1.
        part: u32,
        /// Of how many.
        parts: u32,
        /// Its bytes, base64.
        #[schemars(with = "String")]
        bytes: Sensitive<String>,
    },
    /// Slots stand in a timebok.
    SlotsReleased {
        /// How many.
        slots: u32,
    },
    /// An appointment was made or changed.
    Appointment {
        /// It.
        appointment: Uuid,
        /// The version that it has now; as before when there was nothing to change.
        version: u32,
    },
    /// What stands in a timebok.
    Timebok {
        /// It.
        timebok: Box<Timebok>,
    },
    /// A patient's appointments.
    Appointments {
        /// The earliest first.
        appointments: Vec<Appointment>,
    },
}

/// Whether a patient can be contacted on HelseNorge (S2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contactability {
    /// As asked.
    #[schemars(with = "String")]
    pub patient: Sensitive<String>,
    /// Whether.
    pub contactable: Contactable,
    /// Why not, as in a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Refusal>,
    /// When HelseNorge last said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub as_of: Option<Timestamp>,
}

/// See [`Contactability`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Contactable {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// Nobody knows now.
    Unknown,
}
