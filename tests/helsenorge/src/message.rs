//! A dialog message from HelseNorge, right by default and wrong on request.

use crate::example::{
    HELSENORGE, HELSENORGE_PARENT, LINE, SOLBAKKEN, SOLBAKKEN_PARENT, async_queue, sync_queue, syncreply_queue,
};
use crate::received::Received;
use crate::{clock, metadata, parts};
use bytes::Bytes;
use jiff::Timestamp;
use messages::Sensitive;
use messages::event::DialogKind;
use messages::transport::Properties;
use messages::wire::hodemelding::{Code, Content, ConversationRef, Document, MsgHead};
use std::collections::BTreeMap;
use uuid::Uuid;

mod appointments;
mod building;
mod digital_users;

pub use appointments::{AVTALEAVBESTILLING, AVTALEUTSENDING, TIMERESERVASJON, Wish};

const ENTERPRISE: &str = "Solbakken legesenter AS";
/// Stands where an id is wanted that the message shall not have.
const NO_ID: &str = "00000000-0000-4000-8000-000000000000";

/// A message ready to be sent, or sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// AMQP `message-id`, also when the properties lack it.
    pub transport_id: String,
    /// `MsgInfo/MsgId`; empty when the message has none.
    pub msg_id: String,
    /// Routing key: the receiver's queue.
    pub queue: String,
    /// What goes around the body.
    pub properties: Properties,
    /// The XML.
    pub body: Bytes,
}

/// A message in the making. Building it twice gives the same message: sending it twice is a redelivery, sending it again with another
/// [`Message::transport_id`] is the same business message in a new envelope.
#[derive(Clone, Debug)]
pub struct Message {
    head: MsgHead,
    queue: String,
    reply_to: String,
    transport_id: String,
    at: Timestamp,
    content_type: String,
    ttl_ms: Option<u64>,
    /// Properties set or taken away at the end.
    overrides: BTreeMap<String, Option<String>>,
    replacements: Vec<(String, String)>,
    raw_body: Option<Bytes>,
}

impl Message {
    /// Line asks the clinic about something practical.
    pub fn ekontakt() -> Self {
        Self::new(DialogKind::EKontakt, parts::request(DialogKind::EKontakt))
    }

    /// Line asks about her knee.
    pub fn ekonsultasjon() -> Self {
        Self::new(DialogKind::EKonsultasjon, parts::request(DialogKind::EKonsultasjon))
    }

    /// Line asks to have prescriptions renewed: those added with [`Message::prescription`].
    pub fn reseptfornyelse() -> Self {
        Self::new(DialogKind::Reseptfornyelse, parts::request(DialogKind::Reseptfornyelse))
    }

    /// Line answers in an eKontakt; see [`Message::of_kind`] and [`Message::in_conversation`].
    pub fn svar() -> Self {
        Self::new(DialogKind::EKontakt, parts::answer())
    }

    /// HelseNorge tests whether the clinic answers, and waits for it.
    pub fn kommunikasjonstest() -> Self {
        let head = MsgHead {
            msg_type: Some(Code::new("DIALOG_INNBYGGER_TEST", "Dialog med innbygger - test")),
            ack: Some(Code::new("N", "Nei")),
            ..Self::head(parts::communication_test())
        };
        Self { ttl_ms: Some(15_000), ..Self::of(head).on_queue(&sync_queue(SOLBAKKEN)).reply_to(&syncreply_queue(HELSENORGE)) }
    }

    /// HelseNorge answers the clinic's communication test.
    pub fn communication_reply(request: &Received) -> Self {
        let head = MsgHead {
            msg_type: Some(Code::new("DIALOG_INNBYGGER_TEST", "Dialog med innbygger - test")),
            ack: Some(Code::new("N", "Nei")),
            conversation_ref: Some(ConversationRef {
                ref_to_parent: request.properties.message_id.clone(),
                ref_to_conversation: request.properties.message_id.clone(),
            }),
            ..Self::head(parts::communication_reply())
        };
        let correlation = request.properties.correlation_id.clone().unwrap_or_default();
        let queue = request.properties.reply_to.clone().unwrap_or_default();
        Self { ttl_ms: Some(15_000), ..Self::of(head).on_queue(&queue).reply_to("") }.property("correlation-id", &correlation)
    }

    fn new(kind: DialogKind, main: Document) -> Self {
        let head = MsgHead {
            ack: Some(Code::new("J", "Ja")),
            patient: Some(parts::person(LINE.nin, LINE.given, LINE.family)),
            ..Self::head(main)
        };
        Self::of(head).of_kind(kind)
    }

