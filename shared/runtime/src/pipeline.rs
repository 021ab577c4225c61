//! The life of a message: receive → parse → prepare → claim → facts → decide → write → outgoing → commit → ack → publish.
//!
//! The unit is a batch: whatever is ready, one transaction, one multiple-ack. A batch of one is the same code. A batch that fails on
//! content, or panics, is run again one by one, so that only the guilty message suffers. While the database is away nothing is acked and
//! no attempt is spent. While a batch is written the next is read and prepared (`ahead`).

mod ahead;
mod settle;
mod spans;

use crate::handler::Handler;
use crate::health::Component;
use crate::probe::{Crashed, Probe, Step};
use crate::relay::Relay;
use crate::traces::Transaction;
use crate::worker::Context;
use ahead::{InHand, Prepared, Reader, Ready};
use broker::{Delays, Intake, Policy};
use futures_util::{FutureExt, try_join};
use jiff::{SignedDuration, Timestamp};
use messages::Fault;
use messages::transport::{Delivery, Outgoing};
use settle::{decide, parse, settle};
use spans::Spans;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{StoreError, dead_letter, outbox, processed};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How often one message is run again because a concurrent transaction interfered.
const CONFLICTS: u32 = 5;
/// How often a statement for a message alone may take too long, 15 s each: then the message is a dead letter.
const TOO_SLOW: u32 = 4;
/// What was prepared longer ago, while the database was away, is prepared anew: time has gone into it.
const FRESH_FOR: SignedDuration = SignedDuration::from_secs(30);

/// A handler with its surroundings.
pub struct Pipeline<H> {
    reader: Arc<Reader<H>>,
    relay: Relay,
    health: Component,
}

/// Why a batch did not commit.
enum Halt {
    Store(StoreError),
    Panicked,
    Crashed,
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Crashed> for Halt {
    fn from(_: Crashed) -> Self {
        Self::Crashed
    }
}

/// Why the pipeline ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Asked to stop; everything in flight is finished or returned.
    Stopped,
    /// Killed by a test.
    Crashed,
}

impl<H: Handler> Pipeline<H> {
    /// A pipeline that publishes through `relay`.
    pub fn new(handler: Arc<H>, context: Context, relay: Relay, health: Component) -> Self {
        Self { reader: Arc::new(Reader { handler, context }), relay, health }
    }

    /// Runs until cancelled.
    pub async fn run(self, intake: Box<dyn Intake>) -> Ended {
        let (ahead, ready) = ahead::channel(self.reader.context.config.batch.min(H::LARGEST_BATCH));
        // A task of its own: what it reads must not hold up a transaction that is under way.
        let reading = AbortOnDropHandle::new(tokio::spawn(Arc::clone(&self.reader).read(intake, ahead)));
        let reading = async { reading.await.unwrap_or(Err(Ended::Crashed)) };
        match try_join!(reading, self.write(ready)) {
            Ok((mut intake, ())) => {
                // Cancelled, it hangs up.
                intake.next().await;
                Ended::Stopped
            }
            Err(ended) => ended,
        }
    }

    async fn write(&self, mut ready: Ready<H::Message>) -> Result<(), Ended> {
        while let Some(taken) = ready.next().await {
            match self.context().cancel.is_cancelled() {
                true => taken.batch.give_back().await,
                false => self.finish(taken).await?,
            }
        }
        Ok(())
    }

    fn context(&self) -> &Context {
        &self.reader.context
    }

    fn handler(&self) -> &H {
        &self.reader.handler
    }

    /// Commits, acks and publishes a batch.
    async fn finish(&self, taken: InHand<H::Message>) -> Result<(), Ended> {
        let InHand { batch, prepared, room: _until_published } = taken;
        let Some(outgoing) = self.commit_in_parts(&batch.deliveries, prepared).await.map_err(|Crashed| Ended::Crashed)? else {
            batch.give_back().await;
            return Err(Ended::Stopped);
        };
        // What the ack does not reach is delivered again and finds its claim.
        batch.ack().await;
        self.probe(Step::Acked).map_err(|Crashed| Ended::Crashed)?;
        self.relay.publish(outgoing).await;
        Ok(())
    }

    /// Commits a batch, in as many transactions as its messages look back at each other. `None` = asked to stop before it could.
    async fn commit_in_parts(
        &self,
        batch: &[Delivery],
        prepared: Option<Prepared<H::Message>>,
    ) -> Result<Option<Vec<Outgoing>>, Crashed> {
        let (mut parsed, at) = match prepared {
            Some(Prepared { parsed, at }) => (parsed, Some(at)),
            None => (parse(self.handler(), batch), None),
        };
        let lengths = parsed.lengths(self.handler()).into_iter();
        let parts = lengths.map(|length| (length, at.map(|at| Prepared { parsed: parsed.take(length), at }))).collect();
        self.commit_each(batch, parts).await
    }

