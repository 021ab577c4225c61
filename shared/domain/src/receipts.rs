//! What the sender is told: which AppRec with which code, or which error message (message-formats 4, nhn-messaging 2.5).

use crate::sync::{LIFE_MS, Reply};
use crate::transport::{ErrorMessage, is_code};
use crate::turned_down::name_8221;
use jiff::{Timestamp, Unit, tz::TimeZone};
use messages::HerId;
use messages::transport::Properties;
use messages::wire::apprec::{AppRec, AppRecVersion};
use messages::wire::hodemelding::{Code, MsgHead, Organisation};
use messages::wire::is_xs_date_time;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Code list 8221, general errors in an AppRec.
const ERRORS_8221: &str = "2.16.578.1.12.4.1.1.8221";

/// What goes back to the sender of one message. Stored with the message; a repeated message gets the same again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// An AppRec; no errors = status 1, otherwise status 2.
    AppRec {
        /// 8221.
        errors: Vec<Code>,
    },
    /// An error message on the sender's error queue.
    Error(ErrorMessage),
    /// The reply that its sender waits for.
    Reply(Reply),
}

/// The parts of a header that an AppRec repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptHead {
    /// `MsgInfo/Type`.
    pub msg_type: Code,
    /// `GenDate`, verbatim.
    pub gen_date: String,
    /// `MsgId`, verbatim.
    pub msg_id: String,
    /// Who sent it.
    pub sender: Organisation,
    /// Whom it was for.
    pub receiver: Organisation,
    /// Which AppRec its process uses.
    pub version: AppRecVersion,
}

/// Takes from a header what an AppRec needs.
///
/// # Errors
/// The name of the element without which no valid AppRec can be written.
pub fn receipt_head(head: &MsgHead, version: AppRecVersion) -> Result<ReceiptHead, &'static str> {
    let msg_type = head.msg_type.clone().filter(|t| t.v.is_some()).ok_or("MsgInfo/Type")?;
    let gen_date = head.gen_date.clone().filter(|d| is_xs_date_time(d)).ok_or("MsgInfo/GenDate")?;
    let msg_id = head.msg_id.clone().filter(|id| !id.is_empty()).ok_or("MsgInfo/MsgId")?;
    let sender = head.sender.clone().ok_or("MsgInfo/Sender")?;
    let receiver = head.receiver.clone().ok_or("MsgInfo/Receiver")?;
    Ok(ReceiptHead { msg_type, gen_date, msg_id, sender, receiver, version })
}

/// Whether a positive AppRec is due: `Ack` absent counts as J (message-formats 1.1).
pub fn wants_positive(ack: Option<&Code>) -> bool {
    !ack.is_some_and(|a| a.is("N") || a.is("F"))
}

/// An error of code list 8221 with free text for people.
pub fn error_8221(v: &'static str, ot: impl Into<String>) -> Code {
    Code { ot: Some(ot.into()), ..Code::in_system(v, name_8221(v), ERRORS_8221) }
}

/// The AppRec for a message: sender and receiver swapped, type, date and id verbatim.
pub fn apprec(head: ReceiptHead, errors: Vec<Code>, id: Uuid, now: Timestamp) -> AppRec {
    let status = if errors.is_empty() { Code::new("1", "OK") } else { Code::new("2", "Avvist") };
    AppRec {
        version: head.version,
        id: id.to_string(),
        gen_date: norwegian_time(now),
        sender: head.receiver,
        receiver: head.sender,
        status,
        errors,
        original_type: head.msg_type,
        original_gen_date: head.gen_date,
        original_id: head.msg_id,
    }
}

/// xs:dateTime in Norwegian time with offset and whole seconds.
pub fn norwegian_time(now: Timestamp) -> String {
    let now = now.round(Unit::Second).unwrap_or(now);
    let oslo = TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC);
    now.to_zoned(oslo).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// `applicationTimeStamp` (nhn-messaging 2.2).
pub fn application_time_stamp(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Properties of a business message or AppRec on its way to a party (nhn-messaging 2.1–2.2).
pub fn outbound_properties(
    function: &str,
    from: HerId,
    to: HerId,
    to_queue: &str,
    reply_to: &str,
    id: Uuid,
    now: Timestamp,
) -> Properties {
    let id = id.to_string();
    Properties {
        message_id: Some(id.clone()),
        correlation_id: Some(id),
        subject: Some(function.to_owned()),
        to: Some(to_queue.to_owned()),
        reply_to: Some(reply_to.to_owned()),
        application: addresses(from, to, now),
        ..Properties::default()
    }
}

/// Properties of the reply to a request whose sender waits (nhn-messaging 4.3).
pub fn reply_properties(original: &Original<'_>, queue: &str, id: Uuid, now: Timestamp) -> Properties {
    let id = id.to_string();
    Properties {
        correlation_id: echoed(&original.properties.correlation_id).or_else(|| echoed(&original.properties.message_id)),
        message_id: Some(id),
        subject: original.properties.subject.clone(),
        to: Some(queue.to_owned()),
        ttl_ms: Some(LIFE_MS),
        application: addresses(original.to, original.from, now),
        ..Properties::default()
    }
}

fn addresses(from: HerId, to: HerId, now: Timestamp) -> std::collections::BTreeMap<String, String> {
    [
        ("fromHerId", from.to_string()),
        ("toHerId", to.to_string()),
        ("applicationTimeStamp", application_time_stamp(now)),
        ("enqueuedTimeUtc", now.strftime("%Y-%m-%dT%H:%M:%S").to_string()),
        ("X-SystemIdentifier", "Dialogpost".to_owned()),
    ]
    .into_iter()
    .map(|(k, v)| (k.to_owned(), v))
    .collect()
}

/// What an error message says of the message it is about.
pub struct Original<'a> {
    /// Its properties.
    pub properties: &'a Properties,
    /// Who it came from.
    pub from: HerId,
    /// Whom it was for, when known; otherwise the clinic whose queue it was on.
    pub to: HerId,
}

/// Content type of what is signed and encrypted (nhn-messaging 2.4). An error message has it although its body is empty (2.5).
pub const PROTECTED: &str = "application/pkcs7-mime; smime-type=signed-and-enveloped-data";

/// A sender's id, unless it is longer than AMQP 0.9.1 carries: then it could not be sent back.
fn echoed(id: &Option<String>) -> Option<String> {
    id.clone().filter(|id| id.len() <= 255)
}

/// Properties of an error message (nhn-messaging 2.5); its body is empty.
pub fn error_message(error: &ErrorMessage, original: &Original<'_>, error_queue: &str, id: Uuid, now: Timestamp) -> Properties {
    let mut application = addresses(original.to, original.from, now);
    let mut put = |key: &str, value: String| application.insert(key.to_owned(), value);
    put("originalMessageId", echoed(&original.properties.message_id).unwrap_or_default());
    put("receiverTimeStamp", now.strftime("%m/%d/%Y %H:%M:%S").to_string());
    put("errorCondition", error.condition.to_string());
    put("errorDescription", error.description.to_string());
    if let Some(data) = &error.data {
        put("errorConditionData", data.clone());
    }
    let subject = original.properties.subject.clone().filter(|s| is_code(s.trim())).unwrap_or_else(|| "UNKNOWN".to_owned());
    Properties {
        message_id: Some(id.to_string()),
        correlation_id: echoed(&original.properties.correlation_id),
        subject: Some(subject),
        to: Some(error_queue.to_owned()),
        content_type: Some(PROTECTED.to_owned()),
        application,
        ..Properties::default()
    }
}
