//! N2–N4, S4, T6: over which channel a notice goes, row by row.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use domain::command::contact::{Showing, Status};
use domain::notice::channel::{Addressee, Addresses, Appointment, Asking, Before, Outcome, Reason, of_appointment, of_message};
use domain::notice::{Channel, Kind, Language};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn now() -> Timestamp {
    "2027-01-09T12:00:00+01:00".parse().unwrap()
}

fn hours(n: i64) -> SignedDuration {
    SignedDuration::from_hours(n)
}

fn trond() -> Addressee {
    Addressee {
        clinic: 8_141_333.try_into().unwrap(),
        patient: Uuid::from_u128(1),
        clinic_notifies: true,
        channels: vec![Channel::Sms, Channel::Email, Channel::Push],
        language: Language::Nb,
        addresses: Addresses {
            phone: Some("+4799900002".to_owned().into()),
            email: Some("trond@example.test".to_owned().into()),
            push: Some("token".to_owned().into()),
        },
    }
}

/// In 36 hours, of one who is not on HelseNorge.
fn appointment() -> Appointment {
    Appointment {
        to: trond(),
        nin: "47819030045".to_owned().into(),
        status: status(false, false, 0, false),
        showing: Showing::No,
        starts_at: now() + hours(36),
        is_hidden: false,
        is_superseded: false,
        is_announced: false,
        is_reminded: false,
        timebok_notifies: true,
        type_notifies: true,
        before: Before::New,
    }
}

fn status(active: bool, consented: bool, hours_ago: i64, is_doubted: bool) -> Option<Status> {
    Some(Status { active, consented, as_of: now() - hours(hours_ago), is_doubted })
}

const ASKING: Asking = Asking { can_be_asked: true, age_limit: DAY };

/// As of one who is active on HelseNorge and consents.
fn there(about: &Appointment) -> Appointment {
    Appointment { status: status(true, true, 0, false), ..about.clone() }
}

fn told(outcome: Option<Outcome>) -> String {
    match outcome {
        None => "nothing".into(),
        Some(Outcome::HelseNorge) => "helsenorge".into(),
        Some(Outcome::Own { channel, .. }) => channel.as_str().into(),
        Some(Outcome::None(reason)) => reason.code().into(),
        Some(Outcome::Wait(until)) => format!("wait {} s", until.duration_since(now()).as_secs()),
    }
}

#[test]
fn who_is_on_helsenorge_is_noticed_there_and_only_there() {
    // What HelseNorge said, whether it can be asked, for how long the notice has waited: what becomes of it.
    let minutes = SignedDuration::from_mins;
    let table = [
        (status(true, true, 0, false), true, None, "helsenorge"),
        (status(true, true, 24, false), true, None, "helsenorge"),
        (status(true, false, 0, false), true, None, "sms"),
        (status(false, true, 0, false), true, None, "sms"),
        (status(false, false, 23, false), true, None, "sms"),
        (None, true, None, "wait 10 s"),
        (status(true, true, 25, false), true, None, "wait 10 s"),
        (status(false, false, 25, false), true, None, "wait 10 s"),
        (status(true, true, 0, true), true, None, "wait 10 s"),
        (None, true, Some(minutes(2)), "wait 120 s"),
        (None, true, Some(minutes(10)), "wait 300 s"),
        // A quarter of an hour later what it said last counts, however old.
        (None, true, Some(minutes(15)), "sms"),
        (status(true, true, 25 * 365, false), true, Some(minutes(15)), "helsenorge"),
        (status(false, true, 25, false), true, Some(minutes(15)), "sms"),
        (status(true, true, 0, true), true, Some(minutes(15)), "sms"),
        // Where it cannot be asked nothing is waited for.
        (None, false, None, "sms"),
        (status(true, true, 25, false), false, None, "helsenorge"),
    ];
    for (status, can_be_asked, waited, want) in table {
        let before = waited.map_or(Before::New, |waited| Before::WaitsSince(now() - waited));
        for kind in [Kind::Booked, Kind::Moved, Kind::Cancelled, Kind::Reminder] {
            let about = Appointment { before, status, ..appointment() };
            let outcome = of_appointment(kind, &about, Asking { can_be_asked, age_limit: DAY }, now());
            assert_eq!(told(outcome), want, "{kind:?} {status:?} {waited:?}");
        }
    }
}