    /// Commits parts of a batch one after the other, by their lengths.
    async fn commit_each(
        &self,
        mut batch: &[Delivery],
        parts: Vec<(usize, Option<Prepared<H::Message>>)>,
    ) -> Result<Option<Vec<Outgoing>>, Crashed> {
        let mut outgoing = Vec::new();
        for (length, prepared) in parts {
            if self.context().cancel.is_cancelled() {
                return Ok(None);
            }
            let (part, rest) = batch.split_at_checked(length).unwrap_or((batch, &[]));
            // What is committed already is claimed: returning the whole batch repeats nothing.
            match Box::pin(self.commit(part, prepared)).await? {
                Some(more) => outgoing.extend(more),
                None => return Ok(None),
            }
            batch = rest;
        }
        Ok(Some(outgoing))
    }

    /// Commits a part, however long the database is away. `None` = asked to stop before it could.
    async fn commit(&self, batch: &[Delivery], prepared: Option<Prepared<H::Message>>) -> Result<Option<Vec<Outgoing>>, Crashed> {
        match self.attempt(batch, prepared).await? {
            Attempt::Committed(outgoing) => Ok(Some(outgoing)),
            Attempt::Stopped => Ok(None),
            Attempt::Failed(fault) if batch.len() > 1 => {
                tracing::debug!(worker = H::WORKER, size = batch.len(), %fault, "batch is run one by one");
                self.commit_each(batch, batch.iter().map(|_| (1, None)).collect()).await
            }
            Attempt::Failed(fault) => self.bury(batch, fault).await,
        }
    }

    /// Runs a batch until it commits or fails for a reason of its own.
    async fn attempt(&self, batch: &[Delivery], mut prepared: Option<Prepared<H::Message>>) -> Result<Attempt, Crashed> {
        let mut delays = Delays::new(Policy::CONNECTION);
        let (mut conflicts, mut unavailable) = (0, 0);
        let mut slow = Slow::default();
        loop {
            let transaction = AssertUnwindSafe(self.transaction(batch, prepared.take(), Mode::Handle));
            match transaction.catch_unwind().await.unwrap_or(Err(Halt::Panicked)) {
                Ok(outgoing) => return Ok(Attempt::Committed(outgoing)),
                Err(Halt::Crashed) => return Err(Crashed),
                Err(Halt::Panicked) => return Ok(Attempt::Failed(Fault::broken("panic", "the handler panicked"))),
                Err(Halt::Store(StoreError::Conflict { .. })) if batch.len() == 1 && conflicts < CONFLICTS => conflicts += 1,
                Err(Halt::Store(error)) if error.is_unavailable() => {
                    if !self.wait_for_database(&mut delays, error).await {
                        return Ok(Attempt::Stopped);
                    }
                    unavailable += 1;
                    // What holds all others up for so long, while the database does others' work, would do so for ever.
                    if batch.len() == 1 && slow.count(&error) >= TOO_SLOW && self.context().store.can_write().await.is_ok() {
                        return Ok(Attempt::Failed(error.too_slow()));
                    }
                    // It answers others: then the batch may be what it cannot take at once.
                    if batch.len() > 1 && unavailable > 1 && self.context().store.ping().await.is_ok() {
                        return Ok(Attempt::Failed(error.fault()));
                    }
                }
                Err(Halt::Store(error)) => return Ok(Attempt::Failed(error.fault())),
            }
        }
    }

