//! Timebøker and appointments as a clinic reads them. Where a booking came from is not told (T8).

use super::Guardian;
use crate::Sensitive;
use crate::command::refusal::Refusal;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What stands in a timebok.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timebok {
    /// Its short name.
    pub timebok: String,
    /// Short name of the employee whose it is.
    pub owner: String,
    /// Why patients cannot book in it on HelseNorge; none when they can (T1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_bookable: Option<Refusal>,
    /// By their times.
    pub slots: Vec<Slot>,
    /// By their times; cancelled ones are left out.
    pub appointments: Vec<Appointment>,
}

/// A slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Slot {
    /// When it begins.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub start: Timestamp,
    /// When it ends.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub end: Timestamp,
    /// Short name of the type of appointment that it is for.
    pub appointment_type: String,
    /// Whether patients may book it.
    pub online: bool,
    /// Whether no appointment takes any of its time.
    pub free: bool,
}

/// An appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Appointment {
    /// Its id.
    pub appointment: Uuid,
    /// From 1, one more with each change.
    pub version: u32,
    /// Short name of its timebok.
    pub timebok: String,
    /// Fødselsnummer or D-nummer.
    #[schemars(with = "String")]
    pub patient: Sensitive<String>,
    /// When it begins.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub start: Timestamp,
    /// When it ends.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub end: Timestamp,
    /// Short name of its type.
    pub appointment_type: String,
    /// How it stands.
    pub status: AppointmentStatus,
    /// What it is about, as the patient said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub comment: Option<Sensitive<String>>,
    /// Who booked it for the patient (R6). Told where the appointments of a patient are asked for, not in a timebok (T8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<Guardian>,
}

/// How an appointment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentStatus {
    /// It is to take place, or has.
    Booked,
    /// By the clinic or the patient.
    Cancelled,
    /// The patient did not come.
    NoShow,
}

impl AppointmentStatus {
    /// The name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Cancelled => "cancelled",
            Self::NoShow => "no_show",
        }
    }

    /// From the name in tables.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Booked, Self::Cancelled, Self::NoShow].into_iter().find(|status| status.as_str() == name)
    }
}
