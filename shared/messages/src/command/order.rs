//! The commands, one struct each. Field names are those of the JSON.

mod appointments;
mod prescriptions;
mod recipients;

pub use appointments::{
    AnswerTimeonske, BookAppointment, CancelAppointment, ChangeAppointmentType, Fulfilment, ListAppointments, MOST_DAYS,
    MOST_SLOTS, MarkNoShow, MoveAppointment, ReleaseSlots, ReleasedSlot, ShowTimebok,
};
pub use prescriptions::{AnswerPrescriptionRequest, PrescriptionChoice};
pub use recipients::{Recipient, RecipientMode, SetRecipients, ShowRecipients};

use super::refusal::{Refusal, Why};
use super::schema::{self, Named};
use super::typed;
use crate::Sensitive;
use crate::event::DialogKind;
use crate::wire::hodemelding::MAX_PERSONER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// See [`StartDialog`].
    StartDialog(StartDialog),
    /// See [`ReplyToDialog`].
    ReplyToDialog(ReplyToDialog),
    /// See [`CloseDialog`].
    CloseDialog(CloseDialog),
    /// See [`AnswerPrescriptionRequest`].
    AnswerPrescriptionRequest(AnswerPrescriptionRequest),
    /// See [`ConvertDialog`].
    ConvertDialog(ConvertDialog),
    /// See [`UploadAttachment`].
    UploadAttachment(UploadAttachment),
    /// See [`SetRecipients`].
    SetRecipients(SetRecipients),
    /// See [`ShowRecipients`].
    ShowRecipients(ShowRecipients),
    /// See [`CheckContactability`].
    CheckContactability(CheckContactability),
    /// See [`ShowDialog`].
    ShowDialog(ShowDialog),
    /// See [`ListDialogs`].
    ListDialogs(ListDialogs),
    /// See [`FetchAttachment`].
    FetchAttachment(FetchAttachment),
    /// See [`ReleaseSlots`].
    ReleaseSlots(ReleaseSlots),
    /// See [`BookAppointment`].
    BookAppointment(BookAppointment),
    /// See [`MoveAppointment`].
    MoveAppointment(MoveAppointment),
    /// See [`CancelAppointment`].
    CancelAppointment(CancelAppointment),
    /// See [`ChangeAppointmentType`].
    ChangeAppointmentType(ChangeAppointmentType),
    /// See [`MarkNoShow`].
    MarkNoShow(MarkNoShow),
    /// See [`AnswerTimeonske`].
    AnswerTimeonske(AnswerTimeonske),
    /// See [`ShowTimebok`].
    ShowTimebok(ShowTimebok),
    /// See [`ListAppointments`].
    ListAppointments(ListAppointments),
}

/// Files of one message.
pub const MOST_ATTACHMENTS: usize = 50;
/// Colleagues of one E-dialog.
pub const MOST_COLLEAGUES: usize = 200;
/// Recipients of one rule.
pub const MOST_RECIPIENTS: usize = 200;

impl Order {
    /// Whether it asks and changes nothing: it may be answered any number of times, each time as things stand.
    pub const fn is_question(&self) -> bool {
        matches!(
            self,
            Self::ShowRecipients(_)
                | Self::CheckContactability(_)
                | Self::ShowDialog(_)
                | Self::ListDialogs(_)
                | Self::FetchAttachment(_)
                | Self::ShowTimebok(_)
                | Self::ListAppointments(_)
        )
    }

