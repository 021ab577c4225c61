//! What a worker supplies: how to read a message, what to ask, what to decide, what to write. Claim, transaction, retry, ack, span and
//! shutdown are the pipeline's; a handler never sees them.

use jiff::Timestamp;
use messages::Fault;
use messages::transport::{Delivery, Outgoing};
use store::{Store, StoreError, Tx};
use uuid::Uuid;

/// One worker's decision about messages of one kind.
pub trait Handler: Send + Sync + 'static {
    /// Folder, crate, container, queue suffix and span name.
    const WORKER: &'static str;
    /// Messages in one transaction at most, whatever `BATCH` allows: fewer where each may be large. Three times as many are on their way.
    const LARGEST_BATCH: usize = usize::MAX;
    /// A message as this worker reads it.
    type Message: Send + Sync;
    /// What the rules ask about a batch.
    type Facts: Send + Sync;
    /// What was decided about one message.
    type Effect: Send;

    /// Reads a delivery.
    ///
    /// # Errors
    /// A [`Fault`] that becomes a dead letter.
    fn parse(&self, delivery: &Delivery) -> Result<Self::Message, Fault>;

    /// What takes the processor, opening and sealing above all, before the transaction: no row waits for it. A message that was handled
    /// before may be prepared again.
    fn prepare(
        &self,
        _store: &Store,
        _batch: Vec<&mut Self::Message>,
        _now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }

    /// What makes the message's effect happen once: unique for this worker, the same on every redelivery and replay. `None` = it asks and
    /// changes nothing, and may be handled any number of times.
    fn key(&self, message: &Self::Message) -> Option<String>;

    /// The ledger row the message belongs to.
    fn ledger_id(&self, message: &Self::Message) -> Option<Uuid>;

    /// What [`Outgoing::led_by`] calls the message: its ledger row, unless it has none.
    fn known_as(&self, message: &Self::Message) -> Option<Uuid> {
        self.ledger_id(message)
    }

    /// The conversation within which messages keep their order, where the message's own fields do not tell (`domain::dead_letter::about`).
    fn thread(&self, _message: &Self::Message) -> Option<String> {
        None
    }

    /// Whether a message must find what those `before` it in the batch have done: it then waits until that is committed.
    fn looks_back(&self, _before: &[&Self::Message], _message: &Self::Message) -> bool {
        false
    }

    /// Loads what [`Handler::decide`] asks, for a whole batch.
    fn facts(&self, tx: &Tx<'_>, batch: &[&Self::Message]) -> impl Future<Output = Result<Self::Facts, StoreError>> + Send;

    /// Decides about one message: calls a pure rule of `domain`. What the decision changes of the facts is noted there, for the messages
    /// of the batch that come after it.
    fn decide(&self, message: &Self::Message, facts: &mut Self::Facts, now: Timestamp) -> Verdict<Self::Effect>;

    /// What to write beside the dead letter when this message becomes one: its ledger row, where that is the worker's, or the answer that its
    /// sender waits for.
    fn dead(&self, _message: &Self::Message, _fault: &Fault, _now: Timestamp) -> Option<Self::Effect> {
        None
    }

    /// Writes the effects of a batch and returns what is to be sent.
    fn write(
        &self,
        tx: &Tx<'_>,
        effects: Vec<Self::Effect>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Outgoing>, StoreError>> + Send;

    /// What is sent for messages whose effect has happened, here or in a transaction before: nothing, unless their senders wait for an
    /// answer each time.
    fn again(
        &self,
        _tx: &Tx<'_>,
        _repeated: &[&Self::Message],
        _now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Outgoing>, StoreError>> + Send {
        async { Ok(Vec::new()) }
    }
}

/// What is to become of one message; a closed set.
#[derive(Debug)]
pub enum Verdict<E> {
    /// Write this; the message is done.
    Done(E),
    /// Write this, which tells the sender (`Fault` is [`messages::FaultClass::Rejected`]); the message is done.
    Rejected(Fault, E),
    /// Write this, which tells the sender; its id is not used up: should it come again it is judged anew.
    Unclaimed(E),
    /// Later again, growing delay, bounded; then a dead letter.
    ///
    /// The effect is written now: that it waits.
    Retry(Fault, Option<E>),
    /// A dead letter.
    Broken(Fault),
}

impl<E> Verdict<E> {
    /// The label in metrics.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Rejected(..) => "rejected",
            Self::Unclaimed(_) => "unclaimed",
            Self::Retry(..) => "retry",
            Self::Broken(_) => "broken",
        }
    }
}
