//! Publishing with confirms: pipelined, mandatory, persistent, and settled by message id.
//!
//! lapin may attach a returned message to another confirm than its own (trap L2). Each batch therefore has a channel of its own while it is
//! under way, every confirm is awaited, and returns are matched by id.

mod lanes;
mod settle;

use crate::connect::{AmqpUrl, PATIENCE, short};
use crate::properties;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use lanes::{Lane, Lanes};
use lapin::options::BasicPublishOptions;
use lapin::{Channel, Confirmation};
use messages::Fault;
use messages::transport::Outgoing;
use settle::Answers;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tokio::time::{Instant, timeout, timeout_at};

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The broker has stored it in at least one queue.
    Confirmed,
    /// No queue takes it: not stored anywhere.
    Returned {
        /// AMQP reply code, 312 for "no route".
        code: u16,
        /// The broker's words.
        text: String,
    },
    /// Unknown: it may or may not be stored. Send it again later under the same id.
    Failed(Fault),
}

/// Publishes over one connection of its own, opened when first needed and again after every loss. Cheap to clone; calls run side by side.
#[derive(Clone, Debug)]
pub struct Publisher {
    lanes: Arc<Lanes>,
}

impl Publisher {
    /// Connects at the first [`Publisher::publish`], under this name.
    pub fn new(url: AmqpUrl, name: impl Into<String>) -> Self {
        Self { lanes: Arc::new(Lanes::new(url, name.into())) }
    }

    /// Sends a batch and tells what became of each message, in the order given: within ten seconds once there is a channel, for which it waits as
    /// long at most.
    ///
    /// Messages to different exchanges do not share a fate: a missing exchange fails only what is addressed to it.
    pub async fn publish(&self, batch: &[Outgoing]) -> Vec<Settled> {
        let lots = join_all(lots(batch).into_iter().map(|lot| self.publish_lot(lot))).await;
        let by_place: BTreeMap<usize, Settled> = lots.into_iter().flatten().collect();
        let settled: Vec<_> = by_place.into_values().collect();
        report(batch, &settled);
        settled
    }

    /// Whether the broker has stopped reading from us, for want of memory or disk. Claim no outbox rows meanwhile: they would fail at once.
    pub fn is_blocked(&self) -> bool {
        self.lanes.is_blocked()
    }

    /// Closes the connection; the next publish opens another. Do so before the runtime ends (trap L10).
    pub async fn close(&self) {
        self.lanes.close().await;
    }

    async fn publish_lot<'a>(&self, lot: Lot<'a>) -> Vec<(usize, Settled)> {
        let lane = if self.is_blocked() {
            Err(Fault::transient("amqp-blocked", "the broker takes no messages at present: it lacks memory or disk"))
        } else {
            timeout(PATIENCE, self.lanes.take()).await.unwrap_or_else(|_| Err(late()))
        };
        match lane {
            // What the broker was given late has its time, too: given up, it would be sent twice.
            Ok(lane) => self.send(lane, lot, Instant::now() + PATIENCE).await,
            Err(fault) => lot.into_iter().map(|(place, _)| (place, Settled::Failed(fault.clone()))).collect(),
        }
    }

    async fn send<'a>(&self, lane: Lane<'_>, lot: Lot<'a>, deadline: Instant) -> Vec<(usize, Settled)> {
        let mut answers = Answers::new(lot.iter().map(|(place, outgoing)| (*place, properties::message_id(outgoing))));
        let mut pending: FuturesUnordered<_> = lot
            .into_iter()
            .map(|(place, outgoing)| {
                let channel = &lane.channel;
                async move { (place, send_one(channel, outgoing).await) }
            })
            .collect();
        while let Ok(Some((place, answer))) = timeout_at(deadline, pending.next()).await {
            answers.add(place, answer);
        }
        drop(pending);
        // A channel that still owes an answer would give it to the next batch.
        if answers.are_complete() {
            self.lanes.give_back(lane);
        }
        answers.settle(&late())
    }
}

