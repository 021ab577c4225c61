//! The whole path: NHN queue → stored, routed, journaled, receipted; every hop durable.

use crate::meter::{self, Process};
use crate::protection::{self, Protection};
use crate::{Inbound, ceilings, progress::bar};
use domain::setup::Setup;
use e2e::{Exchange, Fleet, WORKERS};
use futures_util::StreamExt;
use hdrhistogram::Histogram;
use helsenorge::{HelseNorge, Load, Pace, SEALED, Sending, Sent, SyntheticPatient};
use indicatif::ProgressBar;
use serde::Serialize;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Where HelseNorge gets its receipts.
pub(crate) const RECEIPTS: &str = "8093244_async";
/// Patients the load comes from.
pub(crate) const PATIENTS: usize = 2000;

/// The figures, in the order of the last line.
#[derive(Serialize)]
pub(crate) struct Figures {
    /// Messages through the whole path in a second, drained from a full queue.
    msg_per_s: f64,
    /// Median from HelseNorge handing a message to the broker to its inbox copy being committed, at half that rate.
    p50_ms: f64,
    /// 99th percentile of the same.
    p99_ms: f64,
    ceiling_broker_msg_per_s: f64,
    ceiling_database_msg_per_s: f64,
    /// Rows inserted, updated and deleted for one message.
    rows_per_message: f64,
    /// Messages the fleet published for one message.
    publishes_per_message: f64,
    /// Most memory resident: fleet, load generator and bench in one process.
    rss_mb: f64,
    messages: u32,
    batch: u32,
    lanes: u32,
    bytes: usize,
    #[serde(flatten)]
    protection: Option<Protection>,
}

impl Figures {
    /// A few lines for people.
    pub(crate) fn for_people(&self) -> String {
        let share = |ceiling: f64| 100.0 * self.msg_per_s / ceiling;
        format!(
            "{:.0} msg/s of {} bytes through the whole path: {:.0} % of one queue hop ({:.0}/s), {:.0} % of one table ({:.0}/s)\n\
             {:.1} ms median, {:.1} ms p99 from HelseNorge to the inbox at half that rate\n\
             {:.1} rows and {:.1} publishes a message, {:.0} MB resident{}",
            self.msg_per_s,
            self.bytes,
            share(self.ceiling_broker_msg_per_s),
            self.ceiling_broker_msg_per_s,
            share(self.ceiling_database_msg_per_s),
            self.ceiling_database_msg_per_s,
            self.p50_ms,
            self.p99_ms,
            self.rows_per_message,
            self.publishes_per_message,
            self.rss_mb,
            self.protection.iter().map(Protection::for_people).collect::<String>(),
        )
    }
}

/// Sets everything up, measures, and checks that nothing was lost or doubled. In an exchange everything is signed and encrypted.
pub(crate) async fn measure(options: Inbound, exchange: Option<&Exchange>) -> Figures {
    let fleet = prepare(options, exchange).await;
    let helsenorge = fleet.helsenorge().await;
    let n = options.messages as usize;
    let sample: Vec<Sent> = load(n.min(10_000), 1, exchange).collect();
    let bytes = sample[0].body.len();
    let ceiling_broker_msg_per_s = ceilings::broker(&fleet, &sample).await;
    let ceiling_database_msg_per_s = ceilings::database(&fleet, &sample).await;
    drop(sample);
    Process::this().forget_peak();

    let (rows, published) = (meter::rows_written(&fleet.rows).await, meter::published());
    let before = exchange.map(protection::ceiling);
    let msg_per_s = drain(&fleet, &helsenorge, n, 1, exchange).await;
    let after = exchange.map(protection::ceiling);
    let rows_per_message = (meter::rows_written(&fleet.rows).await - rows) as f64 / n as f64;
    let publishes_per_message = (meter::published() - published) / n as f64;

    if options.steps {
        for (seconds, calls, step) in meter::steps().iter().take(20) {
            eprintln!("{seconds:8.2} s {calls:7} calls  {step}");
        }
    }
    let latencies = at_half_load(&fleet, &helsenorge, n, msg_per_s / 2.0, exchange).await;
    let ms = |quantile| latencies.value_at_quantile(quantile) as f64 / 1000.0;
    let round = |x: f64| (x * 10.0).round() / 10.0;
    Figures {
        msg_per_s: msg_per_s.round(),
        p50_ms: round(ms(0.5)),
        p99_ms: round(ms(0.99)),
        ceiling_broker_msg_per_s: ceiling_broker_msg_per_s.round(),
        ceiling_database_msg_per_s: ceiling_database_msg_per_s.round(),
        rows_per_message: round(rows_per_message),
        publishes_per_message: round(publishes_per_message),
        rss_mb: (Process::this().peak_bytes() / 1024.0 / 1024.0).round(),
        messages: options.messages,
        batch: options.batch,
        lanes: options.lanes,
        bytes,
        protection: exchange.zip(before.zip(after)).map(|(exchange, (a, b))| Protection::of(exchange, [a, b], msg_per_s)),
    }
}

