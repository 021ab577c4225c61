//! Commands about timebøker and appointments (T5).

use crate::Sensitive;
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Slots that one [`ReleaseSlots`] may name.
pub const MOST_SLOTS: usize = 500;
/// Days that one [`ShowTimebok`] may ask for.
pub const MOST_DAYS: u32 = 31;

/// Puts slots into a timebok, or changes those that begin at these times: released for patients to book on HelseNorge, or for the clinic alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseSlots {
    /// Short name of the timebok.
    pub timebok: String,
    /// Whether patients may book them.
    #[serde(default = "yes")]
    pub online: bool,
    /// The slots, each as long as its type says.
    #[schemars(length(min = 1, max = MOST_SLOTS))]
    pub slots: Vec<ReleasedSlot>,
}

/// A slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleasedSlot {
    /// When it begins, with an offset.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub start: Timestamp,
    /// Short name of the type of appointment that it is for.
    pub appointment_type: String,
}

/// Books an appointment for a patient, in a slot or beside them. HelseNorge and the patient are told by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BookAppointment {
    /// Short name of the timebok.
    pub timebok: String,
    /// Fødselsnummer or D-nummer.
    #[schemars(with = "String", regex(pattern = r"^[0-9]{11}$"))]
    pub patient: Sensitive<String>,
    /// When it begins, with an offset.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub start: Timestamp,
    /// Short name of its type, which also says how long it is.
    pub appointment_type: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(min = 1, max = 2_000))]
    pub comment: Option<Sensitive<String>>,
}

/// Moves an appointment to another time, or another timebok, or both: one change, of which HelseNorge is told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveAppointment {
    /// The appointment.
    pub appointment: Uuid,
    /// When it begins from now on, with an offset.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub start: Timestamp,
    /// Another timebok.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timebok: Option<String>,
    /// The version that was looked at: refused when there is a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// Cancels an appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelAppointment {
    /// The appointment.
    pub appointment: Uuid,
    /// The version that was looked at: refused when there is a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// Makes an appointment one of another type, and leaves its time as it is. Of a hidden type, it is withdrawn from HelseNorge (T6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeAppointmentType {
    /// The appointment.
    pub appointment: Uuid,
    /// Short name of its type from now on.
    pub appointment_type: String,
    /// The version that was looked at: refused when there is a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// Notes that the patient did not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkNoShow {
    /// The appointment, which has begun.
    pub appointment: Uuid,
    /// The version that was looked at: refused when there is a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// Asks what stands in a timebok, and whether patients can book in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowTimebok {
    /// Short name of the timebok.
    pub timebok: String,
    /// The first day, Norwegian time.
    #[schemars(with = "String", extend("format" = "date"))]
    pub from: Date,
    /// How many days.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = MOST_DAYS))]
    pub days: u32,
}

/// Lists a patient's appointments that are still to come, cancelled ones too, the earliest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAppointments {
    /// Fødselsnummer or D-nummer.
    #[schemars(with = "String", regex(pattern = r"^[0-9]{11}$"))]
    pub patient: Sensitive<String>,
}

/// Answers a patient's wish for an appointment, for a change of one, or to be rid of one (*Timeønske*), once. What was wished for is done by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerTimeonske {
    /// The dialog of the wish.
    pub dialog: Uuid,
    /// The message that is the wish; may be left out while the dialog has one without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Uuid>,
    /// What becomes of it.
    pub becomes: Fulfilment,
    /// The message to the patient; needed when the wish is not fulfilled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(min = 1, max = 30_000))]
    pub text: Option<Sensitive<String>>,
}

/// What becomes of a wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fulfilment {
    /// The appointment that was wished for.
    Booked {
        /// Short name of the timebok.
        timebok: String,
        /// When it begins, with an offset.
        #[schemars(with = "String", extend("format" = "date-time"))]
        start: Timestamp,
        /// Short name of its type.
        appointment_type: String,
    },
    /// The appointment has another time.
    Moved {
        /// The appointment.
        appointment: Uuid,
        /// When it begins from now on, with an offset.
        #[schemars(with = "String", extend("format" = "date-time"))]
        start: Timestamp,
        /// Another timebok.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timebok: Option<String>,
    },
    /// The appointment does not take place.
    Cancelled {
        /// The appointment.
        appointment: Uuid,
    },
    /// It cannot be done.
    Unavailable,
    /// It is not looked into.
    Rejected,
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}
