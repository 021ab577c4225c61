//! What a clinic writes is read as what it was: dialogs S1, R5, P2.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use domain::command::compose::{Address, Body, Letter, Patient, Unit};
use domain::entry::{self, Attachment, Form};
use jiff::Timestamp;
use messages::command::order::PrescriptionChoice;
use messages::event::DialogKind;
use messages::person_id::{PersonId, TestSeries};
use messages::wire::hodemelding::MsgHead;
use messages::wire::{Incoming, Limits, read};
use messages::{HerId, Sensitive};
use uuid::Uuid;

fn her_id(id: i64) -> HerId {
    id.try_into().unwrap()
}

fn text(text: &str) -> Sensitive<String> {
    text.to_owned().into()
}

fn letter(kind: DialogKind, body: Body) -> Letter {
    let series = TestSeries { plus_80: true, plus_40: false };
    let doctor = Unit::Doctor {
        family_name: "Lunde".into(),
        given_name: "Kari".into(),
        her_id: her_id(8_141_334),
        hpr: Some("9144900".into()),
        is_fastlege: true,
    };
    Letter {
        id: Uuid::from_u128(7),
        from: Address { enterprise: "Solbakken legesenter AS".into(), enterprise_her_id: her_id(115_900), unit: doctor },
        to: Address {
            enterprise: "Norsk Helsenett SF".into(),
            enterprise_her_id: her_id(115_851),
            unit: Unit::Service("Helsenorge.no".into(), her_id(8_093_244)),
        },
        patient: Patient {
            family_name: text("Danser"),
            given_name: text("Line"),
            id: PersonId::parse("15868549960", &series).unwrap(),
        },
        kind,
        answers: None,
        body,
        prescriptions: vec![],
        attachments: vec![],
    }
}

fn written(letter: Letter) -> MsgHead {
    let now: Timestamp = "2026-11-23T08:00:00.4Z".parse().unwrap();
    let xml = letter.message(now).to_xml().unwrap();
    match read(&xml, &Limits::default()).unwrap().incoming {
        Incoming::MsgHead(head) => *head,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_body_has_its_form_and_code() {
    use DialogKind::{EKonsultasjon, EKontakt, Reseptfornyelse, Timeonske};
    let opening = || Body::Opening { subject: text("Prøvesvar"), text: text("Hei\nalt er fint") };
    let answer = || Body::Answer { text: text("Hei\nalt er fint") };
    let choice = |choice| Body::Prescription { choice, text: text("Hei\nalt er fint") };
    let table = [
        (EKontakt, opening(), Form::Foresporsel, "HE"),
        (EKonsultasjon, opening(), Form::Foresporsel, "DI"),
        (EKontakt, answer(), Form::Notat, "19"),
        (EKonsultasjon, answer(), Form::Notat, "12"),
        (Timeonske, answer(), Form::Notat, "19"),
        (EKontakt, Body::Closing { text: Some(text("Hei\nalt er fint")) }, Form::Notat, "13"),
        (Reseptfornyelse, choice(PrescriptionChoice::Renewed), Form::Notat, "14"),
        (Reseptfornyelse, choice(PrescriptionChoice::CannotBeRenewed), Form::Notat, "15"),
        (Reseptfornyelse, choice(PrescriptionChoice::Rejected), Form::Notat, "26"),
        (Reseptfornyelse, choice(PrescriptionChoice::PartlyRenewed), Form::Notat, "32"),
    ];
    for (kind, body, form, code) in table {
        let has_subject = matches!(body, Body::Opening { .. });
        let head = written(letter(kind, body));
        let entry = entry::from_head(&head).unwrap();
        assert_eq!((entry.form, entry.code.as_deref()), (form, Some(code)));
        assert_eq!(entry.text.expose(), "Hei\nalt er fint");
        assert_eq!(entry.subject.is_some_and(|subject| subject.expose() == "Prøvesvar"), has_subject);
        assert_eq!(head.msg_type.unwrap().v.as_deref(), Some(kind.message_function()));
    }
    let silent = entry::from_head(&written(letter(EKontakt, Body::Closing { text: None }))).unwrap();
    assert_eq!((silent.code.as_deref(), silent.text.expose().as_str()), (Some("13"), ""));
}

#[test]
fn who_writes_to_whom_about_whom() {
    let answers = Some(("parent".to_owned(), "first".to_owned()));
    let file = Attachment { file_name: text("svar.pdf"), media_type: "application/pdf", bytes: b"%PDF-1.7".to_vec().into() };
    let attachments = vec![file];
    let head = written(Letter { answers, attachments, ..letter(DialogKind::EKontakt, Body::Answer { text: text("Hei") }) });
    assert_eq!(head.sender.unwrap().level_2_her_id(), Some("8141334"));
    assert_eq!(head.receiver.unwrap().level_2_her_id(), Some("8093244"));
    assert_eq!(head.patient.as_ref().unwrap().national_id().unwrap().expose(), "15868549960");
    let conversation = head.conversation_ref.clone().unwrap();
    assert_eq!(
        (conversation.ref_to_parent.as_deref(), conversation.ref_to_conversation.as_deref()),
        (Some("parent"), Some("first"))
    );
    assert_eq!((head.ack.unwrap().v.as_deref(), head.gen_date.as_deref()), (Some("J"), Some("2026-11-23T09:00:00+01:00")));
    assert_eq!(head.documents.len(), 2);
    assert_eq!(head.documents[1].mime_type.as_deref(), Some("application/pdf"));
    assert_eq!(head.documents[1].description.as_ref().unwrap().expose(), "svar.pdf");
}
