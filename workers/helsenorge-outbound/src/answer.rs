//! A stored answer → what goes on the wire.

use bytes::Bytes;
use domain::receipts::{Answer, Original, PROTECTED, ReceiptHead, apprec, error_message, outbound_properties, reply_properties};
use domain::sync::{Reply, reply};
use domain::transport::ErrorMessage;
use jiff::Timestamp;
use messages::transport::{Outgoing, Wire};
use messages::wire::apprec::AppRecVersion;
use messages::wire::hodemelding::Code;
use messages::{Fault, HerId};
use store::message::{Counterpart, Sent, Unanswered};
use uuid::Uuid;

/// Message function of a receipt.
const APPREC: &str = "APPREC";
/// Content type of unprotected XML.
const PLAIN: &str = "text/plain";

/// An answer with its address.
#[derive(Clone, Debug)]
pub struct Addressed {
    /// Its ledger row, which keeps the bytes before protection.
    pub sent: Sent,
    /// What goes on the wire.
    pub body: Bytes,
    /// Whether its receiver will receipt it.
    pub is_receipted: bool,
}

impl Addressed {
    /// As it is, unprotected.
    pub fn plain(mut sent: Sent, is_receipted: bool) -> Self {
        // An error message has said already what it is.
        sent.properties.content_type.get_or_insert_with(|| PLAIN.to_owned());
        Self { body: sent.raw.clone(), sent, is_receipted }
    }

    /// Signed and encrypted.
    pub fn sealed(mut sent: Sent, body: Vec<u8>, is_receipted: bool) -> Self {
        sent.properties.content_type = Some(PROTECTED.to_owned());
        Self { sent, body: body.into(), is_receipted }
    }

    /// The outbox row: through NHN's exchange, routing key = queue.
    pub fn outgoing(self, exchange: &str) -> Outgoing {
        Outgoing {
            id: self.sent.id,
            wire: Wire::Nhn,
            exchange: exchange.to_owned(),
            routing_key: self.sent.queue,
            properties: self.sent.properties,
            body: self.body,
            // Should it be refused: what we received, or what we wrote, is what is stuck.
            cause: self.sent.answers.or(Some(self.sent.id)),
            not_before: None,
        }
    }
}

/// The answer to a message; `None` = the sender wants none, or waits for it no longer. An AppRec has the `agreed` version, if any.
///
/// # Errors
/// Broken when the ledger lacks what an answer needs: a dead letter.
pub fn answer(
    message: Uuid,
    unanswered: &Unanswered,
    agreed: Option<AppRecVersion>,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<Sent>, Fault> {
    let Some(answer) = &unanswered.answer else { return Ok(None) };
    let lacking = |what| Fault::broken("answer-incomplete", format!("the ledger lacks {what}: nothing can be sent"));
    let to = unanswered.sender.as_ref().ok_or_else(|| lacking("the sender's queues; apply the party"))?;
    let from = unanswered.receiver.ok_or_else(|| lacking("the receiver's HER-id"))?;
    if matches!(answer, Answer::Reply(due) if now > due.due_at) {
        tracing::info!(%message, "nobody waits for this reply any more");
        return Ok(None);
    }
    Ok(Some(match answer {
        Answer::AppRec { errors } => receipt(message, unanswered, agreed, errors, from, to, id, now)?,
        Answer::Reply(due) => reply_to(message, unanswered, due, from, to, id, now)?,
        Answer::Error(error) => error_to(message, unanswered, error, from, to, id, now),
    }))
}

#[allow(clippy::too_many_arguments, reason = "the parts of one receipt")]
fn receipt(
    message: Uuid,
    unanswered: &Unanswered,
    agreed: Option<AppRecVersion>,
    errors: &[Code],
    from: HerId,
    to: &Counterpart,
    id: Uuid,
    now: Timestamp,
) -> Result<Sent, Fault> {
    let head =
        unanswered.head.clone().ok_or_else(|| Fault::broken("answer-incomplete", "the ledger lacks the header to receipt"))?;
    let head = ReceiptHead { version: agreed.unwrap_or(head.version), ..head };
    let xml = apprec(head, errors.to_vec(), id, now)
        .to_xml()
        .map_err(|e| Fault::broken("apprec-unwritable", format!("no valid AppRec can be written: {e}")))?;
    let reply_to = unanswered.reply_queue.clone().unwrap_or_default();
    let properties = outbound_properties(APPREC, from, to.her_id, &to.async_queue, &reply_to, id, now);
    Ok(Sent {
        id,
        at: now,
        clinic: unanswered.clinic,
        from,
        to: to.her_id,
        queue: to.async_queue.clone(),
        function: APPREC.to_owned(),
        answers: Some(message),
        properties,
        raw: Bytes::from(xml),
    })
}

fn reply_to(
    message: Uuid,
    unanswered: &Unanswered,
    due: &Reply,
    from: HerId,
    to: &Counterpart,
    id: Uuid,
    now: Timestamp,
) -> Result<Sent, Fault> {
    let head =
        unanswered.head.clone().ok_or_else(|| Fault::broken("answer-incomplete", "the ledger lacks the header to answer"))?;
    let function = head.msg_type.v.clone().unwrap_or_default();
    let xml = reply(head, due.content, id, now)
        .to_xml()
        .map_err(|e| Fault::broken("reply-unwritable", format!("no valid reply can be written: {e}")))?;
    let original = Original { properties: &unanswered.properties, from: to.her_id, to: from };
    let mut properties = reply_properties(&original, &due.queue, id, now);
    properties.subject.get_or_insert_with(|| function.clone());
    Ok(Sent {
        id,
        at: now,
        clinic: unanswered.clinic,
        from,
        to: to.her_id,
        queue: due.queue.clone(),
        function,
        answers: Some(message),
        properties,
        raw: Bytes::from(xml),
    })
}

fn error_to(
    message: Uuid,
    unanswered: &Unanswered,
    error: &ErrorMessage,
    from: HerId,
    to: &Counterpart,
    id: Uuid,
    now: Timestamp,
) -> Sent {
    let original = Original { properties: &unanswered.properties, from: to.her_id, to: from };
    let properties = error_message(error, &original, &to.error_queue, id, now);
    Sent {
        id,
        at: now,
        clinic: unanswered.clinic,
        from,
        to: to.her_id,
        queue: to.error_queue.clone(),
        function: properties.subject.clone().unwrap_or_default(),
        answers: Some(message),
        properties,
        raw: Bytes::new(),
    }
}
