//! May a patient be contacted on HelseNorge (S2)? A full number, active there, and consenting to digital contact; as long as what HelseNorge
//! said is not too old (message-formats 6).

use jiff::{SignedDuration, Timestamp};
use messages::command::answer::{Contactability, Contactable};
use messages::command::refusal::{Refusal, Why};
use messages::person_id::TestSeries;
use messages::{PersonId, Sensitive};

/// What HelseNorge said of a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// An active user, or one who can be reached through somebody else.
    pub active: bool,
    /// Consents to digital contact.
    pub consented: bool,
    /// When it was said.
    pub as_of: Timestamp,
    /// Something said since that it holds no longer: TemaKodet 23, or an AppRec with E35 or E54.
    pub is_doubted: bool,
}

/// How the clinic takes what is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caution {
    /// What was said longer ago counts as unknown.
    pub age_limit: SignedDuration,
    /// Whether a dialog is refused when nobody knows.
    pub refuse_unknown: bool,
}

/// What is known now, and why not, if not.
pub fn contactable(status: Option<&Status>, age_limit: SignedDuration, now: Timestamp) -> (Contactable, Option<Why>) {
    let unknown = (Contactable::Unknown, Some(Why::ContactabilityUnknown));
    let Some(status) = status else { return unknown };
    match () {
        () if status.is_doubted || now.duration_since(status.as_of) > age_limit => unknown,
        () if !status.active => (Contactable::No, Some(Why::NotActive)),
        () if !status.consented => (Contactable::No, Some(Why::NotConsented)),
        () => (Contactable::Yes, None),
    }
}

/// Whether HelseNorge shows a patient an appointment, in some version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Showing {
    /// It does not: it was not told, was told to stop, or has turned it down.
    No,
    /// It was told, and may have dropped it since: something has changed about the patient.
    Perhaps,
    /// It does, as far as is known.
    Yes,
}

/// Whether HelseNorge is taken to reach a patient of whom that is unknown. What it said last counts, however old, and so does an appointment
/// that it shows him. What is doubted it has taken back, unless nobody can ask: should it not reach him, it turns the next message down.
pub const fn presumed(status: Option<&Status>, showing: Showing, can_be_asked: bool) -> bool {
    match status {
        Some(status) if status.is_doubted => !can_be_asked && !matches!(showing, Showing::No),
        Some(status) if status.active && status.consented => true,
        _ => matches!(showing, Showing::Yes),
    }
}

/// Whether HelseNorge is to be told how an appointment stands, of which nobody is noticed. What it shows is put right at once; what it does not
/// show yet waits until it has been asked.
pub fn reached(
    status: Option<&Status>,
    showing: Showing,
    can_be_asked: bool,
    age_limit: SignedDuration,
    now: Timestamp,
) -> Contactable {
    match contactable(status, age_limit, now).0 {
        Contactable::Unknown if (showing == Showing::Yes || !can_be_asked) && presumed(status, showing, can_be_asked) => {
            Contactable::Yes
        }
        known => known,
    }
}

/// What an EPJ is told of a patient, whom it names by a number of any kind.
pub fn contactability(
    patient: &Sensitive<String>,
    status: Option<&Status>,
    age_limit: SignedDuration,
    series: &TestSeries,
    now: Timestamp,
) -> Contactability {
    let (contactable, why) = match may_ask(patient.expose(), series) {
        true => contactable(status, age_limit, now),
        false => (Contactable::No, Some(Why::PatientNumber)),
    };
    let as_of = status.filter(|_| contactable != Contactable::Unknown).map(|status| status.as_of);
    Contactability { patient: patient.clone(), contactable, reason: why.map(Refusal::new), as_of }
}

/// Whether HelseNorge can know of somebody by this number.
pub fn may_ask(patient: &str, series: &TestSeries) -> bool {
    PersonId::parse(patient, series).is_ok()
}

/// Whether a dialog may be begun.
///
/// # Errors
/// Why not.
pub fn may_start(status: Option<&Status>, caution: Caution, now: Timestamp) -> Result<(), Why> {
    match contactable(status, caution.age_limit, now) {
        (Contactable::Yes, _) | (_, None) => Ok(()),
        (Contactable::Unknown, _) if !caution.refuse_unknown => Ok(()),
        (Contactable::Unknown | Contactable::No, Some(why)) => Err(why),
    }
}

