//! What is hidden where: in every kind of message, right and wrong.

use super::checker::Canaries;
use helsenorge::example::KARI;
use helsenorge::{ErrorMessage, Generation, Message, Sent, SyntheticPatient, Wish, example, synthetic_patients};
use messages::event::DialogKind;
use messages::wire::hodemelding::{Content, Document, HealthcareProfessional, Ident, MsgHead};
use messages::wire::icalendar::Vevent;
use messages::wire::{Incoming, Limits, read};
use std::collections::BTreeSet;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const APPREC: &str = include_str!("../../../../fixtures/wire/apprec-1.1-avvist.xml");
const APPREC_1_0: &str = include_str!("../../../../fixtures/wire/apprec-1.0.xml");
const SOAP_FAULT: &str = include_str!("../../../../fixtures/wire/soap-fault.xml");

/// Hides values and hands out people whose numbers and names are such values.
pub(super) struct Planter {
    pub(super) canaries: Canaries,
    people: std::vec::IntoIter<SyntheticPatient>,
}

impl Planter {
    pub(super) fn new() -> Self {
        // The first ones are everybody's.
        let people = synthetic_patients(3_200).split_off(3_000).into_iter();
        Self { canaries: Canaries::default(), people }
    }

    /// Somebody whom nobody may hear of.
    pub(super) fn person(&mut self, place: &str) -> SyntheticPatient {
        let nin = self.people.next().expect("enough people").nin;
        SyntheticPatient {
            nin: self.canaries.plant(nin, &format!("{place}: identity number")),
            given: self.canaries.word(&format!("{place}: given name")),
            family: self.canaries.word(&format!("{place}: family name")),
        }
    }

    pub(super) fn say(&mut self, place: &str) -> String {
        self.canaries.phrase(place)
    }

    /// A message of a kind with a value in every place that people fill in.
    fn full(&mut self, kind: DialogKind, case: &str, patient: &SyntheticPatient) -> Message {
        let place = |part: &str| format!("{case} {}: {part}", kind.as_str());
        let guardian = self.person(&place("guardian"));
        let file = format!("{}.png", self.canaries.word(&place("file name")));
        let content = [PNG, self.say(&place("attachment")).as_bytes()].concat();
        let message = match kind {
            DialogKind::EKontakt => Message::ekontakt(),
            DialogKind::EKonsultasjon => Message::ekonsultasjon(),
            DialogKind::Reseptfornyelse => {
                let name = self.say(&place("prescription"));
                Message::reseptfornyelse().prescription(&name, "C10AA05", "C")
            }
            DialogKind::Timeonske => self.wish(case),
        };
        message
            .patient(&patient.nin, &patient.given, &patient.family)
            .subject(&self.say(&place("subject")))
            .text(&self.say(&place("text")))
            .attachment(&file, "image/png", &content)
            .guardian(&guardian.nin, &guardian.given, &guardian.family)
            .property("X-Ukjent", &self.say(&place("unknown property")))
    }

    /// It names a time, and the doctor.
    fn wish(&mut self, case: &str) -> Message {
        let place = |part: &str| format!("{case} wish: {part}");
        let time = Vevent {
            summary: Some(self.say(&place("summary")).into()),
            description: Some(self.say(&place("description")).into()),
            ..Vevent::default()
        };
        let doctor = HealthcareProfessional {
            family_name: Some(self.canaries.word(&place("family name of a doctor")).into()),
            idents: vec![Ident::of_person(KARI.to_string().into(), "HER", "HER-id")],
            ..HealthcareProfessional::default()
        };
        let doctor = Document::xml("2026-03-02T08:15:00+01:00", Content::Helsepersonell(doctor));
        Message::timeonske(Wish::Change).event(&time).document(doctor)
    }

    /// What is accepted: every kind, a question, its answer, and the same once more.
    pub(super) fn good(&mut self, patient: &SyntheticPatient) -> Vec<Sent> {
        let mut all = Vec::new();
        for kind in DialogKind::ALL {
            let question = self.full(kind, "good", patient);
            let answer = Message::svar()
                .of_kind(kind)
                .patient(&patient.nin, &patient.given, &patient.family)
                .subject(&self.say("answer: subject"))
                .text(&self.say("answer: text"));
            all.extend([question.clone(), question.transport_id(uuid::Uuid::new_v4().to_string()), answer]);
        }
        let active = [self.person("digital user").nin, self.person("digital user").nin];
        all.push(
            Message::digital_users(&uuid::Uuid::new_v4().to_string(), &active).property("X-Ukjent", &self.say("digital users")),
        );
        all.push(Message::digital_user_changed(&self.person("changed digital user").nin));
        all.iter().map(Message::build).collect()
    }

