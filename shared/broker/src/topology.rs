//! The map: every exchange, queue and binding of ours, and the stand-in for NHN's. As a file that RabbitMQ imports: [`definitions`].

pub mod definitions;

use crate::connect::{self, AmqpUrl, PATIENCE, short, within};
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};
use messages::{Fault, HerId};

/// Topic exchange of our events. Without an alternate exchange: what nobody takes must come back to its publisher.
pub const EXCHANGE: &str = "dialogpost";
/// Topic exchange for what a queue has given up on.
pub const DEAD_LETTER_EXCHANGE: &str = "dialogpost.dead";
/// Where the dead-letter keeper's own queue puts what not even the keeper can read; read with an AMQP 1.0 client or the management API.
pub const UNREADABLE: &str = "dialogpost.unreadable";
/// Deliveries after which a queue of ours gives a message up. Every death of a worker counts for all it had prefetched, so it is generous.
pub const DELIVERY_LIMIT: u32 = 20;
/// The same, of the stand-in for NHN's queues; ten by NHN's own documents (nhn-messaging 1.1).
const NHN_DELIVERY_LIMIT: u32 = 10;

const KEEPER: &str = "dialogpost.dead-letter-keeper";

/// One queue of ours: its name, and what it is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueRow {
    /// Name on the broker.
    pub name: &'static str,
    /// Exchange it is bound to.
    pub exchange: &'static str,
    /// Routing keys. None: reached through the default exchange only.
    pub keys: &'static [&'static str],
    dead_letters: DeadLetters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DeadLetters {
    ToKeeper,
    ToUnreadable,
    Stay,
}

/// Every queue of ours.
pub const QUEUES: [QueueRow; 11] = [
    row("dialogpost.helsenorge-inbound", &[]),
    row("dialogpost.recipient-routing", &["dialog-received.#", "message-turned-down"]),
    row("dialogpost.ekonsultasjon-journaling", &["dialog-received.ekonsultasjon.#"]),
    row(
        "dialogpost.helsenorge-outbound",
        &[
            "dialog-received.#",
            "booking-requested.#",
            "message-rejected",
            "message-refused",
            "message-repeated",
            "message-noted",
            "message-written",
        ],
    ),
    // Somebody waits for these: they pass by the others.
    row("dialogpost.helsenorge-outbound.sync", &["request-received", "request-written"]),
    row("dialogpost.appointment-booking", &["booking-requested.#"]),
    row(
        "dialogpost.appointment-notifications",
        &[
            "appointment-booked.#",
            "appointment-moved.#",
            "appointment-cancelled.#",
            "appointment-type-changed.#",
            "appointment-missed.#",
            "reminder-due.#",
            "e-dialog-written.#",
        ],
    ),
    // Reached by name alone: who sends commands publishes to the default exchange. Questions that somebody waits for pass by the others.
    row("dialogpost.clinic-commands", &[]),
    row("dialogpost.clinic-commands.sync", &[]),
    // Dead letters of dead letters would circle, and the broker drops what circles.
    QueueRow { name: KEEPER, exchange: DEAD_LETTER_EXCHANGE, keys: &["#"], dead_letters: DeadLetters::ToUnreadable },
    QueueRow { name: UNREADABLE, exchange: DEAD_LETTER_EXCHANGE, keys: &[], dead_letters: DeadLetters::Stay },
];

const fn row(name: &'static str, keys: &'static [&'static str]) -> QueueRow {
    QueueRow { name, exchange: EXCHANGE, keys, dead_letters: DeadLetters::ToKeeper }
}

/// The queue of a worker.
pub fn queue_of(worker: &str) -> String {
    format!("dialogpost.{worker}")
}

/// The queue of a worker for what somebody waits for.
pub fn sync_queue_of(worker: &str) -> String {
    format!("dialogpost.{worker}.sync")
}

/// One thing that is on the broker now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedRow {
    /// `exchange`, `queue` or `binding`.
    pub kind: &'static str,
    /// Its name; of a binding `exchange -> queue (routing key)`.
    pub name: String,
}

/// Declares everything of ours; as often as you like.
///
/// # Errors
/// `amqp-topology-conflict` when something exists with other settings, else what the broker said.
pub async fn apply(url: &AmqpUrl) -> Result<Vec<AppliedRow>, Fault> {
    let mut map = Map::open(url).await?;
    let outcome = declare_ours(&mut map).await;
    map.finish(outcome).await
}

/// Declares a stand-in for NHN's side: a direct exchange, and the queues of each HER-id. For demos and tests: NHN owns the real ones.
///
/// # Errors
/// Like [`apply`].
pub async fn apply_nhn_standin(url: &AmqpUrl, exchange: &str, her_ids: &[HerId]) -> Result<Vec<AppliedRow>, Fault> {
    let mut map = Map::open(url).await?;
    let outcome = declare_standin(&mut map, exchange, her_ids).await;
    map.finish(outcome).await
}

