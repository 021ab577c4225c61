//! What may be done with a dialog as it stands (S5, R5, P2, P3, K3).

use messages::command::order::{ConvertDialog, StartedKind};
use messages::command::refusal::{Refusal, Why};
use messages::event::DialogKind;
use messages::{HerId, Sensitive};
use uuid::Uuid;

/// A dialog of the clinic that asks. Another clinic's is not found at all, so that nobody learns that it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Its kind now.
    pub kind: Kind,
    /// Nothing more can be written in it.
    pub closed: bool,
    /// A prescription request that has its answer.
    pub answered: bool,
}

/// What is known of a dialog that a command names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub id: Uuid,
    /// How it stands.
    pub state: State,
    /// Its title.
    pub title: Sensitive<String>,
    /// The patient; none between colleagues.
    pub patient: Option<Uuid>,
    /// His national number.
    pub nin: Option<Sensitive<String>>,
    /// Employee id of his fastlege.
    pub fastlege: Option<String>,
    /// Those between whom it is, when it is between colleagues.
    pub participants: Vec<String>,
    /// Messages in it.
    pub entries: u32,
    /// The prescription request that has no answer yet.
    pub request: Option<Uuid>,
    /// Kinds under which the same conversation of the patient has dialogs of their own.
    pub beside: Vec<DialogKind>,
    /// Our end and HelseNorge's, of its newest message that crossed over.
    pub between: Option<(HerId, HerId)>,
}

impl Known {
    /// Whether an employee of the clinic may see it: what is between colleagues is theirs alone.
    pub fn is_seen_by(&self, employee: &str) -> bool {
        self.patient.is_some() || self.participants.iter().any(|id| id == employee)
    }
}

/// See [`State::kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Carried by HelseNorge.
    HelseNorge(DialogKind),
    /// Ours alone.
    EDialog,
}

impl Kind {
    /// The name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HelseNorge(kind) => kind.as_str(),
            Self::EDialog => "EDIALOG",
        }
    }

    /// From the name in tables.
    pub fn parse(name: &str) -> Option<Self> {
        if name == Self::EDialog.as_str() { Some(Self::EDialog) } else { DialogKind::parse(name).map(Self::HelseNorge) }
    }
}

impl From<StartedKind> for Kind {
    fn from(kind: StartedKind) -> Self {
        match kind {
            StartedKind::EKontakt => Self::HelseNorge(DialogKind::EKontakt),
            StartedKind::EKonsultasjon => Self::HelseNorge(DialogKind::EKonsultasjon),
            StartedKind::EDialog => Self::EDialog,
        }
    }
}

const PRESCRIPTIONS: Kind = Kind::HelseNorge(DialogKind::Reseptfornyelse);

fn open(state: Option<State>) -> Result<State, Refusal> {
    let at = |why| Refusal::of("arguments.dialog", why);
    let state = state.ok_or_else(|| at(Why::DialogUnknown))?;
    if state.closed { Err(at(Why::DialogClosed)) } else { Ok(state) }
}

/// Whether an answer may be written, or a last word. A prescription request has an answer of its own.
///
/// # Errors
/// `dialog-unknown`, `dialog-closed`, `kind-unfit`.
pub fn may_write(state: Option<State>) -> Result<State, Refusal> {
    let state = open(state)?;
    if state.kind == PRESCRIPTIONS { Err(Refusal::of("arguments.dialog", Why::KindUnfit)) } else { Ok(state) }
}

/// Whether a prescription request may be answered: exactly once (P2).
///
/// # Errors
/// `dialog-unknown`, `kind-unfit`, `already-answered`, `dialog-closed`.
pub fn may_answer(state: Option<State>) -> Result<State, Refusal> {
    let at = |why| Refusal::of("arguments.dialog", why);
    match state {
        Some(state) if state.kind != PRESCRIPTIONS => Err(at(Why::KindUnfit)),
        Some(state) if state.answered => Err(at(Why::AlreadyAnswered)),
        state => open(state),
    }
}

