//! What the fleet did, read off its surroundings: rows from Postgres, publishes from its metrics, memory from the kernel.

use e2e::Rows;

/// Rows written so far: inserted, updated and deleted.
pub(crate) async fn rows_written(rows: &Rows) -> i64 {
    // Statistics reach the view with a delay of up to a second.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    rows.query("select pg_stat_clear_snapshot()", &[]).await;
    let sql = "select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint from pg_stat_user_tables where schemaname = 'dialogpost'";
    rows.one(sql).await
}

/// Messages the fleet's publishers have published so far.
pub(crate) fn published() -> f64 {
    let metrics = runtime::telemetry::metrics().render();
    let count = |line: &str| line.rsplit(' ').next().and_then(|n| n.parse::<f64>().ok());
    metrics.lines().filter(|l| l.starts_with("dialogpost_published_total")).filter_map(count).sum()
}

/// Most memory this process has had resident, in MB: the fleet, the load generator and this program together.
pub(crate) fn rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kb = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
    kb.unwrap_or(0.0) / 1024.0
}
