//! A message as it arrived: what could be read of it, and what to ask before deciding.

use crate::acceptance::Rejection;
use crate::appointment::Span;
use crate::appointment::arrival::asks_for_slots;
use crate::digital_user;
use crate::receipts::error_8221;
use crate::transport::{ErrorMessage, Lane, Packing, is_code};
use jiff::Timestamp;
use messages::event::DialogKind;
use messages::person_id::TestSeries;
use messages::transport::Properties;
use messages::wire::hodemelding::{Content, MsgHead};
use messages::wire::{Incoming, Read, XmlError};
use messages::{Fault, HerId, MessageId, PersonId};
use uuid::Uuid;

/// A message with what could be read of it.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Which queue it came on.
    pub lane: Lane,
    /// Its properties.
    pub properties: Properties,
    /// Its payload.
    pub payload: Payload,
    /// When it was first taken off its queue, however often it was put off since.
    pub received_at: Timestamp,
}

/// What could be read of a payload.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Read.
    Read(Box<Read>),
    /// Refused by the reader.
    Unreadable(XmlError),
    /// Protected content before it is opened, or an error message's body, which is not looked at.
    Closed,
    /// Protected content that did not open, or content that should have been protected.
    Unopened(Unopened),
}

/// Why a payload was not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// The sender is told: our stable code, and what it is told (nhn-messaging 3.3).
    Refused(&'static str, ErrorMessage),
    /// Time may heal it: a revocation list is out of reach, for instance.
    Later(Fault),
}

/// What to ask the store before deciding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// `fromHerId`.
    pub from: Option<HerId>,
    /// `toHerId`.
    pub to: Option<HerId>,
    /// The patient.
    pub patient: Option<PersonId>,
    /// Kind of dialog: a conversation that changes its kind is two dialogs, since kind decides recipients and journal.
    pub kind: Option<DialogKind>,
    /// Whether it answers without naming a conversation.
    pub answers_newest: bool,
    /// MsgId, lower case.
    pub msg_id: Option<String>,
    /// The request of ours that it replies to.
    pub replies_to: Option<Uuid>,
    /// MsgId of the dialog's first message, lower case: `RefToConversation`, or the message's own id.
    pub conversation: Option<String>,
    /// Questions of ours about digital users that it may answer, the likelier first.
    pub questions: Vec<Uuid>,
    /// The time for which free slots are asked.
    pub slots: Option<Span>,
    /// Transport ids under which we may have sent what an error message or AppRec is about.
    pub sent: Vec<Uuid>,
}

impl Arrival {
    fn head(&self) -> Option<&MsgHead> {
        match &self.payload {
            Payload::Read(read) => match &read.incoming {
                Incoming::MsgHead(head) => Some(head),
                _ => None,
            },
            _ => None,
        }
    }

    /// The message function after every fall-back (nhn-messaging 7.5). `X-MessageInfo-Type` is unauthenticated, so the payload goes
    /// first; it is a hint only. What is no code names no function.
    pub fn function(&self) -> Option<String> {
        let code = |text: &String| is_code(text.trim());
        let subject = self.properties.subject.clone().filter(code);
        let payload = || match &self.payload {
            Payload::Read(read) => match &read.incoming {
                Incoming::MsgHead(head) => head.msg_type.as_ref().and_then(|t| t.v.clone()).filter(code),
                Incoming::AppRec(_) => Some("APPREC".to_owned()),
                Incoming::SoapFault(_) => Some("AMQP_SOAP_FAULT".to_owned()),
                Incoming::Unknown { .. } => None,
            },
            _ => None,
        };
        subject.or_else(payload).or_else(|| self.properties.application("X-MessageInfo-Type").map(str::to_owned).filter(code))
    }

    /// What to ask the store.
    pub fn keys(&self, series: &TestSeries) -> Keys {
        let p = &self.properties;
        let her_id = |key| p.application(key).and_then(|t| t.parse().ok());
        let mut keys = Keys { from: her_id("fromHerId"), to: her_id("toHerId"), ..Keys::default() };
        if let Some(head) = self.head() {
            keys.msg_id = head.msg_id.as_deref().and_then(|id| id.parse::<MessageId>().ok()).map(|id| id.key());
            keys.patient = patient_id(head, series).ok();
            keys.conversation = conversation(head).or_else(|| keys.msg_id.clone());
            keys.kind = kind(head);
            keys.questions = digital_user::questions(head);
            keys.slots = asks_for_slots(head).and_then(|period| period.span(self.received_at));
            keys.answers_newest = conversation(head).is_none() && is_answer(head);
        }
        let uuid = |text: Option<&str>| text.and_then(|t| Uuid::try_parse(t.trim()).ok());
        let of_payload = match &self.payload {
            Payload::Read(read) => match &read.incoming {
                Incoming::AppRec(apprec) => apprec.original_id.as_deref(),
                Incoming::SoapFault(fault) => fault.message_id.as_deref(),
                _ => None,
            },
            _ => None,
        };
        keys.replies_to = Some(self.lane).filter(|lane| *lane == Lane::SyncReply).and_then(|_| uuid(p.correlation_id.as_deref()));
        let of_notice = match self.lane {
            Lane::Error => [p.application("originalMessageId"), p.correlation_id.as_deref(), p.message_id.as_deref()],
            Lane::Async | Lane::Sync | Lane::SyncReply => [None; 3],
        };
        let sent = std::iter::once(of_payload).chain(of_notice);
        keys.sent = sent.filter_map(uuid).collect();
        keys
    }
}

pub(crate) fn kind(head: &MsgHead) -> Option<DialogKind> {
    head.msg_type.as_ref()?.v.as_deref().and_then(DialogKind::from_message_function)
}

fn is_answer(head: &MsgHead) -> bool {
    matches!(head.documents.first().map(|d| &d.content), Some(Content::Dialogmelding(d)) if d.foresporsel.is_empty())
}

pub(crate) fn conversation(head: &MsgHead) -> Option<String> {
    let reference = head.conversation_ref.as_ref()?.ref_to_conversation.as_deref()?.trim();
    // Longer than any id: no reference at all, and nothing for an index.
    (1..=200).contains(&reference.len()).then(|| reference.to_lowercase())
}

pub(crate) fn patient_id(head: &MsgHead, series: &TestSeries) -> Result<PersonId, Rejection> {
    let missing =
        || Rejection::new("patient-number-missing", error_8221("E30", "Pasientens fødselsnummer eller D-nummer mangler"));
    let number =
        head.patient.as_ref().and_then(|p| p.national_id()).filter(|n| !n.expose().trim().is_empty()).ok_or_else(missing)?;
    PersonId::parse(number.expose(), series)
        .map_err(|_| Rejection::new("patient-number-wrong", error_8221("E31", "Pasientens fødselsnummer eller D-nummer er feil")))
}

/// How an arrival's payload is to be opened: by the queue's lane and the content type.
pub fn packing(lane: Lane, properties: &Properties) -> Packing {
    match properties.content_type.as_deref() {
        Some(content_type) => Packing::of(content_type),
        // Reported as missing later; until then the payload may tell the message function.
        None if lane != Lane::Error => Packing::Plain,
        None => Packing::Protected,
    }
}
