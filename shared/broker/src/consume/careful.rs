//! After a message that breaks the connection (traps L11, A4): one message at a time, fetched, until it is out of the way.
//!
//! Such a message takes down everything that is on its way to us, and each time the broker counts a delivery for all of that. With prefetch
//! its innocent neighbours would reach the delivery limit together with it. A fetched message travels alone: only the guilty one is counted.

use super::Consumer;
use super::link::End;
use super::slot::Slot;
use crate::edge::Batch;
use lapin::message::Delivery;
use messages::{Fault, FaultClass};
use std::time::Duration;

/// Fetched singly beyond what may have been under way when the connection broke.
const SLACK: usize = 10;
/// Between rounds that found nothing.
const PAUSE: Duration = Duration::from_millis(50);
/// Between looks whether what was fetched is settled.
const SETTLING: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Careful {
    /// The queue that is being asked. Still set on the next call, its answer went astray.
    asking: Option<String>,
}

impl Consumer {
    pub(super) fn be_careful(&mut self) {
        let asked = self.careful.take().and_then(|careful| careful.asking);
        let enough = usize::from(self.config.prefetch) + SLACK;
        match self.slots.iter_mut().find(|slot| Some(&slot.queue) == asked.as_ref()) {
            Some(guilty) => {
                guilty.singly = enough;
                guilty.broke_the_connection();
                metrics::counter!("dialogpost_unreadable_total", "queue" => guilty.queue.clone()).increment(1);
                tracing::error!(
                    queue = guilty.queue,
                    "the next message of this queue breaks every AMQP 0.9.1 connection; waiting for its delivery limit to remove it"
                );
            }
            None => self.slots.iter_mut().for_each(|slot| slot.singly = enough),
        }
        self.careful = Some(Careful { asking: None });
    }

    /// One message from the first queue that has any, once the one before is settled: it must not be on its way with the next.
    pub(super) async fn get_one(&mut self) -> Result<Option<Batch>, Fault> {
        if self.slots.iter().filter_map(|slot| slot.link.as_ref()).any(|link| !link.ledger.is_settled()) {
            tokio::time::sleep(SETTLING).await;
            return Ok(None);
        }
        self.discard_stray_answer();
        if self.slots.iter().all(|slot| slot.singly == 0 || slot.is_missing()) {
            tracing::info!("no message breaks the connection any more; back to normal");
            self.careful = None;
            return Ok(None);
        }
        for _ in 0..self.slots.len() {
            // The next queue stands first before the answer comes: should this one break the connection, the others get their turn.
            self.slots.rotate_left(1);
            let Some(slot) = self.slots.last_mut().filter(|slot| slot.is_due()) else { continue };
            let (Some(link), Some((connection, _))) = (&slot.link, &self.connection) else { continue };
            if let Some(careful) = &mut self.careful {
                careful.asking = Some(slot.queue.clone());
            }
            let answer = link.get(connection, &slot.queue).await;
            if let Some(batch) = self.take_answer(answer)? {
                return Ok(Some(batch));
            }
        }
        self.state.missing(&self.slots);
        tokio::time::sleep(PAUSE).await;
        Ok(None)
    }

    /// The answer of the queue that stands last.
    fn take_answer(&mut self, answer: Result<Option<Delivery>, End>) -> Result<Option<Batch>, Fault> {
        if let (false, Some(careful)) = (matches!(answer, Err(End::OfConnection(_))), &mut self.careful) {
            careful.asking = None;
        }
        let Some(slot) = self.slots.last_mut() else { return Ok(None) };
        match answer {
            Ok(Some(delivery)) => {
                slot.found();
                slot.is_readable();
                slot.singly = slot.singly.saturating_sub(1);
                return Ok(slot.batch(delivery, &self.config));
            }
            Ok(None) => {
                slot.found();
                slot.singly = 0;
            }
            Err(End::OfChannel(fault)) if fault.class == FaultClass::Broken => {
                slot.refused(&fault);
            }
            Err(end) => Self::ended(self.connection.as_ref(), slot, end)?,
        }
        Ok(None)
    }

    /// When the caller dropped us while we asked, a message may lie unclaimed on that channel: closing it puts the message back.
    fn discard_stray_answer(&mut self) {
        let asked = self.careful.as_mut().and_then(|careful| careful.asking.take());
        if let Some(slot) = self.slots.iter_mut().find(|slot| Some(&slot.queue) == asked.as_ref()) {
            slot.disconnected();
        }
    }
}

impl Slot {
    fn is_due(&self) -> bool {
        self.rest_until <= tokio::time::Instant::now()
    }
}
