//! What a command does, rule by rule: dialogs S1, S2, J1, J2, R5, P2, P3, K3.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use domain::clinic::{Clinic, Employee};
use domain::command::attachments::Uploaded;
use domain::command::contact::{Caution, Status};
use domain::command::deed::{Deed, Post};
use domain::command::dialog::{Kind, Known, Request};
use domain::command::writing::{Facts, Ids, KnownPatient, Writing, decide};
use jiff::{SignedDuration, Timestamp};
use messages::HerId;
use messages::command::answer::Done;
use messages::command::order::Order;
use messages::event::DialogKind::{EKonsultasjon, EKontakt, Reseptfornyelse};
use messages::person_id::TestSeries;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

const DIALOG: Uuid = Uuid::from_u128(0xd1);
const IDS: Ids = Ids { dialog: Uuid::from_u128(0xd2), entry: Uuid::from_u128(0xe2) };
const PATIENT: &str = "15868549960";

fn her_id(id: i64) -> HerId {
    id.try_into().unwrap()
}

fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
}

/// Kari offers everything, Ole eKontakt alone, Siri nothing.
fn clinic() -> Clinic {
    let employee = |id: &str, her: i64, services: &[&str]| {
        let services = services.iter().map(|s| (*s).to_owned()).collect();
        (id.to_owned(), Employee { her_id: Some(her_id(her)), services })
    };
    Clinic {
        her_id: her_id(8_141_333),
        nhn_member: true,
        digital_dialog_ordered: true,
        employees: [
            employee("kari", 8_141_334, &["EKONTAKT", "EKONSULTASJON", "RESEPTFORNYELSE"]),
            employee("ole", 8_141_335, &["EKONTAKT"]),
            employee("siri", 8_141_336, &[]),
        ]
        .into(),
        sets: BTreeMap::new(),
        command_users: [].into(),
        booking: Default::default(),
        routing: BTreeMap::new(),
    }
}

/// What is known in a case.
struct Case {
    clinic: Clinic,
    reach: Option<HerId>,
    dialog: Option<Known>,
    patient: Option<KnownPatient>,
    status: Option<Status>,
    uploads: Vec<Option<Uploaded>>,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            clinic: clinic(),
            reach: Some(her_id(8_093_244)),
            dialog: None,
            patient: Some(KnownPatient { id: Uuid::from_u128(0xa1), fastlege: Some("kari".into()) }),
            status: Some(Status { active: true, consented: true, as_of: at(0), is_doubted: false }),
            uploads: vec![],
        }
    }
}

impl Case {
    fn in_dialog(kind: Kind) -> Self {
        let known = Known {
            id: DIALOG,
            kind,
            closed: false,
            title: "eKontakt – helsenorge.no: Hei".to_owned().into(),
            patient: Some(Uuid::from_u128(0xa1)),
            nin: Some(PATIENT.to_owned().into()),
            fastlege: Some("kari".into()),
            participants: vec![],
            entries: 3,
            requests: vec![Request { entry: Uuid::from_u128(0xe1), code: None, answered: false }],
            beside: vec![],
            between: Some((her_id(8_141_335), her_id(8_093_299))),
        };
        Self { dialog: Some(known), ..Self::default() }
    }

    fn decide(&self, actor: &str, name: &str, arguments: &Value) -> Result<Deed, (String, String)> {
        let order = Order::read(name, arguments).unwrap();
        let facts = Facts {
            clinic: &self.clinic,
            reach: self.reach,
            dialog: self.dialog.as_ref(),
            patient: self.patient.as_ref(),
            status: self.status.as_ref(),
            uploads: self.uploads.clone(),
            caution: Caution { age_limit: SignedDuration::from_hours(24), refuse_unknown: true },
            series: TestSeries { plus_80: true, plus_40: false },
        };
        decide(writing(&order), actor, IDS, &facts, at(1)).map_err(|refusal| (refusal.code, refusal.field.unwrap_or_default()))
    }

    fn refused(&self, actor: &str, name: &str, arguments: &Value) -> (String, String) {
        self.decide(actor, name, arguments).unwrap_err()
    }
}

