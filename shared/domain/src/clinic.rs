//! What the rules know of a clinic and of those it talks with.

use messages::HerId;
use messages::event::DialogKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A clinic as the rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clinic {
    /// Level-2 HER-id.
    pub her_id: HerId,
    /// Member of Norsk Helsenett.
    pub nhn_member: bool,
    /// Has ordered Digital Dialog.
    pub digital_dialog_ordered: bool,
    /// Everyone who works there, by id.
    pub employees: BTreeMap<String, Employee>,
    /// Positions, groups and roles with their members' ids.
    pub sets: BTreeMap<SetKey, Vec<String>>,
    /// Who receives what; a kind without a rule has its default (R3).
    pub routing: BTreeMap<DialogKind, RoutingRule>,
}

impl Clinic {
    /// The employee with a HER-id of his own.
    pub fn employee_by_her_id(&self, her_id: HerId) -> Option<(&String, &Employee)> {
        self.employees.iter().find(|(_, e)| e.her_id == Some(her_id))
    }
}

/// Someone who works at the clinic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Employee {
    /// HER-id, when registered.
    pub her_id: Option<HerId>,
    /// Services registered for him in the address registry (J2). Registry names such as `TIMERESERVASJON` that are no dialogs are
    /// kept too.
    pub services: Vec<String>,
}

impl Employee {
    /// Whether he offers a service (J2).
    pub fn offers(&self, kind: DialogKind) -> bool {
        self.services.iter().any(|s| s == kind.as_str())
    }
}

/// What kind of set a recipient is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetKind {
    /// A position (*stilling*), such as the laboratory.
    Position,
    /// A group.
    Group,
    /// A role.
    Role,
}

impl SetKind {
    /// The name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    /// From the name in tables.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Position, Self::Group, Self::Role].into_iter().find(|k| k.as_str() == name)
    }
}

/// A position, group or role of a clinic.
pub type SetKey = (SetKind, String);

/// How messages of one kind find their recipients (R2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum RoutingRule {
    /// *Pasientens behandler*: the fastlege's inbox; no recipient can be chosen.
    Behandler,
    /// *Fast*: the chosen recipients.
    Fast {
        /// At least one.
        recipients: Vec<Recipient>,
    },
    /// *Fast og pasientens behandler*: both.
    FastOgBehandler {
        /// At least one.
        recipients: Vec<Recipient>,
    },
}

impl RoutingRule {
    /// The rule of a clinic that has chosen none (R3).
    pub fn default_for(kind: DialogKind) -> Self {
        match kind {
            DialogKind::EKonsultasjon => Self::Behandler,
            DialogKind::EKontakt | DialogKind::Reseptfornyelse => Self::Fast { recipients: vec![Recipient::Clinic(true)] },
        }
    }
}

/// One chosen recipient, in the set-up file `{"position": "lab"}`, `{"group": …}`, `{"role": …}` or `{"clinic": true}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recipient {
    /// A position.
    Position(String),
    /// A group.
    Group(String),
    /// A role.
    Role(String),
    /// The whole clinic.
    Clinic(bool),
}

impl Recipient {
    /// The set it names, unless it is the whole clinic.
    pub fn set(&self) -> Option<SetKey> {
        match self {
            Self::Position(id) => Some((SetKind::Position, id.clone())),
            Self::Group(id) => Some((SetKind::Group, id.clone())),
            Self::Role(id) => Some((SetKind::Role, id.clone())),
            Self::Clinic(_) => None,
        }
    }

    /// How it is named in an inbox item's `via`.
    pub fn label(&self) -> String {
        match self {
            Self::Position(id) => format!("position:{id}"),
            Self::Group(id) => format!("group:{id}"),
            Self::Role(id) => format!("role:{id}"),
            Self::Clinic(_) => "clinic".to_owned(),
        }
    }
}
