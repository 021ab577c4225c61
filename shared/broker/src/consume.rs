//! Consuming in batches, over a connection that comes back by itself.
//!
//! One connection, and one channel per queue: on a channel deliveries come in order, so that one acknowledgement of its last tag settles a
//! batch exactly (trap L6). Whatever goes wrong, everything is dropped and built anew; nothing of an old connection is used on a new one.

mod careful;
mod ledger;
mod link;
mod slot;
mod state;

pub use link::BATCH_BYTES;
pub use state::{ConsumerState, LinkState};

use crate::connect::{self, AmqpUrl, is_poison};
use crate::edge::{Batch, IntakeConfig};
use crate::reconnect::{Delays, Policy};
use careful::Careful;
use lapin::Connection;
use link::{End, Link};
use messages::Fault;
use slot::Slot;
use state::StateKeeper;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How often a quiet consumer looks whether its connection is still there.
const TICK: Duration = Duration::from_secs(1);
/// A connection that lasted this long ends the outage before it.
const STABLE: Duration = Duration::from_secs(10);

/// Reads any number of queues. See the module.
#[derive(Debug)]
pub struct Consumer {
    url: AmqpUrl,
    config: IntakeConfig,
    queues: watch::Receiver<Vec<String>>,
    cancel: CancellationToken,
    connection: Option<(Connection, Instant)>,
    /// The queue whose turn it is stands first.
    slots: Vec<Slot>,
    /// Links of queues that are no longer wanted, until their batches are settled.
    retiring: Vec<Link>,
    delays: Delays,
    careful: Option<Careful>,
    state: StateKeeper,
}

impl Consumer {
    /// Connects at the first [`Consumer::next`]. The list of queues may change at any time.
    pub fn new(url: AmqpUrl, config: IntakeConfig, mut queues: watch::Receiver<Vec<String>>, cancel: CancellationToken) -> Self {
        queues.mark_changed();
        let state = StateKeeper::new(config.now);
        let delays = Delays::new(Policy::CONNECTION);
        Self {
            url,
            config,
            queues,
            cancel,
            connection: None,
            slots: Vec::new(),
            retiring: Vec::new(),
            delays,
            careful: None,
            state,
        }
    }

    /// Whether it is connected and which queues it misses, for readiness.
    pub fn state(&self) -> watch::Receiver<ConsumerState> {
        self.state.subscribe()
    }

    /// The next batch: what one queue has ready, up to the limit, without waiting for more. `None` only after cancellation; then everything
    /// that was not handed out is back in its queue. Settle batches in the order they came: out of order works, but costs more.
    ///
    /// Safe to drop and call again.
    pub async fn next(&mut self) -> Option<Batch> {
        let cancel = self.cancel.clone();
        loop {
            match cancel.run_until_cancelled(self.step()).await {
                Some(Ok(Some(batch))) => {
                    self.delays.reset();
                    return Some(batch);
                }
                Some(Ok(None)) => {}
                Some(Err(fault)) => self.recover(&fault).await,
                None => {
                    self.hang_up().await;
                    return None;
                }
            }
        }
    }

    /// One round: whatever must be set up, then a batch or an event.
    async fn step(&mut self) -> Result<Option<Batch>, Fault> {
        self.follow_the_list();
        self.connect().await?;
        self.tidy().await?;
        self.subscribe().await?;
        if self.careful.is_some() { self.get_one().await } else { self.wait().await }
    }

    fn follow_the_list(&mut self) {
        let list = self.queues.borrow_and_update();
        if !list.has_changed() {
            return;
        }
        let mut wanted = list.clone();
        drop(list);
        wanted.sort_unstable();
        wanted.dedup();
        let (kept, dropped) =
            std::mem::take(&mut self.slots).into_iter().partition::<Vec<_>, _>(|slot| wanted.contains(&slot.queue));
        self.slots = kept;
        self.retiring.extend(dropped.into_iter().filter_map(Slot::retire));
        wanted.retain(|name| !self.slots.iter().any(|slot| slot.queue == *name));
        self.slots.extend(wanted.into_iter().map(Slot::new));
        self.state.missing(&self.slots);
    }

    async fn connect(&mut self) -> Result<(), Fault> {
        if let Some((connection, _)) = &self.connection {
            let lost = || Fault::transient("amqp-connection", "the connection to the broker is lost");
            return if connection.status().connected() { Ok(()) } else { Err(self.parting_words().unwrap_or_else(lost)) };
        }
        // What could not be read may only have been too large.
        let url = self.url.clone();
        let url = if self.careful.is_some() { url.with_large_frames() } else { url };
        let connection = connect::connect(&url, &format!("{} consume", self.config.name)).await?;
        self.connection = Some((connection, Instant::now()));
        self.state.connected();
        tracing::info!(name = self.config.name, broker = %self.url, queues = self.slots.len(), "consuming");
        Ok(())
    }

