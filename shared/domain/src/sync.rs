//! Requests whose sender waits for the answer (nhn-messaging 4.3): answered in time or not at all, and never receipted.

use crate::acceptance::{Decision, Facts};
use crate::appointment::arrival::asks_for_slots;
use crate::appointment::slots::LedigeTimer;
use crate::arrival::{Arrival, Payload, Unopened};
use crate::receipts::{ReceiptHead, norwegian_time};
use crate::sending::Ends;
use crate::transport::{ErrorMessage, INVALID_FIELD, UNSUPPORTED, reply_queue, time_stamp};
use jiff::{SignedDuration, Timestamp};
use messages::HerId;
use messages::transport::Properties;
use messages::wire::Incoming;
use messages::wire::apprec::AppRecVersion;
use messages::wire::dialogmelding::{Dialogmelding, DialogmeldingVersion, Foresporsel};
use messages::wire::hodemelding::{Code, Content, ConversationRef, Document, MsgHead, Organisation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Life of a request without a time to live of its own, and of every reply, in milliseconds (nhn-messaging 1.5).
pub const LIFE_MS: u64 = 15_000;
/// The sender's clock may be behind ours by so much.
const SKEW: SignedDuration = SignedDuration::from_secs(5);
/// Message function of the communication test.
const TEST: &str = "DIALOG_INNBYGGER_TEST";
/// Code list 7603: the codes of the communication test.
const TESTS_7603: &str = "2.16.578.1.12.4.1.1.7603";

/// A reply that is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The queue its asker waits on.
    pub queue: String,
    /// What it says.
    pub content: ReplyContent,
    /// Until when its asker waits.
    pub due_at: Timestamp,
}

/// What a reply says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyContent {
    /// RKT, the answer to a communication test.
    Kommunikasjonstest,
    /// The answer to a question for free slots (T2).
    LedigeTimer(Box<LedigeTimer>),
}

impl ReplyContent {
    /// Our stable code of why it says no; none when it says what was asked for.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Kommunikasjonstest => None,
            Self::LedigeTimer(slots) => slots.code.as_deref(),
        }
    }
}

/// Whether nobody waits any more. A request without a readable time is answered.
pub fn is_stale(properties: &Properties, now: Timestamp) -> bool {
    now > ends_at(properties, now)
}

/// Until when the sender of a request waits; one without a readable time was sent now.
fn ends_at(properties: &Properties, now: Timestamp) -> Timestamp {
    let life = SignedDuration::from_millis(i64::try_from(properties.ttl_ms.unwrap_or(LIFE_MS)).unwrap_or(i64::MAX));
    let sent = properties.application("applicationTimeStamp").and_then(time_stamp).unwrap_or(now);
    sent.checked_add(life.saturating_add(SKEW)).unwrap_or(Timestamp::MAX)
}

/// Decides about a request whose HER-ids agree with its transport's.
pub(crate) fn decide(head: &MsgHead, receipt: ReceiptHead, properties: &Properties, facts: &Facts, now: Timestamp) -> Decision {
    let Some(queue) = properties.reply_to.as_deref().and_then(|address| reply_queue(address).ok()) else {
        return Decision::Refuse("reply-to-invalid", ErrorMessage::new(INVALID_FIELD, "Invalid value in field: 'ReplyTo'"));
    };
    if facts.clinic.is_none() {
        let error = ErrorMessage::with_data(INVALID_FIELD, "The receiver is not known here", &["toHerId"]);
        return Decision::Refuse("receiver-unknown", error);
    }
    let due_at = ends_at(properties, now);
    let reply = |content| Decision::Reply(Box::new((receipt, Reply { queue, content, due_at })));
    if asks_for_slots(head).is_some() {
        return reply(ReplyContent::LedigeTimer(Box::new(LedigeTimer::of(head, facts, properties, now))));
    }
    if !is_test(head, "KT") {
        return Decision::Refuse(
            "type-unsupported",
            ErrorMessage::new(UNSUPPORTED, "No answer can be waited for to this message"),
        );
    }
    reply(ReplyContent::Kommunikasjonstest)
}

fn is_test(head: &MsgHead, half: &str) -> bool {
    let function = head.msg_type.as_ref().and_then(|t| t.v.as_deref()).unwrap_or_default();
    let asks = head.documents.iter().any(|document| match &document.content {
        Content::Dialogmelding(d) => d.foresporsel.iter().any(|f| f.type_foresp.as_ref().is_some_and(|t| t.is(half))),
        _ => false,
    });
    function.eq_ignore_ascii_case(TEST) && asks
}

/// A request of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its ledger row; its message id and correlation id too.
    pub request: Uuid,
    /// Who asks.
    pub by: HerId,
    /// Who was asked.
    pub of: HerId,
    /// Until when somebody waits.
    pub due_at: Timestamp,
}

/// What becomes of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is what somebody waits for.
    Reply(Uuid),
    /// Kept, and told nobody: our stable code says why.
    Dropped(&'static str),
}