/// Whether a dialog may become another kind: an eKontakt an eKonsultasjon (K3), an unanswered prescription request either (P3), with the
/// text that answers it.
///
/// # Errors
/// `dialog-unknown`, `already-converted`, `already-answered`, `kind-unfit`, `dialog-closed`, `field-missing`, `text-unwanted`.
pub fn may_convert(state: Option<State>, order: &ConvertDialog) -> Result<State, Refusal> {
    use DialogKind::{EKonsultasjon, EKontakt, Reseptfornyelse};
    let at = |why| Refusal::of("arguments.dialog", why);
    let text = |why| Refusal::of("arguments.text", why);
    let state = match state {
        Some(state @ State { kind: Kind::HelseNorge(kind), .. }) => match (kind, order.to) {
            (EKonsultasjon, EKonsultasjon) => return Err(at(Why::AlreadyConverted)),
            (Reseptfornyelse, EKonsultasjon | EKontakt) if state.answered => return Err(at(Why::AlreadyAnswered)),
            (Reseptfornyelse, EKonsultasjon | EKontakt) | (EKontakt, EKonsultasjon) => open(Some(state))?,
            (EKontakt | EKonsultasjon, EKontakt) | (_, Reseptfornyelse) => return Err(at(Why::KindUnfit)),
        },
        Some(State { kind: Kind::EDialog, .. }) => return Err(at(Why::KindUnfit)),
        None => return Err(at(Why::DialogUnknown)),
    };
    match (state.kind == PRESCRIPTIONS, order.text.is_some()) {
        (true, false) => Err(text(Why::MissingField)),
        (false, true) => Err(text(Why::TextUnwanted)),
        (true, true) | (false, false) => Ok(state),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DialogKind::{EKonsultasjon, EKontakt, Reseptfornyelse};

    const fn state(kind: Kind) -> State {
        State { kind, closed: false, answered: false }
    }

    const fn of(kind: DialogKind) -> State {
        state(Kind::HelseNorge(kind))
    }

    fn said(result: Result<State, Refusal>) -> String {
        result.map_or_else(|refusal| format!("{} {}", refusal.code, refusal.field.unwrap_or_default()), |_| "yes".to_owned())
    }

    #[test]
    fn where_may_be_written() {
        let table = [
            (None, "dialog-unknown arguments.dialog", "dialog-unknown arguments.dialog"),
            (Some(of(EKontakt)), "yes", "kind-unfit arguments.dialog"),
            (Some(of(EKonsultasjon)), "yes", "kind-unfit arguments.dialog"),
            (Some(state(Kind::EDialog)), "yes", "kind-unfit arguments.dialog"),
            (Some(of(Reseptfornyelse)), "kind-unfit arguments.dialog", "yes"),
            (
                Some(State { answered: true, ..of(Reseptfornyelse) }),
                "kind-unfit arguments.dialog",
                "already-answered arguments.dialog",
            ),
            (Some(State { closed: true, ..of(EKontakt) }), "dialog-closed arguments.dialog", "kind-unfit arguments.dialog"),
            (
                Some(State { closed: true, ..of(Reseptfornyelse) }),
                "dialog-closed arguments.dialog",
                "dialog-closed arguments.dialog",
            ),
        ];
        for (state, write, answer) in table {
            assert_eq!((said(may_write(state)).as_str(), said(may_answer(state)).as_str()), (write, answer), "{state:?}");
        }
    }

    #[test]
    fn what_may_become_what() {
        let answered = State { answered: true, ..of(Reseptfornyelse) };
        let closed = State { closed: true, ..of(EKontakt) };
        let table = [
            (None, EKonsultasjon, false, "dialog-unknown arguments.dialog"),
            (Some(of(EKontakt)), EKonsultasjon, false, "yes"),
            (Some(of(EKontakt)), EKonsultasjon, true, "text-unwanted arguments.text"),
            (Some(of(EKontakt)), EKontakt, false, "kind-unfit arguments.dialog"),
            (Some(of(EKonsultasjon)), EKonsultasjon, false, "already-converted arguments.dialog"),
            (Some(of(EKonsultasjon)), EKontakt, false, "kind-unfit arguments.dialog"),
            (Some(of(EKontakt)), Reseptfornyelse, false, "kind-unfit arguments.dialog"),
            (Some(of(Reseptfornyelse)), EKontakt, true, "yes"),
            (Some(of(Reseptfornyelse)), EKonsultasjon, true, "yes"),
            (Some(of(Reseptfornyelse)), EKonsultasjon, false, "field-missing arguments.text"),
            (Some(of(Reseptfornyelse)), Reseptfornyelse, true, "kind-unfit arguments.dialog"),
            (Some(answered), EKontakt, true, "already-answered arguments.dialog"),
            (Some(closed), EKonsultasjon, false, "dialog-closed arguments.dialog"),
            (Some(state(Kind::EDialog)), EKonsultasjon, false, "kind-unfit arguments.dialog"),
        ];
        for (state, to, with_text, want) in table {
            let text = with_text.then(|| "Hei".to_owned().into());
            let order = ConvertDialog { dialog: uuid::Uuid::nil(), to, text };
            assert_eq!(said(may_convert(state, &order)), want, "{state:?} to {to:?}, text: {with_text}");
        }
    }
}
