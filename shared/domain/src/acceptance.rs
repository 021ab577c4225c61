//! What becomes of a message from HelseNorge: accepted, rejected with an AppRec, refused with an error message, filed, or dead.
//!
//! The order of the checks is the order of nhn-messaging 3.2: properties, packing, XML, HER-ids, then the clinic's and patient's side.

use crate::appointment::request::Request;
use crate::appointment::{Slot, arrival};
use crate::arrival::{Arrival, Payload, Unopened, conversation, kind, patient_id};
use crate::clinic::Clinic;
use crate::digital_user::{self, Noted};
use crate::entry::{self, Entry, Form};
use crate::readiness;
use crate::receipts::{Answer, ReceiptHead, error_8221, receipt_head, wants_positive};
use crate::services::{Patient, is_offered};
use crate::sync::{self, Asked, Heard, Reply};
use crate::transport::{
    ErrorMessage, Header, HeaderFault, INVALID_FIELD, Lane, NOT_WELL_FORMED, SPOOFING, UNSUPPORTED, check_header,
};
use jiff::Timestamp;
use messages::event::DialogKind;
use messages::person_id::TestSeries;
use messages::wire::apprec::{AppRecVersion, ReceivedAppRec};
use messages::wire::dialogmelding::DialogmeldingVersion;
use messages::wire::hodemelding::{Code, Content, MAX_PERSONER, MsgHead};
use messages::wire::icalendar::MAX_EVENTS;
use messages::wire::{Incoming, XmlError};
use messages::{Fault, HerId, MessageId};
use std::sync::Arc;
use uuid::Uuid;

/// What the store knows about one arrival.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Whether `fromHerId` is a party we have queues for.
    pub sender_known: bool,
    /// The clinic that `toHerId` or one of its employees is.
    pub clinic: Option<Arc<Clinic>>,
    /// The patient, if the clinic knows him.
    pub patient: Option<Uuid>,
    /// The patient's fastlege (employee id).
    pub fastlege: Option<String>,
    /// An earlier decided message of this sender with the same MsgId.
    pub earlier: Option<Uuid>,
    /// The patient's dialog of this conversation.
    pub dialog: Option<Uuid>,
    /// The patient's newest dialog of this kind.
    pub newest_dialog: Option<Uuid>,
    /// What we sent under one of the keys' ids.
    pub sent: Option<Uuid>,
    /// Our request that it replies to.
    pub asked: Option<Asked>,
    /// Our question about digital users that it answers.
    pub question: Option<digital_user::Asked>,
    /// Slots that are released and free, of the timebok that the patient may book in, when it asks for them.
    pub slots: Vec<Slot>,
}

/// What becomes of an arrival.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Stored as an entry of a dialog.
    Accept(Box<Accepted>),
    /// Taken in, and no entry of a dialog: what HelseNorge tells of its users.
    Note(Box<Note>),
    /// A patient wants to book or to cancel.
    Book(Box<Booking>),
    /// Turned down with a negative AppRec.
    Reject(Box<(ReceiptHead, Rejection)>),
    /// Turned down with an error message.
    Refuse(&'static str, ErrorMessage),
    /// Decided before under another transport id: the first message's answer is due again.
    Repeat(Uuid),
    /// A request whose sender waits for this reply.
    Reply(Box<(ReceiptHead, Reply)>),
    /// A request whose sender waits no longer.
    Expired,
    /// A reply on the queue where we wait for them; never answered.
    FileReply(Heard),
    /// A receipt for something we sent.
    FileReceipt(Box<ReceivedAppRec>),
    /// An error message about something we sent; never answered.
    FileError,
    /// Cannot be decided yet: later again.
    Later(Fault),
    /// Nobody to answer, or nobody we know.
    Dead(Fault),
}

/// An accepted dialog message.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What its receipt repeats.
    pub head: ReceiptHead,
    /// Whether a positive AppRec is due; `None` = the sender wants none.
    pub answer: Option<Answer>,
    /// The clinic.
    pub clinic: HerId,
    /// The patient.
    pub patient: Uuid,
    /// Kind of the dialog.
    pub kind: DialogKind,
    /// Where it belongs.
    pub thread: Thread,
    /// Its content.
    pub entry: Entry,
}

