//! Rows that this process has in hand: their lease is renewed, so that it can be short. Whoever dies is then soon stood in for, and a broker
//! that takes its time has nothing sent twice.

use crate::pipeline::{after, sleep_unless};
use crate::worker::Context;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::outbox;
use uuid::Uuid;

/// Rows and when they were leased last. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Hand(Arc<Mutex<HashMap<Uuid, Instant>>>);

impl Hand {
    /// These were leased just now.
    pub(super) fn take(&self, rows: impl IntoIterator<Item = Uuid>) {
        let now = Instant::now();
        self.rows().extend(rows.into_iter().map(|row| (row, now)));
    }

    /// These are gone, or put off.
    pub(super) fn put<'r>(&self, rows: impl IntoIterator<Item = &'r Uuid>) {
        let mut mine = self.rows();
        for row in rows {
            mine.remove(row);
        }
    }

    /// Those that were leased longer ago than this.
    fn older(&self, than: Duration) -> Vec<Uuid> {
        self.rows().iter().filter(|(_, at)| at.elapsed() >= than).map(|(row, _)| *row).collect()
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<Uuid, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Renews for as long as the process works, and while it ends: what it lets go of by itself is sent by no other meanwhile.
pub(super) async fn renew(worker: &'static str, context: Context, hand: Hand) {
    let often = context.lease / 4;
    loop {
        // Cancelled, it goes on until it is aborted.
        if !sleep_unless(&context.cancel, often).await {
            tokio::time::sleep(often).await;
        }
        let rows = hand.older(context.lease / 3);
        if rows.is_empty() {
            continue;
        }
        let renewed = async {
            let lease_end = after((context.clock)(), context.lease);
            outbox::renew(&context.store.session().await?, &rows, lease_end).await
        };
        match renewed.await {
            Ok(still) => {
                // Those that are gone meanwhile are no longer in hand, and do not come back.
                let mut mine = hand.rows();
                let now = Instant::now();
                for row in still {
                    mine.entry(row).and_modify(|at| *at = now);
                }
            }
            Err(error) => tracing::debug!(worker, %error, "leases cannot be renewed now"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_hand_grows_old_until_it_is_put_down() {
        let (hand, [a, b]) = (Hand::default(), [Uuid::now_v7(), Uuid::now_v7()]);
        hand.take([a, b]);
        assert!(hand.older(Duration::from_secs(60)).is_empty());
        assert_eq!(hand.older(Duration::ZERO).len(), 2);
        hand.put(&[a]);
        assert_eq!(hand.older(Duration::ZERO), [b]);
    }
}
