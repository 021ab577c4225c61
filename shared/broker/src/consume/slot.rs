//! One wanted queue: its link while there is one, and when to try for another.

use super::link::Link;
use crate::edge::{Batch, IntakeConfig};
use crate::properties;
use crate::reconnect::{Delays, Policy};
use lapin::Connection;
use lapin::message::Delivery;
use messages::{Fault, FaultClass};
use std::time::Duration;
use tokio::time::Instant;

/// For a queue that is missing: it is usually about to be created.
const POLICY: Policy = Policy { first: Duration::from_millis(200), max: Duration::from_secs(10) };

/// Delivery limits are 10 or 20 as a rule; a few more for what else counts as a delivery.
const LIKELY_LIMIT: u32 = 25;

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) queue: String,
    pub(super) link: Option<Link>,
    /// Not before this time.
    pub(super) rest_until: Instant,
    /// Messages still to be fetched singly before this queue may flow again.
    pub(super) singly: usize,
    missing: bool,
    /// Connections its next message has broken so far.
    broken: u32,
    delays: Delays,
}

impl Slot {
    pub(super) fn new(queue: String) -> Self {
        Self { queue, link: None, rest_until: Instant::now(), singly: 0, missing: false, broken: 0, delays: Delays::new(POLICY) }
    }

    pub(super) fn is_missing(&self) -> bool {
        self.missing
    }

    /// When there is something to be done about it.
    pub(super) fn due(&self) -> Option<Instant> {
        self.link.is_none().then_some(self.rest_until)
    }

    pub(super) fn retire(self) -> Option<Link> {
        let mut link = self.link?;
        link.stop();
        Some(link)
    }

    /// Opens a link when one is due, and lets it flow when a prefetch is given; whether that changed what is missing.
    pub(super) async fn subscribe(&mut self, connection: &Connection, prefetch: Option<u16>) -> Result<bool, Fault> {
        if self.due().is_some_and(|due| Instant::now() < due) {
            return Ok(false);
        }
        let mut link = match self.link.take() {
            Some(link) => link,
            None => match Link::open(connection).await {
                Ok(link) => link,
                // This queue's trouble alone: those that have a channel are read on.
                Err(fault) if fault.class == FaultClass::Broken => return Ok(self.refused(&fault)),
                Err(fault) => return Err(fault),
            },
        };
        if let Some(prefetch) = prefetch
            && !link.is_consuming()
        {
            match link.consume(&self.queue, prefetch).await {
                Ok(()) => {}
                Err(fault) if fault.class == FaultClass::Broken => return Ok(self.refused(&fault)),
                Err(fault) => return Err(fault),
            }
            self.link = Some(link);
            return Ok(self.found());
        }
        self.link = Some(link);
        Ok(false)
    }

    /// It is there; whether it was missing.
    pub(super) fn found(&mut self) -> bool {
        self.delays.reset();
        if !self.missing {
            return false;
        }
        self.missing = false;
        metrics::gauge!("dialogpost_queue_missing", "queue" => self.queue.clone()).set(0.0);
        tracing::info!(queue = self.queue, "the queue is there again");
        true
    }

    /// The broker refuses it; whether that is news.
    pub(super) fn refused(&mut self, fault: &Fault) -> bool {
        self.link = None;
        self.rest();
        if self.missing {
            return false;
        }
        self.missing = true;
        metrics::gauge!("dialogpost_queue_missing", "queue" => self.queue.clone()).set(1.0);
        tracing::warn!(queue = self.queue, %fault, "the queue cannot be read, trying again until it can; one of ours is made by `dialogpost topology apply`");
        true
    }

    /// Its channel ended while the connection lives on.
    pub(super) fn lost(&mut self, fault: Option<&Fault>) {
        self.link = None;
        self.rest();
        let reason = fault.map_or("the queue was deleted or has moved", |fault| fault.code);
        tracing::warn!(queue = self.queue, reason, "the broker ended the subscription; subscribing again");
    }

    /// Its connection ended.
    pub(super) fn disconnected(&mut self) {
        self.link = None;
    }

    /// No attempt for a while, a longer one each time.
    pub(super) fn rest(&mut self) {
        self.rest_until = Instant::now() + self.delays.next_delay();
    }

    /// Its next message broke the connection once more. Soon again while a delivery limit may still end it; then ever later, since only
    /// somebody with another protocol can take it away.
    pub(super) fn broke_the_connection(&mut self) {
        self.broken = self.broken.saturating_add(1);
        if self.broken > LIKELY_LIMIT {
            self.rest();
        } else {
            self.rest_until = Instant::now() + POLICY.first;
        }
    }

    /// Whether its next message has broken more connections than any usual delivery limit allows.
    pub(super) fn is_hopeless(&self) -> bool {
        self.broken > LIKELY_LIMIT
    }

    /// A message of it could be read.
    pub(super) fn is_readable(&mut self) {
        self.broken = 0;
    }

    /// The batch that begins with this delivery.
    pub(super) fn batch(&mut self, first: Delivery, config: &IntakeConfig) -> Option<Batch> {
        let link = self.link.as_mut()?;
        let raw = link.fill(first, config.batch);
        metrics::counter!("dialogpost_consumed_total", "queue" => self.queue.clone()).increment(raw.len() as u64);
        let received_at = (config.now)();
        let ticket = link.ledger.hand_out(&raw);
        let deliveries: Vec<_> = raw.into_iter().map(|delivery| properties::decode(&self.queue, delivery, received_at)).collect();
        self.report_deviations(deliveries.iter().flat_map(|delivery| delivery.deviations.iter().copied()));
        Some(Batch::new(deliveries, Box::new(ticket)))
    }

    fn report_deviations(&self, deviations: impl Iterator<Item = &'static str>) {
        for deviation in deviations {
            metrics::counter!("dialogpost_deviations_total", "deviation" => deviation).increment(1);
            tracing::warn!(queue = self.queue, deviation, "a message differs from the shape that is expected");
        }
    }
}
