//! What readiness asks about a consumer.

use super::slot::Slot;
use jiff::Timestamp;
use std::collections::BTreeSet;
use tokio::sync::watch;

/// How a consumer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerState {
    /// Its connection.
    pub link: LinkState,
    /// Queues that are wanted but not there, or not ours to read.
    pub missing: BTreeSet<String>,
}

/// How its connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Connected since then.
    Connected(Timestamp),
    /// Without a connection since then.
    Reconnecting(Timestamp),
}

impl ConsumerState {
    /// Connected, and every queue is there.
    pub fn is_ready(&self) -> bool {
        matches!(self.link, LinkState::Connected(_)) && self.missing.is_empty()
    }
}

#[derive(Debug)]
pub(super) struct StateKeeper {
    now: fn() -> Timestamp,
    state: watch::Sender<ConsumerState>,
}

impl StateKeeper {
    pub(super) fn new(now: fn() -> Timestamp) -> Self {
        let state = ConsumerState { link: LinkState::Reconnecting(now()), missing: BTreeSet::new() };
        Self { now, state: watch::Sender::new(state) }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<ConsumerState> {
        self.state.subscribe()
    }

    pub(super) fn connected(&self) {
        self.state.send_modify(|state| state.link = LinkState::Connected((self.now)()));
    }

    /// Keeps the time of the first failure.
    pub(super) fn reconnecting(&self) {
        self.state.send_if_modified(|state| {
            let was_connected = matches!(state.link, LinkState::Connected(_));
            if was_connected {
                state.link = LinkState::Reconnecting((self.now)());
            }
            was_connected
        });
    }

    pub(super) fn missing(&self, slots: &[Slot]) {
        let missing: BTreeSet<_> = slots.iter().filter(|slot| slot.is_missing()).map(|slot| slot.queue.clone()).collect();
        self.state.send_if_modified(|state| {
            let changed = state.missing != missing;
            state.missing = missing;
            changed
        });
    }
}