/// Messages from HelseNorge, sealed beforehand in an exchange.
pub(crate) fn load(n: usize, seed: u64, exchange: Option<&Exchange>) -> Box<dyn Iterator<Item = Sent>> {
    let messages = Load::from_patients(PATIENTS).generate(n, seed);
    match exchange {
        None => Box::new(messages),
        Some(exchange) => Box::new(protection::seal(exchange, messages.collect()).into_iter()),
    }
}

/// What the database also notes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    /// When each transaction was committed: then it is known when an inbox copy became visible.
    Commits,
    /// What each statement costs.
    Statements,
}

pub(crate) async fn prepare(options: Inbound, exchange: Option<&Exchange>) -> Fleet {
    prepare_with(options, exchange, Setting::Commits).await
}

pub(crate) async fn prepare_with(options: Inbound, exchange: Option<&Exchange>, setting: Setting) -> Fleet {
    eprintln!("starting private servers ...");
    let world = testbed::private_world(true).await;
    world
        .postgres()
        .execute(match setting {
            Setting::Commits => "alter system set track_commit_timestamp = on",
            Setting::Statements => "alter system set shared_preload_libraries = 'pg_stat_statements'",
        })
        .await;
    world.postgres().execute("alter system set min_wal_size = '1GB'").await;
    world.postgres().stop().await;
    world.postgres().start().await;
    make_log_files(&world).await;
    if setting == Setting::Statements {
        world.execute("create extension pg_stat_statements schema public").await;
    }
    let mut fleet = Fleet::in_world(world).await;
    (fleet.batch, fleet.lanes) = (options.batch as usize, options.lanes as usize);
    let mut setup: serde_json::Value = serde_json::from_str(include_str!("../../fixtures/clinic.json")).unwrap();
    let patients: Vec<_> = helsenorge::synthetic_patients(PATIENTS).iter().map(patient).collect();
    setup["clinics"][0]["patients"] = patients.into();
    let mut setup: Setup = serde_json::from_value(setup).unwrap();
    if let Some(exchange) = exchange {
        fleet.settings = exchange.settings();
        setup = exchange.protect(setup);
    }
    // What are processes of their own are told so, too.
    fleet.settings.extend([("BATCH", options.batch.to_string()), ("LANES", options.lanes.to_string())]);
    fleet.apply_setup(setup).await;
    fleet
}

/// A server that has been at work for a while writes over old log files; a new one makes each, and every commit waits for that.
async fn make_log_files(world: &testbed::World) {
    for _ in 0..60 {
        // Only a file with something in it is changed for the next.
        world.postgres().execute("select pg_logical_emit_message(false, 'bench', '')").await;
        world.postgres().execute("select pg_switch_wal()").await;
    }
    world.postgres().execute("checkpoint").await;
}

fn patient(patient: &SyntheticPatient) -> serde_json::Value {
    patient.to_setup(Some("kari"))
}

/// Fills the queue, then starts the fleet: messages a second until the last AppRec is on HelseNorge's queue and all is stored. `seed`: others for
/// each lot.
pub(crate) async fn drain(fleet: &Fleet, helsenorge: &HelseNorge, n: usize, seed: u64, exchange: Option<&Exchange>) -> f64 {
    let lot = Lot::begin();
    fill(helsenorge, load(n, seed, exchange)).await;
    let progress = bar("whole path, full queue", n as u64);
    let started = Instant::now();
    let running = fleet.start();
    receive(helsenorge, n, exchange.is_some(), &progress).await;
    lot.settle(fleet, n).await;
    let rate = n as f64 / started.elapsed().as_secs_f64();
    progress.finish_and_clear();
    running.stop().await;
    lot.assert_complete(fleet, n).await;
    rate
}

/// Puts them on the clinic's queue.
pub(crate) async fn fill(helsenorge: &HelseNorge, messages: Box<dyn Iterator<Item = Sent>>) {
    let sending = helsenorge.send_paced(messages, Pace::AsFastAsPossible).await;
    assert_eq!(sending.unconfirmed.len(), 0, "HelseNorge could not send");
}

