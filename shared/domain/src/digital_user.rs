//! Who is an active user of HelseNorge: what it says, asked and unasked (message-formats 6).

use crate::acceptance::Rejection;
use crate::arrival::patient_id;
use crate::command::question::DIGITALBRUKER;
use crate::entry::{Entry, Form};
use crate::receipts::error_8221;
use messages::person_id::TestSeries;
use messages::wire::dialogmelding::Dialogmelding;
use messages::wire::hodemelding::{Code, Content, MsgHead};
use messages::{HerId, PersonId, Sensitive};
use uuid::Uuid;

/// A question of ours that an answer names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its ledger row.
    pub question: Uuid,
    /// Which clinic asked.
    pub by: HerId,
    /// Who was asked.
    pub of: HerId,
}

/// What HelseNorge has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// The answer to a question (28, 29): who of those asked about is an active user; everybody else is none.
    Answer {
        /// Its ledger row.
        question: Uuid,
        /// National identity numbers as received.
        active: Vec<Sensitive<String>>,
    },
    /// The status of a person has changed (SDAB). Where the new one stands is not public, so it is asked for.
    Change(PersonId),
    /// Nothing that we can use: our stable code.
    Nothing(&'static str),
}

impl Noted {
    /// Our code in the ledger for what changes nothing.
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Nothing(code) => Some(code),
            Self::Answer { .. } | Self::Change(_) => None,
        }
    }
}

/// Whether a message is about digital users. Agreements write the name in several ways (message-formats 0.1).
pub(crate) fn is_meant(head: &MsgHead) -> bool {
    head.msg_type.as_ref().and_then(|t| t.v.as_deref()).is_some_and(|v| v.eq_ignore_ascii_case(DIGITALBRUKER))
}

/// The questions of ours that an answer may be to: the message that it answers first, then the conversation's first.
pub(crate) fn questions(head: &MsgHead) -> Vec<Uuid> {
    let Some(reference) = head.conversation_ref.as_ref().filter(|_| is_meant(head)) else { return Vec::new() };
    let named = [&reference.ref_to_parent, &reference.ref_to_conversation];
    named.into_iter().flatten().filter_map(|id| Uuid::try_parse(id.trim()).ok()).collect()
}

/// Reads what is told by `from` to a clinic. An answer counts only from whom that clinic asked.
///
/// # Errors
/// T10 for what is no such message, T02 for an answer without its list, E30 and E31 for a change without a number.
pub(crate) fn note(
    head: &MsgHead,
    from: HerId,
    clinic: HerId,
    asked: Option<&Asked>,
    series: &TestSeries,
) -> Result<Noted, Rejection> {
    let asked = asked.filter(|asked| asked.of == from && asked.by == clinic);
    let unsupported = || Rejection::new("type-unsupported", error_8221("T10", "Meldingen om digitale brukere støttes ikke"));
    let Some(Content::Dialogmelding(dialog)) = head.documents.first().map(|d| &d.content) else { return Err(unsupported()) };
    match (said(dialog).and_then(|code| code.v.as_deref()).ok_or_else(unsupported)?, asked) {
        ("SDAB", _) => patient_id(head, series).map(Noted::Change),
        ("28", Some(asked)) => Ok(Noted::Answer { question: asked.question, active: named(head)? }),
        ("29", Some(asked)) => Ok(Noted::Answer { question: asked.question, active: Vec::new() }),
        ("28" | "29", None) => Ok(Noted::Nothing("question-unknown")),
        ("30", _) => Ok(Noted::Nothing("question-no-access")),
        ("31", _) => Ok(Noted::Nothing("question-general-error")),
        _ => Err(unsupported()),
    }
}

/// The one code that a message says.
fn said(dialog: &Dialogmelding) -> Option<&Code> {
    match (dialog.foresporsel.as_slice(), dialog.notat.as_slice()) {
        ([request], []) => request.type_foresp.as_ref(),
        ([], [note]) => note.tema_kodet.as_ref(),
        _ => None,
    }
}

/// Those whom an answer names. Without any list it would make everybody inactive, which is what 29 says.
fn named(head: &MsgHead) -> Result<Vec<Sensitive<String>>, Rejection> {
    let lists: Vec<_> = head
        .documents
        .iter()
        .filter_map(|document| match &document.content {
            Content::Personer(people) => Some(people),
            _ => None,
        })
        .collect();
    if lists.is_empty() {
        return Err(Rejection::new("people-missing", error_8221("T02", "Listen over digitale brukere mangler")));
    }
    let numbers = lists.into_iter().flatten().filter_map(|person| person.national_id());
    Ok(numbers.map(|number| Sensitive::new(number.expose().trim().to_owned())).collect())
}

/// Whether an AppRec with these errors says that HelseNorge does not reach the patient whom a message of ours was for.
pub fn is_doubted_by_receipt(codes: &[String]) -> bool {
    codes.iter().any(|code| matches!(code.as_str(), "E35" | "E54"))
}

/// Whether an answer says that its patient is no active user: TemaKodet 23.
pub fn is_doubted_by_entry(entry: &Entry) -> bool {
    entry.form == Form::Notat && entry.code.as_deref() == Some("23")
}

/// What HelsenorgeAktivSjekken says of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Active oneself.
    pub oneself: bool,
    /// Active through others: a parent, somebody with a power of attorney.
    pub through_others: bool,
    /// A power of attorney was assigned, since the person cannot consent.
    pub assigned_power: bool,
}

impl Standing {
    /// Whether the person is active, and consents to digital contact. Whoever is active, or has others who are, does: nobody becomes so
    /// without accepting the terms. An assigned power alone means that the person cannot consent and must be reached through the
    /// representative (message-formats 6), of whom nothing says that he is active: there is somebody, but no consent.
    pub const fn active_and_consented(self) -> (bool, bool) {
        let accepted = self.oneself || self.through_others;
        (accepted || self.assigned_power, accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assigned_power_alone_is_no_consent() {
        let table = [
            ((false, false, false), (false, false)),
            ((true, false, false), (true, true)),
            ((false, true, false), (true, true)),
            ((true, true, false), (true, true)),
            ((false, false, true), (true, false)),
            ((true, false, true), (true, true)),
            ((false, true, true), (true, true)),
            ((true, true, true), (true, true)),
        ];
        for ((oneself, through_others, assigned_power), want) in table {
            let standing = Standing { oneself, through_others, assigned_power };
            assert_eq!(standing.active_and_consented(), want, "{standing:?}");
        }
    }

    #[test]
    fn what_makes_a_status_doubted() {
        let codes = |codes: &[&str]| codes.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        assert!(is_doubted_by_receipt(&codes(&["T99", "E35"])) && is_doubted_by_receipt(&codes(&["E54"])));
        assert!(!is_doubted_by_receipt(&codes(&["E31", "X99"])) && !is_doubted_by_receipt(&[]));
    }
}
