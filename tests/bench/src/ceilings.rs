//! What the same servers can do at best in the same run: the same messages through one queue, and into one table.

use crate::progress::bar;
use broker::{Consumer, IntakeConfig, Publisher, Settled};
use e2e::{Fleet, NHN_EXCHANGE};
use helsenorge::Sent;
use helsenorge::example::async_queue;
use messages::transport::{Outgoing, Wire};
use std::time::Instant;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A HER-id whose queue nobody but this measurement uses.
const SCRATCH: i64 = 8_199_001;
/// Messages of one publish and of one insert.
const BATCH: usize = 200;

/// Messages a second that one quorum queue takes with confirms and gives with acks, at the same time.
pub(crate) async fn broker(fleet: &Fleet, messages: &[Sent]) -> f64 {
    let url: broker::AmqpUrl = fleet.world.amqp_url.parse().unwrap();
    broker::topology::apply_nhn_standin(&url, NHN_EXCHANGE, &[SCRATCH.try_into().unwrap()]).await.unwrap();
    let queue = async_queue(SCRATCH);
    let publisher = Publisher::new(url.clone(), "bench");
    let config = IntakeConfig { name: "bench".into(), prefetch: 500, batch: BATCH, now: runtime::clock::system };
    let cancel = CancellationToken::new();
    let mut consumer = Consumer::new(url, config, watch::channel(vec![queue.clone()]).1, cancel);
    let progress = bar("ceiling of the broker", messages.len() as u64);
    let started = Instant::now();
    let consume = async {
        let mut read = 0;
        while read < messages.len() {
            let batch = consumer.next().await.unwrap();
            read += batch.deliveries.len();
            progress.set_position(read as u64);
            batch.ack().await;
        }
    };
    let publish = async {
        for batch in messages.chunks(BATCH) {
            let outgoing: Vec<_> = batch.iter().map(|m| outgoing(m, &queue)).collect();
            assert!(publisher.publish(&outgoing).await.iter().all(|s| *s == Settled::Confirmed));
        }
    };
    tokio::join!(publish, consume);
    progress.finish_and_clear();
    messages.len() as f64 / started.elapsed().as_secs_f64()
}

fn outgoing(message: &Sent, queue: &str) -> Outgoing {
    Outgoing {
        id: Uuid::now_v7(),
        wire: Wire::Nhn,
        exchange: NHN_EXCHANGE.into(),
        routing_key: queue.into(),
        properties: message.properties.clone(),
        body: message.body.clone(),
        cause: None,
        led_by: None,
        not_before: None,
        is_awaited: true,
    }
}

/// Rows a second of whole messages into one table with one key, by `unnest`, a commit for each batch.
pub(crate) async fn database(fleet: &Fleet, messages: &[Sent]) -> f64 {
    fleet.rows.query("create table if not exists public.ceiling (id text primary key, raw bytea not null)", &[]).await;
    let progress = bar("ceiling of the database", messages.len() as u64);
    let started = Instant::now();
    for batch in messages.chunks(BATCH) {
        let ids: Vec<&str> = batch.iter().map(|m| m.transport_id.as_str()).collect();
        let raw: Vec<&[u8]> = batch.iter().map(|m| m.body.as_ref()).collect();
        fleet.rows.query("insert into public.ceiling select * from unnest($1::text[], $2::bytea[])", &[&ids, &raw]).await;
        progress.inc(batch.len() as u64);
    }
    progress.finish_and_clear();
    let rate = messages.len() as f64 / started.elapsed().as_secs_f64();
    fleet.rows.query("drop table public.ceiling", &[]).await;
    rate
}
