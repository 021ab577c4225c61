//! What was decided about a message → the AppRec or error message that tells its sender, on the sender's queue.
//!
//! - [`answer`]: a stored answer → bytes and properties, pure
//! - [`sealing`]: signed and encrypted

pub mod answer;
pub mod sealing;

use answer::{Addressed, answer};
use jiff::Timestamp;
use messages::event::Event;
use messages::transport::{Delivery, Outgoing, Wire};
use messages::{Fault, FaultClass};
use runtime::pipeline::Ended;
use runtime::protection::Protection;
use runtime::worker::{self, Context, Source, Worker};
use runtime::{Handler, Verdict};
use store::{Session, StoreError, Tx, message};
use uuid::Uuid;

/// The worker.
pub const WORKER: Worker = Worker {
    name: HelsenorgeOutbound::WORKER,
    about: "sends receipts, replies and error messages to HelseNorge",
    start: |context| Box::pin(start(context)),
};

async fn start(context: Context) -> Ended {
    let handler = HelsenorgeOutbound {
        exchange: context.config.nhn_exchange.clone(),
        plain: context.config.plain_content,
        protection: context.protection.clone(),
    };
    worker::run(context, handler, vec![Source::Own, Source::OwnSync], &[Wire::Dialogpost, Wire::Nhn]).await
}

/// See the crate.
pub struct HelsenorgeOutbound {
    exchange: String,
    plain: bool,
    protection: Protection,
}

/// A message whose answer is due.
pub struct Due {
    message: Uuid,
    /// The answer, ready to be sent; `None` inside = the sender wants none. Written before it is known whether it was sent already.
    answer: Result<Option<Addressed>, Fault>,
}

impl Handler for HelsenorgeOutbound {
    const WORKER: &'static str = "helsenorge-outbound";
    type Message = Due;
    type Facts = ();
    /// The answer, unless the sender wants none.
    type Effect = Option<Addressed>;

    fn parse(&self, delivery: &Delivery) -> Result<Due, Fault> {
        let event = Event::from_json(&delivery.body).map_err(|e| Fault::broken("event-unreadable", e.to_string()))?;
        Ok(Due { message: event.fact.message(), answer: Err(missing()) })
    }

    /// Rows of the ledger never change, so they may be read before the transaction.
    async fn open(&self, session: &Session, batch: Vec<&mut Due>, now: Timestamp) -> Result<(), StoreError> {
        let ids: Vec<Uuid> = batch.iter().map(|due| due.message).collect();
        let unanswered = message::unanswered(session, &ids).await?;
        let (mut waiting, mut sent) = (Vec::new(), Vec::new());
        for due in batch {
            let Some(of) = unanswered.get(&due.message) else { continue };
            match answer(due.message, of, Uuid::now_v7(), now) {
                Ok(Some(written)) => {
                    sent.push(written);
                    waiting.push(due);
                }
                Ok(None) => due.answer = Ok(None),
                Err(fault) => due.answer = Err(fault),
            }
        }
        let sealed = sealing::seal(&self.protection, session, self.plain, sent, now).await?;
        for (due, sealed) in waiting.into_iter().zip(sealed) {
            due.answer = sealed.map(Some);
        }
        Ok(())
    }

    /// One answer for each message that arrived.
    fn key(&self, due: &Due) -> String {
        due.message.to_string()
    }

    fn ledger_id(&self, due: &Due) -> Option<Uuid> {
        Some(due.message)
    }

    async fn facts(&self, _tx: &Tx<'_>, _batch: &[&Due]) -> Result<(), StoreError> {
        Ok(())
    }

    fn decide(&self, due: &Due, (): &(), _now: Timestamp) -> Verdict<Option<Addressed>> {
        match &due.answer {
            Ok(answer) => Verdict::Done(answer.clone()),
            Err(fault) if fault.class == FaultClass::Transient => Verdict::Retry(fault.clone()),
            Err(fault) => Verdict::Broken(fault.clone()),
        }
    }

    async fn write(&self, tx: &Tx<'_>, answers: Vec<Option<Addressed>>, _now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        let answers: Vec<Addressed> = answers.into_iter().flatten().collect();
        let sent: Vec<_> = answers.iter().map(|a| a.sent.clone()).collect();
        message::insert_sent(tx, &sent).await?;
        Ok(answers.into_iter().map(|a| a.outgoing(&self.exchange)).collect())
    }
}

fn missing() -> Fault {
    Fault::transient("message-missing", "the message is not in the database (yet)")
}