/// Whether HelseNorge should be asked anew: what it said is missing, doubted, or past half its life.
pub fn wants_asking(status: Option<&Status>, age_limit: SignedDuration, now: Timestamp) -> bool {
    status.is_none_or(|status| status.is_doubted || now.duration_since(status.as_of) * 2 > age_limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    fn status(active: bool, consented: bool) -> Status {
        Status { active, consented, as_of: at(0), is_doubted: false }
    }

    #[test]
    fn only_who_is_active_and_consents_and_was_asked_lately() {
        let good = status(true, true);
        let table = [
            (Some(good), 0, Ok(())),
            (Some(good), 24, Ok(())),
            (Some(good), 25, Err(Why::ContactabilityUnknown)),
            (Some(Status { is_doubted: true, ..good }), 0, Err(Why::ContactabilityUnknown)),
            (Some(status(false, true)), 0, Err(Why::NotActive)),
            (Some(status(true, false)), 0, Err(Why::NotConsented)),
            (Some(status(false, false)), 25, Err(Why::ContactabilityUnknown)),
            (None, 0, Err(Why::ContactabilityUnknown)),
        ];
        for (status, hours, want) in table {
            let strict = Caution { age_limit: DAY, refuse_unknown: true };
            assert_eq!(may_start(status.as_ref(), strict, at(hours)), want, "{status:?} after {hours} h");
            let lenient = Caution { refuse_unknown: false, ..strict };
            let want = if want == Err(Why::ContactabilityUnknown) { Ok(()) } else { want };
            assert_eq!(may_start(status.as_ref(), lenient, at(hours)), want, "{status:?} after {hours} h");
        }
    }

    #[test]
    fn what_is_shown_is_put_right_though_nobody_knows() {
        use Contactable::{No, Unknown, Yes};
        use Showing::Perhaps;
        let shown = |is_shown| if is_shown { Showing::Yes } else { Showing::No };
        let (there, away) = (status(true, true), status(false, false));
        let doubted = Status { is_doubted: true, ..there };
        let table = [
            // What HelseNorge said, hours ago; whether it shows the appointment; whether it can be asked; whether it is told at once.
            (Some(there), 1, shown(false), true, Yes),
            (Some(away), 1, shown(true), true, No),
            (None, 0, shown(false), true, Unknown),
            (None, 0, shown(false), false, Unknown),
            (None, 0, Perhaps, false, Unknown),
            (None, 0, shown(true), true, Yes),
            (None, 0, shown(true), false, Yes),
            (Some(there), 25, shown(false), true, Unknown),
            (Some(there), 25, shown(false), false, Yes),
            (Some(there), 25, shown(true), true, Yes),
            (Some(away), 25, shown(false), false, Unknown),
            (Some(away), 25, Perhaps, false, Unknown),
            (Some(away), 25, shown(true), true, Yes),
            (Some(doubted), 1, shown(true), true, Unknown),
            (Some(doubted), 1, Perhaps, true, Unknown),
            (Some(doubted), 1, shown(true), false, Yes),
            (Some(doubted), 1, Perhaps, false, Yes),
            (Some(doubted), 1, shown(false), false, Unknown),
        ];
        for (status, hours, showing, can_be_asked, want) in table {
            let told = reached(status.as_ref(), showing, can_be_asked, DAY, at(hours));
            assert_eq!(told, want, "{status:?} after {hours} h, shown {showing:?}, can be asked {can_be_asked}");
        }
    }

    #[test]
    fn only_full_numbers_can_be_contacted() {
        let series = TestSeries { plus_80: true, plus_40: false };
        let known = status(true, true);
        let of = |nin: &str, status| {
            let told = contactability(&nin.to_owned().into(), status, DAY, &series, at(1));
            (told.contactable, told.reason.map(|why| why.code), told.as_of)
        };
        assert_eq!(of("15868549960", Some(&known)), (Contactable::Yes, None, Some(at(0))));
        assert_eq!(of("15868549960", None), (Contactable::Unknown, Some("contactability-unknown".to_owned()), None));
        for nin in ["158685", "15868549961", "200612345678", ""] {
            assert_eq!(of(nin, None), (Contactable::No, Some("patient-number".to_owned()), None), "{nin}");
            assert!(!may_ask(nin, &series));
        }
    }

    #[test]
    fn it_is_asked_before_it_is_too_old() {
        let good = status(true, true);
        assert!(!wants_asking(Some(&good), DAY, at(12)));
        assert!(wants_asking(Some(&good), DAY, at(13)));
        assert!(wants_asking(Some(&Status { is_doubted: true, ..good }), DAY, at(0)) && wants_asking(None, DAY, at(0)));
    }
}
