//! What HelseNorge tells of its users, as a pure table, and how it is asked.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use domain::acceptance::{Decision, Facts, decide};
use domain::arrival::{Arrival, Payload};
use domain::clinic::{Clinic, Employee};
use domain::command::compose::{Address, Unit};
use domain::command::question::{DIGITALBRUKER, Question};
use domain::digital_user::{Asked, Noted};
use domain::transport::Lane;
use messages::person_id::{PersonId, TestSeries};
use messages::transport::Properties;
use messages::wire::hodemelding::{Content, MsgHead, her_id_of};
use messages::wire::{Incoming, Limits, read};
use messages::{HerId, Sensitive};
use std::sync::Arc;
use uuid::Uuid;

const ANSWER: &str = include_str!("../../../tests/fixtures/wire/digitalbruker-svar.xml");
const QUESTION: &str = "0198a0c4-52d8-7b10-9c3e-6f1f5a2b7d01";
const SERIES: TestSeries = TestSeries { plus_80: true, plus_40: true };
const NOW: &str = "2026-03-02T07:20:10Z";
const PATIENT: &str =
    "<mh:Patient><mh:Ident><mh:Id>15868549960</mh:Id><mh:TypeId V=\"FNR\"/></mh:Ident></mh:Patient></mh:MsgInfo>";

fn her_id(id: i64) -> HerId {
    id.try_into().unwrap()
}

fn arrival(xml: &str) -> Arrival {
    let read = read(xml.as_bytes(), &Limits::default()).unwrap();
    let mut properties = Properties { content_type: Some("text/plain".into()), ..Properties::default() };
    properties.subject = Some(DIGITALBRUKER.into());
    for (key, value) in [("fromHerId", "8093244"), ("toHerId", "8141333"), ("applicationTimeStamp", "2026-03-02T07:20:00Z")] {
        properties.application.insert(key.into(), value.into());
    }
    Arrival { lane: Lane::Async, properties, payload: Payload::Read(Box::new(read)), received_at: NOW.parse().unwrap() }
}

fn facts(question: Option<Asked>) -> Facts {
    let kari = Employee { her_id: Some(her_id(8_141_334)), services: vec!["EKONTAKT".into()] };
    let clinic = Clinic {
        her_id: her_id(8_141_333),
        nhn_member: true,
        digital_dialog_ordered: true,
        employees: [("kari".to_owned(), kari)].into(),
        sets: [].into(),
        command_users: [].into(),
        booking: Default::default(),
        routing: [].into(),
    };
    Facts { sender_known: true, clinic: Some(Arc::new(clinic)), question, ..Facts::default() }
}

fn asked() -> Asked {
    Asked { question: QUESTION.parse().unwrap(), by: her_id(8_141_333), of: her_id(8_093_244) }
}

fn decided(xml: &str, question: Option<Asked>) -> Decision {
    decide(&arrival(xml), &facts(question), &SERIES, NOW.parse().unwrap())
}

fn noted(xml: &str, question: Option<Asked>) -> Noted {
    match decided(xml, question) {
        Decision::Note(note) => {
            assert!(note.answer.is_some(), "a receipt is due");
            note.noted
        }
        other => panic!("{other:?}"),
    }
}

fn rejected(xml: &str) -> (&'static str, String) {
    match decided(xml, Some(asked())) {
        Decision::Reject(reject) => (reject.1.code, reject.1.error.v.unwrap()),
        other => panic!("{other:?}"),
    }
}

fn theme(v: &str) -> String {
    ANSWER.replace("V=\"28\"", &format!("V=\"{v}\""))
}

/// Without the second document.
fn without_people(xml: &str) -> String {
    let (start, end) = (xml.rfind("<mh:Document>").unwrap(), xml.rfind("</mh:MsgHead>").unwrap());
    format!("{}{}", &xml[..start], &xml[end..])
}

fn change() -> String {
    let request = "<d:Foresporsel><d:TypeForesp V=\"SDAB\" S=\"2.16.578.1.12.4.1.1.7601\"/></d:Foresporsel>";
    let xml = without_people(ANSWER);
    let (start, end) = (xml.find("<d:Notat>").unwrap(), xml.find("</d:Dialogmelding>").unwrap());
    format!("{}{request}{}", &xml[..start], &xml[end..]).replace("</mh:MsgInfo>", PATIENT)
}

#[test]
fn an_answer_names_who_is_active() {
    let arrival = arrival(ANSWER);
    let question: Uuid = QUESTION.parse().unwrap();
    assert_eq!(arrival.keys(&SERIES).questions, [question, question]);
    let active: Vec<Sensitive<String>> = ["15868549960", "47819030045"].map(|nin| nin.to_owned().into()).into();
    assert_eq!(noted(ANSWER, Some(asked())), Noted::Answer { question, active: active.clone() });
    let mixed_case = ANSWER.replace(DIGITALBRUKER, "Dialog_Innbygger_Digitalbruker");
    assert_eq!(noted(&mixed_case, Some(asked())), Noted::Answer { question, active });
    assert_eq!(noted(&without_people(&theme("29")), Some(asked())), Noted::Answer { question, active: vec![] });
}

