//! Dialogs as a clinic reads them.

use crate::Sensitive;
use crate::command::order::{PrescriptionChoice, StartedKind};
use crate::event::DialogKind;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// When its newest message was received or written, or one of the clinic's was turned down.
    #[schemars(with = "String")]
    pub newest_at: Timestamp,
    /// Messages in it.
    pub messages: u32,
    /// Nothing more can be written in it.
    pub closed: bool,
    /// Somebody should look at it: it was put together by a guess, or the patient has opened it again.
    pub flagged: bool,
    /// A prescription request in it has no answer yet.
    pub unanswered: bool,
    /// What of it lies in the inbox of who asks; none where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox: Option<InInbox>,
}

/// What of a dialog lies in somebody's inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InInbox {
    /// How many messages.
    pub items: u32,
    /// When the newest was put there.
    #[schemars(with = "String")]
    pub newest_at: Timestamp,
    /// How many of them are the clinic's own, which HelseNorge has turned down (S5). `ShowDialog` tells why.
    pub turned_down: u32,
    /// Some were delivered by a guess: a part of the clinic's rule is nobody at present, or the whole clinic stands in for who is (R4).
    pub guessed: bool,
}

/// A message in somebody's inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// As whom he got it: `behandler`, `position:…`, `group:…`, `role:…`, `clinic`, `colleague`; `turned-down`: as who wrote it;
    /// `fallback:clinic`: for somebody who is nobody at present.
    pub via: Vec<String>,
    /// When it was put there.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// HelseNorge has turned it down.
    pub turned_down: bool,
    /// It was delivered by a guess.
    pub guessed: bool,
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
    /// How it lies in the inbox of who asks; none where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox: Option<Item>,
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
        /// Why, in words: at least one.
        reasons: Vec<Reason>,
    },
    /// It could not be sent.
    Failed {
        /// Our code, or that of HelseNorge's error message.
        code: String,
        /// Why, in words: at least one.
        reasons: Vec<Reason>,
    },
    /// The patient has answered since.
    Answered,
    /// Never on HelseNorge.
    Internal,
}

/// Why a message of the clinic did not reach the patient, for the clinic's staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// Of code list 8221, of HelseNorge's error message, or ours; none where none was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A sentence.
    pub norwegian: String,
    /// The same.
    pub english: String,
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