    fn head(main: Document) -> MsgHead {
        MsgHead {
            gen_date: Some(clock::gen_date(clock::now())),
            msg_id: Some(Uuid::new_v4().to_string()),
            documents: vec![main],
            ..MsgHead::default()
        }
    }

    fn of(head: MsgHead) -> Self {
        let message = Self {
            head,
            queue: String::new(),
            reply_to: String::new(),
            transport_id: Uuid::new_v4().to_string(),
            at: clock::now(),
            content_type: "text/plain".to_owned(),
            ttl_ms: None,
            overrides: BTreeMap::new(),
            replacements: Vec::new(),
            raw_body: None,
        };
        message.from(HELSENORGE, HELSENORGE_PARENT).to_clinic(SOLBAKKEN, SOLBAKKEN_PARENT)
    }

    /// The service it belongs to: `MsgInfo/Type` and the AMQP subject.
    #[must_use]
    pub fn of_kind(self, kind: DialogKind) -> Self {
        self.of_process(kind.message_function())
    }

    /// The same of a process that is no dialog.
    #[must_use]
    pub fn of_process(self, function: &str) -> Self {
        self.edit(|head| head.msg_type = Some(Code::new(function, "Dialog med innbygger")))
    }

    /// The sender, whose `_async` queue gets the answer.
    #[must_use]
    pub fn from(mut self, her_id: i64, parent: i64) -> Self {
        self.head.sender = Some(parts::service(("Norsk Helsenett SF", parent), ("Helsenorge.no", her_id)));
        self.reply_to = async_queue(her_id);
        self
    }

    /// To a clinic, on its queue.
    #[must_use]
    pub fn to_clinic(mut self, her_id: i64, parent: i64) -> Self {
        self.head.receiver = Some(parts::service((ENTERPRISE, parent), ("Solbakken legesenter", her_id)));
        self.queue = async_queue(her_id);
        self
    }

    /// To a doctor, on the clinic's queue; the enterprise stays that of the last [`Message::to_clinic`].
    #[must_use]
    pub fn to_doctor(mut self, clinic_her_id: i64, doctor_her_id: i64) -> Self {
        let parent = self.head.receiver.as_ref().and_then(|r| messages::wire::hodemelding::her_id_of(&r.idents)?.parse().ok());
        self.head.receiver = Some(parts::doctor((ENTERPRISE, parent.unwrap_or(SOLBAKKEN_PARENT)), doctor_her_id));
        self.queue = async_queue(clinic_her_id);
        self
    }

    /// Where the answer is waited for; an empty one is left out.
    #[must_use]
    pub fn reply_to(mut self, address: &str) -> Self {
        address.clone_into(&mut self.reply_to);
        self
    }

    /// Written so many seconds ago.
    #[must_use]
    pub fn seconds_old(mut self, seconds: i64) -> Self {
        self.at -= jiff::SignedDuration::from_secs(seconds);
        self
    }

    /// To another queue than the receiver's own.
    #[must_use]
    pub fn on_queue(mut self, queue: &str) -> Self {
        queue.clone_into(&mut self.queue);
        self
    }

    /// The patient; a number that begins with 4–7 is sent as a D-nummer.
    #[must_use]
    pub fn patient(self, nin: &str, given: &str, family: &str) -> Self {
        self.edit(|head| head.patient = Some(parts::person(nin, given, family)))
    }

    /// `MsgInfo/MsgId`.
    #[must_use]
    pub fn msg_id(self, id: impl Into<String>) -> Self {
        self.edit(|head| head.msg_id = Some(id.into()))
    }

    /// `MsgInfo/GenDate`, a valid xs:dateTime.
    #[must_use]
    pub fn gen_date(self, date: &str) -> Self {
        self.edit(|head| head.gen_date = Some(date.to_owned()))
    }

    /// Part of a conversation: the MsgId it answers, and that of the first message.
    #[must_use]
    pub fn in_conversation(self, parent: &str, conversation: &str) -> Self {
        let (parent, first) = (Some(parent.to_owned()), Some(conversation.to_owned()));
        self.edit(|head| head.conversation_ref = Some(ConversationRef { ref_to_parent: parent, ref_to_conversation: first }))
    }

    /// The subject line that people see; the AMQP subject is `property("subject", …)`.
    #[must_use]
    pub fn subject(self, subject: &str) -> Self {
        self.edit_dialog(|dialog| {
            dialog.foresporsel.iter_mut().for_each(|f| f.emne_sporsmal = parts::text(subject));
            dialog.notat.iter_mut().for_each(|n| n.tema = parts::text(subject));
        })
    }

