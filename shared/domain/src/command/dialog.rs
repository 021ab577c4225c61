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
    /// It is of requests, and all have their answers.
    pub answered: bool,
}

/// A prescription request in a dialog, or a wish for an appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The message that it is.
    pub entry: Uuid,
    /// `TypeForesp` (7601).
    pub code: Option<String>,
    /// Whether it has its answer.
    pub answered: bool,
}

/// What is known of a dialog that a command names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub id: Uuid,
    /// Its kind now.
    pub kind: Kind,
    /// Whether it was ended.
    pub closed: bool,
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
    /// Prescription requests in it, or wishes, in order, while it is of such a kind.
    pub requests: Vec<Request>,
    /// Kinds under which the same conversation of the patient has dialogs of their own.
    pub beside: Vec<DialogKind>,
    /// Our end and HelseNorge's, of its newest message that crossed over.
    pub between: Option<(HerId, HerId)>,
}

impl Known {
    /// How it stands.
    pub fn state(&self) -> State {
        let answered = has_requests(self.kind) && self.requests.iter().all(|request| request.answered);
        State { kind: self.kind, closed: self.closed, answered }
    }

    /// The request that an answer is for: the one named, or the only one without an answer.
    ///
    /// # Errors
    /// `request-unknown`, `already-answered`, `request-ambiguous`.
    pub fn request(&self, named: Option<Uuid>) -> Result<Uuid, Refusal> {
        let at = |why| Refusal::of("arguments.request", why);
        if let Some(named) = named {
            let found = self.requests.iter().find(|request| request.entry == named).ok_or_else(|| at(Why::RequestUnknown))?;
            return if found.answered { Err(at(Why::AlreadyAnswered)) } else { Ok(named) };
        }
        let mut open = self.requests.iter().filter(|request| !request.answered);
        match (open.next(), open.next()) {
            (Some(only), None) => Ok(only.entry),
            (Some(_), Some(_)) => Err(at(Why::RequestAmbiguous)),
            (None, _) => Err(Refusal::of("arguments.dialog", Why::AlreadyAnswered)),
        }
    }

