//! Reading what is said about appointments, and what real senders may do to it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "common/fixtures.rs"]
mod fixtures;

use fixtures::{fixture, msg_head, read_ok};
use jiff::civil::date;
use messages::wire::dialogmelding::Foresporsel;
use messages::wire::hodemelding::{Code, Content, MsgHead, her_id_of};
use messages::wire::icalendar::Vevent;
use messages::wire::{Read, namespaces};

fn request(head: &MsgHead) -> &Foresporsel {
    match &head.documents[0].content {
        Content::Dialogmelding(dialog) => &dialog.foresporsel[0],
        other => panic!("{other:?}"),
    }
}

fn events(content: &Content) -> &[Vevent] {
    let Content::Calendar(events) = content else { panic!("{content:?}") };
    events
}

/// A fixture after one change.
fn changed(name: &str, from: &str, to: &str) -> Read {
    let text = String::from_utf8(fixture(name)).unwrap();
    assert!(text.contains(from), "{from}");
    read_ok(text.replacen(from, to, 1).as_bytes())
}

fn head(read: Read) -> MsgHead {
    match read.incoming {
        messages::wire::Incoming::MsgHead(head) => *head,
        other => panic!("{other:?}"),
    }
}

fn utc(event: &Vevent) -> (String, String) {
    (event.start.unwrap().to_string(), event.end.unwrap().to_string())
}

#[test]
fn free_slots_are_asked_for() {
    let bytes = fixture("hent-ledige-timer.xml");
    assert!(read_ok(&bytes).deviations.is_empty());
    let head = msg_head(&bytes);
    assert!(head.msg_type.as_ref().unwrap().is("DIALOG_INNBYGGER_TIMERESERVASJON") && head.ack.as_ref().unwrap().is("N"));
    assert_eq!(head.receiver.as_ref().unwrap().level_2_her_id(), Some("8141334"));
    assert_eq!(request(&head).type_foresp, Some(Code::in_system("HLT", "Hent ledige timer", "2.16.578.1.12.4.1.1.7601")));
    assert_eq!((request(&head).fra_dato, request(&head).til_dato), (Some(date(2027, 1, 11)), Some(date(2027, 2, 8))));
    for unreadable in ["2027-2-8", "08.02.2027", "2027-02-30", "2027-02-08T00:00:00"] {
        let read = changed("hent-ledige-timer.xml", "2027-02-08", unreadable);
        assert_eq!(read.deviations, ["value-unreadable"], "{unreadable}");
        assert_eq!(request(&self::head(read)).til_dato, None, "{unreadable}");
    }
    let read = changed("hent-ledige-timer.xml", "2027-02-08", " ");
    assert!(read.deviations.is_empty() && request(&self::head(read)).til_dato.is_none());
}

/// Other prefixes, properties in another order, times with and without zone, and a component that is no event.
#[test]
fn free_slots() {
    let bytes = fixture("ledige-timer.xml");
    assert!(read_ok(&bytes).deviations.is_empty());
    let head = msg_head(&bytes);
    let Content::Dialogmelding(dialog) = &head.documents[0].content else { panic!("no dialog") };
    assert!(dialog.notat[0].tema_kodet.as_ref().unwrap().is("03"));
    let [first, second] = events(&head.documents[1].content) else { panic!("two events") };
    let plain = Vevent {
        uid: Some("3b0c9a4e-55f1-4d0a-8e2b-90d2f7a1c601".to_owned()),
        start: "2027-01-11T07:00:00Z".parse().ok(),
        end: "2027-01-11T07:20:00Z".parse().ok(),
        contact: Some("8141334".to_owned()),
        ..Vevent::default()
    };
    assert_eq!(first, &plain);
    assert_eq!(utc(second), ("2027-01-11T07:20:00Z".to_owned(), "2027-01-11T07:40:00Z".to_owned()));
    assert_eq!((second.contact.as_deref(), second.service_type.as_deref()), (Some("8141337"), Some("9505:E")));
    assert_eq!((first.is_video(), second.is_video()), (false, true));
}

#[test]
fn another_doctor_in_either_generation() {
    let of_2014 = ("helsepersonell/2015-05-04", "helsepersonell/2014-03-28");
    let own_children = ("felleskomponent1", "helsepersonell/2015-05-04");
    for (from, to) in [("Vegard", "Vegard"), of_2014, own_children] {
        let read = changed("ledige-timer.xml", from, to);
        assert!(read.deviations.is_empty(), "{to}: {:?}", read.deviations);
        let Content::Helsepersonell(doctor) = head(read).documents.swap_remove(2).content else { panic!("{to}") };
        assert_eq!(her_id_of(&doctor.idents), Some("8141337"), "{to}");
        assert_eq!(doctor.given_name.unwrap().expose(), "Vegard", "{to}");
        assert!(doctor.role_to_patient.unwrap().is("15"), "{to}");
    }
}

#[test]
fn a_reservation_for_a_child() {
    let head = msg_head(&fixture("reserver-avtale-barn.xml"));
    assert!(request(&head).type_foresp.as_ref().unwrap().is("RT"));
    assert!(request(&head).sporsmal.as_ref().unwrap().expose().starts_with("Mia har hatt feber"));
    assert_eq!(head.patient.as_ref().unwrap().national_id().unwrap().expose(), "17912099997");
    assert_eq!(events(&head.documents[1].content)[0].uid.as_deref(), Some("3b0c9a4e-55f1-4d0a-8e2b-90d2f7a1c601"));
    let Content::Pasientrelasjon(relation) = &head.documents[2].content else { panic!("no relation") };
    assert_eq!(relation.person.national_id().unwrap().expose(), "15868549960");
}

