//! Outbox → broker.
//!
//! The writer hands over its own rows right after commit; they are published pipelined and deleted when confirmed. Rows that nobody
//! published (a crash between commit and publish, a broker that was away, retries whose time has come) are swept up by any worker.
//! A row is published at least once, always under the same message id.

mod hand;

use crate::pipeline::{after, sleep_unless};
use crate::probe::Step;
use crate::traces::Handed;
use crate::worker::Context;
use broker::{Sender, Settled};
use domain::dead_letter::about;
use domain::retry::resend_delay;
use futures_util::stream::{self, StreamExt};
use hand::Hand;
use jiff::Timestamp;
use messages::Fault;
use messages::transport::{Outgoing, Wire};
use std::sync::Arc;
use std::time::Duration;
use store::dead_letter::{self, DeadLetter, Unsent};
use store::outbox::{self, Due};
use store::{Session, StoreError};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use uuid::Uuid;

/// Batches of one worker on their way to the brokers at the same time.
const IN_FLIGHT: usize = 8;
/// After this many failures a row is sent by itself: a broker may refuse a whole batch for one message in it.
const ALONE_AFTER: u32 = 3;
/// Faults that are a message's own once it was sent by itself. A missing exchange or permission is the broker's, and waits for its operator.
const UNSENDABLE: [&str; 5] = [
    "amqp-property-too-long",
    "amqp-properties-too-large",
    "amqp-unwritable-frame",
    "amqp-content-too-large",
    "amqp-precondition-failed",
];
/// Rows taken by one sweep.
const SWEEP: i64 = 200;
/// Confirmed rows are deleted together: a crash meanwhile repeats at most this much, under the same ids.
const DELETE_EVERY: Duration = Duration::from_millis(25);

/// The sending side of one worker. Cheap to clone.
#[derive(Clone)]
pub struct Relay {
    inner: Arc<Inner>,
}

struct Inner {
    worker: &'static str,
    context: Context,
    publishers: Vec<(Wire, Arc<dyn Sender>)>,
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
    confirmed: mpsc::UnboundedSender<Uuid>,
    hand: Hand,
}

/// Handles of a relay's own tasks.
pub struct Running {
    relay: Relay,
    sweeper: JoinHandle<()>,
    deleter: JoinHandle<()>,
    renewer: AbortOnDropHandle<()>,
    drained: CancellationToken,
}

impl Relay {
    /// Starts a relay that reaches the given brokers.
    pub fn start(worker: &'static str, context: Context, publishers: Vec<(Wire, Arc<dyn Sender>)>) -> Running {
        let (confirmed, deletions) = mpsc::unbounded_channel();
        let permits = Arc::new(Semaphore::new(IN_FLIGHT));
        let hand = Hand::default();
        let inner = Inner { worker, context, publishers, permits, tasks: TaskTracker::new(), confirmed, hand: hand.clone() };
        let relay = Self { inner: Arc::new(inner) };
        let drained = CancellationToken::new();
        let deleter = tokio::spawn(delete_confirmed(relay.inner.context.clone(), hand.clone(), deletions, drained.clone()));
        let renewer = AbortOnDropHandle::new(tokio::spawn(hand::renew(worker, relay.inner.context.clone(), hand)));
        let sweeper = tokio::spawn(sweep(relay.clone()));
        Running { relay, sweeper, deleter, renewer, drained }
    }

    /// Rows that were just committed, and will be published: until then no other process takes them. What this relay cannot send is any
    /// other's when its lease ends.
    pub fn hold(&self, outgoing: &[Outgoing]) {
        let reaches = |outgoing: &&Outgoing| self.inner.publishers.iter().any(|(wire, _)| *wire == outgoing.wire);
        self.inner.hand.take(outgoing.iter().filter(reaches).map(|outgoing| outgoing.id));
    }

    /// Publishes rows that were committed, and are held; waits only while too many batches are under way.
    pub async fn publish(&self, outgoing: Vec<Outgoing>) {
        if outgoing.is_empty() {
            return;
        }
        let Ok(permit) = Arc::clone(&self.inner.permits).acquire_owned().await else { return };
        let relay = self.clone();
        self.inner.tasks.spawn(async move {
            relay.send(outgoing.into_iter().map(|outgoing| Due { outgoing, attempts: 0 }).collect()).await;
            drop(permit);
        });
    }

    /// Publishes and settles rows; what fails stays in the outbox.
    async fn send(&self, rows: Vec<Due>) {
        for (wire, publisher) in &self.inner.publishers {
            let mine = rows.iter().filter(|r| r.outgoing.wire == *wire).cloned();
            let (alone, together): (Vec<Due>, Vec<Due>) = mine.partition(|r| r.attempts >= ALONE_AFTER);
            let mut failed = self.send_together(publisher, together).await;
            let singles = stream::iter(alone).map(|row| self.send_together(publisher, vec![row])).buffer_unordered(IN_FLIGHT);
            failed.extend(singles.concat().await);
            if failed.is_empty() {
                continue;
            }
            let ids: Vec<Uuid> = failed.iter().map(|(row, _)| row.outgoing.id).collect();
            if let Err(error) = self.keep(failed).await {
                // Their lease runs out; then any worker takes them.
                tracing::warn!(worker = self.inner.worker, %error, "unsent messages wait for their lease to end");
            }
            self.inner.hand.put(&ids);
        }
    }

