//! What comes back for a command.

use super::order::{PrescriptionChoice, StartedKind};
use super::refusal::Refusal;
use crate::Sensitive;
use crate::event::DialogKind;
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
                    | Done::Contactable { .. }
                    | Done::Dialog { .. }
                    | Done::Dialogs { .. }
                    | Done::AttachmentPart { .. } => (None, None),
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

/// A dialog without its messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Its id.
    pub dialog: Uuid,
    /// Its kind now.
    pub kind: Kind,
    /// With "helsenorge.no" where HelseNorge carries it (R1).
    #[schemars(with = "String")]
    pub title: Sensitive<String>,
    /// Fødselsnummer or D-nummer; none between colleagues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub patient: Option<Sensitive<String>>,
    /// When its newest message was received or written.
    #[schemars(with = "String")]
    pub newest_at: Timestamp,
    /// Messages in it.
    pub messages: u32,
    /// Nothing more can be written in it.
    pub closed: bool,
    /// Somebody should look at it: it was put together, or delivered, by a guess.
    pub flagged: bool,
}

/// What kind a dialog is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Kind {
    /// Of HelseNorge.
    HelseNorge(DialogKind),
    /// Ours alone.
    Own(StartedKind),
}

/// A dialog, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dialog {
    /// What lists say of it.
    #[serde(flatten)]
    pub summary: Summary,
    /// Its messages, in order.
    pub entries: Vec<Entry>,
}

/// A message of a dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Its id.
    pub entry: Uuid,
    /// Place in the dialog, from 1.
    pub sequence: u32,
    /// `patient` or `clinic`.
    pub from: From,
    /// Employee who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Who acted for the patient (R6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<Guardian>,
    /// Subject line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub subject: Option<Sensitive<String>>,
    /// The text.
    #[schemars(with = "String")]
    pub text: Sensitive<String>,
    /// Prescriptions that the patient wants renewed (P1); none of a request in free text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prescriptions: Vec<Prescription>,
    /// How a paper prescription is to be delivered: `KodetOpplysning`, code list 8324.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// The choice that an answer to a prescription request bears (P2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<PrescriptionChoice>,
    /// When it was received or written.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What became of a message of the clinic (S5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<EntryState>,
    /// Names, types and sizes of its files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentInfo>,
}

/// A prescription, as far as it is given (P1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Prescription {
    /// Name, form and strength.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub name: Option<Sensitive<String>>,
    /// ATC code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atc: Option<String>,
    /// Dosage as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub dosage: Option<Sensitive<String>>,
    /// `Reseptgruppe`, code list 7421; A and B are seldom renewed without a consultation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// When it was prescribed, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prescribed: Option<String>,
    /// When it ends, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// The patient, or who acted for him.
    Patient,
    /// The clinic.
    Clinic,
}

/// Who acted for the patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Guardian {
    /// Full name.
    #[schemars(with = "String")]
    pub name: Sensitive<String>,
    /// `Relasjon`, code list 7611.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
}

/// What became of a message of the clinic (S5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum EntryState {
    /// Written, not yet with HelseNorge.
    Queued,
    /// With HelseNorge.
    Sent,
    /// HelseNorge has it.
    Receipted,
    /// HelseNorge has turned it down.
    Rejected {
        /// Its codes.
        codes: Vec<String>,
    },
    /// It could not be sent.
    Failed {
        /// Our code, or that of HelseNorge's error message.
        code: String,
    },
    /// The patient has answered since.
    Answered,
    /// Never on HelseNorge.
    Internal,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttachmentInfo {
    /// Its place among the message's files, from 1.
    pub number: u32,
    /// Its name.
    #[schemars(with = "String")]
    pub file_name: Sensitive<String>,
    /// `application/pdf` and so on, by its leading bytes.
    pub media_type: String,
    /// Its size.
    pub bytes: u64,
}
