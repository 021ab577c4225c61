//! What the brokers gave up on → the table of dead letters, whole. Last in line: it takes any bytes. And what stands and should not for long →
//! metrics ([`standing`]). And what is kept no longer goes ([`pruning`]).

pub mod pruning;
pub mod standing;

use domain::dead_letter::about;
use jiff::Timestamp;
use messages::Fault;
use messages::event::Event;
use messages::transport::{Delivery, Outgoing, Properties, Wire};
use runtime::pipeline::Ended;
use runtime::worker::{self, Context, Source, Worker};
use runtime::{Handler, Verdict};
use store::dead_letter::{self, Claim, DeadLetter};
use store::{StoreError, Tx};
use uuid::Uuid;

/// The worker.
pub const WORKER: Worker = Worker {
    name: DeadLetterKeeper::WORKER,
    about: "stores what no worker could handle, and keeps nothing for longer than it is to be kept",
    opens_or_seals: false,
    start: |context| Box::pin(start(context)),
};

async fn start(context: Context) -> Ended {
    tokio::spawn(standing::watch(context.clone()));
    tokio::spawn(pruning::run(context.clone()));
    worker::run(context, DeadLetterKeeper, vec![Source::Own], &[Wire::Dialogpost]).await
}

/// See the crate.
pub struct DeadLetterKeeper;

/// A dead-lettered delivery.
pub struct Dead {
    id: Uuid,
    properties: Properties,
    body: Vec<u8>,
    received_at: Timestamp,
}

impl Dead {
    /// Where it died.
    fn queue(&self) -> &str {
        self.properties.application("x-first-death-queue").unwrap_or("unknown")
    }

    /// The ledger row, when the body is an event of ours, or a message that was put off.
    fn message(&self) -> Option<Uuid> {
        Event::from_json(&self.body).ok().and_then(|event| event.fact.message()).or_else(|| self.properties.ledger_id())
    }
}

impl Handler for DeadLetterKeeper {
    const WORKER: &'static str = "dead-letter-keeper";
    type Message = Dead;
    type Facts = ();
    type Effect = DeadLetter;

    fn parse(&self, delivery: &Delivery) -> Result<Dead, Fault> {
        let (properties, body) = (delivery.properties.clone(), delivery.body.to_vec());
        Ok(Dead { id: Uuid::now_v7(), properties, body, received_at: delivery.first_received_at() })
    }

    /// One letter for each message and queue it died on; without an id every delivery counts.
    fn key(&self, dead: &Dead) -> Option<String> {
        let id = dead.properties.message_id.clone().unwrap_or_else(|| dead.id.to_string());
        Some(format!("{}/{id}", dead.queue()))
    }

    fn ledger_id(&self, dead: &Dead) -> Option<Uuid> {
        dead.message()
    }

    async fn facts(&self, _tx: &Tx<'_>, _batch: &[&Dead]) -> Result<(), StoreError> {
        Ok(())
    }

    fn decide(&self, dead: &Dead, (): &mut (), now: Timestamp) -> Verdict<DeadLetter> {
        let reason = dead.properties.application("x-first-death-reason").unwrap_or("unknown");
        Verdict::Done(DeadLetter {
            id: dead.id,
            at: now,
            worker: dead.queue().strip_prefix("dialogpost.").unwrap_or(dead.queue()).to_owned(),
            fault: "broken".into(),
            code: "broker-gave-up".into(),
            text: format!("the broker dead-lettered it: {reason}"),
            attempts: dead.properties.attempt() + 1,
            message: dead.message(),
            queue: dead.queue().to_owned(),
            // Given back when it is replayed: should the broker give it up again, that is another letter.
            claim: self.key(dead).map(|key| Claim { worker: Self::WORKER.to_owned(), key }),
            received_at: Some(dead.received_at),
            about: about(&dead.properties, &dead.body),
            unsent: None,
            replay_of: dead.properties.replay_of(),
            properties: dead.properties.clone(),
            body: dead.body.clone(),
        })
    }

    async fn write(&self, tx: &Tx<'_>, letters: Vec<DeadLetter>, _now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        dead_letter::insert(tx, &letters).await?;
        Ok(Vec::new())
    }
}
