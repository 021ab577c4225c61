//! Who receives messages of a kind (R2, R3).

use super::MOST_RECIPIENTS;
use crate::event::DialogKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Chooses who receives messages of a kind (R2), or goes back to its default (R3). Asks for the administrator's role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRecipients {
    /// Of which kind.
    pub kind: DialogKind,
    /// How they are found.
    pub mode: RecipientMode,
    /// Those chosen: none with `behandler` and `default`, at least one otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_RECIPIENTS))]
    pub recipients: Vec<Recipient>,
}

/// How messages find their recipients (R2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecipientMode {
    /// *Pasientens behandler*.
    Behandler,
    /// *Fast*.
    Fast,
    /// *Fast og pasientens behandler*.
    FastOgBehandler,
    /// As the kind's default has it (R3): an eKonsultasjon goes to the patient's doctor, all else to the whole clinic.
    Default,
}

impl RecipientMode {
    /// From the name in files, where no rule is the default.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "behandler" => Some(Self::Behandler),
            "fast" => Some(Self::Fast),
            "fast_og_behandler" => Some(Self::FastOgBehandler),
            _ => None,
        }
    }
}

/// One chosen recipient, in commands and in the set-up file `{"position": "lab"}`, `{"group": …}`, `{"role": …}` or `{"clinic": true}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Recipient {
    /// A position (*stilling*), by its short name.
    Position(String),
    /// A group.
    Group(String),
    /// A role.
    Role(String),
    /// The whole clinic; only `true`.
    Clinic(bool),
}

/// Asks who receives messages of each kind, who chose that, and who can be chosen (R2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowRecipients {}
