use super::*;
use crate::example::{KARI, LINE, OLE, TROND};
use crate::message::{AVTALEUTSENDING, TIMERESERVASJON};
use NoticeKind::{Booked, Cancelled, Moved, Reminder, TypeChanged};
use messages::wire::icalendar::VIDEO;
use proptest::prelude::*;

fn at(minutes: i64) -> Option<Timestamp> {
    let first: Timestamp = "2027-01-11T07:00:00Z".parse().unwrap();
    Some(first + jiff::SignedDuration::from_mins(minutes))
}

/// One of Line's appointments, twenty minutes with Kari.
fn event(uid: &str, sequence: u32) -> Vevent {
    Vevent {
        uid: Some(uid.to_owned()),
        start: at(0),
        end: at(20),
        contact: Some(KARI.to_string()),
        status: Some(CONFIRMED.to_owned()),
        sequence: Some(sequence),
        ..Vevent::default()
    }
}

fn off(uid: &str, sequence: u32) -> Vevent {
    Vevent { status: Some(CANCELLED.to_owned()), ..event(uid, sequence) }
}

fn message(process: &str, request: Option<&str>, answer: Option<&str>, event: Vevent) -> AboutAppointments {
    AboutAppointments {
        process: process.to_owned(),
        msg_id: uuid::Uuid::new_v4().to_string(),
        answers: None,
        patient: Some(LINE.nin.to_owned()),
        request: request.map(str::to_owned),
        answer: answer.map(str::to_owned),
        subject: None,
        text: None,
        events: vec![event],
        helsepersonell: None,
    }
}

fn pushed(event: Vevent) -> AboutAppointments {
    message(AVTALEUTSENDING, Some("MOA"), None, event)
}

fn answered(code: &str, event: Vevent) -> AboutAppointments {
    message(TIMERESERVASJON, None, Some(code), event)
}

fn reminded(event: Vevent) -> AboutAppointments {
    AboutAppointments { subject: Some("Påminnelse om time".to_owned()), ..pushed(event) }
}

fn picture<'a>(said: impl IntoIterator<Item = &'a AboutAppointments>) -> Picture {
    let mut picture = Picture::default();
    said.into_iter().for_each(|said| picture.take(said));
    picture
}

fn told(picture: &Picture) -> Vec<(u32, NoticeKind)> {
    picture.notices().into_iter().map(|notice| (notice.sequence, notice.kind)).collect()
}