    /// What is turned down, in every way there is.
    pub(super) fn bad(&mut self, patient: &SyntheticPatient) -> Vec<Sent> {
        let mut all = Vec::new();
        for kind in DialogKind::ALL {
            all.extend(self.wrong_content(kind, patient));
            all.extend(self.wrong_xml(kind, patient));
            all.extend(self.wrong_properties(kind, patient));
        }
        let (question, code) = (self.say("question of a digital user"), self.say("code of a digital user"));
        let active = [self.person("digital user of nobody").nin];
        all.push(Message::digital_users(&question, &active).edit(|head| drop(head.documents.pop())));
        all.push(Message::digital_users_code(&question, &code));
        all.push(Message::digital_user_changed(&self.say("number of a changed digital user")));
        all.iter().map(Message::build).collect()
    }

    fn wrong_content(&mut self, kind: DialogKind, patient: &SyntheticPatient) -> Vec<Message> {
        let mut of = |case: &str| self.full(kind, case, patient);
        let mut all = vec![
            of("no patient").without_patient(),
            of("no patient number").without_patient_ident(),
            of("clinic unknown").to_clinic(8_149_999, 115_900).on_queue("8141333_async"),
            of("doctor unknown").to_doctor(8_141_333, 8_149_998).on_queue("8141333_async"),
            of("two patients").replacing("</MsgInfo>", "<Patient/></MsgInfo>"),
            of("service not offered").to_doctor(8_141_333, example::OLE),
            of("no MsgId").without_msg_id(),
        ];
        let unknown = self.person("unknown patient");
        all.push(self.full(kind, "unknown patient", &unknown));
        let mut wrong = self.person("wrong number");
        let last = if wrong.nin.ends_with('0') { "1" } else { "0" };
        wrong.nin = self.canaries.plant(format!("{}{last}", &wrong.nin[..10]), "wrong number: the number sent");
        all.push(self.full(kind, "wrong number", &wrong));
        let letters = SyntheticPatient { nin: self.say("number of letters"), ..wrong };
        all.push(self.full(kind, "number of letters", &letters));
        let (id, file) = (self.say("MsgId"), format!("{}.exe", self.canaries.word("program: file name")));
        all.push(self.full(kind, "MsgId is no UUID", patient).msg_id(id));
        let program = self.say("program: content");
        all.push(self.full(kind, "program", patient).attachment(&file, "application/pdf", program.as_bytes()));
        let function = self.say("unknown type");
        all.push(self.full(kind, "unknown type", patient).replacing(kind.message_function(), &function));
        all
    }

    fn wrong_xml(&mut self, kind: DialogKind, patient: &SyntheticPatient) -> Vec<Message> {
        let (element, attribute) = (self.canaries.word("unknown element"), self.canaries.word("unknown attribute"));
        let (value, entity) = (self.say("unknown attribute: value"), self.canaries.word("entity"));
        let (root, namespace) = (self.canaries.word("unknown root"), self.canaries.word("unknown namespace"));
        let mut raw = |place: &str, around: &dyn Fn(&str) -> String| {
            let text = self.say(place);
            self.full(kind, place, patient).raw_body(around(&text))
        };
        let mut all = vec![
            raw("no XML", &|text| text.to_owned()),
            raw("torn XML", &|text| format!("<MsgHead><MsgInfo>{text}</MsgHead>")),
            raw("document type", &|text| format!("<!DOCTYPE a [<!ENTITY x \"{text}\">]><MsgHead>&x;</MsgHead>")),
            raw("foreign root", &|text| format!("<{root} xmlns=\"urn:{namespace}\">{text}</{root}>")),
            raw("too deep", &|text| format!("{}{text}{}", "<a>".repeat(5_000), "</a>".repeat(5_000))),
        ];
        if kind == DialogKind::EKontakt {
            all.push(raw("too large", &|text| format!("<a>{text}{}</a>", "x".repeat(33 * 1024 * 1024))));
        }
        let unknown = format!("<{element} {attribute}=\"{value}\">{value}</{element}></MsgInfo>");
        all.push(self.full(kind, "unknown element", patient).replacing("</MsgInfo>", &unknown));
        all.push(self.full(kind, "unknown entity", patient).replacing("</MsgHead>", &format!("&{entity};</MsgHead>")));
        let date = self.say("date");
        all.push(self.full(kind, "date", patient).replacing("<GenDate>", &format!("<GenDate>{date}")));
        let dialog = format!("dialog/{}", self.canaries.word("namespace of the dialog"));
        all.push(self.full(kind, "namespace of the dialog", patient).replacing("dialog/2013-01-23", &dialog));
        all
    }

