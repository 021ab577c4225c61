//! Where the time of one message goes, hop by hop: each worker a process of its own, under its own role of the database.

use crate::inbound::{self, Setting};
use crate::meter::{self, Process};
use crate::{Inbound, progress};
use e2e::{Fleet, Program, WORKERS};
use serde::Serialize;
use std::fmt::Write as _;

/// The figures, in the order of the last line. All times are for one message.
#[derive(Serialize)]
pub(crate) struct Figures {
    /// Messages through the whole path in a second.
    msg_per_s: f64,
    /// Of the cores' time, so much nobody used, in percent.
    idle_percent: f64,
    /// Processor time of the broker.
    broker_us: f64,
    /// Processor time of the database.
    database_us: f64,
    /// Processor time of the load generator and this program.
    helsenorge_us: f64,
    hops: Vec<Hop>,
    statements: Vec<Statement>,
    messages: u32,
}

/// A worker.
#[derive(Serialize)]
struct Hop {
    worker: &'static str,
    /// Processor time of its process.
    worker_us: f64,
    /// Time of its statements in the database, waiting for the disk included.
    statements_us: f64,
    /// Transactions.
    commits: f64,
    /// Bytes that its statements wrote to the database's log.
    log_bytes: f64,
    /// Most memory resident, in MB.
    rss_mb: f64,
}

/// A statement.
#[derive(Serialize)]
struct Statement {
    name: String,
    us: f64,
    log_bytes: f64,
}

impl Figures {
    /// Tables for people.
    pub(crate) fn for_people(&self) -> String {
        let mut out = format!(
            "{:.0} msg/s; of {:.0} us of processor time a message: broker {:.0}, database {:.0}, workers {:.0}, HelseNorge {:.0}; idle {:.0} %\n\n",
            self.msg_per_s,
            self.broker_us + self.database_us + self.workers_us() + self.helsenorge_us,
            self.broker_us,
            self.database_us,
            self.workers_us(),
            self.helsenorge_us,
            self.idle_percent,
        );
        let _ = writeln!(
            out,
            "{:26} {:>10} {:>14} {:>9} {:>10} {:>8}",
            "worker", "itself us", "statements us", "commits", "log bytes", "MB"
        );
        for Hop { worker, worker_us, statements_us, commits, log_bytes, rss_mb } in &self.hops {
            let _ =
                writeln!(out, "{worker:26} {worker_us:10.0} {statements_us:14.0} {commits:9.3} {log_bytes:10.0} {rss_mb:8.1}");
        }
        let _ = writeln!(out, "\n{:40} {:>8} {:>10}", "statement", "us", "log bytes");
        for Statement { name, us, log_bytes } in &self.statements {
            let _ = writeln!(out, "{name:40} {us:8.1} {log_bytes:10.0}");
        }
        out
    }

    fn workers_us(&self) -> f64 {
        self.hops.iter().map(|hop| hop.worker_us).sum()
    }
}

/// Processor time so far, in microseconds.
#[derive(Clone, Copy)]
struct Used {
    broker: f64,
    database: f64,
    this: f64,
    idle: f64,
}

impl Used {
    fn now(fleet: &Fleet) -> Self {
        let broker = fleet.world.rabbit().pids().into_iter().map(|pid| Process::of(pid).cpu_us()).sum();
        let database = meter::family(fleet.world.postgres().pid().unwrap());
        Self { broker, database, this: Process::this().cpu_us(), idle: meter::idle_us() }
    }
}

/// Measures one full queue.
pub(crate) async fn measure(options: Inbound) -> Figures {
    let fleet = inbound::prepare_with(options, None, Setting::Statements).await;
    let helsenorge = fleet.helsenorge().await;
    let n = options.messages as usize;
    // What is made once is made: plans, log files, connections.
    inbound::drain(&fleet, &helsenorge, (n / 10).max(100), 1, None).await;
    fleet.world.execute("select pg_stat_statements_reset()").await;
    let lot = inbound::Lot::begin();
    inbound::fill(&helsenorge, inbound::load(n, 2, None)).await;
    let progress = progress::bar("whole path, full queue", n as u64);
    let before = Used::now(&fleet);
    let started = std::time::Instant::now();
    let mut workers = Vec::new();
    for worker in WORKERS {
        workers.push((worker.name, fleet.launch_self(worker.name, &[])));
    }
    inbound::receive(&helsenorge, n, false, &progress).await;
    lot.settle(&fleet, n).await;
    let elapsed = started.elapsed();
    let after = Used::now(&fleet);
    let mut hops = Vec::new();
    for (worker, program) in workers {
        hops.push(hop(&fleet, worker, program, n as f64).await);
    }
    lot.assert_complete(&fleet, n).await;
    let each = |used: fn(&Used) -> f64| ((used(&after) - used(&before)) / n as f64).round();
    let cores = std::thread::available_parallelism().unwrap().get() as f64;
    Figures {
        msg_per_s: (n as f64 / elapsed.as_secs_f64()).round(),
        idle_percent: ((after.idle - before.idle) / (elapsed.as_secs_f64() * cores * 10_000.0)).round(),
        broker_us: each(|used| used.broker),
        database_us: each(|used| used.database),
        helsenorge_us: each(|used| used.this),
        hops,
        statements: statements(&fleet, n as f64).await,
        messages: options.messages,
    }
}

async fn hop(fleet: &Fleet, worker: &'static str, program: Program, n: f64) -> Hop {
    let process = Process::of(program.pid().unwrap());
    let (cpu_us, peak) = (process.cpu_us(), process.peak_bytes());
    assert!(program.terminate().await.0.success(), "{worker} does not end");
    let sql = "select coalesce(sum(total_exec_time) * 1000, 0)::float8, coalesce(sum(calls) filter (where query ilike 'commit%'), 0)::float8,
        coalesce(sum(wal_bytes), 0)::float8 from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname = $1";
    let role = store::roles::name_of(worker);
    let row = &fleet.rows.query(sql, &[&role]).await[0];
    let each = |i: usize| row.get::<_, f64>(i) / n;
    Hop {
        worker,
        worker_us: (cpu_us / n).round(),
        statements_us: each(0).round(),
        commits: (each(1) * 1000.0).round() / 1000.0,
        log_bytes: each(2).round(),
        rss_mb: (peak / 1024.0 / 102.4).round() / 10.0,
    }
}

/// By time, those that take more than a microsecond.
async fn statements(fleet: &Fleet, n: f64) -> Vec<Statement> {
    let sql = "select coalesce(substring(query from '/\\* (\\S+) \\*/'), left(query, 40)) as name, (sum(total_exec_time) * 1000 / $1)::float8 as us,
        (sum(wal_bytes) / $1::float8::numeric)::float8
        from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname like 'dialogpost\\_%'
        group by 1 having sum(total_exec_time) * 1000 / $1 > 1 order by 2 desc";
    let round = |value: f64| (value * 10.0).round() / 10.0;
    let rows = fleet.rows.query(sql, &[&n]).await;
    rows.iter().map(|row| Statement { name: row.get(0), us: round(row.get(1)), log_bytes: round(row.get(2)) }).collect()
}
