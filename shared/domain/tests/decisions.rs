//! Every decision on an arrival, as a pure table: no server, no clock. `tests/e2e` shows the same on real ones.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use domain::acceptance::{Decision, Facts, Thread, decide};
use domain::arrival::{Arrival, Payload, Unopened};
use domain::clinic::{Clinic, Employee};
use domain::sync::Asked;
use domain::transport::{ErrorMessage, Lane};
use messages::Fault;
use messages::event::DialogKind;
use messages::person_id::TestSeries;
use messages::transport::Properties;
use messages::wire::{Incoming, Limits, read};
use std::sync::Arc;
use uuid::Uuid;

const EKONTAKT: &str = include_str!("../../../tests/fixtures/wire/ekontakt.xml");
const WISH: &str = include_str!("../../../tests/fixtures/wire/timeonske.xml");
const SVAR: &str = include_str!("../../../tests/fixtures/wire/svar.xml");
const APPREC: &str = include_str!("../../../tests/fixtures/wire/apprec-1.1-avvist.xml");
const SERIES: TestSeries = TestSeries { plus_80: true, plus_40: true };

/// Ten seconds after the message was sent.
const NOW: &str = "2026-07-02T12:31:27Z";

fn arrival(xml: &str) -> Arrival {
    let payload = match read(xml.as_bytes(), &Limits::default()) {
        Ok(read) => Payload::Read(Box::new(read)),
        Err(error) => Payload::Unreadable(error),
    };
    let mut properties = Properties { content_type: Some("text/plain".into()), ..Properties::default() };
    // What is no MsgHead tells no function; real senders put it in the subject.
    properties.subject = Some("DIALOG_INNBYGGER_EKONTAKT".into());
    for (key, value) in [("fromHerId", "8093244"), ("toHerId", "8141333"), ("applicationTimeStamp", "2026-07-02T12:31:17Z")] {
        properties.application.insert(key.into(), value.into());
    }
    Arrival { lane: Lane::Async, properties, payload, received_at: NOW.parse().unwrap() }
}

fn clinic() -> Clinic {
    let kari =
        Employee { her_id: Some(8_141_334.try_into().unwrap()), services: vec!["EKONTAKT".into(), "EKONSULTASJON".into()] };
    Clinic {
        her_id: 8_141_333.try_into().unwrap(),
        nhn_member: true,
        digital_dialog_ordered: true,
        employees: [("kari".to_owned(), kari)].into(),
        sets: [].into(),
        command_users: [].into(),
        booking: Default::default(),
        routing: [].into(),
    }
}

fn facts() -> Facts {
    Facts {
        sender_known: true,
        clinic: Some(Arc::new(clinic())),
        patient: Some(Uuid::nil()),
        fastlege: Some("kari".into()),
        ..Facts::default()
    }
}

/// What was decided, in a word or two.
fn decided(arrival: &Arrival, facts: &Facts) -> String {
    match decide(arrival, facts, &SERIES, NOW.parse().unwrap()) {
        Decision::Accept(accepted) => format!("accept {}", accepted.kind.as_str()),
        Decision::Note(note) => format!("note {:?}", note.noted),
        Decision::Book(booking) => format!("book {:?}", booking.request.wanted),
        Decision::Reject(reject) => format!("reject {} {}", reject.1.code, reject.1.error.v.unwrap()),
        Decision::Refuse(code, error) => format!("refuse {code} {}", error.condition),
        Decision::Repeat(_) => "repeat".into(),
        Decision::FileReceipt(_) => "file receipt".into(),
        Decision::FileError => "file error".into(),
        Decision::Reply(reply) => format!("reply to {}", reply.1.queue),
        Decision::Expired => "expired".into(),
        Decision::FileReply(heard) => format!("reply {heard:?}"),
        Decision::Later(fault) => format!("later {}", fault.code),
        Decision::Dead(fault) => format!("dead {}", fault.code),
    }
}

fn replaced(from: &str, to: &str) -> Arrival {
    assert!(EKONTAKT.contains(from), "{from}");
    arrival(&EKONTAKT.replace(from, to))
}