/// Something taken in that belongs to no dialog.
#[derive(Clone, Debug)]
pub struct Note {
    /// What its receipt repeats.
    pub head: ReceiptHead,
    /// Whether a positive AppRec is due; `None` = the sender wants none.
    pub answer: Option<Answer>,
    /// The clinic.
    pub clinic: HerId,
    /// What was told.
    pub noted: Noted,
}

/// A reservation or cancellation that was taken in. What the patient is told is decided where timebøker are.
#[derive(Clone, Debug)]
pub struct Booking {
    /// What its receipt repeats.
    pub head: ReceiptHead,
    /// Whether a positive AppRec is due; `None` = the sender wants none.
    pub answer: Option<Answer>,
    /// The clinic.
    pub clinic: HerId,
    /// What is asked for.
    pub request: Request,
}

/// Which dialog an entry joins (message-formats 2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thread {
    /// One that exists.
    Existing(Uuid),
    /// A new one under this conversation id.
    New {
        /// Lower case.
        conversation: String,
        /// The message answers something we have not seen: someone should look.
        flagged: bool,
    },
}

/// A negative AppRec with our own stable code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Stable, kebab-case: ledger, metrics.
    pub code: &'static str,
    /// What the AppRec says.
    pub error: Code,
}

impl Rejection {
    /// A rejection with one error.
    pub const fn new(code: &'static str, error: Code) -> Self {
        Self { code, error }
    }
}

/// Decides. Pure: the same arrival and facts give the same decision.
pub fn decide(arrival: &Arrival, facts: &Facts, series: &TestSeries, now: Timestamp) -> Decision {
    // On the error queue nothing is checked strictly and nothing is answered (nhn-messaging 2.5).
    if arrival.lane == Lane::Error {
        return Decision::FileError;
    }
    if arrival.lane == Lane::SyncReply {
        return sync::decide_reply(arrival, facts.asked.as_ref(), now);
    }
    let header = match check_header(&arrival.properties, arrival.function().as_deref()) {
        Ok(header) => header,
        Err(HeaderFault::NoSender(fault)) => return Decision::Dead(fault),
        Err(HeaderFault::Refused(error)) => return refuse_known(facts, "header-invalid", error),
    };
    if !facts.sender_known {
        return Decision::Dead(unknown_sender());
    }
    if arrival.lane == Lane::Sync && sync::is_stale(&arrival.properties, now) {
        return Decision::Expired;
    }
    let read = match &arrival.payload {
        Payload::Read(read) => read,
        Payload::Unreadable(error) => return unreadable(*error),
        Payload::Unopened(Unopened::Refused(code, error)) => return Decision::Refuse(code, error.clone()),
        Payload::Unopened(Unopened::Later(fault)) => return Decision::Later(fault.clone()),
        Payload::Closed => {
            return Decision::Refuse(
                "content-protected",
                ErrorMessage::new(UNSUPPORTED, "Protected content cannot be read here"),
            );
        }
    };
    match &read.incoming {
        Incoming::MsgHead(head) => decide_head(head, &read.deviations, arrival, header, facts, series, now),
        Incoming::AppRec(apprec) => decide_receipt(apprec, header),
        Incoming::SoapFault(_) => Decision::FileError,
        Incoming::Unknown { .. } => {
            Decision::Refuse("root-unknown", ErrorMessage::new(UNSUPPORTED, "The root element is neither MsgHead nor AppRec"))
        }
    }
}

fn unknown_sender() -> Fault {
    Fault::broken("sender-unknown", "fromHerId is no party that was applied: nobody to answer; apply the party and replay it")
}

fn refuse_known(facts: &Facts, code: &'static str, error: ErrorMessage) -> Decision {
    if facts.sender_known { Decision::Refuse(code, error) } else { Decision::Dead(unknown_sender()) }
}

