//! Who receives, and who could (R2, R3).

use crate::command::order::{Recipient, RecipientMode};
use crate::event::DialogKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who receives what of a clinic, and who can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recipients {
    /// The rule in force for each kind.
    pub rules: Vec<RuleInForce>,
    /// Who can be chosen.
    pub choosable: Choosable,
    /// Everyone who works at the clinic: who belongs to the positions, groups and roles, and is no recipient by himself.
    pub employees: Vec<Named>,
}

/// Who receives messages of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleInForce {
    /// Which kind.
    pub kind: DialogKind,
    /// How they are found; never `default`.
    pub mode: RecipientMode,
    /// Those chosen.
    pub recipients: Vec<Recipient>,
    /// Whether that is the default of the kind (R3), because nobody chose otherwise or somebody chose just that.
    pub is_default: bool,
    /// Who chose it.
    pub chosen_by: ChosenBy,
    /// Of those chosen, who is nobody at present: messages for them alone go to the whole clinic, flagged (R4).
    pub nobody: Vec<String>,
}

/// Who chose a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum ChosenBy {
    /// An administrator, by `SetRecipients`.
    Employee {
        /// His short name.
        employee: String,
    },
    /// The clinic's set-up file.
    SetUpFile,
    /// Nobody.
    Nobody,
}

/// Who can be chosen, by short name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Choosable {
    /// Positions.
    pub positions: Vec<Named>,
    /// Groups.
    pub groups: Vec<Named>,
    /// Roles.
    pub roles: Vec<Named>,
}

/// Somebody, or several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// Short name within the clinic.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Short names of those who belong to it; none of an employee.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
}