    /// What the broker said on any channel when the connection ended.
    fn parting_words(&mut self) -> Option<Fault> {
        self.slots.iter_mut().filter_map(|slot| slot.link.as_mut()).find_map(Link::last_fault)
    }

    /// Gives back what was dropped unsettled, closes what has retired, and notices ends that came along with a batch.
    async fn tidy(&mut self) -> Result<(), Fault> {
        for link in &self.retiring {
            link.ledger.give_back_abandoned().await;
        }
        self.retiring.retain(|link| !link.ledger.is_settled());
        for slot in &mut self.slots {
            let Some(link) = &mut slot.link else { continue };
            link.ledger.give_back_abandoned().await;
            if let Some(end) = link.end.take() {
                Self::ended(self.connection.as_ref(), slot, end)?;
            }
        }
        Ok(())
    }

    /// A channel ended: with its connection, or alone.
    fn ended(connection: Option<&(Connection, Instant)>, slot: &mut Slot, end: End) -> Result<(), Fault> {
        let alive = connection.is_some_and(|(c, _)| c.status().connected());
        match end {
            End::OfConnection(fault) => return Err(fault),
            End::OfChannel(fault) if !alive => return Err(fault),
            End::OfChannel(fault) => slot.lost(Some(&fault)),
            End::Cancelled => slot.lost(None),
            End::Quiet => slot.link = None,
        }
        Ok(())
    }

    /// Opens what is due. A queue that is missing or refused is its own trouble: it is tried again later and disturbs no other.
    async fn subscribe(&mut self) -> Result<(), Fault> {
        let Some((connection, _)) = &self.connection else { return Ok(()) };
        let prefetch = self.careful.is_none().then_some(self.config.prefetch);
        let mut changed = false;
        for slot in &mut self.slots {
            changed |= slot.subscribe(connection, prefetch).await?;
        }
        if changed {
            self.state.missing(&self.slots);
        }
        Ok(())
    }

    async fn wait(&mut self) -> Result<Option<Batch>, Fault> {
        let tick = Instant::now() + TICK;
        let due = self.slots.iter().filter_map(Slot::due).fold(tick, Instant::min);
        let slots = &mut self.slots;
        let ready = std::future::poll_fn(|cx| {
            for (place, slot) in slots.iter_mut().enumerate() {
                if let Some(Poll::Ready(item)) = slot.link.as_mut().map(|link| link.poll(cx)) {
                    return Poll::Ready((place, item));
                }
            }
            Poll::Pending
        });
        let (place, item) = tokio::select! {
            biased;
            ready = ready => ready,
            Ok(()) = self.queues.changed() => {
                self.queues.mark_changed();
                return Ok(None);
            }
            () = sleep_until(due) => return Ok(None),
        };
        let batch = match (item, self.slots.get_mut(place)) {
            (Ok(first), Some(slot)) => slot.batch(first, &self.config),
            (Err(end), Some(slot)) => {
                Self::ended(self.connection.as_ref(), slot, end)?;
                None
            }
            (_, None) => None,
        };
        self.slots.rotate_left(place + 1);
        Ok(batch)
    }

    /// Drops everything of the lost connection and waits before the next.
    async fn recover(&mut self, fault: &Fault) {
        self.state.reconnecting();
        metrics::counter!("dialogpost_reconnects_total", "name" => self.config.name.clone()).increment(1);
        if let Some((connection, since)) = self.connection.take() {
            if since.elapsed() > STABLE {
                self.delays.reset();
            }
            close_behind(connection);
        }
        tracing::warn!(%fault, "the connection to the broker is lost; connecting again");
        if is_poison(fault) {
            self.be_careful();
            if !self.slots.iter().any(Slot::is_hopeless) {
                self.delays.reset();
            }
        }
        self.retiring.clear();
        self.slots.iter_mut().for_each(Slot::disconnected);
        self.delays.sleep(&self.cancel).await;
    }

    /// Closing the connection puts everything back that is not settled.
    async fn hang_up(&mut self) {
        self.slots.clear();
        self.retiring.clear();
        if let Some((connection, _)) = self.connection.take() {
            connect::close(connection).await;
        }
        self.state.reconnecting();
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if let Some((connection, _)) = self.connection.take() {
            close_behind(connection);
        }
    }
}

/// A connection that is merely dropped may live on inside the driver, and the broker then waits for acks of what it had delivered there.
fn close_behind(connection: Connection) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(connect::close(connection));
    }
}