    /// Notes that a request has its answer now.
    pub fn answer(&mut self, entry: Uuid) {
        self.requests.iter_mut().filter(|request| request.entry == entry).for_each(|request| request.answered = true);
    }

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

/// Whether a dialog is of requests that have one answer each, and nothing else is written in it.
fn has_requests(kind: Kind) -> bool {
    matches!(kind, Kind::HelseNorge(DialogKind::Reseptfornyelse | DialogKind::Timeonske))
}

fn open(state: Option<State>) -> Result<State, Refusal> {
    let at = |why| Refusal::of("arguments.dialog", why);
    let state = state.ok_or_else(|| at(Why::DialogUnknown))?;
    if state.closed { Err(at(Why::DialogClosed)) } else { Ok(state) }
}

/// Whether an answer may be written, or a last word. A prescription request and a wish have answers of their own.
///
/// # Errors
/// `dialog-unknown`, `dialog-closed`, `kind-unfit`.
pub fn may_write(state: Option<State>) -> Result<State, Refusal> {
    let state = open(state)?;
    if has_requests(state.kind) { Err(Refusal::of("arguments.dialog", Why::KindUnfit)) } else { Ok(state) }
}

/// Whether a dialog may be ended. Of one with a prescription request or a wish the patient is told by its answer.
///
/// # Errors
/// `dialog-unknown`, `dialog-closed`, `request-open`.
pub fn may_close(state: Option<State>) -> Result<State, Refusal> {
    let state = open(state)?;
    match has_requests(state.kind) && !state.answered {
        true => Err(Refusal::of("arguments.dialog", Why::RequestOpen)),
        false => Ok(state),
    }
}

/// Whether a request of a kind may be answered: exactly once (P2).
///
/// # Errors
/// `dialog-unknown`, `kind-unfit`, `already-answered`, `dialog-closed`.
pub fn may_answer(state: Option<State>, kind: DialogKind) -> Result<State, Refusal> {
    let at = |why| Refusal::of("arguments.dialog", why);
    match state {
        Some(state) if state.kind != Kind::HelseNorge(kind) => Err(at(Why::KindUnfit)),
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
    use DialogKind::{EKonsultasjon, EKontakt, Reseptfornyelse, Timeonske};
    let at = |why| Refusal::of("arguments.dialog", why);
    let text = |why| Refusal::of("arguments.text", why);
    let state = match state {
        Some(state @ State { kind: Kind::HelseNorge(kind), .. }) => match (kind, order.to) {
            (EKonsultasjon, EKonsultasjon) => return Err(at(Why::AlreadyConverted)),
            (Reseptfornyelse, EKonsultasjon | EKontakt) if state.answered => return Err(at(Why::AlreadyAnswered)),
            (Reseptfornyelse, EKonsultasjon | EKontakt) | (EKontakt, EKonsultasjon) => open(Some(state))?,
            (EKontakt | EKonsultasjon, EKontakt) | (_, Reseptfornyelse | Timeonske) | (Timeonske, _) => {
                return Err(at(Why::KindUnfit));
            }
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
    use DialogKind::{EKonsultasjon, EKontakt, Reseptfornyelse, Timeonske};

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
            (Some(of(Timeonske)), "kind-unfit arguments.dialog", "kind-unfit arguments.dialog"),
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
            assert_eq!(
                (said(may_write(state)).as_str(), said(may_answer(state, Reseptfornyelse)).as_str()),
                (write, answer),
                "{state:?}"
            );
        }
    }

    #[test]
    fn what_may_be_ended() {
        let answered = State { answered: true, ..of(Reseptfornyelse) };
        let closed = State { closed: true, ..of(EKontakt) };
        for (state, want) in [
            (None, "dialog-unknown arguments.dialog"),
            (Some(of(EKontakt)), "yes"),
            (Some(state(Kind::EDialog)), "yes"),
            (Some(of(Reseptfornyelse)), "request-open arguments.dialog"),
            (Some(of(Timeonske)), "request-open arguments.dialog"),
            (Some(answered), "yes"),
            (Some(closed), "dialog-closed arguments.dialog"),
        ] {
            assert_eq!(said(may_close(state)), want, "{state:?}");
        }
    }

    #[test]
    fn which_request_is_answered() {
        let [first, second, other] = [1, 2, 3].map(Uuid::from_u128);
        let known = |requests: &[(Uuid, bool)]| Known {
            id: Uuid::nil(),
            kind: PRESCRIPTIONS,
            closed: false,
            title: String::new().into(),
            patient: None,
            nin: None,
            fastlege: None,
            participants: vec![],
            entries: 1,
            requests: requests
                .iter()
                .map(|(entry, answered)| Request { entry: *entry, code: None, answered: *answered })
                .collect(),
            beside: vec![],
            between: None,
        };
        let one_open = [(first, true), (second, false)];
        let both_open = [(first, false), (second, false)];
        for (requests, named, want) in [
            (&one_open[..], None, Ok(second)),
            (&one_open, Some(second), Ok(second)),
            (&one_open, Some(first), Err("already-answered arguments.request")),
            (&one_open, Some(other), Err("request-unknown arguments.request")),
            (&both_open, None, Err("request-ambiguous arguments.request")),
            (&both_open, Some(first), Ok(first)),
            (&[(first, true)], None, Err("already-answered arguments.dialog")),
            (&[], None, Err("already-answered arguments.dialog")),
        ] {
            let got = known(requests).request(named);
            let got = got.map_err(|refusal| format!("{} {}", refusal.code, refusal.field.unwrap_or_default()));
            assert_eq!(got, want.map_err(str::to_owned), "{requests:?} {named:?}");
        }
        let mut known = known(&both_open);
        known.answer(first);
        assert!(!known.state().answered);
        known.answer(second);
        assert!(known.state().answered);
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
            (Some(of(Reseptfornyelse)), Timeonske, true, "kind-unfit arguments.dialog"),
            (Some(of(EKontakt)), Timeonske, false, "kind-unfit arguments.dialog"),
            (Some(of(Timeonske)), EKontakt, false, "kind-unfit arguments.dialog"),
            (Some(of(Timeonske)), EKonsultasjon, false, "kind-unfit arguments.dialog"),
            (Some(of(Timeonske)), Timeonske, false, "kind-unfit arguments.dialog"),
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