fn unreadable(error: XmlError) -> Decision {
    let condition = if matches!(error, XmlError::TooLarge { .. }) { UNSUPPORTED } else { NOT_WELL_FORMED };
    Decision::Refuse(error.code(), ErrorMessage::new(condition, format!("Could not deserialize payload: {error}")))
}

fn schema_invalid(element: &'static str) -> Decision {
    Decision::Refuse("schema-invalid", ErrorMessage::new(NOT_WELL_FORMED, format!("{element} is missing or not valid")))
}

/// Payload HER-ids against the transport's (nhn-messaging 3.1: the sender's first).
fn check_parties(sender: Option<&str>, receiver: Option<&str>, header: Header) -> Result<(), Decision> {
    let same = |text: Option<&str>, id: HerId| text.and_then(|t| t.parse::<HerId>().ok()) == Some(id);
    if !same(sender, header.from) {
        let error = ErrorMessage::new(SPOOFING, "The sender's HER-id in the payload is not fromHerId");
        return Err(Decision::Refuse("sender-her-id-mismatch", error));
    }
    if !same(receiver, header.to) {
        // Only a number goes back: whatever else stands in the payload is content.
        let received = receiver.and_then(|t| t.parse::<HerId>().ok()).map(|id| id.to_string()).unwrap_or_default();
        let text = "The receiver's HER-id in the payload is not toHerId";
        let error = ErrorMessage::with_data(INVALID_FIELD, text, &[&header.to.to_string(), &received]);
        return Err(Decision::Refuse("receiver-her-id-mismatch", error));
    }
    Ok(())
}

fn decide_receipt(apprec: &ReceivedAppRec, header: Header) -> Decision {
    if apprec.original_id.is_none() || apprec.status.as_ref().and_then(|s| s.v.as_ref()).is_none() {
        return schema_invalid("AppRec/Status or AppRec/OriginalMsgId");
    }
    match check_parties(apprec.sender_her_id.as_deref(), apprec.receiver_her_id.as_deref(), header) {
        Ok(()) => Decision::FileReceipt(Box::new(apprec.clone())),
        Err(refused) => refused,
    }
}

fn decide_head(
    head: &MsgHead,
    deviations: &[&str],
    arrival: &Arrival,
    header: Header,
    facts: &Facts,
    series: &TestSeries,
    now: Timestamp,
) -> Decision {
    let level_2 =
        |o: &Option<messages::wire::hodemelding::Organisation>| o.as_ref().and_then(|o| o.level_2_her_id()).map(str::to_owned);
    if let Err(refused) = check_parties(level_2(&head.sender).as_deref(), level_2(&head.receiver).as_deref(), header) {
        return refused;
    }
    let receipt = match receipt_head(head, apprec_version(head)) {
        Ok(receipt) => receipt,
        Err(element) => return schema_invalid(element),
    };
    if arrival.lane == Lane::Sync {
        return sync::decide(head, receipt, &arrival.properties, facts, now);
    }
    if let Some(earlier) = facts.earlier {
        return Decision::Repeat(earlier);
    }
    // The reader keeps the first of what may stand once: two patients, or a second content, must not be half read.
    if deviations.iter().any(|d| matches!(*d, "element-repeated" | "content-repeated")) {
        let rejection =
            Rejection::new("element-repeated", error_8221("T02", "Et element som skal stå én gang, står flere ganger"));
        return Decision::Reject(Box::new((receipt, rejection)));
    }
    // Of a list that is half read the others would count as unnamed.
    for (deviation, most, of) in [("persons-too-many", MAX_PERSONER, "personer"), ("events-too-many", MAX_EVENTS, "timer")] {
        if deviations.contains(&deviation) {
            let text = format!("Mer enn {most} {of}");
            return Decision::Reject(Box::new((receipt, Rejection::new(deviation, error_8221("T99", text)))));
        }
    }
    match accept(head, receipt.clone(), header, facts, series) {
        Ok(decision) => decision,
        Err(rejection) => Decision::Reject(Box::new((receipt, rejection))),
    }
}