#[test]
fn only_whom_the_clinic_asked_can_answer() {
    let nothing = |xml: &str, asked| match noted(xml, asked) {
        Noted::Nothing(code) => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(nothing(ANSWER, None), "question-unknown");
    assert_eq!(nothing(ANSWER, Some(Asked { of: her_id(8_093_299), ..asked() })), "question-unknown");
    assert_eq!(nothing(ANSWER, Some(Asked { by: her_id(8_141_399), ..asked() })), "question-unknown");
    assert_eq!(nothing(&theme("30"), Some(asked())), "question-no-access");
    assert_eq!(nothing(&theme("31"), None), "question-general-error");
}

#[test]
fn a_change_names_its_patient() {
    let line = PersonId::parse("15868549960", &SERIES).unwrap();
    assert_eq!(noted(&change(), None), Noted::Change(line));
    assert_eq!(rejected(&change().replace(PATIENT, "</mh:MsgInfo>")), ("patient-number-missing", "E30".into()));
    assert_eq!(rejected(&change().replace("15868549960", "15868549961")), ("patient-number-wrong", "E31".into()));
}

#[test]
fn what_says_nothing_is_turned_down() {
    assert_eq!(rejected(&theme("12")), ("type-unsupported", "T10".into()));
    assert_eq!(rejected(&change().replace("SDAB", "HDAB")), ("type-unsupported", "T10".into()));
    assert_eq!(rejected(&without_people(ANSWER)), ("people-missing", "T02".into()));
    let (start, end) = (ANSWER.find("<p:Person>").unwrap(), ANSWER.find("</p:Personer>").unwrap());
    let many = format!("{}{}{}", &ANSWER[..start], ANSWER[start..end].repeat(501), &ANSWER[end..]);
    assert_eq!(rejected(&many), ("persons-too-many", "T99".into()));
    assert_eq!(rejected(&ANSWER.replace("9E2D6B10-7A41", "hei")), ("message-id-invalid", "E10".into()));
}

fn read_back(head: &MsgHead) -> MsgHead {
    match read(&head.to_xml().unwrap(), &Limits::default()).unwrap().incoming {
        Incoming::MsgHead(head) => *head,
        other => panic!("{other:?}"),
    }
}

#[test]
fn helsenorge_is_asked_about_numbers_only() {
    let numbers = ["15868549960", "47819030045"];
    let service = |name: &str, id: i64| Unit::Service(name.into(), her_id(id));
    let question = Question {
        id: QUESTION.parse().unwrap(),
        from: Address {
            enterprise: "Solbakken legesenter AS".into(),
            enterprise_her_id: her_id(115_900),
            unit: service("Solbakken", 8_141_333),
        },
        to: Address {
            enterprise: "Norsk Helsenett SF".into(),
            enterprise_her_id: her_id(115_851),
            unit: service("Helsenorge.no", 8_093_244),
        },
        about: numbers.map(|nin| PersonId::parse(nin, &SERIES).unwrap()).into(),
    };
    let head = read_back(&question.message("2026-11-23T08:00:00Z".parse().unwrap()));
    assert!(head.msg_type.as_ref().unwrap().is(DIGITALBRUKER) && head.ack.as_ref().unwrap().is("J"));
    assert_eq!((head.msg_id.as_deref(), head.gen_date.as_deref()), (Some(QUESTION), Some("2026-11-23T09:00:00+01:00")));
    assert_eq!((&head.conversation_ref, &head.patient), (&None, &None));
    let her_ids = |o: &Option<messages::wire::hodemelding::Organisation>| {
        let o = o.as_ref().unwrap();
        (her_id_of(&o.idents).unwrap().to_owned(), o.level_2_her_id().unwrap().to_owned())
    };
    assert_eq!(her_ids(&head.sender), ("115900".into(), "8141333".into()));
    assert_eq!(her_ids(&head.receiver), ("115851".into(), "8093244".into()));
    let Content::Dialogmelding(dialog) = &head.documents[0].content else { panic!("no dialog") };
    assert!(dialog.foresporsel[0].type_foresp.as_ref().unwrap().is("SIDAB"));
    let Content::Personer(people) = &head.documents[1].content else { panic!("no people") };
    let kinds = people.iter().map(|p| (p.idents[0].id.expose().as_str(), p.idents[0].type_id.v.as_deref().unwrap()));
    assert_eq!(kinds.collect::<Vec<_>>(), [(numbers[0], "FNR"), (numbers[1], "DNR")]);
    assert!(people.iter().all(|p| p.family_name.is_none() && p.given_name.is_none()));
}
