//! A store of millions of messages, as years of work would leave it: copies of real ones, under ids and at times of their own, pruned as
//! `RETENTION` says unless it is told otherwise.

use crate::progress::bar;
use crate::{Stored, inbound};
use domain::retention::{Kept, Retention};
use e2e::{Fleet, Rows, WORKERS};
use jiff::{SignedDuration, Timestamp};
use runtime::probe::Probe;
use serde::Serialize;
use std::time::Instant;
use store::pruning::Walk;

/// The figures, in the order of the last line.
#[derive(Serialize)]
pub(crate) struct Figures {
    /// Messages through the whole path in a second, with hardly anything stored; each measurement.
    empty_msg_per_s: Vec<f64>,
    /// The same with all that is stored.
    stored_msg_per_s: Vec<f64>,
    /// Of the means, in percent.
    share_percent: f64,
    /// With a day's messages being closed and their claims removed meanwhile.
    pruning_msg_per_s: f64,
    /// Rows that went in that time, or whose content did.
    pruned: i64,
    /// From HelseNorge to the inbox, at half of the rate.
    p50_ms: f64,
    p99_ms: f64,
    /// Time that `dialogpost ledger` takes for a week.
    ledger_s: f64,
    stored: i64,
    store_gb: f64,
    messages: u32,
}

impl Figures {
    /// A few lines for people.
    pub(crate) fn for_people(&self) -> String {
        let list = |rates: &[f64]| rates.iter().map(|rate| format!("{rate:.0}")).collect::<Vec<_>>().join(", ");
        format!(
            "{} msg/s on an empty store, {} on one of {} messages and {:.1} GB: {:.0} %\n\
             {:.0} msg/s while {} rows are pruned\n\
             {:.1} ms median, {:.1} ms p99 from HelseNorge to the inbox at half of it; the ledger of a week takes {:.1} s",
            list(&self.empty_msg_per_s),
            list(&self.stored_msg_per_s),
            self.stored,
            self.store_gb,
            self.share_percent,
            self.pruning_msg_per_s,
            self.pruned,
            self.p50_ms,
            self.p99_ms,
            self.ledger_s,
        )
    }
}

/// How often each rate is measured.
const TIMES: u64 = 2;
/// Real messages that the others are copies of.
const ORIGINALS: usize = 2000;

/// Measures before and after the store is filled.
pub(crate) async fn measure(options: Stored) -> Figures {
    let mut fleet = inbound::prepare(options.inbound, None).await;
    let helsenorge = fleet.helsenorge().await;
    let n = options.inbound.messages as usize;
    inbound::drain(&fleet, &helsenorge, ORIGINALS, 1, None).await;
    make_originals(&fleet.rows).await;
    let (mut empty, mut stored) = (Vec::new(), Vec::new());
    for seed in 0..TIMES {
        empty.push(inbound::drain(&fleet, &helsenorge, n, 10 + seed, None).await.round());
    }
    fill(&fleet, options.stored).await;
    for seed in 0..TIMES {
        stored.push(inbound::drain(&fleet, &helsenorge, n, 20 + seed, None).await.round());
    }
    let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
    let latencies = inbound::at_half_load(&fleet, &helsenorge, n, mean(&stored) / 2.0, None).await;
    let ms = |quantile| (latencies.value_at_quantile(quantile) as f64 / 100.0).round() / 10.0;
    let (p50_ms, p99_ms) = (ms(0.5), ms(0.99));
    let started = Instant::now();
    assert!(!store::ledger::lines(&fleet.store().session().await.unwrap(), 7).await.unwrap().is_empty());
    let ledger_s = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    fleet.clock = tomorrow;
    let keeper = WORKERS.into_iter().find(|worker| worker.name == "dead-letter-keeper").unwrap();
    let pruning = fleet.start_with(&[keeper], Probe::default());
    fleet.clock = runtime::clock::system;
    let pruning_msg_per_s = inbound::drain(&fleet, &helsenorge, n, 30, None).await.round();
    pruning.stop().await;
    let pruned = fleet.rows.one("select sum(pruned)::bigint from dialogpost.pruning").await;
    assert!(fleet.rows.count("dialogpost.message where end_state is not null").await > 0, "messages were closed");
    Figures {
        share_percent: (mean(&stored) / mean(&empty) * 100.0).round(),
        empty_msg_per_s: empty,
        stored_msg_per_s: stored,
        pruning_msg_per_s,
        pruned,
        p50_ms,
        p99_ms,
        ledger_s,
        stored: fleet.rows.one("select count(*) from dialogpost.message").await,
        store_gb: (fleet.rows.one::<i64>("select pg_database_size(current_database())").await as f64 / 1e8).round() / 10.0,
        messages: options.inbound.messages,
    }
}

