//! A stored answer → what goes on the wire.

use bytes::Bytes;
use domain::receipts::{Answer, Original, PROTECTED, ReceiptHead, apprec, error_message, outbound_properties, reply_properties};
use domain::sync::{Reply, reply};
use domain::transport::ErrorMessage;
use jiff::Timestamp;
use messages::transport::{Outgoing, Properties, Wire};
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
            led_by: None,
            not_before: None,
            is_awaited: true,
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
    let to = unanswered.sender.as_ref().ok_or_else(|| lacking("the sender's queues; apply the party"))?;
    let from = unanswered.receiver.ok_or_else(|| lacking("the receiver's HER-id"))?;
    let answering = Answering { message, unanswered, from, to, id, now };
    match answer {
        Answer::AppRec { errors } => answering.receipt(errors, agreed).map(Some),
        Answer::Reply(due) if now > due.due_at => {
            tracing::info!(%message, "nobody waits for this reply any more");
            Ok(None)
        }
        Answer::Reply(due) => answering.reply(due).map(Some),
        Answer::Error(error) => Ok(Some(answering.error(error))),
    }
}

fn lacking(what: &str) -> Fault {
    Fault::broken("answer-incomplete", format!("the ledger lacks {what}: nothing can be sent"))
}

/// An answer in the making.
struct Answering<'a> {
    message: Uuid,
    unanswered: &'a Unanswered,
    from: HerId,
    to: &'a Counterpart,
    id: Uuid,
    now: Timestamp,
}

impl Answering<'_> {
    fn receipt(&self, errors: &[Code], agreed: Option<AppRecVersion>) -> Result<Sent, Fault> {
        let head = self.head()?;
        let head = ReceiptHead { version: agreed.unwrap_or(head.version), ..head };
        let xml = apprec(head, errors.to_vec(), self.id, self.now)
            .to_xml()
            .map_err(|e| Fault::broken("apprec-unwritable", format!("no valid AppRec can be written: {e}")))?;
        let (queue, reply_to) = (&self.to.async_queue, self.unanswered.reply_queue.clone().unwrap_or_default());
        let properties = outbound_properties(APPREC, self.from, self.to.her_id, queue, &reply_to, self.id, self.now);
        Ok(self.sent(queue, APPREC.to_owned(), properties, xml))
    }

    fn reply(&self, due: &Reply) -> Result<Sent, Fault> {
        let head = self.head()?;
        let function = head.msg_type.v.clone().unwrap_or_default();
        let xml = reply(head, due.content.clone(), self.id, self.now)
            .to_xml()
            .map_err(|e| Fault::broken("reply-unwritable", format!("no valid reply can be written: {e}")))?;
        let mut properties = reply_properties(&self.original(), &due.queue, self.id, self.now);
        properties.subject.get_or_insert_with(|| function.clone());
        Ok(self.sent(&due.queue, function, properties, xml))
    }

    fn error(&self, error: &ErrorMessage) -> Sent {
        let properties = error_message(error, &self.original(), &self.to.error_queue, self.id, self.now);
        let function = properties.subject.clone().unwrap_or_default();
        self.sent(&self.to.error_queue, function, properties, Vec::new())
    }

    fn head(&self) -> Result<ReceiptHead, Fault> {
        self.unanswered.head.clone().ok_or_else(|| lacking("the header of what is answered"))
    }

    fn original(&self) -> Original<'_> {
        Original { properties: &self.unanswered.properties, from: self.to.her_id, to: self.from }
    }

    fn sent(&self, queue: &str, function: String, properties: Properties, raw: Vec<u8>) -> Sent {
        Sent {
            id: self.id,
            at: self.now,
            clinic: self.unanswered.clinic,
            from: self.from,
            to: self.to.her_id,
            queue: queue.to_owned(),
            function,
            answers: Some(self.message),
            properties,
            raw: raw.into(),
        }
    }
}
