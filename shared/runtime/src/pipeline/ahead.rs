//! Reading ahead: batches are taken and prepared while another is written. The processor does not wait for the database, nor the other way
//! round. What became ready meanwhile, from however many queues, is written together; while much comes, a moment is waited for more, since each
//! transaction has its price.

#[cfg(test)]
mod tests;

use crate::handler::Handler;
use crate::pipeline::settle::{Parsed, parse};
use crate::pipeline::{Ended, Halt};
use crate::probe::Step;
use crate::worker::Context;
use broker::{BATCH_BYTES, Batch, Intake};
use futures_util::FutureExt;
use jiff::Timestamp;
use messages::transport::Delivery;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

/// Takes batches and prepares them.
pub(super) struct Reader<H> {
    pub(super) handler: Arc<H>,
    pub(super) context: Context,
}

/// What was made of a batch before its transaction.
pub(super) struct Prepared<M> {
    pub(super) parsed: Parsed<M>,
    /// When it was done.
    pub(super) at: Timestamp,
}

impl<H: Handler> Reader<H> {
    /// Until cancelled. Intake comes back unasked: cancelled, it hangs up when it is asked again, and what is in hand could not be acked.
    pub(super) async fn read(
        self: Arc<Self>,
        mut intake: Box<dyn Intake>,
        ahead: Ahead<H::Message>,
    ) -> Result<Box<dyn Intake>, Ended> {
        let cancel = &self.context.cancel;
        while let Some(room) = ahead.room().await {
            let batch = tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                batch = intake.next() => batch,
            };
            let Some(batch) = batch else { break };
            let prepared = tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    batch.give_back().await;
                    break;
                }
                prepared = AssertUnwindSafe(self.prepare(&batch.deliveries)).catch_unwind() => prepared,
            };
            let prepared = match prepared {
                Ok(Ok(prepared)) => Some(prepared),
                Ok(Err(Halt::Crashed)) => return Err(Ended::Crashed),
                // It is tried again, and fails, in the batch's turn.
                Ok(Err(Halt::Store(_) | Halt::Panicked)) | Err(_) => None,
            };
            ahead.put(batch, prepared, room);
        }
        Ok(intake)
    }

    pub(super) async fn prepare(&self, batch: &[Delivery]) -> Result<Prepared<H::Message>, Halt> {
        let Context { clock, probe, store, .. } = &self.context;
        let mut parsed = parse(self.handler.as_ref(), batch);
        probe.after(H::WORKER, Step::Parsed)?;
        self.handler.prepare(store, parsed.messages_mut(), clock()).await?;
        probe.after(H::WORKER, Step::Prepared)?;
        Ok(Prepared { parsed, at: clock() })
    }
}

/// A batch in hand: neither acked nor given back.
pub(super) struct InHand<M> {
    pub(super) batch: Batch,
    /// Nothing, when it could not be had.
    pub(super) prepared: Option<Prepared<M>>,
    /// Its place among what may be in hand.
    pub(super) room: OwnedSemaphorePermit,
}

impl<M> InHand<M> {
    fn append(&mut self, later: Self) {
        self.batch.append(later.batch);
        self.prepared = self.prepared.take().zip(later.prepared).map(|(mut prepared, later)| {
            prepared.parsed.append(later.parsed);
            prepared
        });
        self.room.merge(later.room);
    }
}

/// The side that takes and prepares.
pub(super) struct Ahead<M> {
    to: mpsc::UnboundedSender<InHand<M>>,
    room: Arc<Semaphore>,
    limit: usize,
}

/// The side that writes.
pub(super) struct Ready<M> {
    from: mpsc::UnboundedReceiver<InHand<M>>,
    next: Option<InHand<M>>,
    limit: usize,
    /// Of the transaction before, how much it carried.
    before: usize,
}

/// How long more is waited for, while much comes.
const MOMENT: Duration = Duration::from_millis(3);

/// Whether more is waited for: the transaction before was a quarter full, so that more will come, and this one is not half full.
const fn waits(before: usize, ready: usize, limit: usize) -> bool {
    before * 4 >= limit && ready * 2 < limit
}

/// For transactions of at most `limit` messages. Twice that may be in hand; a message that is larger than its share of a batch's bytes
/// counts for as many.
pub(super) fn channel<M>(limit: usize) -> (Ahead<M>, Ready<M>) {
    let (to, from) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new((limit * 2).min(Semaphore::MAX_PERMITS)));
    (Ahead { to, room, limit }, Ready { from, next: None, limit, before: 0 })
}

/// Of `limit`, which is what one transaction carries.
fn weight(batch: &[Delivery], limit: usize) -> usize {
    let bytes = batch.iter().map(Delivery::weight).fold(0, usize::saturating_add);
    batch.len().max(bytes.saturating_mul(limit).div_ceil(BATCH_BYTES)).min(limit)
}

impl<M> Ahead<M> {
    /// Waits until a whole batch may be taken.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        let limit = u32::try_from(self.limit).unwrap_or(u32::MAX);
        Arc::clone(&self.room).acquire_many_owned(limit).await.ok()
    }

    /// Hands over and gives up the room that the batch does not need. When nobody writes any more, it goes back to its queue.
    pub(super) fn put(&self, batch: Batch, prepared: Option<Prepared<M>>, mut room: OwnedSemaphorePermit) {
        let room = room.split(weight(&batch.deliveries, self.limit)).unwrap_or(room);
        self.to.send(InHand { batch, prepared, room }).ok();
    }
}

impl<M> Ready<M> {
    /// Everything that is ready, in order, up to the limit; waits for the first. `None` = no more will come.
    pub(super) async fn next(&mut self) -> Option<InHand<M>> {
        let mut ready = match self.next.take() {
            Some(ready) => ready,
            None => self.from.recv().await?,
        };
        let deadline = Instant::now() + MOMENT;
        while let Some(later) = self.another(ready.room.num_permits(), deadline).await {
            if ready.room.num_permits() + later.room.num_permits() > self.limit {
                self.next = Some(later);
                break;
            }
            ready.append(later);
        }
        self.before = ready.room.num_permits();
        Some(ready)
    }

    async fn another(&mut self, ready: usize, deadline: Instant) -> Option<InHand<M>> {
        match self.from.try_recv() {
            Ok(later) => Some(later),
            Err(_) if waits(self.before, ready, self.limit) => timeout_at(deadline, self.from.recv()).await.ok()?,
            Err(_) => None,
        }
    }
}
