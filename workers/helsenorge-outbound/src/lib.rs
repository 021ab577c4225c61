//! What was decided about a message → the AppRec, reply or error message that tells its sender; what we wrote ourselves → its receiver.
//!
//! - [`mod@answer`]: a stored answer → bytes and properties, pure
//! - [`sealing`]: signed and encrypted
//! - [`overdue`]: receipts that have not come; [`certificates`]: when our own end

pub mod answer;
pub mod certificates;
pub mod overdue;
pub mod sealing;

use answer::{Addressed, answer};
use domain::notice::reminder::is_late;
use domain::sending::{receipt_due, reply_due};
use jiff::{SignedDuration, Timestamp};
use messages::event::{Event, Fact};
use messages::transport::{Delivery, Outgoing, Wire};
use messages::{Fault, FaultClass, HerId};
use runtime::pipeline::Ended;
use runtime::protection::Protection;
use runtime::worker::{self, Context, Source, Worker};
use runtime::{Handler, Verdict};
use sealing::Directory;
use std::collections::HashMap;
use store::agreement::Pair;
use store::message::{Sent, Unanswered};
use store::notice::recall::{self, Reminded};
use store::{Store, StoreError, Tx, agreement, clinic, message};
use uuid::Uuid;

/// The worker.
pub const WORKER: Worker = Worker {
    name: HelsenorgeOutbound::WORKER,
    about: "sends messages, receipts, replies and error messages to HelseNorge",
    opens_or_seals: true,
    start: |context| Box::pin(start(context)),
};

async fn start(context: Context) -> Ended {
    tokio::spawn(overdue::watch(context.clone()));
    tokio::spawn(certificates::watch(context.clone()));
    let handler = HelsenorgeOutbound {
        exchange: context.config.nhn_exchange.clone(),
        plain: context.config.plain_content,
        receipt_limit: context.config.receipt_limit,
        protection: context.protection.clone(),
    };
    worker::run(context, handler, vec![Source::Own, Source::OwnSync], &[Wire::Dialogpost, Wire::Nhn]).await
}

/// See the crate.
pub struct HelsenorgeOutbound {
    exchange: String,
    plain: bool,
    receipt_limit: SignedDuration,
    protection: Protection,
}

/// Something to be sent.
pub struct Due {
    /// What we received and must answer, or what we wrote.
    message: Uuid,
    kind: Kind,
    /// Made before it is known whether it was sent already.
    ready: Result<Departure, Fault>,
}

/// What becomes of something to be sent.
#[derive(Clone)]
pub enum Departure {
    /// It is sent.
    Sent(Box<Addressed>),
    /// It is not: its receiver wants no answer.
    Unwanted,
    /// This reminder is not: what it reminds of has changed.
    CalledOff(Uuid),
    /// This reminder is not: it is too late.
    Missed(Uuid),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Answer,
    Written,
}

impl Handler for HelsenorgeOutbound {
    const WORKER: &'static str = "helsenorge-outbound";
    type Message = Due;
    /// What reminders among them remind of.
    type Facts = HashMap<Uuid, Reminded>;
    type Effect = Departure;

    fn parse(&self, delivery: &Delivery) -> Result<Due, Fault> {
        let event = Event::from_json(&delivery.body).map_err(|e| Fault::broken("event-unreadable", e.to_string()))?;
        let kind = match event.fact {
            Fact::MessageWritten(_) | Fact::RequestWritten(_) => Kind::Written,
            _ => Kind::Answer,
        };
        let message = event.fact.message().ok_or_else(|| Fault::broken("event-misrouted", "this event names no message"))?;
        Ok(Due { message, kind, ready: Err(missing()) })
    }

    /// Rows of the ledger never change, so they may be read before the transaction.
    async fn prepare(&self, store: &Store, batch: Vec<&mut Due>, now: Timestamp) -> Result<(), StoreError> {
        let of = |kind| batch.iter().filter(|due| due.kind == kind).map(|due| due.message).collect::<Vec<Uuid>>();
        let (answers, own) = (of(Kind::Answer), of(Kind::Written));
        let session = store.session().await?;
        let (unanswered, mut written) =
            tokio::try_join!(message::unanswered(&session, &answers), message::written(&session, &own))?;
        let pairs: Vec<Pair> = unanswered.values().filter_map(Unanswered::pair).chain(written.values().map(Sent::pair)).collect();
        let own: Vec<HerId> = pairs.iter().map(|pair| pair.own).collect();
        let (known, keys) = tokio::try_join!(agreement::for_pairs(&session, &pairs), clinic::key_names(&session, &own))?;
        let directory = Directory { known, keys };
        // Let go of before the processor's work.
        drop(session);
        let (mut waiting, mut messages) = (Vec::new(), Vec::new());
        for due in batch {
            let sent = match (due.kind, unanswered.get(&due.message)) {
                (Kind::Written, _) => {
                    written.remove(&due.message).ok_or_else(missing).and_then(|sent| in_time(sent, now)).map(Some)
                }
                (Kind::Answer, Some(of)) => self.answer(due.message, of, &directory, now),
                (Kind::Answer, None) => continue,
            };
            match sent {
                Ok(Some(sent)) => {
                    messages.push(message_to_seal(sent, unanswered.get(&due.message)));
                    waiting.push(due);
                }
                Ok(None) => due.ready = Ok(Departure::Unwanted),
                Err(fault) => due.ready = Err(fault),
            }
        }
        let sealed = sealing::seal(&self.protection, &directory, self.plain, messages, now).await;
        for (due, sealed) in waiting.into_iter().zip(sealed) {
            due.ready = sealed.map(|addressed| Departure::Sent(Box::new(addressed)));
        }
        Ok(())
    }