#[test]
fn the_message_decides() {
    let ekonsultasjon = replaced("DIALOG_INNBYGGER_EKONTAKT", "dialog_innbygger_ekonsultasjon");
    let protected = Arrival { payload: Payload::Closed, ..arrival(EKONTAKT) };
    let on_error_queue = Arrival { lane: Lane::Error, ..arrival("") };
    let table = [
        (arrival(EKONTAKT), "accept EKONTAKT"),
        (ekonsultasjon, "accept EKONSULTASJON"),
        (replaced("15868549960", "15868549961"), "reject patient-number-wrong E31"),
        (replaced("15868549960", ""), "reject patient-number-missing E30"),
        (replaced("5b1d3a52-6f0e", "ikke-uuid"), "reject message-id-invalid E10"),
        (replaced("DIALOG_INNBYGGER_EKONTAKT", "DIALOG_INNBYGGER_RESEPTFORNYELSE"), "reject service-not-offered X99"),
        (replaced("DIALOG_INNBYGGER_EKONTAKT", "DIALOG_HELSEFAGLIG"), "reject type-unsupported T10"),
        (replaced("dialog/2013-01-23", "dialog/2015-05-04"), "reject document-not-a-dialog T10"),
        (replaced("8093244", "8093245"), "refuse sender-her-id-mismatch abuse:spoofing-attack"),
        (replaced("8141333", "8141334"), "refuse receiver-her-id-mismatch transport:invalid-field-value"),
        (arrival(""), "refuse xml-empty transport:not-well-formed-xml"),
        (arrival("<x/>"), "refuse root-unknown transport:unsupported-message"),
        (protected, "refuse content-protected transport:unsupported-message"),
        (on_error_queue, "file error"),
    ];
    for (arrival, want) in table {
        assert_eq!(decided(&arrival, &facts()), want);
    }
}

/// A wish is a dialog of whoever lets patients book; the time that it may name is passed over.
#[test]
fn a_wish_belongs_to_booking() {
    let booking = || {
        let mut clinic = clinic();
        clinic.employees.values_mut().for_each(|e| e.services = vec!["TIMERESERVASJON".into()]);
        Facts { clinic: Some(Arc::new(clinic)), ..facts() }
    };
    assert_eq!(decided(&arrival(WISH), &facts()), "reject service-not-offered X99");
    assert_eq!(decided(&arrival(WISH), &booking()), "accept TIMEONSKE");
    let Decision::Accept(accepted) = decide(&arrival(WISH), &booking(), &SERIES, NOW.parse().unwrap()) else { panic!("a wish") };
    assert_eq!(accepted.entry.code.as_deref(), Some("OET"));
    assert_eq!(accepted.entry.text.expose(), "Kan timen flyttes til uken etter?");
    let (start, end) = (WISH.find("<vevent>").unwrap(), WISH.find("</components>").unwrap());
    let many = format!("{}{}{}", &WISH[..start], WISH[start..end].repeat(1001), &WISH[end..]);
    assert_eq!(decided(&arrival(&many), &booking()), "reject events-too-many T99");
}

#[test]
fn the_facts_decide() {
    let lacking = |change: fn(&mut Clinic)| {
        let mut clinic = clinic();
        change(&mut clinic);
        Facts { clinic: Some(Arc::new(clinic)), ..facts() }
    };
    let table = [
        (Facts { sender_known: false, ..facts() }, "dead sender-unknown"),
        (Facts { clinic: None, ..facts() }, "reject receiver-unknown E21"),
        (Facts { patient: None, ..facts() }, "reject patient-unknown E35"),
        (Facts { earlier: Some(Uuid::nil()), ..facts() }, "repeat"),
        (lacking(|c| c.nhn_member = false), "reject clinic-not-ready E21"),
        (lacking(|c| c.digital_dialog_ordered = false), "reject clinic-not-ready E21"),
        (lacking(|c| c.employees.values_mut().for_each(|e| e.services.clear())), "reject clinic-not-ready E21"),
        (lacking(|c| c.employees.values_mut().for_each(|e| e.her_id = None)), "reject clinic-not-ready E21"),
    ];
    for (facts, want) in table {
        assert_eq!(decided(&arrival(EKONTAKT), &facts), want);
    }
}

#[test]
fn a_receipt_is_filed_and_never_answered() {
    let mut arrival = arrival(APPREC);
    let keys = arrival.keys(&SERIES);
    assert_eq!(keys.sent.len(), 1, "it names what it is about");
    let (from, to) = {
        let Payload::Read(read) = &arrival.payload else { panic!("unreadable") };
        let Incoming::AppRec(apprec) = &read.incoming else { panic!("no AppRec") };
        (apprec.sender_her_id.clone().unwrap(), apprec.receiver_her_id.clone().unwrap())
    };
    arrival.properties.application.insert("fromHerId".into(), from);
    arrival.properties.application.insert("toHerId".into(), to);
    assert_eq!(decided(&arrival, &facts()), "file receipt");
    arrival.properties.application.insert("fromHerId".into(), "8000009".into());
    assert_eq!(decided(&arrival, &facts()), "refuse sender-her-id-mismatch abuse:spoofing-attack");
}