fn writing(order: &Order) -> Writing<'_> {
    match order {
        Order::StartDialog(order) => Writing::Start(order),
        Order::ReplyToDialog(order) => Writing::Reply(order),
        Order::CloseDialog(order) => Writing::Close(order),
        Order::AnswerPrescriptionRequest(order) => Writing::AnswerRequest(order),
        Order::ConvertDialog(order) => Writing::Convert(order),
        other => panic!("{} writes nothing", other.name()),
    }
}

fn start(kind: &str) -> Value {
    json!({ "kind": kind, "patient": PATIENT, "subject": "Hei", "text": "Hei" })
}

fn of(code: &str, field: &str) -> (String, String) {
    (code.to_owned(), field.to_owned())
}

#[test]
fn j2_from_whom_a_dialog_is_begun() {
    let fastlege = |id: Option<&str>| Case {
        patient: Some(KnownPatient { id: Uuid::from_u128(0xa1), fastlege: id.map(str::to_owned) }),
        ..Case::default()
    };
    let table = [
        ("kari", "EKONSULTASJON", Some("kari"), Some(8_141_334)),
        ("ole", "EKONTAKT", Some("kari"), Some(8_141_335)),
        ("ole", "EKONSULTASJON", Some("kari"), None),
        ("siri", "EKONSULTASJON", Some("kari"), Some(8_141_333)),
        ("siri", "EKONSULTASJON", Some("ole"), None),
        ("siri", "EKONSULTASJON", None, Some(8_141_333)),
        ("per", "EKONTAKT", Some("kari"), None),
    ];
    for (actor, kind, doctor, want) in table {
        let from = match fastlege(doctor).decide(actor, "StartDialog", &start(kind)) {
            Ok(deed) => match deed.written.unwrap().post {
                Post::HelseNorge { from, to, .. } => Some((from.get(), to.get())),
                other => panic!("{other:?}"),
            },
            Err(refused) => {
                assert_eq!(refused, of("service-not-offered", "arguments.kind"));
                None
            }
        };
        assert_eq!(from, want.map(|id| (id, 8_093_244)), "{actor} {kind} {doctor:?}");
    }
}

#[test]
fn s1_s2_what_keeps_a_dialog_from_being_begun() {
    let not_ready = Case { clinic: Clinic { nhn_member: false, ..clinic() }, ..Case::default() };
    let unreached = Case { reach: None, ..Case::default() };
    let stranger = Case { patient: None, ..Case::default() };
    let unknown = Case { status: None, ..Case::default() };
    let inactive = Case { status: Some(Status { active: false, ..Case::default().status.unwrap() }), ..Case::default() };
    for (case, code, field) in [
        (&not_ready, "clinic-not-ready", "clinic"),
        (&unreached, "helsenorge-unknown", "clinic"),
        (&stranger, "patient-unknown", "arguments.patient"),
        (&unknown, "contactability-unknown", "arguments.patient"),
        (&inactive, "patient-not-active", "arguments.patient"),
    ] {
        assert_eq!(case.refused("kari", "StartDialog", &start("EKONTAKT")), of(code, field));
    }
    // None of that matters to what never leaves the house, but for who the patient is.
    for case in [&not_ready, &unreached, &unknown, &inactive] {
        let deed = case.decide("kari", "StartDialog", &start("EDIALOG")).unwrap();
        assert_eq!(deed.written.unwrap().post, Post::Portal(Uuid::from_u128(0xa1)));
    }
    assert_eq!(stranger.refused("kari", "StartDialog", &start("EDIALOG")).0, "patient-unknown");
}

#[test]
fn s1_between_colleagues_each_is_named_once() {
    let arguments = json!({ "kind": "EDIALOG", "colleagues": ["ole", "siri", "ole"], "subject": "Hei", "text": "Hei" });
    let written = Case::default().decide("kari", "StartDialog", &arguments).unwrap().written.unwrap();
    assert_eq!(written.post, Post::Colleagues(vec!["ole".into(), "siri".into()]));
    let opening = written.opens.unwrap();
    assert_eq!((opening.participants, opening.patient), (vec!["kari".into(), "ole".into(), "siri".into()], None));
    assert_eq!((opening.title.expose().as_str(), written.code), ("E-dialog: Hei", None));
}