    /// One answer for each message that arrived, one departure for each that we wrote.
    fn key(&self, due: &Due) -> Option<String> {
        Some(due.message.to_string())
    }

    fn ledger_id(&self, due: &Due) -> Option<Uuid> {
        Some(due.message)
    }

    async fn facts(&self, tx: &Tx<'_>, batch: &[&Due]) -> Result<HashMap<Uuid, Reminded>, StoreError> {
        let own = batch.iter().filter(|due| due.kind == Kind::Written).map(|due| due.message).collect::<Vec<_>>();
        recall::reminded(tx, &own).await
    }

    /// What may have waited for a key or a certificate reminds nobody too late, or of what has changed.
    fn decide(&self, due: &Due, reminded: &mut HashMap<Uuid, Reminded>, now: Timestamp) -> Verdict<Departure> {
        match reminded.get(&due.message) {
            Some(of) if !of.stands => return Verdict::Done(Departure::CalledOff(due.message)),
            Some(of) if is_late(of.starts_at, now) => return Verdict::Done(Departure::Missed(due.message)),
            _ => {}
        }
        match &due.ready {
            Ok(ready) => Verdict::Done(ready.clone()),
            Err(fault) if fault.class == FaultClass::Transient => Verdict::Retry(fault.clone(), None),
            Err(fault) => Verdict::Broken(fault.clone()),
        }
    }

    async fn write(&self, tx: &Tx<'_>, departures: Vec<Departure>, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        let (mut ready, mut called_off, mut missed) = (Vec::new(), Vec::new(), Vec::new());
        for departure in departures {
            match departure {
                Departure::Sent(addressed) => ready.push(*addressed),
                Departure::CalledOff(message) => called_off.push(message),
                Departure::Missed(message) => missed.push(message),
                Departure::Unwanted => {}
            }
        }
        recall::called_off(tx, &called_off, now).await?;
        for notice in recall::missed(tx, &missed, now).await? {
            tracing::error!(%notice, "HelseNorge was not told in time to remind: nobody reminds");
        }
        // What we wrote ourselves stands in the ledger already.
        let answers: Vec<_> = ready.iter().filter(|a| a.sent.answers.is_some()).map(|a| a.sent.clone()).collect();
        message::insert_sent(tx, &answers).await?;
        let awaited: Vec<Uuid> = ready.iter().filter(|a| a.is_receipted).map(|a| a.sent.id).collect();
        message::await_receipts(tx, &awaited, receipt_due(now, self.receipt_limit)).await?;
        Ok(ready.into_iter().map(|a| a.outgoing(&self.exchange)).collect())
    }
}

impl HelsenorgeOutbound {
    fn answer(&self, id: Uuid, of: &Unanswered, directory: &Directory, now: Timestamp) -> Result<Option<Sent>, Fault> {
        let function = of.function().unwrap_or_default();
        let agreed = of
            .pair()
            .and_then(|pair| sealing::receipt_version(directory, &pair, &function, self.protection.without_agreement(), now));
        answer(id, of, agreed, Uuid::now_v7(), now)
    }
}

/// An answer goes by what it answers, a message of our own by itself.
fn message_to_seal(sent: Sent, answered: Option<&Unanswered>) -> sealing::Message {
    let pair = answered.and_then(Unanswered::pair).unwrap_or_else(|| sent.pair());
    let function = answered.and_then(Unanswered::function).unwrap_or_else(|| sent.function.clone());
    sealing::Message { sent, pair, function, by_agreement: answered.is_none() }
}

/// A request is not sent to be answered when nobody listens.
fn in_time(sent: Sent, now: Timestamp) -> Result<Sent, Fault> {
    match sent.properties.ttl_ms.is_some() && now > reply_due(sent.at) {
        true => Err(Fault::broken("request-expired", "it was not sent in time: nobody waits for the reply any more")),
        false => Ok(sent),
    }
}

fn missing() -> Fault {
    Fault::transient("message-missing", "the message is not in the database (yet)")
}
