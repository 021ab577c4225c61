//! Commands about prescription requests (P2).

use crate::Sensitive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Answers a prescription request (P2), once. Name the request: the patient may have sent another since it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerPrescriptionRequest {
    /// The dialog of the request.
    pub dialog: Uuid,
    /// The message that is the request; may be left out while the dialog has one without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Uuid>,
    /// What becomes of it.
    pub choice: PrescriptionChoice,
    /// The message to the patient.
    #[schemars(with = "String", length(min = 1, max = 30_000))]
    pub text: Sensitive<String>,
}

/// What becomes of a prescription request (`TemaKodet`, code list 7602).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrescriptionChoice {
    /// 14, *Resept fornyet*.
    Renewed,
    /// 15, *Resept kan ikke fornyes*.
    CannotBeRenewed,
    /// 26, *Forespørsel avvist*.
    Rejected,
    /// 32, *Resepter delvis fornyet*.
    PartlyRenewed,
}

impl PrescriptionChoice {
    /// `TemaKodet` and its display name.
    pub const fn code(self) -> (&'static str, &'static str) {
        match self {
            Self::Renewed => ("14", "Resept fornyet"),
            Self::CannotBeRenewed => ("15", "Resept kan ikke fornyes"),
            Self::Rejected => ("26", "Forespørsel avvist"),
            Self::PartlyRenewed => ("32", "Resepter delvis fornyet"),
        }
    }

    /// From `TemaKodet`.
    pub fn of_code(code: &str) -> Option<Self> {
        [Self::Renewed, Self::CannotBeRenewed, Self::Rejected, Self::PartlyRenewed].into_iter().find(|c| c.code().0 == code)
    }
}
