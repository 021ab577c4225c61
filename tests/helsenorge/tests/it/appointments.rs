//! What patients ask for about appointments is what the fleet's reader takes it for, and what the clinic says of them is read.

use crate::messages::{dialog, head};
use helsenorge::example::{KARI, LINE, OLE, SOLBAKKEN};
use helsenorge::{AVTALEAVBESTILLING, AboutAppointments, Message, Picture, Received, TIMERESERVASJON, Wish};
use jiff::Timestamp;
use jiff::civil::date;
use messages::transport::Properties;
use messages::wire::hodemelding::{Content, HealthcareProfessional, Ident, MsgHead};
use messages::wire::icalendar::{CONFIRMED, Vevent};

fn slot() -> Vevent {
    Vevent {
        uid: Some("slot".to_owned()),
        start: "2027-01-11T07:00:00Z".parse().ok(),
        end: "2027-01-11T07:20:00Z".parse().ok(),
        contact: Some(KARI.to_string()),
        ..Vevent::default()
    }
}

fn events(head: &MsgHead) -> Vec<&Vevent> {
    head.documents
        .iter()
        .filter_map(|d| if let Content::Calendar(events) = &d.content { Some(events) } else { None })
        .flatten()
        .collect()
}

#[test]
fn free_slots_are_asked_for_and_waited_for() {
    let message = Message::hent_ledige_timer(SOLBAKKEN, OLE, date(2027, 1, 11), date(2027, 2, 8));
    let head = head(&message);
    let asks = &dialog(&head).foresporsel[0];
    assert!(head.msg_type.as_ref().unwrap().is(TIMERESERVASJON) && head.ack.as_ref().unwrap().is("N"));
    assert!(asks.type_foresp.as_ref().unwrap().is("HLT"));
    assert_eq!((asks.fra_dato, asks.til_dato, head.documents.len()), (Some(date(2027, 1, 11)), Some(date(2027, 2, 8)), 1));
    assert_eq!(head.patient.unwrap().national_id().unwrap().expose(), LINE.nin);
    let doctor = head.receiver.unwrap().healthcare_professional.unwrap();
    assert_eq!(messages::wire::hodemelding::her_id_of(&doctor.idents), Some("8141335"));
    let sent = message.build();
    assert_eq!((sent.queue.as_str(), sent.properties.ttl_ms), ("8141333_sync", Some(15_000)));
    assert_eq!(sent.properties.reply_to.as_deref(), Some("8093244_syncreply"));
    assert_eq!(
        (sent.properties.application("toHerId"), sent.properties.subject.as_deref()),
        (Some("8141335"), Some(TIMERESERVASJON))
    );
}

#[test]
fn reservations_and_cancellations() {
    let reservation = Message::reserver_avtale(&slot());
    for (message, process, code, says) in [
        (reservation.clone(), TIMERESERVASJON, "RT", true),
        (reservation.clone().without_text(), TIMERESERVASJON, "RT", false),
        (Message::avbestill_avtale(&slot()), TIMERESERVASJON, "ART", false),
        (Message::avbestill_avtale(&slot()).of_process(AVTALEAVBESTILLING), AVTALEAVBESTILLING, "ART", false),
    ] {
        let head = head(&message);
        assert!(head.msg_type.as_ref().unwrap().is(process) && head.ack.as_ref().unwrap().is("J"), "{process} {code}");
        assert!(dialog(&head).foresporsel[0].type_foresp.as_ref().unwrap().is(code));
        assert_eq!(dialog(&head).foresporsel[0].sporsmal.is_some(), says, "{process} {code}");
        assert_eq!(events(&head), [&slot()]);
        assert_eq!(head.receiver.as_ref().unwrap().level_2_her_id(), Some("8141334"));
        assert_eq!((message.build().queue.as_str(), message.build().properties.ttl_ms), ("8141333_async", None));
    }
    let child = head(&reservation.patient("17912099997", "Mia", "Danser").guardian(LINE.nin, LINE.given, LINE.family));
    assert!(matches!(child.documents[2].content, Content::Pasientrelasjon(_)));
    assert_eq!(child.patient.unwrap().national_id().unwrap().expose(), "17912099997");
}

#[test]
fn wishes() {
    for (wish, code) in [(Wish::New, "OT"), (Wish::Change, "OET"), (Wish::Cancel, "OAT")] {
        let head = head(&Message::timeonske(wish).event(&slot()));
        assert!(head.msg_type.as_ref().unwrap().is("DIALOG_INNBYGGER_TIMEONSKE"));
        assert!(dialog(&head).foresporsel[0].type_foresp.as_ref().unwrap().is(code));
        assert_eq!(events(&head), [&slot()]);
        assert_eq!(head.receiver.as_ref().unwrap().level_2_her_id(), Some("8141333"));
    }
}

/// A message as it would lie on a queue.
fn received(message: &Message) -> Received {
    Received {
        queue: "8093244_async".to_owned(),
        properties: Properties::default(),
        plain: Properties::default(),
        has_sections: true,
        delivery_mode: Some(2),
        kind: None,
        redelivered: false,
        body: message.build().body,
        apprec: None,
        at: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn what_the_clinic_says_is_read() {
    let confirmed = Vevent { status: Some(CONFIRMED.to_owned()), sequence: Some(1), ..slot() };
    let her_id = Ident::of_person("8141335".to_owned().into(), "HER", "HER-id");
    let locum = HealthcareProfessional { idents: vec![her_id], ..HealthcareProfessional::default() };
    let answer = Message::svar().of_process(TIMERESERVASJON).in_conversation("asked", "asked").event(&confirmed).edit(|head| {
        let mut document = head.documents[1].clone();
        document.content = Content::Helsepersonell(locum.clone());
        head.documents.push(document);
        let Content::Dialogmelding(dialog) = &mut head.documents[0].content else { panic!("no dialog") };
        dialog.notat[0].tema_kodet.as_mut().unwrap().v = Some("10".to_owned());
    });
    let said = received(&answer).about_appointments().unwrap();
    let want = AboutAppointments {
        process: TIMERESERVASJON.to_owned(),
        msg_id: answer.build().msg_id,
        answers: Some("asked".to_owned()),
        patient: Some(LINE.nin.to_owned()),
        request: None,
        answer: Some("10".to_owned()),
        subject: Some("Svar".to_owned()),
        text: Some("Takk for svaret!\nDa gjør jeg det.".to_owned()),
        events: vec![confirmed],
        helsepersonell: Some(locum),
    };
    assert_eq!(said, want);
    let mut picture = Picture::default();
    for message in [&answer, &Message::ekontakt(), &Message::ekontakt().raw_body("<a/>")] {
        picture.hear(&received(message));
    }
    assert_eq!((picture.shown(LINE.nin).len(), picture.notices().len(), picture.faults().len()), (1, 1, 0));
    assert_eq!(received(&Message::ekontakt()).about_appointments(), None);
}