fn thread(xml: &str, facts: &Facts) -> Thread {
    match decide(&arrival(xml), facts, &SERIES, NOW.parse().unwrap()) {
        Decision::Accept(accepted) => accepted.thread,
        other => panic!("{other:?}"),
    }
}

#[test]
fn threads() {
    let (known, newest) = (Uuid::from_u128(1), Uuid::from_u128(2));
    // The answer of the fixture goes the other way; here a citizen answers in the same shape.
    let (before, rest) = EKONTAKT.split_once("<GenDate>").unwrap();
    let (date, rest) = rest.split_once("<Sender>").unwrap();
    let reference = "<ConversationRef><RefToParent>a</RefToParent><RefToConversation>B</RefToConversation></ConversationRef>";
    let follow_up = format!("{before}<GenDate>{date}{reference}<Sender>{rest}");
    assert!(matches!(thread(EKONTAKT, &facts()), Thread::New { flagged: false, .. }));
    let seen = thread(&follow_up, &facts());
    assert_eq!(seen, Thread::New { conversation: "b".into(), flagged: true }, "it answers something unseen");
    assert_eq!(thread(&follow_up, &Facts { dialog: Some(known), ..facts() }), Thread::Existing(known));
    let keys = arrival(SVAR).keys(&SERIES);
    assert!(!keys.answers_newest, "it names its conversation");
    let notat = EKONTAKT.replace("Foresporsel>", "Notat>").replace("TypeForesp", "TemaKodet");
    let keys = arrival(&notat).keys(&SERIES);
    assert_eq!((keys.answers_newest, keys.kind), (true, Some(DialogKind::EKontakt)));
    assert_eq!(thread(&notat, &Facts { newest_dialog: Some(newest), ..facts() }), Thread::Existing(newest));
    assert!(matches!(thread(&notat, &facts()), Thread::New { flagged: true, .. }));
}

#[test]
fn every_dialog_kind_has_its_own_function() {
    for kind in DialogKind::ALL {
        assert_eq!(DialogKind::from_message_function(&kind.message_function().to_lowercase()), Some(kind));
    }
}

/// A reply is in time or not when it comes; one that cannot be judged yet is looked at again only while somebody waits.
#[test]
fn replies_that_cannot_be_read() {
    let asked = |due: &str| Facts {
        asked: Some(Asked {
            request: Uuid::nil(),
            by: 8_141_333.try_into().unwrap(),
            of: 8_093_244.try_into().unwrap(),
            due_at: due.parse().unwrap(),
        }),
        ..facts()
    };
    let (waiting, over) = (asked("2026-07-02T12:31:30Z"), asked("2026-07-02T12:31:20Z"));
    let reply = |payload| Arrival { lane: Lane::SyncReply, payload, ..arrival(EKONTAKT) };
    let later = || Payload::Unopened(Unopened::Later(Fault::transient("revocation-offline", "x")));
    let refused =
        || Payload::Unopened(Unopened::Refused("signer-unexpected", ErrorMessage::new("transport:invalid-certificate", "x")));
    let table = [
        (reply(later()), &waiting, "later revocation-offline"),
        (reply(later()), &over, "reply Dropped(\"revocation-offline\")"),
        (reply(refused()), &waiting, "reply Dropped(\"signer-unexpected\")"),
        (reply(Payload::Closed), &waiting, "reply Dropped(\"reply-unreadable\")"),
        (reply(arrival(EKONTAKT).payload), &over, "reply Dropped(\"reply-late\")"),
        (reply(arrival(EKONTAKT).payload), &waiting, "reply Dropped(\"reply-to-another-request\")"),
        (reply(later()), &facts(), "reply Dropped(\"reply-unexpected\")"),
    ];
    for (arrival, facts, want) in table {
        assert_eq!(decided(&arrival, facts), want);
    }
    let early = Arrival { received_at: "2026-07-02T12:31:19Z".parse().unwrap(), ..reply(arrival(EKONTAKT).payload) };
    assert_eq!(decided(&early, &over), "reply Dropped(\"reply-to-another-request\")", "it came in time, and is looked at late");
}