/// What HelseNorge shows is evidence that it reaches the patient, unless it has taken that back and can be asked.
#[test]
fn whom_helsenorge_shows_an_appointment_is_noticed_there_in_the_end() {
    let waited = Some(SignedDuration::from_mins(15));
    let table = [
        (None, true, None, "wait 10 s"),
        (None, true, waited, "helsenorge"),
        (None, false, None, "helsenorge"),
        (status(false, false, 25, false), true, waited, "helsenorge"),
        (status(false, false, 0, false), true, None, "sms"),
        (status(true, true, 0, true), true, waited, "sms"),
        (status(true, true, 0, true), false, None, "helsenorge"),
    ];
    for (status, can_be_asked, waited, want) in table {
        let before = waited.map_or(Before::New, |waited| Before::WaitsSince(now() - waited));
        let about = Appointment { before, status, showing: Showing::Yes, ..appointment() };
        let outcome = of_appointment(Kind::Moved, &about, Asking { can_be_asked, age_limit: DAY }, now());
        assert_eq!(told(outcome), want, "{status:?} {can_be_asked} {waited:?}");
    }
}

/// A reminder waits for HelseNorge no longer than it may be given.
#[test]
fn a_reminder_is_given_before_it_is_too_late() {
    let of = |waited: i64, left: i64| {
        let starts_at = now() + hours(24) + SignedDuration::from_mins(left);
        let before = Before::WaitsSince(now() - SignedDuration::from_mins(waited));
        told(of_appointment(Kind::Reminder, &Appointment { before, status: None, starts_at, ..appointment() }, ASKING, now()))
    };
    assert_eq!(of(4, 60), "wait 240 s");
    assert_eq!(of(4, 6), "wait 60 s", "there is time left to send it then");
    assert_eq!(of(5, 5), "sms");
    assert_eq!(of(0, 4), "sms", "there is no time to wait");
}

/// N4: a booking is told once for each start, in whatever order its versions are looked at.
#[test]
fn a_start_that_is_announced_is_no_news() {
    let about = Appointment { is_announced: true, ..appointment() };
    assert_eq!(told(of_appointment(Kind::Booked, &about, ASKING, now())), "superseded");
    for kind in [Kind::Moved, Kind::Cancelled, Kind::Reminder] {
        assert_eq!(told(of_appointment(kind, &about, ASKING, now())), "sms", "{kind:?}");
    }
}

#[test]
fn others_only_when_clinic_timebok_and_type_are_on() {
    for n in 0u8..8 {
        let on = |bit: u8| n & bit != 0;
        let about = Appointment {
            to: Addressee { clinic_notifies: on(1), ..trond() },
            timebok_notifies: on(2),
            type_notifies: on(4),
            ..appointment()
        };
        let want = match n {
            7 => "sms",
            n if n & 1 == 0 => "clinic-off",
            n if n & 2 == 0 => "timebok-off",
            _ => "type-off",
        };
        assert_eq!(told(of_appointment(Kind::Booked, &about, ASKING, now())), want, "{n:03b}");
        let outcome = of_appointment(Kind::Booked, &there(&about), ASKING, now());
        assert_eq!(told(outcome), "helsenorge", "{n:03b}: HelseNorge is not ours");
    }
}

