//! Rows that this process has in hand: their lease is renewed, so that it can be short. Whoever dies is then soon stood in for, and a broker
//! that takes its time has nothing sent twice.

use crate::pipeline::{after, sleep_unless};
use crate::worker::Context;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::{StoreError, outbox};
use uuid::Uuid;

/// A row is held for so many leases at most: what this process has lost sight of is then any other's.
const MOST: u32 = 12;

/// Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Hand(Arc<Mutex<HashMap<Uuid, Held>>>);

#[derive(Clone, Copy)]
struct Held {
    since: Instant,
    leased: Instant,
}

impl Hand {
    /// These were leased just now.
    pub(super) fn take(&self, rows: impl IntoIterator<Item = Uuid>) {
        let now = Instant::now();
        self.rows().extend(rows.into_iter().map(|row| (row, Held { since: now, leased: now })));
    }

    /// These are gone, or put off.
    pub(super) fn put<'r>(&self, rows: impl IntoIterator<Item = &'r Uuid>) {
        let mut mine = self.rows();
        for row in rows {
            mine.remove(row);
        }
    }

    /// Those whose lease is this old, in the order of the table's other writers. Those that were held for too long are let go of.
    fn due(&self, age: Duration, most: Duration) -> Vec<Uuid> {
        let mut mine = self.rows();
        mine.retain(|_, held| held.since.elapsed() < most);
        let mut due: Vec<Uuid> = mine.iter().filter(|(_, held)| held.leased.elapsed() >= age).map(|(row, _)| *row).collect();
        due.sort_unstable();
        due
    }

    fn renewed(&self, rows: &[Uuid]) {
        let (mut mine, now) = (self.rows(), Instant::now());
        for row in rows {
            // What was put down meanwhile does not come back.
            mine.entry(*row).and_modify(|held| held.leased = now);
        }
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<Uuid, Held>> {
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
        let rows = hand.due(context.lease / 3, context.lease * MOST);
        if rows.is_empty() {
            continue;
        }
        match extend(&context, &rows).await {
            Ok(()) => hand.renewed(&rows),
            Err(error) => tracing::debug!(worker, %error, "leases cannot be renewed now"),
        }
    }
}

async fn extend(context: &Context, rows: &[Uuid]) -> Result<(), StoreError> {
    // A session may have to be waited for: the time is read once it is there.
    let session = context.store.session().await?;
    outbox::renew(&session, rows, after((context.clock)(), context.lease)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_in_hand_grows_old_until_it_is_put_down() {
        let (hand, [a, b]) = (Hand::default(), [Uuid::now_v7(), Uuid::now_v7()]);
        hand.take([a, b]);
        assert!(hand.due(LONG, LONG).is_empty());
        assert_eq!(hand.due(Duration::ZERO, LONG), [a, b]);
        hand.put(&[a]);
        hand.renewed(&[a]);
        assert_eq!(hand.due(Duration::ZERO, LONG), [b]);
    }

    #[test]
    fn nothing_is_held_for_ever() {
        let hand = Hand::default();
        hand.take([Uuid::now_v7()]);
        assert!(hand.due(Duration::ZERO, Duration::ZERO).is_empty());
        assert!(hand.due(Duration::ZERO, LONG).is_empty(), "and it does not come back");
    }
}