    fn wrong_properties(&mut self, kind: DialogKind, patient: &SyntheticPatient) -> Vec<Message> {
        let mut all = vec![self.full(kind, "spoofed", patient).edit(spoof)];
        for key in ["subject", "toHerId", "fromHerId", "applicationTimeStamp", "content-type", "reply-to", "to"] {
            let value = self.say(&format!("property {key}"));
            all.push(self.full(kind, &format!("property {key}"), patient).property(key, &value));
        }
        // A subject that names nothing, and a body that cannot be read: there is no better name for it.
        let value = self.say("subject and no XML");
        all.push(self.full(kind, "subject and no XML", patient).property("subject", &value).raw_body(value.clone()));
        let receiver = self.say("receiver's HER-id");
        all.push(self.full(kind, "receiver's HER-id", patient).replacing(">8141333<", &format!(">{receiver}<")));
        all.push(
            self.full(kind, "protected", patient).content_type("application/pkcs7-mime; smime-type=signed-and-enveloped-data"),
        );
        all.push(self.full(kind, "other sender", patient).from(8_099_999, 115_851));
        all
    }

    /// AppRecs, SOAP faults and error messages about something that the clinic sent.
    pub(super) fn answers(&mut self, about: &messages::transport::Properties) -> Vec<Sent> {
        let original = about.message_id.clone().expect("it has an id");
        let mut all = Vec::new();
        for (xml, place) in [(APPREC, "AppRec 1.1"), (APPREC_1_0, "AppRec 1.0")] {
            let mut say = |part: &str| self.say(&format!("{place}: {part}"));
            let xml = xml
                .replace("Innbyggeren er ikke lenger på helsenorge.no", &say("OT"))
                .replace("Annen feil", &say("DN"))
                .replace("\"X99\"", &format!("\"{}\"", say("code")))
                .replace("Helsenorge.no", &say("name"))
                .replace("1b695f41-2e80-44e0-b13a-c504a627770c", &original);
            let message = Message::ekontakt().property("subject", "APPREC").raw_body(xml);
            all.push(message.property("X-Ukjent", &say("unknown property")).build());
        }
        let fault = SOAP_FAULT.replace("Meldingen kunne ikke dekrypteres", &self.say("SOAP fault: reason"));
        let fault = fault.replace("s:Receiver", &self.say("SOAP fault: code"));
        all.push(Message::ekontakt().content_type("application/soap+xml").raw_body(fault).build());
        for generation in [Generation::Complete, Generation::WithoutContentType, Generation::Clone] {
            let mut say = |part: &str| self.say(&format!("error message {generation:?}: {part}"));
            let message = ErrorMessage::about(about).condition(&say("condition"), &say("description")).data(&say("data"));
            let mut sent = message.generation(generation).build();
            sent.properties.subject = Some(say("subject"));
            all.push(sent);
        }
        all
    }
}

/// The payload names another sender than the properties.
fn spoof(head: &mut MsgHead) {
    let sender = head.sender.as_mut().and_then(|s| s.organisation.as_mut()).expect("two levels");
    sender.idents[0].id = "8000001".to_owned().into();
}

/// Whatever the reader can tell apart is among the messages: a new kind must be planted too.
pub(super) fn every_kind_is_planted(sent: &[Sent]) {
    let mut seen = BTreeSet::new();
    for one in sent {
        let Ok(read) = read(&one.body, &Limits::default()) else { continue };
        match read.incoming {
            Incoming::AppRec(_) => drop(seen.insert("AppRec")),
            Incoming::SoapFault(_) => drop(seen.insert("SOAP fault")),
            Incoming::Unknown { .. } => drop(seen.insert("unknown root")),
            Incoming::MsgHead(head) => seen.extend(head.documents.iter().filter_map(|document| name(&document.content))),
        }
    }
    let want = [
        "AppRec",
        "SOAP fault",
        "attachment",
        "calendar",
        "dialog",
        "guardian",
        "people",
        "prescription",
        "professional",
        "unknown",
        "unknown root",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), want);
}

/// Content that can hold anything of a person.
fn name(content: &Content) -> Option<&'static str> {
    match content {
        Content::Dialogmelding(_) => Some("dialog"),
        Content::Resept(_) => Some("prescription"),
        Content::Pasientrelasjon(_) => Some("guardian"),
        Content::Personer(_) => Some("people"),
        Content::Calendar(_) => Some("calendar"),
        Content::Helsepersonell(_) => Some("professional"),
        Content::Attachment(_) => Some("attachment"),
        Content::Unknown { .. } => Some("unknown"),
        Content::BadAttachment | Content::FileReference | Content::Empty => None,
    }
}