#[test]
fn the_first_channel_of_the_clinic_that_the_patient_has() {
    use Channel::{Email, Push, Sms};
    let none = Addresses::default;
    let all = || trond().addresses;
    let phone = || Addresses { phone: all().phone, ..none() };
    let email = || Addresses { email: all().email, ..none() };
    let push = || Addresses { push: all().push, ..none() };
    let table: [(Vec<Channel>, Addresses, &str); 9] = [
        (vec![Sms, Email, Push], all(), "sms"),
        (vec![Push, Sms], all(), "push"),
        (vec![Email], all(), "email"),
        (vec![Sms, Email, Push], email(), "email"),
        (vec![Sms, Email, Push], push(), "push"),
        (vec![Sms, Email, Push], none(), "no-address"),
        (vec![Sms], email(), "no-address"),
        (vec![], all(), "no-address"),
        (vec![Email, Sms], phone(), "sms"),
    ];
    for (channels, addresses, want) in table {
        let to = Addressee { channels: channels.clone(), addresses, ..trond() };
        assert_eq!(told(Some(of_message(&to, now()))), want, "{channels:?}");
        let about = Appointment { to, ..appointment() };
        assert_eq!(told(of_appointment(Kind::Booked, &about, ASKING, now())), want, "{channels:?}");
    }
}

#[test]
fn what_is_noticed_to_nobody() {
    let start = |hours| now() + SignedDuration::from_hours(hours);
    let base = appointment;
    let table = [
        (Kind::Booked, Appointment { is_superseded: true, ..base() }, "superseded"),
        (Kind::Reminder, Appointment { is_superseded: true, starts_at: start(1), ..base() }, "superseded"),
        (Kind::Moved, Appointment { is_hidden: true, ..base() }, "hidden"),
        (Kind::Cancelled, Appointment { starts_at: start(0), ..base() }, "past"),
        (Kind::Cancelled, Appointment { starts_at: start(1), ..base() }, "sms"),
        (Kind::Booked, Appointment { starts_at: start(1), ..base() }, "sms"),
        (Kind::Reminder, Appointment { starts_at: start(23), ..base() }, "reminder-late"),
        (Kind::Reminder, Appointment { starts_at: start(24), ..base() }, "sms"),
        (Kind::Reminder, Appointment { starts_at: start(-1), ..base() }, "past"),
        (Kind::Reminder, Appointment { is_reminded: true, ..base() }, "reminded-before"),
        (Kind::Booked, Appointment { is_reminded: true, ..base() }, "sms"),
        (Kind::Booked, Appointment { before: Before::Decided, ..base() }, "nothing"),
    ];
    for (kind, about, want) in table {
        assert_eq!(told(of_appointment(kind, &about, ASKING, now())), want, "{kind:?} {about:?}");
        let want = if want == "sms" { "helsenorge" } else { want };
        assert_eq!(told(of_appointment(kind, &there(&about), ASKING, now())), want, "{kind:?} {about:?} on HelseNorge");
    }
}

#[test]
fn a_message_needs_the_clinic_alone() {
    assert_eq!(told(Some(of_message(&trond(), now()))), "sms");
    let off = Addressee { clinic_notifies: false, ..trond() };
    assert_eq!(of_message(&off, now()), Outcome::None(Reason::ClinicOff));
}

#[test]
fn when_it_is_too_late() {
    let expires = |kind, hours_ahead| {
        let about = Appointment { starts_at: now() + hours(hours_ahead), ..appointment() };
        match of_appointment(kind, &about, ASKING, now()) {
            Some(Outcome::Own { expires_at, .. }) => expires_at.duration_since(now()).as_hours(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(expires(Kind::Reminder, 36), 12, "its window");
    assert_eq!(expires(Kind::Booked, 36), 24);
    assert_eq!(expires(Kind::Booked, 5), 5, "nobody is told of it once it has begun");
    match of_message(&trond(), now()) {
        Outcome::Own { expires_at, .. } => assert_eq!(expires_at, now() + hours(24)),
        other => panic!("{other:?}"),
    }
}
