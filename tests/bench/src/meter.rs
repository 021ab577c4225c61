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

/// A process whose memory the kernel counts.
pub(crate) struct Process(std::path::PathBuf);

impl Process {
    /// By its id.
    pub(crate) fn of(pid: u32) -> Self {
        Self(format!("/proc/{pid}").into())
    }

    /// This one: the fleet, the load generator and this program together.
    pub(crate) fn this() -> Self {
        Self::of(std::process::id())
    }

    /// Lets the kernel forget the most that was resident so far.
    pub(crate) fn forget_peak(&self) {
        // Only a worse figure if the kernel refuses.
        let _ = std::fs::write(self.0.join("clear_refs"), "5");
    }

    /// Most bytes that it has had resident.
    pub(crate) fn peak_bytes(&self) -> f64 {
        let status = std::fs::read_to_string(self.0.join("status")).unwrap();
        let kb = status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<f64>().ok());
        kb.unwrap() * 1024.0
    }
}

/// Database steps by total time, the longest first: seconds, calls, name.
pub(crate) fn steps() -> Vec<(f64, u64, String)> {
    let metrics = runtime::telemetry::metrics().render();
    let of = |line: &str, kind: &str| -> Option<(String, f64)> {
        let rest = line.strip_prefix("dialogpost_db_step_seconds_")?.strip_prefix(kind)?.strip_prefix("{step=\"")?;
        let (name, value) = rest.split_once("\"} ")?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    let mut steps: Vec<_> = metrics
        .lines()
        .filter_map(|l| of(l, "sum"))
        .map(|(name, seconds)| {
            let calls = metrics.lines().filter_map(|l| of(l, "count")).find(|(n, _)| *n == name).map_or(0, |(_, c)| c as u64);
            (seconds, calls, name)
        })
        .collect();
    steps.sort_by(|a, b| b.0.total_cmp(&a.0));
    steps
}
