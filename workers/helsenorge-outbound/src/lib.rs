//! What was decided about a message → the AppRec or error message that tells its sender, on the sender's queue.
//!
//! - [`answer`]: a stored answer → bytes and properties, pure

pub mod answer;

use answer::{Addressed, addressed};
use jiff::Timestamp;
use messages::Fault;
use messages::event::Event;
use messages::transport::{Delivery, Outgoing, Wire};
use runtime::pipeline::Ended;
use runtime::worker::{self, Context, Source, Worker};
use runtime::{Handler, Verdict};
use std::collections::HashMap;
use store::message::{self, Unanswered};
use store::{StoreError, Tx};
use uuid::Uuid;

/// The worker.
pub const WORKER: Worker = Worker {
    name: HelsenorgeOutbound::WORKER,
    about: "sends receipts and error messages to HelseNorge",
    start: |context| Box::pin(start(context)),
};

async fn start(context: Context) -> Ended {
    let handler = HelsenorgeOutbound { exchange: context.config.nhn_exchange.clone() };
    worker::run(context, handler, vec![Source::Own, Source::OwnSync], &[Wire::Dialogpost, Wire::Nhn]).await
}

/// See the crate.
pub struct HelsenorgeOutbound {
    exchange: String,
}

impl Handler for HelsenorgeOutbound {
    const WORKER: &'static str = "helsenorge-outbound";
    type Message = Uuid;
    type Facts = HashMap<Uuid, Unanswered>;
    /// The answer, unless the sender wants none.
    type Effect = Option<Addressed>;

    fn parse(&self, delivery: &Delivery) -> Result<Uuid, Fault> {
        let event = Event::from_json(&delivery.body).map_err(|e| Fault::broken("event-unreadable", e.to_string()))?;
        Ok(event.fact.message())
    }

    /// One answer for each message that arrived.
    fn key(&self, message: &Uuid) -> String {
        message.to_string()
    }

    fn ledger_id(&self, message: &Uuid) -> Option<Uuid> {
        Some(*message)
    }

    async fn facts(&self, tx: &Tx<'_>, batch: &[&Uuid]) -> Result<Self::Facts, StoreError> {
        let ids: Vec<Uuid> = batch.iter().map(|id| **id).collect();
        message::unanswered(tx, &ids).await
    }

    fn decide(&self, message: &Uuid, facts: &Self::Facts, now: Timestamp) -> Verdict<Option<Addressed>> {
        let Some(unanswered) = facts.get(message) else {
            return Verdict::Retry(Fault::transient("message-missing", "the message is not in the database (yet)"));
        };
        match addressed(*message, unanswered, Uuid::now_v7(), now) {
            Ok(answer) => Verdict::Done(answer),
            Err(fault) => Verdict::Broken(fault),
        }
    }

    async fn write(&self, tx: &Tx<'_>, answers: Vec<Option<Addressed>>, _now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        let answers: Vec<Addressed> = answers.into_iter().flatten().collect();
        let sent: Vec<_> = answers.iter().map(|a| a.sent.clone()).collect();
        message::insert_sent(tx, &sent).await?;
        Ok(answers.into_iter().map(|a| a.outgoing(&self.exchange)).collect())
    }
}
