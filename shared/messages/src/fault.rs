//! The three faults, named by who must act.
//!
//! A fault is made once, where the error is known best (SQLSTATE in `store`, AMQP reply in `broker`, a rule in `domain`), and never
//! re-classified on its way up. There is no blanket conversion from other error types.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultClass {
    /// Time heals: a server is away, a predecessor has not arrived. Retried later, bounded.
    Transient,
    /// The sender must act: answered with a negative AppRec or an error message.
    Rejected,
    /// We must act: a dead letter.
    Broken,
}

impl FaultClass {
    /// The name in metrics, dead letters and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Rejected => "rejected",
            Self::Broken => "broken",
        }
    }
}

/// A classified fault with a stable code.
///
/// `code` is kebab-case and part of the operator's contract. `text` is for people and never holds content of a message: only field
/// names, limits, counts and codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {code}: {text}", class.as_str())]
pub struct Fault {
    /// Who must act.
    pub class: FaultClass,
    /// Stable, kebab-case.
    pub code: &'static str,
    /// What happened and what to do, free of personal data.
    pub text: Cow<'static, str>,
}

impl Fault {
    /// Time heals.
    pub fn transient(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { class: FaultClass::Transient, code, text: text.into() }
    }

    /// The sender must act.
    pub fn rejected(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { class: FaultClass::Rejected, code, text: text.into() }
    }

    /// We must act.
    pub fn broken(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { class: FaultClass::Broken, code, text: text.into() }
    }
}