#[test]
fn r5_an_answer_goes_between_those_whom_the_patient_knows() {
    let reply = json!({ "dialog": DIALOG, "text": "Hei" });
    let between = |case: &Case| match case.decide("kari", "ReplyToDialog", &reply).unwrap().written.unwrap().post {
        Post::HelseNorge { from, to, .. } => (from.get(), to.get()),
        other => panic!("{other:?}"),
    };
    let mut case = Case::in_dialog(Kind::HelseNorge(EKontakt));
    assert_eq!(between(&case), (8_141_335, 8_093_299));
    case.clinic.employees.remove("ole");
    assert_eq!(between(&case), (8_141_333, 8_093_299), "from the clinic, when the doctor has left");
    case.dialog.as_mut().unwrap().between = None;
    assert_eq!(between(&case), (8_141_333, 8_093_244));
}

#[test]
fn p2_p3_a_request_has_one_answer_whatever_it_becomes() {
    let case = Case::in_dialog(Kind::HelseNorge(Reseptfornyelse));
    let answer = json!({ "dialog": DIALOG, "choice": "partly_renewed", "text": "Hei" });
    let written = case.decide("kari", "AnswerPrescriptionRequest", &answer).unwrap().written.unwrap();
    assert_eq!((written.code, written.answers), (Some("32"), Some(Uuid::from_u128(0xe1))));
    for (to, kind, journaled, code) in [("EKONTAKT", EKontakt, 0, "19"), ("EKONSULTASJON", EKonsultasjon, 4, "12")] {
        let deed = case.decide("kari", "ConvertDialog", &json!({ "dialog": DIALOG, "to": to, "text": "Hei" })).unwrap();
        assert_eq!((deed.converts, deed.done), (Some((Reseptfornyelse, kind)), Done::Converted { dialog: DIALOG, journaled }));
        let written = deed.written.unwrap();
        assert_eq!((written.code, written.answers), (Some(code), Some(Uuid::from_u128(0xe1))));
    }
}

#[test]
fn p2_of_several_requests_the_one_that_was_read_is_answered() {
    let mut case = Case::in_dialog(Kind::HelseNorge(Reseptfornyelse));
    let known = case.dialog.as_mut().unwrap();
    known.requests.push(Request { entry: Uuid::from_u128(0xe2), code: None, answered: false });
    let answer = json!({ "dialog": DIALOG, "choice": "renewed", "text": "Hei" });
    assert_eq!(case.refused("kari", "AnswerPrescriptionRequest", &answer), of("request-ambiguous", "arguments.request"));
    let convert = json!({ "dialog": DIALOG, "to": "EKONTAKT", "text": "Hei" });
    assert_eq!(case.refused("kari", "ConvertDialog", &convert), of("requests-open", "arguments.dialog"));
    let first = json!({ "dialog": DIALOG, "request": Uuid::from_u128(0xe1), "choice": "renewed", "text": "Hei" });
    let written = case.decide("kari", "AnswerPrescriptionRequest", &first).unwrap().written.unwrap();
    assert_eq!(written.answers, Some(Uuid::from_u128(0xe1)));
}

#[test]
fn p2_an_answered_request_is_ended_without_a_word() {
    let mut case = Case::in_dialog(Kind::HelseNorge(Reseptfornyelse));
    let close = json!({ "dialog": DIALOG });
    assert_eq!(case.refused("kari", "CloseDialog", &close), of("request-open", "arguments.dialog"));
    case.dialog.as_mut().unwrap().answer(Uuid::from_u128(0xe1));
    let deed = case.decide("kari", "CloseDialog", &close).unwrap();
    assert_eq!((deed.written, deed.closes, deed.done), (None, true, Done::Closed { dialog: DIALOG }));
    let with_text = json!({ "dialog": DIALOG, "text": "Takk" });
    assert_eq!(case.refused("kari", "CloseDialog", &with_text), of("text-unwanted", "arguments.text"));
}