    /// Whether no list is longer than its schema says: looking at more costs before anything is known of the caller.
    ///
    /// # Errors
    /// `too-many`, by field.
    pub(super) fn check_counts(&self) -> Result<(), Refusal> {
        let lists: &[(&str, usize, usize)] = match self {
            Self::StartDialog(order) => &[
                ("arguments.colleagues", order.colleagues.len(), MOST_COLLEAGUES),
                ("arguments.attachments", order.attachments.len(), MOST_ATTACHMENTS),
            ],
            Self::ReplyToDialog(order) => &[("arguments.attachments", order.attachments.len(), MOST_ATTACHMENTS)],
            Self::SetRecipients(order) => &[("arguments.recipients", order.recipients.len(), MOST_RECIPIENTS)],
            Self::ReleaseSlots(order) => &[("arguments.slots", order.slots.len(), MOST_SLOTS)],
            Self::CheckContactability(order) => &[("arguments.patients", order.patients.len(), MOST_PATIENTS)],
            _ => &[],
        };
        match lists.iter().find(|(_, has, limit)| has > limit) {
            Some((field, _, limit)) => Err(Refusal::of(field, Why::TooMany { limit: *limit })),
            None => Ok(()),
        }
    }
}

macro_rules! orders {
    ($($name:ident),+ $(,)?) => {
        impl Order {
            /// Every name, in the order people list them.
            pub const NAMES: &[&str] = &[$(stringify!($name)),+];

            /// The schema of each, in that order.
            pub(crate) fn schemas() -> Vec<Named> {
                vec![$(schema::of_command::<$name>(stringify!($name))),+]
            }

            /// Reads the arguments of a command.
            ///
            /// # Errors
            /// `command-unknown`, or what is wrong with which argument.
            pub fn read(name: &str, arguments: &Value) -> Result<Self, Refusal> {
                match name {
                    $(stringify!($name) => typed(arguments, "arguments").map(Self::$name),)+
                    _ => Err(Refusal::of("command", Why::CommandUnknown)),
                }
            }

            /// Name of the command on the queue.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)+
                }
            }

            /// Its arguments as JSON.
            pub fn arguments(&self) -> Value {
                // Strings, numbers and ids only: it cannot fail.
                match self {
                    $(Self::$name(order) => serde_json::to_value(order).unwrap_or_default(),)+
                }
            }
        }
    };
}

orders!(
    StartDialog,
    ReplyToDialog,
    CloseDialog,
    AnswerPrescriptionRequest,
    ConvertDialog,
    UploadAttachment,
    SetRecipients,
    ShowRecipients,
    CheckContactability,
    ShowDialog,
    ListDialogs,
    FetchAttachment,
    ReleaseSlots,
    BookAppointment,
    MoveAppointment,
    CancelAppointment,
    ChangeAppointmentType,
    MarkNoShow,
    AnswerTimeonske,
    ShowTimebok,
    ListAppointments,
);

/// Begins a dialog (S1). The clinic's title stands before the patient's: "eKontakt – helsenorge.no: …" for what HelseNorge carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartDialog {
    /// What kind of dialog.
    pub kind: StartedKind,
    /// Whom it is about: fødselsnummer or D-nummer. Left out of a dialog between colleagues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", regex(pattern = r"^[0-9]{11}$"))]
    pub patient: Option<Sensitive<String>>,
    /// Colleagues who get it, by their short names; only in an E-dialog without a patient.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_COLLEAGUES))]
    pub colleagues: Vec<String>,
    /// Subject line.
    #[schemars(with = "String", length(min = 1, max = 100))]
    pub subject: Sensitive<String>,
    /// The text. Line breaks stay; markup is refused: a `<` before a letter, `/`, `!` or `?`, and entities such as `&amp;`.
    #[schemars(with = "String", length(min = 1, max = 30_000))]
    pub text: Sensitive<String>,
    /// Files, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_ATTACHMENTS))]
    pub attachments: Vec<AttachmentRef>,
}

/// Kinds of dialogs that a clinic begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum StartedKind {
    /// General, received on HelseNorge.
    EKontakt,
    /// Medical, received on HelseNorge, always journaled.
    EKonsultasjon,
    /// Received in the vendor's own app and portal, or between colleagues; never on HelseNorge.
    EDialog,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentRef {
    /// Its name, as the patient sees it.
    #[schemars(with = "String", length(min = 1, max = 200))]
    pub file_name: Sensitive<String>,
    /// The id under which it was uploaded. An upload is good for one message.
    pub upload: Uuid,
}

