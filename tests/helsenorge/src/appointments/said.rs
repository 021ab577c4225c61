//! A clinic's message about appointments, read.

use super::REMINDER;
use crate::message::{AVTALEAVBESTILLING, AVTALEUTSENDING, TIMERESERVASJON};
use crate::received::Received;
use messages::event::DialogKind;
use messages::wire::dialogmelding::{Foresporsel, Notat};
use messages::wire::hodemelding::{Code, Content, HealthcareProfessional, MsgHead};
use messages::wire::icalendar::Vevent;
use messages::wire::{Incoming, Limits, read};

/// What a clinic says about appointments: free slots, answers, or what it tells unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AboutAppointments {
    /// `MsgInfo/Type`.
    pub process: String,
    /// `MsgInfo/MsgId`.
    pub msg_id: String,
    /// MsgId of the message that it answers.
    pub answers: Option<String>,
    /// The patient's identity number.
    pub patient: Option<String>,
    /// `TypeForesp` (7601) of what is told unasked.
    pub request: Option<String>,
    /// `TemaKodet` (7602) of an answer.
    pub answer: Option<String>,
    /// Subject of what is told unasked, else `Tema`.
    pub subject: Option<String>,
    /// The text.
    pub text: Option<String>,
    /// Slots, or the appointment.
    pub events: Vec<Vevent>,
    /// Another doctor than the one asked.
    pub helsepersonell: Option<HealthcareProfessional>,
}

impl AboutAppointments {
    /// Reads a header; `None` = it is of another process.
    pub fn of(head: &MsgHead) -> Option<Self> {
        let v = |code: &Option<Code>| code.as_ref().and_then(|code| code.v.clone());
        let process = v(&head.msg_type)?;
        let timeonske = DialogKind::Timeonske.message_function();
        if ![TIMERESERVASJON, AVTALEUTSENDING, AVTALEAVBESTILLING, timeonske].contains(&process.as_str()) {
            return None;
        }
        let (request, note) = main(head);
        let exposed = |text: Option<&messages::Sensitive<String>>| text.map(|text| text.expose().clone());
        let subject = |f: Option<&Foresporsel>, n: Option<&Notat>| {
            exposed(f.and_then(|f| f.emne_sporsmal.as_ref()).or_else(|| n.and_then(|n| n.tema.as_ref())))
        };
        let text = |f: Option<&Foresporsel>, n: Option<&Notat>| {
            exposed(f.and_then(|f| f.sporsmal.as_ref()).or_else(|| n.and_then(|n| n.tekst.as_ref())))
        };
        let contents = || head.documents.iter().map(|document| &document.content);
        let events = contents().filter_map(|content| if let Content::Calendar(events) = content { Some(events) } else { None });
        Some(Self {
            process,
            msg_id: head.msg_id.clone().unwrap_or_default(),
            answers: head.conversation_ref.as_ref().and_then(|conversation| conversation.ref_to_parent.clone()),
            patient: head.patient.as_ref().and_then(|patient| exposed(patient.national_id())),
            request: request.and_then(|f| v(&f.type_foresp)),
            answer: note.and_then(|n| v(&n.tema_kodet)),
            subject: subject(request, note),
            text: text(request, note),
            events: events.flatten().cloned().collect(),
            helsepersonell: contents().find_map(|content| match content {
                Content::Helsepersonell(person) => Some(person.clone()),
                _ => None,
            }),
        })
    }

    /// Whether it reminds of an appointment.
    pub fn is_reminder(&self) -> bool {
        self.request.as_deref() == Some("MOA") && self.subject.as_deref().is_some_and(|subject| subject.starts_with(REMINDER))
    }

    /// Whether it tells how an appointment stands: a confirmation, a push, a reminder, or that the patient did not attend.
    pub(super) fn tells_a_version(&self) -> bool {
        let confirms = matches!(self.answer.as_deref(), Some("05" | "07" | "08" | "10" | "11"));
        let pushes = matches!(self.process.as_str(), AVTALEUTSENDING | TIMERESERVASJON) && self.request.as_deref() == Some("MOA");
        confirms || pushes
    }
}

fn main(head: &MsgHead) -> (Option<&Foresporsel>, Option<&Notat>) {
    match head.documents.first().map(|document| &document.content) {
        Some(Content::Dialogmelding(dialog)) => (dialog.foresporsel.first(), dialog.notat.first()),
        _ => (None, None),
    }
}

impl Received {
    /// What it says about appointments; `None` = nothing. What is sealed must be opened first.
    pub fn about_appointments(&self) -> Option<AboutAppointments> {
        match read(&self.body, &Limits::default()).ok()?.incoming {
            Incoming::MsgHead(head) => AboutAppointments::of(&head),
            _ => None,
        }
    }
}