/// Decides about a reply: only the party that was asked can give it, readable, and in time when it came (nhn-messaging 4.3). What cannot
/// be judged yet is looked at again while somebody waits.
pub(crate) fn decide_reply(arrival: &Arrival, asked: Option<&Asked>, now: Timestamp) -> Decision {
    let dropped = |code| Decision::FileReply(Heard::Dropped(code));
    let Some(asked) = asked else { return dropped("reply-unexpected") };
    let from = arrival.properties.application("fromHerId").and_then(|id| id.trim().parse::<HerId>().ok());
    if from != Some(asked.of) {
        return dropped("reply-from-another");
    }
    match &arrival.payload {
        Payload::Unopened(Unopened::Later(fault)) if now <= asked.due_at => Decision::Later(fault.clone()),
        Payload::Unopened(Unopened::Later(fault)) => dropped(fault.code),
        Payload::Unopened(Unopened::Refused(code, _)) => dropped(code),
        Payload::Unreadable(_) | Payload::Closed => dropped("reply-unreadable"),
        Payload::Read(_) if arrival.received_at > asked.due_at => dropped("reply-late"),
        Payload::Read(read) => match &read.incoming {
            Incoming::MsgHead(head) => match told_by(head, asked) {
                Ok(()) => Decision::FileReply(Heard::Reply(asked.request)),
                Err(code) => dropped(code),
            },
            _ => dropped("reply-unreadable"),
        },
    }
}

/// What the signature covers must say it too: the correlation id is the broker's, and anybody may write it.
fn told_by(head: &MsgHead, asked: &Asked) -> Result<(), &'static str> {
    let her_id = |o: &Option<Organisation>| o.as_ref().and_then(|o| o.level_2_her_id()).and_then(|id| id.parse::<HerId>().ok());
    let parent =
        head.conversation_ref.as_ref().and_then(|c| c.ref_to_parent.as_deref()).and_then(|id| Uuid::try_parse(id.trim()).ok());
    let checks = [
        ("sender-her-id-mismatch", her_id(&head.sender) == Some(asked.of)),
        ("receiver-her-id-mismatch", her_id(&head.receiver) == Some(asked.by)),
        ("reply-to-another-request", parent == Some(asked.request)),
        ("reply-unexpected", is_test(head, "RKT")),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map_or(Ok(()), |(code, _)| Err(code))
}

/// The communication test that we send.
pub fn communication_test(ends: &Ends, names: (&str, &str), id: Uuid, now: Timestamp) -> MsgHead {
    let at = norwegian_time(now);
    let head = ReceiptHead {
        msg_type: Code::new(TEST, "Dialog med innbygger - test"),
        gen_date: at,
        msg_id: id.to_string(),
        sender: Organisation::with_her_id(names.1.to_owned(), ends.other),
        receiver: Organisation::with_her_id(names.0.to_owned(), ends.own),
        version: AppRecVersion::V1_1,
    };
    let test = Code::in_system("KT", "Kommunikasjonstest", TESTS_7603);
    MsgHead { conversation_ref: None, ..test_message(head, test, id, now) }
}

/// The message that answers a request, from the parts of its header.
pub fn reply(head: ReceiptHead, content: ReplyContent, id: Uuid, now: Timestamp) -> MsgHead {
    match content {
        ReplyContent::Kommunikasjonstest => {
            test_message(head, Code::in_system("RKT", "Respons kommunikasjonstest", TESTS_7603), id, now)
        }
        ReplyContent::LedigeTimer(slots) => slots.message(answering(head, id, now), now),
    }
}

/// Either half of a communication test, to whom the header came from.
fn test_message(head: ReceiptHead, type_foresp: Code, id: Uuid, now: Timestamp) -> MsgHead {
    let foresporsel = vec![Foresporsel { type_foresp: Some(type_foresp), ..Foresporsel::default() }];
    let dialog = Dialogmelding { version: DialogmeldingVersion::V1_1, foresporsel, notat: vec![] };
    let document = Document::xml(&norwegian_time(now), Content::Dialogmelding(Box::new(dialog)));
    MsgHead { documents: vec![document], ..answering(head, id, now) }
}

/// The header of an answer to whom a header came from.
fn answering(head: ReceiptHead, id: Uuid, now: Timestamp) -> MsgHead {
    let request = Some(head.msg_id);
    MsgHead {
        msg_type: Some(head.msg_type),
        gen_date: Some(norwegian_time(now)),
        msg_id: Some(id.to_string()),
        ack: Some(Code::new("N", "Nei")),
        conversation_ref: Some(ConversationRef { ref_to_parent: request.clone(), ref_to_conversation: request }),
        sender: Some(head.receiver),
        receiver: Some(head.sender),
        ..MsgHead::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_longer_than_the_request_lives() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let sent = |ttl_ms, text: &str| {
            let mut p = Properties { ttl_ms, ..Properties::default() };
            p.application.insert("applicationTimeStamp".into(), text.into());
            p
        };
        let table = [
            (sent(None, "2026-11-23T08:00:00Z"), "2026-11-23T08:00:20Z", false),
            (sent(None, "2026-11-23T08:00:00Z"), "2026-11-23T08:00:21Z", true),
            (sent(None, "2026-11-23T08:00:00"), "2026-11-23T08:00:21Z", true),
            (sent(None, "2026-11-23T09:00:00+01:00"), "2026-11-23T08:00:19Z", false),
            (sent(Some(60_000), "2026-11-23T08:00:00Z"), "2026-11-23T08:01:05Z", false),
            (sent(Some(60_000), "2026-11-23T08:00:00Z"), "2026-11-23T08:01:06Z", true),
            (sent(Some(u64::MAX), "2026-11-23T08:00:00Z"), "2036-11-23T08:00:00Z", false),
            (sent(None, "2027-01-01T00:00:00Z"), "2026-11-23T08:00:00Z", false),
            (sent(None, "i går"), "2026-11-23T08:00:00Z", false),
        ];
        for (properties, now, stale) in table {
            assert_eq!(is_stale(&properties, at(now)), stale, "{properties:?} {now}");
        }
    }
}