/// Uploads a part of a file (S3). Parts may come in any order, and again; a file can be attached when all of them are there. What is not
/// attached within a day is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadAttachment {
    /// The caller's id of the file.
    pub upload: Uuid,
    /// Which part, from 1.
    #[schemars(range(min = 1, max = 100))]
    pub part: u32,
    /// Of how many.
    #[schemars(range(min = 1, max = 100))]
    pub parts: u32,
    /// The part's bytes, base64; at most 256 KiB decoded.
    #[schemars(with = "String", length(min = 4, max = 349_528))]
    pub bytes: Sensitive<String>,
}

/// Answers in a dialog (R5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyToDialog {
    /// The dialog.
    pub dialog: Uuid,
    /// The text.
    #[schemars(with = "String", length(min = 1, max = 30_000))]
    pub text: Sensitive<String>,
    /// Files, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_ATTACHMENTS))]
    pub attachments: Vec<AttachmentRef>,
}

/// Ends a dialog; the patient is told, but of a prescription request, which must have its answer. Nothing more can be written in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseDialog {
    /// The dialog.
    pub dialog: Uuid,
    /// A last word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(min = 1, max = 30_000))]
    pub text: Option<Sensitive<String>>,
}

/// Turns an eKontakt into an eKonsultasjon (K3), or a prescription request into either (P3). The thread goes on under its new kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvertDialog {
    /// The dialog.
    pub dialog: Uuid,
    /// What it becomes: `EKONSULTASJON`, or of a prescription request also `EKONTAKT`.
    pub to: DialogKind,
    /// The answer to the prescription request, which it then has; needed there, and only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(min = 1, max = 30_000))]
    pub text: Option<Sensitive<String>>,
}

/// Patients that one [`CheckContactability`] may name: a limit of ours, equal to that of a question to HelseNorge, so that one question can hold
/// all of them.
pub const MOST_PATIENTS: usize = MAX_PERSONER;

/// Asks which patients can be contacted on HelseNorge (S2). Answered from what is known; what is unknown or too old is asked of HelseNorge
/// meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckContactability {
    /// Fødselsnumre or D-numre.
    #[schemars(with = "Vec<String>", length(min = 1, max = MOST_PATIENTS))]
    pub patients: Vec<Sensitive<String>>,
}

/// Asks what stands in a dialog and what became of each message (S5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowDialog {
    /// The dialog.
    pub dialog: Uuid,
}

/// Lists dialogs, those in which something happened last first: the actor's inbox, or a patient's dialogs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListDialogs {
    /// Only this patient's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", regex(pattern = r"^[0-9]{11}$"))]
    pub patient: Option<Sensitive<String>>,
    /// Only those of them with something that is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
    /// Go on after this dialog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Uuid>,
    /// How many at most.
    #[serde(default = "usual_limit")]
    #[schemars(range(min = 1, max = 200))]
    pub limit: u32,
}

/// Dialogs in which something is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Only {
    /// Something of the clinic's that lies in the actor's inbox was turned down (S5).
    TurnedDown,
    /// A prescription request has no answer yet (P2).
    UnansweredRequest,
}

/// Fetches a part of a file: at most 256 KiB. The first part's answer tells how many there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FetchAttachment {
    /// The message it came with.
    pub entry: Uuid,
    /// Its place among the message's files, from 1.
    #[schemars(range(min = 1, max = 1000))]
    pub number: u32,
    /// Which part, from 1.
    #[serde(default = "first_part")]
    #[schemars(range(min = 1, max = 100))]
    pub part: u32,
}

const fn first_part() -> u32 {
    1
}

const fn usual_limit() -> u32 {
    50
}
