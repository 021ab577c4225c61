//! What the rules know of a clinic and of those it talks with.

use crate::appointment::Booking;
use messages::HerId;
pub use messages::command::order::Recipient;
use messages::command::order::RecipientMode;
use messages::event::DialogKind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// Names under which its journal systems are known to our broker; none = commands for it are taken from whoever may give any.
    pub command_users: BTreeSet<String>,
    /// Who receives what; a kind without a rule has its default (R3).
    pub routing: BTreeMap<DialogKind, RoutingRule>,
    /// Its timebøker, and how it takes bookings.
    pub booking: Booking,
}

impl Clinic {
    /// Whether commands for it are taken from who is known to our broker by this name.
    pub fn takes_commands_of(&self, user: Option<&str>) -> bool {
        self.command_users.is_empty() || user.is_some_and(|user| self.command_users.contains(user))
    }

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
    /// Services registered for him in the address registry (J2), by the registry's names.
    pub services: Vec<String>,
}

impl Employee {
    /// Whether he offers a service (J2).
    pub fn offers(&self, kind: DialogKind) -> bool {
        self.services.iter().any(|s| s == kind.as_str() || s == service_of(kind))
    }
}

/// The service that a kind is part of: who lets patients book lets them wish for a time, too (message-formats 9). He may let them wish alone.
const fn service_of(kind: DialogKind) -> &'static str {
    match kind {
        DialogKind::EKontakt | DialogKind::EKonsultasjon | DialogKind::Reseptfornyelse => kind.as_str(),
        DialogKind::Timeonske => "TIMERESERVASJON",
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

/// Why a rule cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// *Pasientens behandler* alone receives, or whoever the default names.
    #[error("with mode behandler no recipient can be chosen")]
    RecipientUnwanted,
    /// *Fast* wants somebody.
    #[error("this mode needs at least one recipient")]
    RecipientMissing,
}

impl RoutingRule {
    /// The rule of a mode with those chosen; none when it is the kind's default.
    ///
    /// # Errors
    /// The mode takes no recipient, or needs one.
    pub fn new(mode: RecipientMode, recipients: Vec<Recipient>) -> Result<Option<Self>, RuleFault> {
        match (mode, recipients.is_empty()) {
            (RecipientMode::Default, true) => Ok(None),
            (RecipientMode::Behandler, true) => Ok(Some(Self::Behandler)),
            (RecipientMode::Default | RecipientMode::Behandler, false) => Err(RuleFault::RecipientUnwanted),
            (RecipientMode::Fast | RecipientMode::FastOgBehandler, true) => Err(RuleFault::RecipientMissing),
            (RecipientMode::Fast, false) => Ok(Some(Self::Fast { recipients })),
            (RecipientMode::FastOgBehandler, false) => Ok(Some(Self::FastOgBehandler { recipients })),
        }
    }

    /// Its mode and those chosen.
    pub fn parts(&self) -> (RecipientMode, &[Recipient]) {
        match self {
            Self::Behandler => (RecipientMode::Behandler, &[]),
            Self::Fast { recipients } => (RecipientMode::Fast, recipients),
            Self::FastOgBehandler { recipients } => (RecipientMode::FastOgBehandler, recipients),
        }
    }

    /// The rule of a clinic that has chosen none (R3).
    pub fn default_for(kind: DialogKind) -> Self {
        match kind {
            DialogKind::EKonsultasjon => Self::Behandler,
            DialogKind::EKontakt | DialogKind::Reseptfornyelse | DialogKind::Timeonske => {
                Self::Fast { recipients: vec![Recipient::Clinic(true)] }
            }
        }
    }
}

/// The set that a recipient names, unless it is the whole clinic.
pub fn set_of(recipient: &Recipient) -> Option<SetKey> {
    match recipient {
        Recipient::Position(id) => Some((SetKind::Position, id.clone())),
        Recipient::Group(id) => Some((SetKind::Group, id.clone())),
        Recipient::Role(id) => Some((SetKind::Role, id.clone())),
        Recipient::Clinic(_) => None,
    }
}

/// How a recipient is named in an inbox item's `via`.
pub fn label_of(recipient: &Recipient) -> String {
    set_of(recipient).map_or_else(|| "clinic".to_owned(), |(kind, id)| format!("{}:{id}", kind.as_str()))
}
