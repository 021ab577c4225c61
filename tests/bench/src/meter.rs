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
    counted("dialogpost_published_total")
}

/// Spans made so far.
pub(crate) fn spans() -> f64 {
    counted("dialogpost_spans_total{outcome=\"made\"}")
}

/// Every series that begins so, together.
fn counted(series: &str) -> f64 {
    let metrics = runtime::telemetry::metrics().render();
    let count = |line: &str| line.rsplit(' ').next().and_then(|n| n.parse::<f64>().ok());
    metrics.lines().filter(|l| l.starts_with(series)).filter_map(count).sum()
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

    /// Processor time so far, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        // It may have ended.
        let stat = std::fs::read_to_string(self.0.join("stat")).unwrap_or_default();
        times(&stat)[..2].iter().sum()
    }

    /// Most bytes that it has had resident.
    pub(crate) fn peak_bytes(&self) -> f64 {
        let status = std::fs::read_to_string(self.0.join("status")).unwrap();
        let kb = status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<f64>().ok());
        kb.unwrap() * 1024.0
    }
}

/// Processor time of a server and of all processes that it has started, those that have ended included, in microseconds.
pub(crate) fn family(parent: u32) -> f64 {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let stat = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let is_child = |stat: &String| after_name(stat).nth(1).is_some_and(|ppid| ppid == parent.to_string());
    let children: f64 = processes.map(stat).filter(is_child).map(|stat| times(&stat)[..2].iter().sum::<f64>()).sum();
    times(&stat(parent)).iter().sum::<f64>() + children
}

/// Time that no core was used, in microseconds.
pub(crate) fn idle_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    stat.split_whitespace().skip(4).take(2).map(|ticks| ticks.parse::<f64>().unwrap() * TICK_US).sum()
}

/// The kernel counts in hundredths of a second (proc(5), USER_HZ).
const TICK_US: f64 = 10_000.0;

/// What follows the name, which may hold anything (proc(5), /proc/pid/stat).
fn after_name(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit(')').next().unwrap_or_default().split_whitespace()
}

/// A process's user and system time, and those of its children that have ended.
fn times(stat: &str) -> [f64; 4] {
    let mut ticks = after_name(stat).skip(11).map(|ticks| ticks.parse::<f64>().unwrap_or(0.0) * TICK_US);
    [(); 4].map(|()| ticks.next().unwrap_or(0.0))
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