async fn declare_ours(map: &mut Map) -> Result<(), Fault> {
    map.exchange(EXCHANGE, ExchangeKind::Topic).await?;
    map.exchange(DEAD_LETTER_EXCHANGE, ExchangeKind::Topic).await?;
    for queue in QUEUES {
        map.queue(queue.name, arguments_of(&queue)).await?;
        for key in queue.keys {
            map.binding(queue.exchange, queue.name, key).await?;
        }
    }
    Ok(())
}

async fn declare_standin(map: &mut Map, exchange: &str, her_ids: &[HerId]) -> Result<(), Fault> {
    map.exchange(exchange, ExchangeKind::Direct).await?;
    for her_id in her_ids {
        let dead = format!("{her_id}_dl");
        map.queue(&dead, quorum()).await?;
        for suffix in ["async", "sync", "syncreply", "error"] {
            let name = format!("{her_id}_{suffix}");
            map.queue(&name, limited(NHN_DELIVERY_LIMIT, "", Some(&dead))).await?;
            map.binding(exchange, &name, &name).await?;
        }
    }
    Ok(())
}

fn arguments_of(queue: &QueueRow) -> FieldTable {
    match queue.dead_letters {
        DeadLetters::ToKeeper => limited(DELIVERY_LIMIT, DEAD_LETTER_EXCHANGE, None),
        DeadLetters::ToUnreadable => limited(DELIVERY_LIMIT, "", Some(UNREADABLE)),
        DeadLetters::Stay => quorum(),
    }
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    put(&mut arguments, "x-queue-type", text("quorum"));
    arguments
}

fn limited(limit: u32, exchange: &str, key: Option<&str>) -> FieldTable {
    let mut arguments = quorum();
    put(&mut arguments, "x-delivery-limit", AMQPValue::LongUInt(limit));
    put(&mut arguments, "x-dead-letter-exchange", text(exchange));
    if let Some(key) = key {
        put(&mut arguments, "x-dead-letter-routing-key", text(key));
    }
    // Without these two a dead letter is sent and forgotten: lost when its target is away.
    put(&mut arguments, "x-dead-letter-strategy", text("at-least-once"));
    put(&mut arguments, "x-overflow", text("reject-publish"));
    arguments
}

fn put(arguments: &mut FieldTable, key: &str, value: AMQPValue) {
    if let Ok(key) = short(key) {
        arguments.insert(key, value);
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

struct Map {
    connection: lapin::Connection,
    channel: Channel,
    rows: Vec<AppliedRow>,
}

impl Map {
    async fn open(url: &AmqpUrl) -> Result<Self, Fault> {
        let connection = connect::connect(url, "dialogpost topology").await?;
        let channel = within(PATIENCE, connection.create_channel()).await?;
        Ok(Self { connection, channel, rows: Vec::new() })
    }

    async fn finish(self, outcome: Result<(), Fault>) -> Result<Vec<AppliedRow>, Fault> {
        connect::close(self.connection).await;
        outcome.map(|()| self.rows)
    }

    async fn exchange(&mut self, name: &str, kind: ExchangeKind) -> Result<(), Fault> {
        let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let declared = self.channel.exchange_declare(short(name)?, kind, options, FieldTable::default());
        within(PATIENCE, declared).await.map_err(|fault| conflict(fault, "exchange", name))?;
        self.done("exchange", name.to_owned());
        Ok(())
    }

    async fn queue(&mut self, name: &str, arguments: FieldTable) -> Result<(), Fault> {
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        let declared = self.channel.queue_declare(short(name)?, options, arguments);
        within(PATIENCE, declared).await.map_err(|fault| conflict(fault, "queue", name))?;
        self.done("queue", name.to_owned());
        Ok(())
    }

    async fn binding(&mut self, exchange: &str, queue: &str, key: &str) -> Result<(), Fault> {
        let options = QueueBindOptions::default();
        let bound = self.channel.queue_bind(short(queue)?, short(exchange)?, short(key)?, options, FieldTable::default());
        within(PATIENCE, bound).await?;
        self.done("binding", format!("{exchange} -> {queue} ({key})"));
        Ok(())
    }

    fn done(&mut self, kind: &'static str, name: String) {
        self.rows.push(AppliedRow { kind, name });
    }
}

fn conflict(fault: Fault, kind: &str, name: &str) -> Fault {
    if fault.code != "amqp-precondition-failed" {
        return fault;
    }
    let advice = "stop its readers, empty it, delete it, and apply again";
    Fault::broken("amqp-topology-conflict", format!("{kind} {name} exists with other settings: {advice} ({})", fault.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_is_named_after_its_worker_and_dead_letters_never_circle() {
        assert_eq!(queue_of("helsenorge-inbound"), QUEUES[0].name);
        for queue in QUEUES {
            assert!(queue.name.starts_with("dialogpost."), "{}", queue.name);
            assert_eq!(queue.dead_letters == DeadLetters::ToKeeper, queue.exchange == EXCHANGE, "{}", queue.name);
        }
    }
}
