//! What is owed to the broker for the batches of one channel.

use crate::connect::{PATIENCE, within};
use crate::edge::{Acked, Settle, Verdict};
use futures_util::future::BoxFuture;
use lapin::Acker;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The open batches of one channel.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    /// First delivery tag of each batch that is not settled.
    batches: BTreeSet<u64>,
    /// Of batches that were dropped, by a panic for instance.
    abandoned: Vec<(u64, Vec<Acker>)>,
}

#[derive(Debug)]
pub(super) struct Ticket {
    first: u64,
    ackers: Vec<Acker>,
    ledger: Arc<Ledger>,
}

impl Ledger {
    pub(super) fn hand_out(self: &Arc<Self>, deliveries: &[lapin::message::Delivery]) -> Ticket {
        let first = deliveries.first().map_or(0, |delivery| delivery.delivery_tag);
        self.open().batches.insert(first);
        Ticket { first, ackers: deliveries.iter().map(|delivery| delivery.acker.clone()).collect(), ledger: Arc::clone(self) }
    }

    pub(super) fn is_settled(&self) -> bool {
        let open = self.open();
        open.batches.is_empty() && open.abandoned.is_empty()
    }

    pub(super) async fn give_back_abandoned(self: &Arc<Self>) {
        while let Some((first, ackers)) = self.pop_abandoned() {
            tracing::warn!(count = ackers.len(), "a batch was dropped unsettled; it goes back to its queue");
            // A ticket again, so that it is not forgotten should this call be dropped too.
            Ticket { first, ackers, ledger: Arc::clone(self) }.settle_now(Verdict::Requeue).await;
        }
    }

    fn pop_abandoned(&self) -> Option<(u64, Vec<Acker>)> {
        self.open().abandoned.pop()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settle for Ticket {
    fn settle(self: Box<Self>, verdict: Verdict) -> BoxFuture<'static, Acked> {
        Box::pin((*self).settle_now(verdict))
    }
}

impl Ticket {
    async fn settle_now(mut self, verdict: Verdict) -> Acked {
        // "Multiple" settles everything up to a tag: only when nothing before this batch is still open (trap L6).
        let is_oldest = self.ledger.open().batches.first() == Some(&self.first);
        let acked = match self.ackers.last() {
            Some(last) if is_oldest => send(last, verdict, true).await,
            _ => one_by_one(&self.ackers, verdict).await,
        };
        self.ackers.clear();
        self.ledger.open().batches.remove(&self.first);
        if acked == Acked::Lost {
            tracing::info!("an acknowledgement was lost with its channel; its messages will come again");
        }
        acked
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let ackers = std::mem::take(&mut self.ackers);
        if !ackers.is_empty() {
            self.ledger.open().abandoned.push((self.first, ackers));
        }
    }
}

async fn one_by_one(ackers: &[Acker], verdict: Verdict) -> Acked {
    let mut all = Acked::Sent;
    for acker in ackers {
        if send(acker, verdict, false).await == Acked::Lost {
            all = Acked::Lost;
        }
    }
    all
}

/// lapin answers `Ok(false)` when the channel is gone or the tag was used (trap L4).
async fn send(acker: &Acker, verdict: Verdict, multiple: bool) -> Acked {
    let sent = match verdict {
        Verdict::Ack => within(PATIENCE, acker.ack(BasicAckOptions { multiple })).await,
        Verdict::Requeue => within(PATIENCE, acker.nack(BasicNackOptions { multiple, requeue: true })).await,
    };
    if sent == Ok(true) { Acked::Sent } else { Acked::Lost }
}
