//! What becomes of a patient's reservation or cancellation on HelseNorge (T3–T5).

use super::bookable::bookable;
use super::offer::is_offered;
use super::telling::is_visible;
use super::{Appointment, Change, NewVersion, Slot, Status, is_seen, reminder_of};
use crate::clinic::Clinic;
use crate::entry::Representative;
use jiff::{SignedDuration, Timestamp};
use messages::{HerId, Sensitive};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a patient asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// A slot (RT).
    Reserve,
    /// That an appointment does not take place (ART).
    Cancel,
}

impl Wanted {
    /// The name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Cancel => "cancel",
        }
    }

    /// From the name in tables.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Reserve, Self::Cancel].into_iter().find(|wanted| wanted.as_str() == name)
    }
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Ledger row.
    pub message: Uuid,
    /// The patient.
    pub patient: Uuid,
    /// Whom he turned to: a doctor's HER-id, or the clinic's.
    pub addressed: HerId,
    /// What he asks for.
    pub wanted: Wanted,
    /// Of which slot or appointment; none = it named none that could be ours.
    pub uid: Option<Uuid>,
    /// What it is about, as he said.
    pub comment: Option<Sensitive<String>>,
    /// Who acted for him (R6).
    pub representative: Option<Representative>,
    /// `MsgId` of the first message of its conversation, as written; none = it begins one.
    pub conversation: Option<String>,
}

/// What is known when it is decided.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The clinic.
    pub clinic: &'a Clinic,
    /// Employee id of the patient's fastlege.
    pub fastlege: Option<&'a str>,
    /// The slot that is known by this uid.
    pub slot: Option<&'a Slot>,
    /// Whether an appointment takes any of its time.
    pub is_taken: bool,
    /// The appointment that is known by this uid.
    pub appointment: Option<&'a Appointment>,
    /// Id of an appointment that is made.
    pub new: Uuid,
}

/// What the patient is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `TemaKodet` (7602) with its name.
    pub tema: (&'static str, &'static str),
    /// Why not, for him to read.
    pub text: Option<&'static str>,
    /// Our stable code of why not.
    pub code: Option<&'static str>,
    /// The appointment as it stands.
    pub appointment: Option<Appointment>,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What the patient is told.
    pub answer: Answer,
    /// What changes.
    pub version: Option<NewVersion>,
}

/// Characters in which a patient may say what it is about.
pub const COMMENT_LIMIT: usize = 2_000;

const CONFIRMED: (&str, &str) = ("05", "Timereservasjon bekreftet");
const CONFIRMED_WITH_ANOTHER: (&str, &str) = ("10", "Timereservasjon hos annen behandler bekreftet");
const UNAVAILABLE: (&str, &str) = ("06", "Time ikke tilgjengelig");
const CANCELLED: (&str, &str) = ("08", "Avbestilling bekreftet");
const NOT_CANCELLED: (&str, &str) = ("09", "Time kunne ikke avbestilles");
const REJECTED: (&str, &str) = ("26", "Forespørsel avvist");

/// Decides. Pure: the same request and facts give the same decision.
pub fn decide(request: &Request, facts: &Facts<'_>, now: Timestamp) -> Decision {
    match request.wanted {
        Wanted::Reserve => reserve(request, facts, now),
        Wanted::Cancel => cancel(request, facts, now),
    }
}

fn refused(tema: (&'static str, &'static str), code: &'static str, text: Option<&'static str>) -> Decision {
    Decision { answer: Answer { tema, text, code: Some(code), appointment: None }, version: None }
}