#[test]
fn k3_a_conversion_writes_nothing_and_journals_what_is_there() {
    let case = Case::in_dialog(Kind::HelseNorge(EKontakt));
    let deed = case.decide("kari", "ConvertDialog", &json!({ "dialog": DIALOG, "to": "EKONSULTASJON" })).unwrap();
    assert_eq!((deed.written, deed.done), (None, Done::Converted { dialog: DIALOG, journaled: 3 }));
    assert_eq!(deed.title.unwrap().expose(), "eKonsultasjon – helsenorge.no: Hei");
}

/// Into a kind that is not offered nothing goes; whoever was let in is answered, whatever was withdrawn since.
#[test]
fn j2_what_a_dialog_may_become_and_who_may_be_answered() {
    let in_contact = || Case::in_dialog(Kind::HelseNorge(EKontakt));
    let fastlege = |id: Option<&str>| {
        let mut case = in_contact();
        case.dialog.as_mut().unwrap().fastlege = id.map(str::to_owned);
        case
    };
    let convert = json!({ "dialog": DIALOG, "to": "EKONSULTASJON" });
    for (actor, doctor, may) in [
        ("kari", Some("ole"), true),
        ("ole", Some("kari"), false),
        ("siri", Some("kari"), true),
        ("siri", Some("ole"), false),
        ("siri", None, true),
    ] {
        let got = fastlege(doctor).decide(actor, "ConvertDialog", &convert).map(drop);
        assert_eq!(got, if may { Ok(()) } else { Err(of("service-not-offered", "arguments.to")) }, "{actor} {doctor:?}");
    }
    let withdrawn = |kind| {
        let mut case = Case::in_dialog(Kind::HelseNorge(kind));
        for employee in case.clinic.employees.values_mut() {
            employee.services.retain(|service| service != kind.as_str());
        }
        case
    };
    let reply = json!({ "dialog": DIALOG, "text": "Hei" });
    assert!(withdrawn(EKontakt).decide("ole", "ReplyToDialog", &reply).is_ok());
    assert!(withdrawn(EKonsultasjon).decide("ole", "ReplyToDialog", &reply).is_ok());
    let answer = json!({ "dialog": DIALOG, "choice": "renewed", "text": "Hei" });
    assert!(withdrawn(Reseptfornyelse).decide("siri", "AnswerPrescriptionRequest", &answer).is_ok());
    assert!(withdrawn(EKonsultasjon).decide("siri", "CloseDialog", &json!({ "dialog": DIALOG })).is_ok());
}

#[test]
fn files_are_looked_at_one_by_one() {
    let files = |uploads: &[(&str, u128)]| {
        let files: Vec<_> =
            uploads.iter().map(|(name, id)| json!({ "file_name": name, "upload": Uuid::from_u128(*id) })).collect();
        json!({ "dialog": DIALOG, "text": "Hei", "attachments": files })
    };
    let pdf = Some(Uploaded { complete: true, bytes: 9, lead: b"%PDF-1.7\n".to_vec() });
    let case = Case { uploads: vec![pdf.clone(), pdf], ..Case::in_dialog(Kind::HelseNorge(EKontakt)) };
    let written = case.decide("kari", "ReplyToDialog", &files(&[("a.pdf", 1), ("b.pdf", 2)])).unwrap().written.unwrap();
    let names: Vec<_> = written.files.iter().map(|file| (file.name.expose().as_str(), file.media_type)).collect();
    assert_eq!(names, [("a.pdf", "application/pdf"), ("b.pdf", "application/pdf")]);
    let twice = case.refused("kari", "ReplyToDialog", &files(&[("a.pdf", 1), ("b.pdf", 1)]));
    assert_eq!(twice, of("upload-incomplete", "arguments.attachments[1].upload"));
    let lying = case.refused("kari", "ReplyToDialog", &files(&[("a.pdf", 1), ("b.png", 2)]));
    assert_eq!(lying, of("attachment-name", "arguments.attachments[1].file_name"));
    let nameless = case.refused("kari", "ReplyToDialog", &files(&[("a.pdf", 1), (" ", 2)]));
    assert_eq!(nameless, of("text-empty", "arguments.attachments[1].file_name"));
}