    /// Publishes rows as one batch and returns those that were not confirmed.
    async fn send_together(&self, publisher: &Arc<dyn Sender>, rows: Vec<Due>) -> Vec<(Due, Settled)> {
        if rows.is_empty() {
            return Vec::new();
        }
        let (attempts, outgoing): (Vec<u32>, Vec<Outgoing>) = rows.into_iter().map(|r| (r.attempts, r.outgoing)).unzip();
        let handed_at = (self.inner.context.clock)();
        let settled = publisher.publish(&outgoing).await;
        self.trace(handed_at, &outgoing, &attempts, &settled);
        if self.inner.context.probe.after(self.inner.worker, Step::Published).is_err() {
            return Vec::new();
        }
        let mut failed = Vec::new();
        for ((outgoing, attempts), settled) in outgoing.into_iter().zip(attempts).zip(settled) {
            match settled {
                // The receiver is gone only when the process ends; the row is then sent again under the same id.
                Settled::Confirmed => drop(self.inner.confirmed.send(outgoing.id)),
                Settled::Returned { .. } if !outgoing.is_awaited => drop(self.inner.confirmed.send(outgoing.id)),
                other => failed.push((Due { outgoing, attempts }, other)),
            }
        }
        failed
    }

    fn trace(&self, from: Timestamp, outgoing: &[Outgoing], attempts: &[u32], settled: &[Settled]) {
        let Context { traces, clock, .. } = &self.inner.context;
        if traces.are_sent() {
            let handed = Handed { worker: self.inner.worker, times: (from, clock()) };
            let sent = outgoing.iter().zip(attempts).zip(settled);
            traces.record(sent.filter_map(|((outgoing, attempts), settled)| handed.span(outgoing, *attempts, code_of(settled))));
        }
    }

    /// Puts failed rows off; what can never be sent becomes a dead letter.
    async fn keep(&self, failed: Vec<(Due, Settled)>) -> Result<(), StoreError> {
        let now = (self.inner.context.clock)();
        let mut session = self.inner.context.store.session().await?;
        let (mut later, mut dead) = (Vec::new(), Vec::new());
        for (row, settled) in failed {
            match fault_of(&row, settled) {
                Ok(fault) => dead.push(self.letter(row, &fault, now)),
                Err(fault) => {
                    tracing::warn!(worker = self.inner.worker, code = fault.code, attempts = row.attempts, outbox = %row.outgoing.id, "not sent: {}", fault.text);
                    later.push((row.outgoing.id, after(now, resend_delay(fault.code, row.attempts))));
                }
            }
        }
        outbox::postpone(&session, &later).await?;
        bury(&mut session, dead).await
    }

    fn letter(&self, row: Due, fault: &Fault, now: Timestamp) -> DeadLetter {
        tracing::error!(worker = self.inner.worker, code = fault.code, outbox = %row.outgoing.id, "cannot be sent: {}", fault.text);
        metrics::counter!("dialogpost_dead_letters_total", "worker" => self.inner.worker, "code" => fault.code).increment(1);
        let Due { outgoing, attempts } = row;
        DeadLetter {
            // Replayed, the row has its id again, and may fail again.
            id: Uuid::now_v7(),
            at: now,
            worker: self.inner.worker.to_owned(),
            fault: fault.class.as_str().to_owned(),
            code: fault.code.to_owned(),
            text: fault.text.to_string(),
            attempts: attempts + 1,
            message: outgoing.cause,
            queue: outgoing.routing_key,
            claim: None,
            received_at: None,
            about: about(&outgoing.properties, &outgoing.body),
            unsent: Some(Unsent { outbox: outgoing.id, wire: outgoing.wire, exchange: outgoing.exchange }),
            replay_of: None,
            properties: outgoing.properties,
            body: outgoing.body.to_vec(),
        }
    }
}

const fn code_of(settled: &Settled) -> Option<&'static str> {
    match settled {
        Settled::Confirmed => None,
        Settled::Returned { .. } => Some("unroutable"),
        Settled::Failed(fault) => Some(fault.code),
    }
}

