//! Waits until the fleet has nothing more to do at the present time, and tells when it has something to do next.

use crate::clock;
use crate::national::National;
use e2e::Fleet;
use jiff::{SignedDuration, Timestamp};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often it is looked.
const GLANCE: Duration = Duration::from_millis(10);
/// A fleet that is still busy then is stuck.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is due so soon after a step belongs to it: notices that wait for what HelseNorge says, retries.
pub(crate) const SOON: SignedDuration = SignedDuration::from_mins(20);
/// A reminder is given so long before it is too late, at the latest.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// Looks at the fleet.
pub(crate) struct Settling {
    channel: Channel,
    _connection: Connection,
}

/// What the fleet has done so far: when it is the same twice and nothing waits, it is at rest.
#[derive(Clone, Debug, Default, PartialEq)]
struct Work {
    consumed: u64,
    consumed_from_helsenorge: u64,
    published_to_helsenorge: u64,
    sent: u64,
    heard: u64,
}

impl Work {
    /// Whether both sides have read all that the other has sent.
    const fn is_heard(&self) -> bool {
        self.published_to_helsenorge == self.heard && self.sent <= self.consumed_from_helsenorge
    }
}

impl Settling {
    /// Connects.
    pub(crate) async fn connect(fleet: &Fleet) -> Self {
        let connection =
            Connection::connect(&fleet.world.amqp_url, ConnectionProperties::default()).await.expect("the broker answers");
        Self { channel: connection.create_channel().await.expect("a channel"), _connection: connection }
    }

    /// Waits until everything that is due now is done, also what is due so soon afterwards that it belongs to it.
    pub(crate) async fn settle(&self, fleet: &Fleet, national: &Arc<National>) {
        let ends = clock::now() + SOON;
        self.rest(fleet, national).await;
        while let Some(last) = self.due(fleet, ends).await {
            clock::set(last.max(clock::now() + SignedDuration::from_secs(1)));
            self.rest(fleet, national).await;
        }
    }

    /// Lets time pass, with a step of its own wherever a reminder would be too late otherwise.
    pub(crate) async fn pass(&self, fleet: &Fleet, national: &Arc<National>, until: Timestamp) {
        loop {
            let sql = "select min(expires_at) from dialogpost.reminder where expires_at <= $1";
            let row = fleet.rows.query(sql, &[&(until + MARGIN)]).await.remove(0);
            let Some(last) = row.get::<_, Option<Timestamp>>(0) else { break };
            let step = last - MARGIN;
            if step <= clock::now() || step >= until {
                break;
            }
            clock::set(step);
            self.settle(fleet, national).await;
        }
        clock::set(until.max(clock::now()));
    }

    async fn rest(&self, fleet: &Fleet, national: &Arc<National>) {
        let started = Instant::now();
        let mut before = None;
        loop {
            let (queued, left) = tokio::join!(self.queued(), undone(fleet));
            let rests = queued == 0 && left.is_empty();
            let work = if rests { Some(work(national)).filter(Work::is_heard) } else { None };
            if work.is_some() && work == before {
                return;
            }
            before = work;
            if started.elapsed() > PATIENCE {
                let work = self::work(national);
                panic!("at {} the fleet does not come to rest: {queued} on queues, {left:?}, {work:?}", clock::now());
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Messages that are ready on our own queues.
    async fn queued(&self) -> u32 {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let all = broker::topology::QUEUES
            .iter()
            .map(|queue| self.channel.queue_declare(queue.name.into(), options, FieldTable::default()));
        let declared = futures_util::future::join_all(all).await;
        declared.into_iter().map(|queue| queue.expect("the queue is there").message_count()).sum()
    }

    /// When the last of what is due until then, and was not done yet, is due. No later than a reminder has to be given.
    async fn due(&self, fleet: &Fleet, until: Timestamp) -> Option<Timestamp> {
        let sql = "select least(max(at), (select min(expires_at) - interval '1 minute' from dialogpost.reminder)) from (
            select due_at as at from dialogpost.outbox where due_at <= $1
            union all select due_at from dialogpost.notification where state in ('due', 'sending')
                and channel is distinct from 'helsenorge' and due_at <= $1
        ) due having max(at) is not null";
        fleet.rows.query(sql, &[&until]).await.first().and_then(|row| row.get(0))
    }
}

/// What is due in the database, or is worked at there. What its writer is still to publish is due when its lease ends, which the clock,
/// standing still, tells exactly.
async fn undone(fleet: &Fleet) -> Vec<String> {
    let sql = "select 'outbox ' || routing_key || ' ' || due_at from dialogpost.outbox where due_at <= $1 or due_at = $2
        union all select 'notice ' || id || ' ' || state from dialogpost.notification where state in ('due', 'sending')
            and channel is distinct from 'helsenorge' and (due_at <= $1 or state = 'sending')
        union all select 'reminder of ' || appointment from dialogpost.reminder where due_at <= $1
        union all select 'question by ' || clinic from dialogpost.contact_status where wanted_at is not null and asked_at is null
        union all select 'statement ' || state || ' ' || left(query, 120) from pg_stat_activity where datname = current_database()
            and pid <> pg_backend_pid() and backend_type = 'client backend' and state <> 'idle'
        limit 5";
    let now = clock::now();
    let lease = now + SignedDuration::try_from(fleet.lease).expect("a short time");
    fleet.rows.query(sql, &[&now, &lease]).await.iter().map(|row| row.get(0)).collect()
}

fn work(national: &Arc<National>) -> Work {
    let metrics = runtime::telemetry::metrics().render();
    let mut work =
        Work { sent: national.published.load(Ordering::SeqCst), heard: national.heard.load(Ordering::SeqCst), ..Work::default() };
    for line in metrics.lines() {
        let count = || line.rsplit(' ').next().and_then(|n| n.parse::<f64>().ok()).unwrap_or_default() as u64;
        if line.starts_with("dialogpost_consumed_total") {
            work.consumed += count();
            if !line.contains("\"dialogpost.") {
                work.consumed_from_helsenorge += count();
            }
        } else if line.starts_with("dialogpost_published_total") && line.contains("\"nhn\"") {
            work.published_to_helsenorge += count();
        }
    }
    work
}