/// Over so many days they are spread.
const DAYS: u32 = 365;
/// Copies of each in one statement.
const COPIES: u32 = 50;
/// Together they take as long as they take alone.
const TABLES: [&[&str]; 2] = [&["message"], &["dialog", "dialog_entry", "inbox_item", "journal_entry", "processed"]];

fn tomorrow() -> Timestamp {
    runtime::clock::system().checked_add(SignedDuration::from_hours(25)).unwrap()
}

/// Fills the store until its ledger has so many messages, received and sent, or a little more. What
/// [`make_originals`] has chosen is copied.
pub(crate) async fn fill(fleet: &Fleet, messages: u32) {
    let rows = &fleet.rows;
    let originals: i64 = rows.one("select count(*) from bench.message").await;
    let copies = messages.div_ceil(u32::try_from(originals).unwrap());
    let step = f64::from(DAYS) / f64::from(copies);
    let again = without_indexes(rows).await;
    let progress = bar("rows of the store", u64::from(copies) * TABLES.concat().len() as u64);
    let [one, other] = TABLES.map(|tables| copy(fleet, tables, copies, step, &progress));
    tokio::join!(one, other);
    progress.finish_and_clear();
    eprintln!("its indexes ...");
    for index in again {
        rows.query(&index, &[]).await;
    }
    eprintln!("its statistics ...");
    for table in TABLES.concat() {
        rows.query(&format!("vacuum (analyze) dialogpost.{table}"), &[]).await;
    }
    rows.query("drop schema bench cascade", &[]).await;
    let looked_through = "insert into dialogpost.pruning (what, started_at, ended_at, position) select w, now(), now(), case w when 'message' then (
            lpad(to_hex(((extract(epoch from now()) - $2::float8 * 86400) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid::text end
        from unnest($1::text[]) w on conflict (what) do update
        set started_at = now(), ended_at = now(), position = excluded.position, pruned = 0";
    rows.query(looked_through, &[&Walk::ALL.map(Walk::as_str).to_vec(), &f64::from(days(Kept::Message))]).await;
    rows.query("checkpoint", &[]).await;
}

/// What is copied, with the end that each came to, and how a copy's id is made: as old as the copy, and of its own (UUID, version 7).
async fn make_originals(rows: &Rows) {
    rows.query("create schema bench", &[]).await;
    for table in TABLES.concat() {
        rows.query(&format!("create table bench.{table} as table dialogpost.{table}"), &[]).await;
    }
    rows.query("alter table bench.message add column ended text", &[]).await;
    let ended = "update bench.message m set ended = coalesce((select state from dialogpost.message_state where id = m.id),
        (select state from dialogpost.sent_state where id = m.id))";
    rows.query(ended, &[]).await;
    let id = "create function bench.id(id text, k int, days float8) returns uuid language sql immutable return (
        lpad(to_hex(('x' || left(replace(id, '-', ''), 12))::bit(48)::bigint - (days * 86400000)::bigint), 12, '0')
        || '7' || substr(md5(id || k), 1, 3) || '8' || substr(md5(id || k), 5, 15))::uuid";
    rows.query(id, &[]).await;
}

/// Drops what grows slowly one by one, and returns how it is made at once.
async fn without_indexes(rows: &Rows) -> Vec<String> {
    let mut again = Vec::new();
    let indexes = "select c.relname::text, pg_get_indexdef(c.oid) from pg_index i join pg_class c on c.oid = i.indexrelid
        join pg_class t on t.oid = i.indrelid where c.relnamespace = 'dialogpost'::regnamespace and t.relname = any($1)
        and not exists (select from pg_constraint where conindid = c.oid)";
    for row in rows.query(indexes, &[&TABLES.concat()]).await {
        rows.query(&format!("drop index dialogpost.{}", row.get::<_, &str>(0)), &[]).await;
        again.push(row.get(1));
    }
    // Those that nothing refers to.
    let constraints = "select conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) from pg_constraint c
        where conrelid in ('dialogpost.processed'::regclass, 'dialogpost.dialog'::regclass) and contype in ('p', 'u')
        and not exists (select from pg_constraint f where f.contype = 'f' and f.conindid = c.conindid)";
    for row in rows.query(constraints, &[]).await {
        let [table, name, definition] = [0, 1, 2].map(|i| row.get::<_, String>(i));
        rows.query(&format!("alter table {table} drop constraint {name}"), &[]).await;
        again.push(format!("alter table {table} add constraint {name} {definition}"));
    }
    again
}

async fn copy(fleet: &Fleet, tables: &[&str], copies: u32, step: f64, progress: &indicatif::ProgressBar) {
    let rows = Rows::connect(&fleet.world.database_url).await;
    // The originals kept every rule, and so do their copies.
    rows.query("set session_replication_role = replica", &[]).await;
    let mut statements = Vec::new();
    for table in tables {
        statements.push(statement(&rows, table, step).await);
    }
    let mut oldest = copies;
    while oldest > 0 {
        let newest = oldest.saturating_sub(COPIES - 1).max(1);
        for statement in &statements {
            rows.query(statement, &[&oldest.cast_signed(), &newest.cast_signed()]).await;
            progress.inc(u64::from(oldest - newest + 1));
        }
        oldest = newest - 1;
    }
}

/// Copies `$1` to `$2` of every row of a table, the oldest first.
async fn statement(rows: &Rows, table: &str, step: f64) -> String {
    let columns = "select column_name::text from information_schema.columns where table_schema = 'dialogpost' and table_name = $1
        order by ordinal_position";
    let columns: Vec<String> = rows.query(columns, &[&table]).await.iter().map(|r| r.get(0)).collect();
    let values: Vec<String> = columns.iter().map(|column| value(table, column, step)).collect();
    let (columns, values) = (columns.join(", "), values.join(", "));
    let kept = if table == "processed" { claims(step) } else { String::new() };
    format!(
        "insert into dialogpost.{table} ({columns}) select {values} from generate_series($1, $2, -1) k cross join bench.{table} b {kept}"
    )
}

fn days(kept: Kept) -> u16 {
    Retention::default().days(kept).unwrap()
}

/// Those that pruning leaves.
fn claims(step: f64) -> String {
    let (all, of_open) = (days(Kept::Processed), days(Kept::Message));
    format!("where k * {step} < {all} or (k * {step} < {of_open} and b.worker = 'helsenorge-outbound')")
}

fn value(table: &str, column: &str, step: f64) -> String {
    let closed = format!("k * {step} > {}", days(Kept::Message));
    match (table, column) {
        ("message", "raw") => format!("case when {closed} then null else b.raw end"),
        ("message", "end_state") => format!("case when {closed} then b.ended end"),
        ("message", "transport_id" | "msg_id") | ("dialog", "conversation") => format!("md5(b.{column} || k)::uuid::text"),
        ("processed", "message_id") => format!(
            "case b.worker when 'helsenorge-inbound' then '8093244/' || md5(b.message_id || k)::uuid || '/'
                else bench.id(b.message_id, k, k * {step})::text end"
        ),
        (_, "id" | "entry" | "dialog" | "answers") => format!("bench.id(b.{column}::text, k, k * {step})"),
        (_, "at" | "opened_at" | "newest_at" | "received_at" | "sent_at" | "delivered_at" | "journaled_at") => {
            format!("b.{column} - make_interval(secs => k * {step} * 86400)")
        }
        _ => format!("b.{column}"),
    }
}