/// A fault of this one message is kept apart from one of its channel.
enum NotSent {
    Unfit(Fault),
    Lost(Fault),
}

async fn send_one(channel: &Channel, outgoing: &Outgoing) -> Result<Confirmation, NotSent> {
    let fit = || Ok((short(&outgoing.exchange)?, short(&outgoing.routing_key)?, properties::encode(outgoing)?));
    let (exchange, routing_key, properties) = fit().map_err(NotSent::Unfit)?;
    let options = BasicPublishOptions { mandatory: true, immediate: false };
    let lost = |e: lapin::Error| NotSent::Lost(crate::connect::classify(&e));
    channel.basic_publish(exchange, routing_key, options, &outgoing.body, properties).await.map_err(lost)?.await.map_err(lost)
}

fn late() -> Fault {
    Fault::transient("amqp-timeout", format!("the broker has not confirmed within {} s", PATIENCE.as_secs()))
}

/// Messages with their places in the batch: of one exchange, each id once.
type Lot<'a> = Vec<(usize, &'a Outgoing)>;

fn lots(batch: &[Outgoing]) -> Vec<Lot<'_>> {
    let mut lots: Vec<(&str, HashSet<String>, Lot<'_>)> = Vec::new();
    for (place, outgoing) in batch.iter().enumerate() {
        let id = properties::message_id(outgoing);
        match lots.iter_mut().find(|(exchange, ids, _)| *exchange == outgoing.exchange && !ids.contains(&id)) {
            Some((_, ids, lot)) => {
                ids.insert(id);
                lot.push((place, outgoing));
            }
            None => lots.push((&outgoing.exchange, HashSet::from([id]), vec![(place, outgoing)])),
        }
    }
    lots.into_iter().map(|(_, _, lot)| lot).collect()
}

fn report(batch: &[Outgoing], settled: &[Settled]) {
    let mut counts: BTreeMap<(&'static str, &'static str), u64> = BTreeMap::new();
    let mut failed: BTreeMap<&'static str, (usize, &Fault)> = BTreeMap::new();
    for (outgoing, settled) in batch.iter().zip(settled) {
        let wire = outgoing.wire.as_str();
        let metric = match settled {
            Settled::Confirmed => "dialogpost_published_total",
            Settled::Returned { code, .. } => {
                // An event that nobody has asked for is no trouble.
                if outgoing.is_awaited {
                    tracing::warn!(outbox = %outgoing.id, wire, code, routing_key = outgoing.routing_key, "no queue takes this message");
                }
                "dialogpost_publish_returned_total"
            }
            Settled::Failed(fault) => {
                failed.entry(fault.code).or_insert((0, fault)).0 += 1;
                "dialogpost_publish_failed_total"
            }
        };
        *counts.entry((metric, wire)).or_default() += 1;
    }
    for ((metric, wire), count) in counts {
        metrics::counter!(metric, "wire" => wire).increment(count);
    }
    for (count, fault) in failed.into_values() {
        tracing::warn!(count, %fault, "publishing failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use messages::transport::{Properties, Wire};
    use uuid::Uuid;

    #[test]
    fn lots_hold_one_exchange_and_each_id_once() {
        let message = |exchange: &str, id: &str| Outgoing {
            id: Uuid::nil(),
            wire: Wire::Dialogpost,
            exchange: exchange.to_owned(),
            routing_key: String::new(),
            properties: Properties { message_id: Some(id.to_owned()), ..Default::default() },
            body: Bytes::new(),
            cause: None,
            led_by: None,
            not_before: None,
            is_awaited: true,
        };
        let batch = [message("a", "1"), message("b", "1"), message("a", "2"), message("a", "1"), message("a", "1")];
        let places: Vec<Vec<usize>> =
            lots(&batch).into_iter().map(|lot| lot.into_iter().map(|(place, _)| place).collect()).collect();
        assert_eq!(places, [vec![0, 2], vec![1], vec![3], vec![4]]);
    }
}