#[test]
fn a_cancellation_and_a_wish() {
    let head = msg_head(&fixture("avbestill-avtale.xml"));
    assert!(head.msg_type.as_ref().unwrap().is("DIALOG_INNBYGGER_AVTALEAVBESTILLING"));
    let event = &events(&head.documents[1].content)[0];
    assert_eq!((event.status.as_deref(), event.sequence, event.is_cancelled()), (Some("CONFIRMED"), Some(1), false));
    let head = msg_head(&fixture("timeonske.xml"));
    assert!(request(&head).type_foresp.as_ref().unwrap().is("OET"));
    let event = &events(&head.documents[1].content)[0];
    assert_eq!(utc(event), ("2027-01-11T07:20:00Z".to_owned(), "2027-01-11T07:40:00Z".to_owned()));
    assert_eq!(event.description.as_ref().unwrap().expose(), "Oppfølging av kneet");
}

#[test]
fn what_strays_is_told_and_forgiven() {
    let (uid, start) = ("<uid><text>3b0c9a4e-55f1-4d0a-8e2b-90d2f7a1c601</text></uid>", "2027-01-11T07:00:00Z");
    let sequence = "<sequence><integer>1</integer></sequence>";
    for (from, to, deviation) in [
        (start, "2027-01-11", "value-unreadable"),
        (start, "i morgen", "value-unreadable"),
        ("<date-time>2027-01-11T07:00:00Z</date-time>", "<date>2027-01-11</date>", "value-unreadable"),
        (sequence, "<sequence><integer>-1</integer></sequence>", "value-unreadable"),
        (sequence, "<sequence><integer>4294967296</integer></sequence>", "value-unreadable"),
        (sequence, "<sequence><text>1</text></sequence>", "value-unreadable"),
        (uid, &format!("{uid}<uid><text>en-annen</text></uid>"), "element-repeated"),
        (uid, &format!("{uid}<uid xmlns='urn:x'><text>en-annen</text></uid>"), ""),
        (uid, &format!("{uid}<attendee><cal-address>mailto:a@b</cal-address></attendee>"), ""),
        (uid, &uid.replace("<uid>", "<uid lang='nb'>"), "attribute-unknown"),
        (uid, &uid.replace("<text>", "<text>3b0c9a4e-55f1-4d0a-8e2b-90d2f7a1c601</text><text>"), "element-repeated"),
    ] {
        let read = changed("avbestill-avtale.xml", from, to);
        let want: &[&str] = if deviation.is_empty() { &[] } else { &[deviation] };
        assert_eq!(read.deviations, want, "{to}");
        let event = &events(&head(read).documents[1].content)[0].clone();
        assert_eq!(event.uid.as_deref(), Some("3b0c9a4e-55f1-4d0a-8e2b-90d2f7a1c601"), "{to}");
        assert_eq!(
            (event.start.is_none(), event.sequence.is_none()),
            match from {
                _ if from == sequence => (false, true),
                _ if from == uid => (false, false),
                _ => (true, false),
            },
            "{to}"
        );
    }
}

/// An offset is not of the schema, and says which instant is meant all the same.
#[test]
fn times_in_any_zone() {
    for (text, want) in [
        ("2027-01-11T08:00:00+01:00", "2027-01-11T07:00:00Z"),
        ("2027-07-11T08:00:00", "2027-07-11T06:00:00Z"),
        ("2027-10-31T02:30:00", "2027-10-31T00:30:00Z"),
        ("2027-01-11T07:00:00.25Z", "2027-01-11T07:00:00.25Z"),
    ] {
        let head = head(changed("avbestill-avtale.xml", "2027-01-11T07:00:00Z", text));
        assert_eq!(events(&head.documents[1].content)[0].start.unwrap().to_string(), want, "{text}");
    }
}

#[test]
fn more_events_than_may_be_are_told() {
    let event = "<vevent><properties><uid><text>a</text></uid></properties></vevent>";
    let calendar = |events: usize| format!("<vcalendar><components>{}</components></vcalendar>", event.repeat(events));
    for (calendars, deviations) in [([400, 600], &[][..]), ([400, 601], &["events-too-many"]), ([1001, 0], &["events-too-many"])]
    {
        let xml = format!(
            "<MsgHead xmlns='{}'><Document><RefDoc><Content><icalendar xmlns='{}'>{}{}</icalendar></Content></RefDoc></Document></MsgHead>",
            namespaces::MSGHEAD,
            namespaces::ICALENDAR,
            calendar(calendars[0]),
            calendar(calendars[1]),
        );
        assert_eq!(read_ok(xml.as_bytes()).deviations, deviations, "{calendars:?}");
        assert_eq!(events(&msg_head(xml.as_bytes()).documents[0].content).len(), 1000, "{calendars:?}");
    }
    let empty = format!(
        "<MsgHead xmlns='{}'><Document><RefDoc><Content><icalendar xmlns='{}'/></Content></RefDoc></Document></MsgHead>",
        namespaces::MSGHEAD,
        namespaces::ICALENDAR
    );
    assert!(events(&msg_head(empty.as_bytes()).documents[0].content).is_empty());
}