/// Processes on Dialogmelding 1.0 use AppRec 1.0 (message-formats 0.1).
fn apprec_version(head: &MsgHead) -> AppRecVersion {
    match head.documents.first().map(|d| &d.content) {
        Some(Content::Dialogmelding(d)) if d.version == DialogmeldingVersion::V1_0 => AppRecVersion::V1_0,
        _ => AppRecVersion::V1_1,
    }
}

fn accept(
    head: &MsgHead,
    receipt: ReceiptHead,
    header: Header,
    facts: &Facts,
    series: &TestSeries,
) -> Result<Decision, Rejection> {
    let msg_id = head.msg_id.as_deref().and_then(|id| id.parse::<MessageId>().ok());
    let msg_id = msg_id.ok_or_else(|| Rejection::new("message-id-invalid", error_8221("E10", "MsgId er ikke en UUID")))?;
    let clinic = facts.clinic.as_deref().ok_or_else(|| unknown_receiver(head))?;
    if !readiness::missing(clinic).is_empty() {
        return Err(Rejection::new("clinic-not-ready", error_8221("E21", "Legekontoret tar ikke imot digital dialog ennå")));
    }
    let answer = wants_positive(head.ack.as_ref()).then(|| Answer::AppRec { errors: vec![] });
    if digital_user::is_meant(head) {
        let noted = digital_user::note(head, header.from, clinic.her_id, facts.question.as_ref(), series)?;
        return Ok(Decision::Note(Box::new(Note { head: receipt, answer, clinic: clinic.her_id, noted })));
    }
    if arrival::is_meant(head) {
        patient_id(head, series)?;
        let request = arrival::request(head, Uuid::nil(), facts.patient.ok_or_else(unknown_patient)?, header.to)?;
        return Ok(Decision::Book(Box::new(Booking { head: receipt, answer, clinic: clinic.her_id, request })));
    }
    let kind = kind(head).ok_or_else(|| Rejection::new("type-unsupported", error_8221("T10", "Meldingstypen støttes ikke")))?;
    let entry = entry::from_head(head)?;
    patient_id(head, series)?;
    let patient = facts.patient.ok_or_else(unknown_patient)?;
    let whose = Patient { writes_to: Some(header.to), fastlege: facts.fastlege.as_deref() };
    if !is_offered(clinic, whose, kind) {
        return Err(Rejection::new("service-not-offered", error_8221("X99", "Tjenesten tilbys ikke")));
    }
    let thread = thread(head, &msg_id, &entry, facts);
    let clinic = clinic.her_id;
    Ok(Decision::Accept(Box::new(Accepted { head: receipt, answer, clinic, patient, kind, thread, entry })))
}

fn unknown_patient() -> Rejection {
    Rejection::new("patient-unknown", error_8221("E35", "Pasienten finnes ikke på legekontorets liste"))
}

fn unknown_receiver(head: &MsgHead) -> Rejection {
    if head.receiver.as_ref().is_some_and(|r| r.healthcare_professional.is_some()) {
        Rejection::new("receiver-unknown", error_8221("E20", "Legen finnes ikke her"))
    } else {
        Rejection::new("receiver-unknown", error_8221("E21", "Mottakeren finnes ikke her"))
    }
}

/// Order does not matter: an answer that overtakes the first message opens the dialog under the conversation id they share.
fn thread(head: &MsgHead, msg_id: &MessageId, entry: &Entry, facts: &Facts) -> Thread {
    let reference = conversation(head);
    match (facts.dialog, &reference, entry.form, facts.newest_dialog) {
        (Some(dialog), ..) => Thread::Existing(dialog),
        (None, None, Form::Notat, Some(newest)) => Thread::Existing(newest),
        (None, Some(conversation), ..) => {
            Thread::New { conversation: conversation.clone(), flagged: *conversation != msg_id.key() }
        }
        (None, None, form, _) => Thread::New { conversation: msg_id.key(), flagged: form == Form::Notat },
    }
}
