//! Which rule a notice goes by.

use crate::effect::Effect;
use crate::facts::Facts;
use crate::telling::Word;
use crate::{About, Asked};
use domain::command::contact::{Showing, contactable, may_ask, reached};
use domain::notice::Kind;
use domain::notice::channel::{Addressee, Appointment, Asking, Outcome, Reason, of_appointment, of_message};
use jiff::{SignedDuration, Timestamp};
use messages::Fault;
use messages::command::answer::Contactable;
use messages::person_id::TestSeries;
use runtime::Verdict;
use store::notice::{self, Key, Notice};
use store::telling::Standing;
use uuid::Uuid;

/// How this process rules.
#[derive(Clone, Debug)]
pub struct Ruling {
    /// Whether HelseNorge is asked whom it reaches.
    pub asks: bool,
    /// What it said longer ago counts as unknown.
    pub age_limit: SignedDuration,
    /// Identity numbers that it can know somebody by.
    pub series: TestSeries,
    /// Message functions that go by a party's own certificates, whatever was agreed.
    pub without_agreement: Vec<String>,
}

impl Ruling {
    /// Whether HelseNorge can be asked about somebody.
    pub fn can_be_asked(&self, nin: &str) -> bool {
        self.asks && may_ask(nin, &self.series)
    }

    /// Decides about one event.
    pub fn decide(&self, asked: &Asked, facts: &mut Facts, now: Timestamp) -> Verdict<Option<Effect>> {
        match asked.about {
            About::Appointment(key) => self.appointment(key, facts, now),
            About::Message { entry, patient: _ } => message(entry, facts, now),
            About::TypeChanged(key) if facts.appointments.contains_key(&key) => self.appointment(key, facts, now),
            About::TypeChanged((appointment, ..)) | About::Unnoticed(appointment) => self.unnoticed(appointment, facts, now),
            About::Colleagues => Verdict::Done(None),
        }
    }

    fn appointment(&self, key: Key, facts: &mut Facts, now: Timestamp) -> Verdict<Option<Effect>> {
        let (id, version, kind) = key;
        let Some(appointment) = facts.appointments.get(&key) else {
            return missing("appointment-missing", "the appointment is not in the database in this version (yet)");
        };
        // Of a clinic that it does not hear from, HelseNorge shows nothing: whom it reaches is no matter then.
        let is_connected = facts.connected.contains(&appointment.to.clinic);
        let status = appointment.status.filter(|_| is_connected);
        let showing = if is_connected { appointment.showing } else { Showing::No };
        let appointment = &Appointment { status, showing, ..appointment.clone() };
        let can_be_asked = is_connected && self.can_be_asked(appointment.nin.expose());
        let asking = Asking { can_be_asked, age_limit: self.age_limit };
        let Some(outcome) = of_appointment(kind, appointment, asking, now) else { return Verdict::Done(None) };
        let reached = reached(appointment.status.as_ref(), showing, can_be_asked, self.age_limit, now);
        let asks = match outcome {
            Outcome::Wait(_) => true,
            // Nobody waits for the answer; but what has come to be seen, and was announced before, HelseNorge shows as soon as it has come.
            Outcome::None(Reason::Superseded) => !appointment.is_hidden && can_be_asked && reached == Contactable::Unknown,
            _ => false,
        };
        let ask = asks.then(|| (appointment.to.clinic, appointment.nin.expose().clone()));
        let word = match (kind, &outcome) {
            (_, Outcome::Wait(_)) => None,
            (Kind::Reminder, Outcome::HelseNorge) => Some(Word::IsSoon),
            (Kind::Reminder, _) => None,
            (Kind::Cancelled, Outcome::HelseNorge) => Some(Word::IsOff),
            (_, Outcome::HelseNorge) => Some(Word::Stands),
            // Whatever becomes of the notice, HelseNorge shows what is to be seen, and nothing else; to whom it does not reach, nothing.
            _ => (reached != Contactable::No).then_some(Word::Stands),
        };
        let is_reached = reached == Contactable::Yes || matches!(outcome, Outcome::HelseNorge);
        let about = notice::About::Appointment { id, version, starts_at: appointment.starts_at };
        let notice = notice_of(&appointment.to, kind, about, outcome);
        tell(&notice);
        facts.note(key, &notice.outcome);
        Verdict::Done(Some(Effect { notice: Some(notice), ask, word: word.map(|word| (id, word, is_reached)) }))
    }

    fn unnoticed(&self, appointment: Uuid, facts: &Facts, now: Timestamp) -> Verdict<Option<Effect>> {
        let Some(Standing { clinic, nin, status, showing }) = facts.standings.get(&appointment) else {
            return missing("appointment-missing", "the appointment is not in the database (yet)");
        };
        if !facts.connected.contains(clinic) {
            return Verdict::Done(None);
        }
        let can_be_asked = self.can_be_asked(nin.expose());
        let reached = reached(status.as_ref(), *showing, can_be_asked, self.age_limit, now);
        // Should HelseNorge say that it reaches the patient, what it was not told is told then.
        let asks = can_be_asked && contactable(status.as_ref(), self.age_limit, now).0 == Contactable::Unknown;
        let word = (reached != Contactable::No).then_some((appointment, Word::Stands, reached == Contactable::Yes));
        Verdict::Done(Some(Effect { notice: None, ask: asks.then(|| (*clinic, nin.expose().clone())), word }))
    }
}

fn message(entry: Uuid, facts: &Facts, now: Timestamp) -> Verdict<Option<Effect>> {
    let Some(to) = facts.addressees.get(&entry) else {
        return missing("entry-missing", "the entry is not in the database (yet)");
    };
    let notice = notice_of(to, Kind::Message, notice::About::Entry(entry), of_message(to, now));
    tell(&notice);
    Verdict::Done(Some(Effect { notice: Some(notice), ask: None, word: None }))
}

fn missing(code: &'static str, text: &'static str) -> Verdict<Option<Effect>> {
    Verdict::Retry(Fault::transient(code, text), None)
}

fn notice_of(to: &Addressee, kind: Kind, about: notice::About, outcome: Outcome) -> Notice {
    Notice { id: Uuid::now_v7(), clinic: to.clinic, patient: to.patient, kind, about, language: to.language, outcome }
}

/// Counts it, and raises the alarm where somebody should have been told and is not.
fn tell(notice: &Notice) {
    let outcome = match &notice.outcome {
        Outcome::HelseNorge => "helsenorge",
        Outcome::Own { channel, .. } => channel.as_str(),
        Outcome::None(reason) => reason.code(),
        Outcome::Wait(_) => "wait",
    };
    metrics::counter!("dialogpost_notices_total", "kind" => notice.kind.as_str(), "outcome" => outcome).increment(1);
    let why = match &notice.outcome {
        Outcome::None(Reason::ReminderLate) => "nobody was reminded in time",
        Outcome::None(Reason::NoAddress) => "the patient has no address for any channel of the clinic",
        _ => return,
    };
    let about = match notice.about {
        notice::About::Appointment { id, .. } => id,
        notice::About::Entry(id) => id,
    };
    tracing::error!(%about, clinic = %notice.clinic, why, "a notice was not given");
}