fn reserve(request: &Request, facts: &Facts<'_>, now: Timestamp) -> Decision {
    // The same reservation again: the same answer, whatever has become of the slot.
    if let Some(booked) = own(request, facts).filter(|a| a.status == Status::Booked) {
        return Decision { answer: confirmed(request, facts, booked.clone()), version: None };
    }
    let timebok = match bookable(facts.clinic, facts.fastlege, request.addressed) {
        Ok(timebok) => timebok,
        Err(why) => return refused(why.tema(), why.code(), None),
    };
    let comment = request.comment.clone().filter(|comment| !comment.expose().trim().is_empty());
    if comment.is_none() {
        return refused(REJECTED, "comment-missing", Some("Skriv hva timen gjelder, og bestill på nytt."));
    }
    if comment.as_ref().is_some_and(|comment| comment.expose().chars().count() > COMMENT_LIMIT) {
        return refused(REJECTED, "comment-too-long", Some("Skriv kortere hva timen gjelder, og bestill på nytt."));
    }
    let slot = facts.slot.filter(|slot| slot.timebok == timebok && is_offered(slot, &facts.clinic.booking, now));
    let Some(slot) = slot else { return refused(UNAVAILABLE, "slot-not-available", None) };
    if facts.is_taken {
        return refused(UNAVAILABLE, "slot-taken", None);
    }
    let appointment = Appointment {
        id: facts.new,
        timebok: slot.timebok.clone(),
        patient: request.patient,
        span: slot.span,
        appointment_type: slot.appointment_type.clone(),
        status: Status::Booked,
        uid: slot.uid,
        version: 1,
        comment,
    };
    let version = asked_for(request, facts, appointment.clone(), Change::Booked, now);
    Decision { answer: confirmed(request, facts, appointment), version: Some(NewVersion { takes_slot: true, ..version }) }
}

fn confirmed(request: &Request, facts: &Facts<'_>, appointment: Appointment) -> Answer {
    let owner = facts.clinic.booking.timeboker.get(&appointment.timebok).map(|timebok| timebok.owner.as_str());
    let addressed = facts.clinic.employee_by_her_id(request.addressed).map(|(id, _)| id.as_str());
    let with_another = addressed.is_some() && owner != addressed;
    let tema = if with_another { CONFIRMED_WITH_ANOTHER } else { CONFIRMED };
    Answer { tema, text: None, code: None, appointment: Some(appointment) }
}

/// The appointment that is named, if it is the patient's; one that is hidden by now is nobody's on HelseNorge (T6).
fn own<'a>(request: &Request, facts: &Facts<'a>) -> Option<&'a Appointment> {
    let is_visible = |a: &Appointment| is_visible(facts.clinic.booking.types.get(&a.appointment_type));
    facts.appointment.filter(|a| a.patient == request.patient && is_visible(a))
}

fn cancel(request: &Request, facts: &Facts<'_>, now: Timestamp) -> Decision {
    let Some(appointment) = own(request, facts) else {
        return refused(NOT_CANCELLED, "appointment-unknown", Some("Timen finnes ikke."));
    };
    let told = |appointment| Answer { tema: CANCELLED, text: None, code: None, appointment: Some(appointment) };
    if appointment.status == Status::Cancelled {
        return Decision { answer: told(appointment.clone()), version: None };
    }
    let hours = i64::from(facts.clinic.booking.cancellation_hours);
    let latest = appointment.span.start.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN);
    if now >= appointment.span.start {
        return refused(NOT_CANCELLED, "appointment-begun", Some("Timen har begynt eller er over."));
    }
    if now > latest {
        return refused(NOT_CANCELLED, "cancellation-late", Some("Det er for sent å avbestille her: ring legekontoret."));
    }
    let cancelled =
        Appointment { status: Status::Cancelled, version: appointment.version.saturating_add(1), ..appointment.clone() };
    let version = asked_for(request, facts, cancelled.clone(), Change::Cancelled, now);
    Decision { answer: told(cancelled), version: Some(version) }
}

/// A version that a patient made.
fn asked_for(request: &Request, facts: &Facts<'_>, appointment: Appointment, change: Change, now: Timestamp) -> NewVersion {
    NewVersion {
        reminder: reminder_of(&appointment, &facts.clinic.booking, now),
        is_visible: is_seen(&appointment, &facts.clinic.booking),
        clinic: facts.clinic.her_id,
        appointment,
        change,
        actor: None,
        request: Some(request.message),
        takes_slot: false,
    }
}