/// `Ok` = can never be sent; `Err` = later again.
fn fault_of(row: &Due, settled: Settled) -> Result<Fault, Fault> {
    match (settled, row.outgoing.wire) {
        (Settled::Returned { code, .. }, Wire::Nhn) => Ok(Fault::broken(
            "nhn-unroutable",
            format!("NHN's broker has no such queue ({code}): correct the party's queues with `dialogpost apply`, and replay it"),
        )),
        // Our own queues are ours to make: once they exist the message goes out.
        (Settled::Returned { code, .. }, Wire::Dialogpost) => {
            Err(Fault::transient("unroutable", format!("no queue is bound for it ({code}): run `dialogpost topology apply`")))
        }
        (Settled::Failed(fault), _) if row.attempts >= ALONE_AFTER && UNSENDABLE.contains(&fault.code) => Ok(fault),
        (Settled::Failed(fault), _) => Err(fault),
        (Settled::Confirmed, _) => Err(Fault::transient("confirmed", "sent")),
    }
}

async fn bury(session: &mut Session, dead: Vec<DeadLetter>) -> Result<(), StoreError> {
    if dead.is_empty() {
        return Ok(());
    }
    let row = |letter: &DeadLetter| letter.unsent.as_ref().map(|unsent| unsent.outbox);
    let ids: Vec<Uuid> = dead.iter().filter_map(row).collect();
    let tx = session.begin().await?;
    // Another process may have sent it meanwhile, or buried it: of what is not there any more no letter is made.
    let there = outbox::take_out(&tx, &ids).await?;
    let dead: Vec<DeadLetter> = dead.into_iter().filter(|letter| row(letter).is_some_and(|id| there.contains(&id))).collect();
    dead_letter::insert(&tx, &dead).await?;
    tx.commit().await
}

async fn sweep(relay: Relay) {
    let Inner { context, publishers, worker, hand, .. } = relay.inner.as_ref();
    let mut more = false;
    while more || sleep_unless(&context.cancel, context.glance).await {
        more = false;
        let open: Vec<Wire> = publishers.iter().filter(|(_, p)| !p.is_blocked()).map(|(wire, _)| *wire).collect();
        match take(context, &open).await {
            Ok(due) if due.is_empty() => {}
            Ok(due) => {
                more = due.len() as i64 == SWEEP && !context.cancel.is_cancelled();
                metrics::counter!("dialogpost_outbox_swept_total", "worker" => *worker).increment(due.len() as u64);
                hand.take(due.iter().map(|due| due.outgoing.id));
                relay.send(due).await;
            }
            Err(error) => tracing::debug!(worker, %error, "the outbox cannot be read now"),
        }
    }
}

async fn take(context: &Context, wires: &[Wire]) -> Result<Vec<Due>, StoreError> {
    // A session may have to be waited for: the time is read once it is there.
    let session = context.store.session().await?;
    let now = (context.clock)();
    outbox::take_due(&session, wires, now, after(now, context.lease), SWEEP).await
}

async fn delete_confirmed(
    context: Context,
    hand: Hand,
    mut deletions: mpsc::UnboundedReceiver<Uuid>,
    drained: CancellationToken,
) {
    loop {
        let mut ids = Vec::new();
        tokio::select! {
            n = deletions.recv_many(&mut ids, 1000) => if n == 0 { return },
            () = drained.cancelled() => {
                deletions.close();
                while let Some(id) = deletions.recv().await {
                    ids.push(id);
                }
                delete(&context, &hand, &ids).await;
                return;
            }
        }
        // Others confirm meanwhile; one statement serves all.
        tokio::time::sleep(DELETE_EVERY).await;
        while ids.len() < 4000
            && let Ok(id) = deletions.try_recv()
        {
            ids.push(id);
        }
        delete(&context, &hand, &ids).await;
    }
}

async fn delete(context: &Context, hand: &Hand, ids: &[Uuid]) {
    if ids.is_empty() {
        return;
    }
    let deleted = async { outbox::delete(&context.store.session().await?, ids).await }.await;
    if let Err(error) = deleted {
        // Sent again under the same ids when the lease ends; receivers know them.
        tracing::warn!(%error, rows = ids.len(), "sent rows stay in the outbox");
    }
    hand.put(ids);
}

impl Running {
    /// The relay to publish through.
    pub fn relay(&self) -> Relay {
        self.relay.clone()
    }

    /// Lets what is under way end, for at most `patience`; what is left is any worker's when its lease ends.
    pub async fn stop(self, patience: Duration) {
        let Self { relay, sweeper, mut deleter, renewer: _until_then, drained } = self;
        relay.inner.tasks.close();
        let _ = tokio::time::timeout(patience, relay.inner.tasks.wait()).await;
        sweeper.abort();
        drained.cancel();
        if tokio::time::timeout(patience, &mut deleter).await.is_err() {
            deleter.abort();
        }
        for (_, publisher) in &relay.inner.publishers {
            let _ = tokio::time::timeout(patience, publisher.close()).await;
        }
    }

    /// Dies as a killed process would: nothing is finished.
    pub fn crash(self) {
        self.sweeper.abort();
        self.deleter.abort();
    }
}
