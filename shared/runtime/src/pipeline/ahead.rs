//! Batches that were taken and prepared while another is written: the processor does not wait for the database, nor the other way round.
//! What became ready meanwhile, from however many queues, is written together.

use crate::pipeline::settle::Parsed;
use broker::Batch;
use jiff::Timestamp;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// A batch in hand: neither acked nor given back.
pub(super) struct InHand<M> {
    pub(super) batch: Batch,
    /// Nothing, when it could not be had.
    pub(super) prepared: Option<Prepared<M>>,
    /// Its place among what may be in hand.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// What was made of a batch before its transaction.
pub(super) struct Prepared<M> {
    pub(super) parsed: Parsed<M>,
    pub(super) at: Timestamp,
}

impl<M> InHand<M> {
    /// Keeps of `room` what the batch needs.
    pub(super) fn new(batch: Batch, prepared: Option<Prepared<M>>, room: Option<OwnedSemaphorePermit>) -> Self {
        let room = room.and_then(|mut room| room.split(batch.deliveries.len().min(room.num_permits())));
        Self { batch, prepared, room }
    }

    fn append(&mut self, later: Self) {
        self.batch.append(later.batch);
        self.prepared = self.prepared.take().zip(later.prepared).map(|(mut prepared, later)| {
            prepared.parsed.append(later.parsed);
            prepared
        });
        match (&mut self.room, later.room) {
            (Some(room), Some(later)) => room.merge(later),
            (room, later) => *room = room.take().or(later),
        }
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
}

/// For transactions of at most `limit` messages. As many again may be in hand beside those that are written.
pub(super) fn channel<M>(limit: usize) -> (Ahead<M>, Ready<M>) {
    let (to, from) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new((limit * 2).min(Semaphore::MAX_PERMITS)));
    (Ahead { to, room, limit }, Ready { from, next: None, limit })
}

impl<M> Ahead<M> {
    /// Waits until a whole batch may be taken.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        let limit = u32::try_from(self.limit).unwrap_or(u32::MAX);
        Arc::clone(&self.room).acquire_many_owned(limit).await.ok()
    }

    /// Hands over; when nobody writes any more, the batch goes back to its queue.
    pub(super) fn put(&self, batch: InHand<M>) {
        self.to.send(batch).ok();
    }
}

impl<M> Ready<M> {
    /// Everything that is ready, in order, up to the limit; waits for the first. `None` = no more will come.
    pub(super) async fn next(&mut self) -> Option<InHand<M>> {
        let mut ready = match self.next.take() {
            Some(ready) => ready,
            None => self.from.recv().await?,
        };
        while let Ok(later) = self.from.try_recv() {
            if ready.batch.deliveries.len() + later.batch.deliveries.len() > self.limit {
                self.next = Some(later);
                break;
            }
            ready.append(later);
        }
        Some(ready)
    }
}