    /// What the patient writes.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.edit_dialog(|dialog| {
            dialog.foresporsel.iter_mut().for_each(|f| f.sporsmal = parts::text(text));
            dialog.notat.iter_mut().for_each(|n| n.tekst = parts::text(text));
        })
    }

    /// Without anything that the patient writes.
    #[must_use]
    pub fn without_text(self) -> Self {
        self.edit_dialog(|dialog| {
            dialog.foresporsel.iter_mut().for_each(|f| f.sporsmal = None);
            dialog.notat.iter_mut().for_each(|n| n.tekst = None);
        })
    }

    /// One more file.
    #[must_use]
    pub fn attachment(self, file_name: &str, mime: &str, bytes: &[u8]) -> Self {
        self.document(parts::attachment(file_name, mime, bytes))
    }

    /// Written by someone with parental responsibility.
    #[must_use]
    pub fn guardian(self, nin: &str, given: &str, family: &str) -> Self {
        self.document(parts::guardian(nin, given, family))
    }

    /// One more prescription: name with form and strength, ATC code, group (A, B, C …).
    #[must_use]
    pub fn prescription(self, name: &str, atc: &str, group: &str) -> Self {
        self.document(parts::prescription(name, atc, group))
    }

    /// One more document.
    #[must_use]
    pub fn document(self, document: Document) -> Self {
        self.edit(|head| head.documents.push(document))
    }

    /// `MsgInfo/Ack`: J, N or F.
    #[must_use]
    pub fn ack(self, v: &str) -> Self {
        self.edit(|head| head.ack = Some(Code::new(v, v)))
    }

    /// Without `MsgInfo/Ack`, which means J.
    #[must_use]
    pub fn without_ack(self) -> Self {
        self.edit(|head| head.ack = None)
    }

    /// Without `MsgInfo/MsgId`.
    #[must_use]
    pub fn without_msg_id(self) -> Self {
        self.edit(|head| head.msg_id = None)
    }

    /// Without `MsgInfo/Patient`.
    #[must_use]
    pub fn without_patient(self) -> Self {
        self.edit(|head| head.patient = None)
    }

    /// With a patient who has names only.
    #[must_use]
    pub fn without_patient_ident(self) -> Self {
        self.edit(|head| head.patient.iter_mut().for_each(|patient| patient.idents.clear()))
    }

    /// Changes the header in any other way.
    #[must_use]
    pub fn edit(mut self, change: impl FnOnce(&mut MsgHead)) -> Self {
        change(&mut self.head);
        self
    }

    /// Replaces text in the written XML: for what no writer would write.
    #[must_use]
    pub fn replacing(mut self, from: &str, to: &str) -> Self {
        self.replacements.push((from.to_owned(), to.to_owned()));
        self
    }

    /// AMQP `message-id` and `correlation-id`.
    #[must_use]
    pub fn transport_id(mut self, id: impl Into<String>) -> Self {
        self.transport_id = id.into();
        self
    }

    /// AMQP `content-type`.
    #[must_use]
    pub fn content_type(mut self, content_type: &str) -> Self {
        content_type.clone_into(&mut self.content_type);
        self
    }

    /// Sets a property last of all: an application property, or one of `message-id`, `correlation-id`, `subject`, `to`, `reply-to`,
    /// `content-type`.
    #[must_use]
    pub fn property(mut self, key: &str, value: &str) -> Self {
        self.overrides.insert(key.to_owned(), Some(value.to_owned()));
        self
    }

    /// Leaves a property out; names as in [`Message::property`].
    #[must_use]
    pub fn without_property(mut self, key: &str) -> Self {
        self.overrides.insert(key.to_owned(), None);
        self
    }

    /// Without anything copied from the header: no `X-MessageInfo-…`, `X-Sender-…`, `X-Receiver-…` and `X-AttachmentInfo-…`.
    #[must_use]
    pub fn without_metadata(self) -> Self {
        metadata::of(&self.head).into_iter().fold(self, |message, (key, _)| message.without_property(key))
    }

    /// These bytes instead of the XML.
    #[must_use]
    pub fn raw_body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.raw_body = Some(bytes.into());
        self
    }

    /// The text of the main document, to compare with what came of it.
    pub fn written_text(&self) -> String {
        let main = self.head.documents.first().map(|d| &d.content);
        let Some(Content::Dialogmelding(dialog)) = main else { return String::new() };
        let request = dialog.foresporsel.iter().find_map(|f| f.sporsmal.as_ref());
        let answer = || dialog.notat.iter().find_map(|n| n.tekst.as_ref());
        request.or_else(answer).map(Sensitive::expose).cloned().unwrap_or_default()
    }
}