/// Takes so many receipts.
pub(crate) async fn receive(helsenorge: &HelseNorge, n: usize, sealed: bool, progress: &ProgressBar) {
    let mut receipts = helsenorge.listen(RECEIPTS).await.unwrap();
    for received in 0..n {
        let receipt = tokio::time::timeout(Duration::from_secs(60), receipts.next()).await;
        let Ok(Some(receipt)) = receipt else { panic!("{received} receipts, then none for a minute") };
        assert_eq!(receipt.properties.content_type.as_deref() == Some(SEALED), sealed, "a receipt is protected");
        progress.set_position(received as u64);
    }
}

/// Sends at a fixed rate to a running fleet, each worker a process of its own, as it is deployed: microseconds from the sender to the committed
/// inbox copy.
pub(crate) async fn at_half_load(
    fleet: &Fleet,
    helsenorge: &HelseNorge,
    most: usize,
    rate: f64,
    exchange: Option<&Exchange>,
) -> Histogram<u64> {
    let n = ((rate * 10.0) as usize).clamp(100, most);
    // HelseNorge reads what it gets: a growing queue would slow the broker down for everyone.
    let receipts = helsenorge.listen(RECEIPTS).await.unwrap();
    let reading = tokio::spawn(receipts.for_each(|_| std::future::ready(())));
    let mut workers = Vec::new();
    for worker in WORKERS {
        workers.push(fleet.spawn_self(worker.name).await);
    }
    // The first messages would measure connecting.
    let first = Lot::begin();
    let warm: Vec<Sent> = load(50, 91, exchange).collect();
    helsenorge.send_paced(warm, Pace::PerSecond(100.0)).await;
    first.settle(fleet, 50).await;
    let lot = Lot::begin();
    let messages: Vec<Sent> = load(n, 92, exchange).collect();
    eprintln!("latency at {rate:.0} msg/s ...");
    let sending = helsenorge.send_paced(messages, Pace::PerSecond(rate)).await;
    lot.settle(fleet, n).await;
    for worker in workers {
        worker.terminate().await;
    }
    reading.abort();
    first.assert_complete(fleet, 50 + n).await;
    lot.histogram(fleet, &sending).await
}

/// What was sent since: the store may hold millions beside it.
pub(crate) struct Lot(Uuid);

impl Lot {
    pub(crate) fn begin() -> Self {
        // Ids are given by the millisecond.
        std::thread::sleep(Duration::from_millis(2));
        Self(Uuid::now_v7())
    }

    /// Waits until all is stored, routed, journaled and answered.
    pub(crate) async fn settle(&self, fleet: &Fleet, n: usize) {
        let started = Instant::now();
        let done = "select count(*) from dialogpost.message m where m.id > $1 and m.direction = 'in'
            and exists (select from dialogpost.inbox_item where entry = m.id)
            and exists (select from dialogpost.journal_entry where entry = m.id)
            and exists (select from dialogpost.processed where worker = 'helsenorge-outbound' and message_id = m.id::text)";
        loop {
            let done: i64 = fleet.rows.query(done, &[&self.0]).await[0].get(0);
            if done == n as i64 && fleet.rows.count("dialogpost.outbox").await == 0 {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{done} of {n} are at their end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn histogram(&self, fleet: &Fleet, sending: &Sending) -> Histogram<u64> {
        let sql = "select m.transport_id, (extract(epoch from pg_xact_commit_timestamp(i.xmin)) * 1000000)::bigint
             from dialogpost.inbox_item i join dialogpost.message m on m.id = i.entry where m.id > $1";
        let rows = fleet.rows.query(sql, &[&self.0]).await;
        let committed: HashMap<String, i64> = rows.iter().map(|r| (r.get(0), r.get(1))).collect();
        let mut histogram = Histogram::new(3).unwrap();
        for (id, at) in &sending.sent_at {
            let micros = committed[id] - at.as_microsecond();
            histogram.record(u64::try_from(micros.max(1)).unwrap()).unwrap();
        }
        histogram
    }

    /// One of everything for every message.
    pub(crate) async fn assert_complete(&self, fleet: &Fleet, n: usize) {
        for (table, id) in [
            ("dialog_entry", "id"),
            ("inbox_item", "entry"),
            ("journal_entry", "entry"),
            ("message where direction = 'out'", "id"),
            ("message where direction = 'in'", "id"),
        ] {
            let and = if table.contains("where") { "and" } else { "where" };
            let sql = format!("select count(*) from dialogpost.{table} {and} {id} > $1");
            assert_eq!(fleet.rows.query(&sql, &[&self.0]).await[0].get::<_, i64>(0), n as i64, "{table}");
        }
        assert_eq!(fleet.rows.count("dialogpost.dead_letter").await, 0);
    }
}
