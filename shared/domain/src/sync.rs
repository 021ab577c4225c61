//! Requests whose sender waits for the answer (nhn-messaging 4.3): answered in time or not at all, and never receipted.

use crate::acceptance::{Decision, Facts};
use crate::receipts::{ReceiptHead, norwegian_time};
use crate::transport::{ErrorMessage, INVALID_FIELD, UNSUPPORTED, reply_queue, time_stamp};
use jiff::{SignedDuration, Timestamp};
use messages::transport::Properties;
use messages::wire::dialogmelding::{Dialogmelding, DialogmeldingVersion, Foresporsel};
use messages::wire::hodemelding::{Code, Content, ConversationRef, Document, MsgHead};
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
}

/// What a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyContent {
    /// RKT, the answer to a communication test.
    Kommunikasjonstest,
}

/// Whether nobody waits any more. A request without a readable time is answered.
pub fn is_stale(properties: &Properties, now: Timestamp) -> bool {
    let life = SignedDuration::from_millis(i64::try_from(properties.ttl_ms.unwrap_or(LIFE_MS)).unwrap_or(i64::MAX));
    let sent = properties.application("applicationTimeStamp").and_then(time_stamp);
    sent.is_some_and(|sent| now.duration_since(sent) > life.saturating_add(SKEW))
}

/// Decides about a request whose HER-ids agree with its transport's.
pub(crate) fn decide(head: &MsgHead, receipt: ReceiptHead, properties: &Properties, facts: &Facts) -> Decision {
    let Some(queue) = properties.reply_to.as_deref().and_then(|address| reply_queue(address).ok()) else {
        return Decision::Refuse("reply-to-invalid", ErrorMessage::new(INVALID_FIELD, "Invalid value in field: 'ReplyTo'"));
    };
    if facts.clinic.is_none() {
        let error = ErrorMessage::with_data(INVALID_FIELD, "The receiver is not known here", &["toHerId"]);
        return Decision::Refuse("receiver-unknown", error);
    }
    if !is_test(head) {
        return Decision::Refuse(
            "type-unsupported",
            ErrorMessage::new(UNSUPPORTED, "No answer can be waited for to this message"),
        );
    }
    Decision::Reply(Box::new((receipt, Reply { queue, content: ReplyContent::Kommunikasjonstest })))
}

fn is_test(head: &MsgHead) -> bool {
    let function = head.msg_type.as_ref().and_then(|t| t.v.as_deref()).unwrap_or_default();
    let asks = head.documents.iter().any(|document| match &document.content {
        Content::Dialogmelding(d) => d.foresporsel.iter().any(|f| f.type_foresp.as_ref().is_some_and(|t| t.is("KT"))),
        _ => false,
    });
    function.eq_ignore_ascii_case(TEST) && asks
}

/// The message that answers a request, from the parts of its header.
pub fn reply(head: ReceiptHead, content: ReplyContent, id: Uuid, now: Timestamp) -> MsgHead {
    let at = norwegian_time(now);
    let type_foresp = match content {
        ReplyContent::Kommunikasjonstest => Code::in_system("RKT", "Respons kommunikasjonstest", TESTS_7603),
    };
    let foresporsel = vec![Foresporsel { type_foresp: Some(type_foresp), ..Foresporsel::default() }];
    let dialog = Dialogmelding { version: DialogmeldingVersion::V1_1, foresporsel, notat: vec![] };
    let document = Document {
        content_description: None,
        issue_date: Some(at.clone()),
        msg_type: Some(Code::new("XML", "XML-instans")),
        mime_type: None,
        description: None,
        compression: None,
        content: Content::Dialogmelding(Box::new(dialog)),
    };
    let request = Some(head.msg_id);
    MsgHead {
        msg_type: Some(head.msg_type),
        gen_date: Some(at),
        msg_id: Some(id.to_string()),
        ack: Some(Code::new("N", "Nei")),
        conversation_ref: Some(ConversationRef { ref_to_parent: request.clone(), ref_to_conversation: request }),
        sender: Some(head.receiver),
        receiver: Some(head.sender),
        documents: vec![document],
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