#[test]
fn what_a_patient_is_told() {
    let later = |sequence| Vevent { start: at(60), end: at(80), ..event("a", sequence) };
    let video = |sequence| Vevent { location: Some(VIDEO.to_owned()), ..event("a", sequence) };
    let named = |sequence, name: &str| Vevent { summary: Some(name.to_owned().into()), ..event("a", sequence) };
    let longer = Vevent { end: at(40), ..event("a", 2) };
    let with_ole = Vevent { contact: Some(OLE.to_string()), ..event("a", 2) };
    let booked = || pushed(event("a", 1));
    type Row = (&'static str, Vec<AboutAppointments>, Vec<(u32, NoticeKind)>, bool);
    let table: Vec<Row> = vec![
        ("nothing", vec![], vec![], false),
        ("booked", vec![booked()], vec![(1, Booked)], true),
        ("confirmed", vec![answered("05", event("a", 1))], vec![(1, Booked)], true),
        ("confirmed with another", vec![answered("10", event("a", 1))], vec![(1, Booked)], true),
        ("refused", vec![answered("06", event("a", 1))], vec![], false),
        ("free slots", vec![answered("03", event("a", 1))], vec![], false),
        ("confirmed and pushed", vec![answered("05", event("a", 1)), booked()], vec![(1, Booked)], true),
        ("moved", vec![booked(), pushed(later(2))], vec![(1, Booked), (2, Moved)], true),
        ("moved to another doctor", vec![booked(), pushed(with_ole)], vec![(1, Booked), (2, Moved)], true),
        ("made longer", vec![booked(), pushed(longer)], vec![(1, Booked), (2, Moved)], true),
        ("moved, booking not heard", vec![pushed(later(2))], vec![(2, Booked)], true),
        ("by video", vec![booked(), pushed(video(2))], vec![(1, Booked), (2, TypeChanged)], true),
        ("no more by video", vec![pushed(video(1)), pushed(event("a", 2))], vec![(1, Booked), (2, TypeChanged)], true),
        (
            "of another type",
            vec![pushed(named(1, "Vanlig time")), pushed(named(2, "Langtime"))],
            vec![(1, Booked), (2, TypeChanged)],
            true,
        ),
        ("its type told at last", vec![booked(), pushed(named(2, "Vanlig time"))], vec![(1, Booked)], true),
        ("cancelled", vec![booked(), pushed(off("a", 2))], vec![(1, Booked), (2, Cancelled)], false),
        ("cancellation confirmed", vec![booked(), answered("08", off("a", 2))], vec![(1, Booked), (2, Cancelled)], false),
        (
            "cancellation confirmed without status",
            vec![booked(), answered("08", Vevent { status: None, ..event("a", 2) })],
            vec![(1, Booked), (2, Cancelled)],
            false,
        ),
        ("cancelled, nothing else heard", vec![pushed(off("a", 2))], vec![(2, Cancelled)], false),
        (
            "cancelled twice over",
            vec![booked(), pushed(off("a", 2)), pushed(off("a", 3))],
            vec![(1, Booked), (2, Cancelled)],
            false,
        ),
        (
            "shown again",
            vec![booked(), pushed(off("a", 2)), pushed(later(3))],
            vec![(1, Booked), (2, Cancelled), (3, Booked)],
            true,
        ),
        ("not attended", vec![booked(), answered("11", event("a", 2))], vec![(1, Booked)], true),
        ("reminded", vec![booked(), reminded(event("a", 1))], vec![(1, Booked), (1, Reminder)], true),
        ("reminded alone", vec![reminded(event("a", 1))], vec![(1, Reminder)], false),
        (
            "reminded twice",
            vec![booked(), reminded(event("a", 1)), reminded(event("a", 1))],
            vec![(1, Booked), (1, Reminder), (1, Reminder)],
            true,
        ),
    ];
    for (name, said, want, is_shown) in table {
        let picture = picture(&said);
        assert_eq!(told(&picture), want, "{name}");
        assert_eq!(picture.shown(LINE.nin).len(), usize::from(is_shown), "{name}");
        assert_eq!(picture.faults(), [""; 0], "{name}");
    }
}

#[test]
fn what_is_shown_is_the_newest_and_the_patients_own() {
    let newest = Vevent { start: at(60), end: at(80), location: Some(VIDEO.to_owned()), ..event("a", 3) };
    let of_trond = AboutAppointments { patient: Some(TROND.nin.to_owned()), ..pushed(event("b", 1)) };
    let picture = picture(&[pushed(newest), of_trond, pushed(event("a", 1)), pushed(off("a", 2))]);
    let line = Shown { uid: "a".to_owned(), start: at(60).unwrap(), end: at(80).unwrap(), doctor: KARI, is_video: true };
    assert_eq!(picture.shown(LINE.nin), [line].into());
    let trond = Shown { uid: "b".to_owned(), start: at(0).unwrap(), end: at(20).unwrap(), doctor: KARI, is_video: false };
    assert_eq!(picture.shown(TROND.nin), [trond].into());
}

#[test]
fn a_message_that_comes_twice_counts_once() {
    let reminder = reminded(event("a", 1));
    let wrong = pushed(Vevent { uid: None, ..event("a", 1) });
    let picture = picture([&reminder, &reminder, &wrong, &wrong]);
    assert_eq!(told(&picture), [(1, Reminder)]);
    assert_eq!(picture.faults(), [format!("{}: the vevent has no uid", wrong.msg_id)]);
}

#[test]
fn what_nothing_can_be_made_of_is_a_fault() {
    let without = |change: fn(&mut Vevent)| {
        let mut event = event("a", 1);
        change(&mut event);
        pushed(event)
    };
    let two = AboutAppointments { events: vec![event("a", 1), event("b", 1)], ..pushed(event("a", 1)) };
    for (said, want) in [
        (two, "there is not exactly one vevent"),
        (without(|e| e.sequence = None), "the vevent has no sequence"),
        (without(|e| e.start = None), "the vevent has no dtstart"),
        (without(|e| e.end = None), "the vevent has no dtend"),
        (without(|e| e.contact = None), "the vevent has no doctor"),
        (without(|e| e.status = Some("TENTATIVE".to_owned())), "the vevent has an unknown status"),
        (AboutAppointments { patient: None, ..pushed(event("a", 1)) }, "there is no patient"),
    ] {
        let picture = picture([&said]);
        assert_eq!(picture.faults(), [format!("{}: {want}", said.msg_id)]);
        assert!(picture.shown(LINE.nin).is_empty() && picture.notices().is_empty(), "{want}");
    }
    let later = Vevent { start: at(60), ..event("a", 1) };
    assert_eq!(picture(&[pushed(event("a", 1)), pushed(later)]).faults(), ["a: version 1 is told in two ways"]);
}

/// Any version of one of three appointments: at one of three times, with one of two doctors, by video or not, or off.
fn any_event() -> impl Strategy<Value = Vevent> {
    (0..3_u8, 1..6_u32, 0..3_i64, any::<bool>(), any::<bool>(), 0..4_u8).prop_map(|(uid, sequence, hour, ole, video, off)| {
        Vevent {
            start: at(hour * 60),
            end: at(hour * 60 + 20),
            contact: Some(if ole { OLE } else { KARI }.to_string()),
            location: video.then(|| VIDEO.to_owned()),
            status: Some(if off == 0 { CANCELLED } else { CONFIRMED }.to_owned()),
            ..event(&format!("uid-{uid}"), sequence)
        }
    })
}

fn any_message() -> impl Strategy<Value = AboutAppointments> {
    (any_event(), 0..8_u8, any::<bool>()).prop_map(|(event, form, trond)| {
        let said = match form {
            0 => answered("05", event),
            1 => answered("08", event),
            2 => answered("11", event),
            3 => answered("06", event),
            4 => reminded(event),
            _ => pushed(event),
        };
        AboutAppointments { patient: Some(if trond { TROND.nin } else { LINE.nin }.to_owned()), ..said }
    })
}

proptest! {
    /// Even where versions contradict each other, the order in which they come decides nothing.
    #[test]
    fn the_order_of_deliveries_does_not_matter(
        (said, shuffled) in proptest::collection::vec(any_message(), 0..25)
            .prop_flat_map(|said| (Just(said.clone()), Just(said).prop_shuffle())),
    ) {
        let (one, other) = (picture(&said), picture(shuffled.iter().chain(&said)));
        for patient in [LINE.nin, TROND.nin] {
            prop_assert_eq!(one.shown(patient), other.shown(patient));
        }
        prop_assert_eq!(one.notices(), other.notices());
        prop_assert_eq!(one.faults(), other.faults());
    }

    /// The highest sequence alone decides what is shown, and every notice is of a version or a reminder that was heard.
    #[test]
    fn the_highest_sequence_holds(events in proptest::collection::vec(any_event(), 0..25)) {
        let mut newest: BTreeMap<(String, u32), Vevent> = BTreeMap::new();
        for event in events {
            newest.entry((event.uid.clone().unwrap(), event.sequence.unwrap())).or_insert(event);
        }
        let picture = picture(newest.values().cloned().map(pushed).collect::<Vec<_>>().iter().rev());
        for uid in ["uid-0", "uid-1", "uid-2"] {
            let last = newest.iter().filter(|((of, _), _)| of == uid).map(|(_, event)| event).next_back();
            let shown: Vec<Shown> = picture.shown(LINE.nin).into_iter().filter(|shown| shown.uid == uid).collect();
            match last.filter(|event| !event.is_cancelled()) {
                None => prop_assert!(shown.is_empty()),
                Some(event) => {
                    prop_assert_eq!(shown.len(), 1);
                    prop_assert_eq!((Some(shown[0].start), Some(shown[0].end)), (event.start, event.end));
                    prop_assert_eq!((Some(shown[0].doctor.to_string()), shown[0].is_video), (event.contact.clone(), event.is_video()));
                }
            }
        }
        for notice in picture.notices() {
            prop_assert!(newest.contains_key(&(notice.uid, notice.sequence)));
        }
        prop_assert_eq!(picture.faults(), Vec::<String>::new());
    }
}