    /// Stores the one guilty message as a dead letter, if need be without its ledger row.
    async fn bury(&self, batch: &[Delivery], fault: Fault) -> Result<Option<Vec<Outgoing>>, Crashed> {
        let mut delays = Delays::new(Policy::CONNECTION);
        let (mut keep, mut conflicts) = (Keep::LedgerAndLetter, 0);
        loop {
            let buried = AssertUnwindSafe(self.transaction(batch, None, Mode::Bury(&fault, keep))).catch_unwind().await;
            match buried.unwrap_or(Err(Halt::Panicked)) {
                Ok(outgoing) => return Ok(Some(outgoing)),
                Err(Halt::Crashed) => return Err(Crashed),
                Err(Halt::Panicked) => {
                    keep = Keep::Letter;
                    if !sleep_unless(&self.context().cancel, delays.next_delay()).await {
                        return Ok(None);
                    }
                }
                // Not even a dead letter can be stored: nothing may be acked, so intake waits until someone mends the database.
                Err(Halt::Store(error)) => {
                    conflicts += u32::from(matches!(error, StoreError::Conflict { .. }));
                    if conflicts >= CONFLICTS || matches!(error, StoreError::Content { .. } | StoreError::Bug { .. }) {
                        keep = Keep::Letter;
                    }
                    if !self.wait_for_database(&mut delays, error).await {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// One transaction over a batch.
    async fn transaction(
        &self,
        batch: &[Delivery],
        prepared: Option<Prepared<H::Message>>,
        mode: Mode<'_>,
    ) -> Result<Vec<Outgoing>, Halt> {
        let started = Instant::now();
        let is_fresh = |prepared: &Prepared<_>| (self.context().clock)().duration_since(prepared.at) < FRESH_FOR;
        let Prepared { parsed, at: prepared_at } = match (mode, prepared.filter(is_fresh)) {
            (Mode::Handle, Some(prepared)) => prepared,
            (Mode::Handle, None) => self.reader.prepare(batch).await?,
            // Preparing may be what fails: a dead letter is kept as it came.
            (Mode::Bury(..), _) => Prepared { parsed: parse(self.handler(), batch), at: (self.context().clock)() },
        };
        let mut session = self.context().store.session().await?;
        let now = (self.context().clock)();
        let tx = session.begin().await?;
        let new = processed::claim(&tx, H::WORKER, &parsed.claims(), now).await?;
        let (fresh, repeated) = parsed.divide(batch, new);
        self.probe(Step::Claimed)?;
        // The facts may be what cannot be had: a dead letter asks for none.
        let mut facts = match mode {
            Mode::Handle => Some(self.handler().facts(&tx, &fresh.messages()).await?),
            Mode::Bury(..) => None,
        };
        self.probe(Step::FactsLoaded)?;
        let decided = decide(self.handler(), fresh, facts.as_mut(), now, mode);
        self.probe(Step::Decided)?;
        let spans = Spans::of(&self.context().traces, self.handler(), &decided, &repeated);
        let mut outgoing = settle(self.handler(), &tx, decided, now, mode).await?;
        if !repeated.is_empty() {
            // Whatever it was replayed for has happened.
            dead_letter::settled(&tx, &repeated.replays(), now).await?;
            outgoing.extend(self.handler().again(&tx, &repeated.messages(), now).await?);
        }
        self.probe(Step::Written)?;
        spans.lead_to(&mut outgoing);
        outbox::insert(&tx, &outgoing, after((self.context().clock)(), self.context().lease)).await?;
        self.probe(Step::OutgoingWritten)?;
        tx.commit().await?;
        self.probe(Step::Committed)?;
        let committed_at = (self.context().clock)();
        let within = Transaction { worker: H::WORKER, together: batch.len(), prepared_at, begun_at: now, committed_at };
        spans.record(&self.context().traces, &within);
        metrics::histogram!("dialogpost_batch_seconds", "worker" => H::WORKER).record(started.elapsed());
        metrics::histogram!("dialogpost_batch_size", "worker" => H::WORKER).record(batch.len() as f64);
        self.health.ok();
        outgoing.retain(|o| o.not_before.is_none());
        // The rest of the batch may take its time.
        self.relay.hold(&outgoing);
        Ok(outgoing)
    }

    fn probe(&self, step: Step) -> Result<(), Crashed> {
        let probe: &Probe = &self.context().probe;
        probe.after(H::WORKER, step)
    }

    /// Waits with growing delay; `false` = asked to stop.
    async fn wait_for_database(&self, delays: &mut Delays, error: StoreError) -> bool {
        let wait = delays.next_delay();
        tracing::warn!(worker = H::WORKER, %error, wait_ms = wait.as_millis() as u64, "intake waits for the database");
        self.health.failing(error.to_string());
        sleep_unless(&self.context().cancel, wait).await
    }
}

/// How often in a row the same statement of a message took too long.
#[derive(Default)]
struct Slow {
    step: &'static str,
    times: u32,
}

impl Slow {
    fn count(&mut self, error: &StoreError) -> u32 {
        let Some(step) = error.too_slow_in() else { return 0 };
        *self = Self { step, times: if step == self.step { self.times + 1 } else { 1 } };
        self.times
    }
}

enum Attempt {
    Committed(Vec<Outgoing>),
    Failed(Fault),
    Stopped,
}

/// What a transaction does with the messages it claims.
#[derive(Clone, Copy)]
pub(crate) enum Mode<'a> {
    /// Asks the handler.
    Handle,
    /// Makes dead letters of them.
    Bury(&'a Fault, Keep),
}

/// What is stored of a message that is given up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// What the handler keeps of a dead message, and the letter.
    LedgerAndLetter,
    /// The letter alone: the handler's part is what cannot be written.
    Letter,
}

pub(crate) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// Sleeps; `false` = cancelled meanwhile.
pub(crate) async fn sleep_unless(cancel: &CancellationToken, wait: Duration) -> bool {
    tokio::select! {
        () = cancel.cancelled() => false,
        () = tokio::time::sleep(wait) => true,
    }
}
