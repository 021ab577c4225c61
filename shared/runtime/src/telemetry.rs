//! Logs for people on a terminal, JSON otherwise; metrics for Prometheus. Neither ever holds content of a message.

use crate::catalogue;
use crate::config::LogFormat;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal;
use std::sync::OnceLock;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

/// Crates that log what passes through them: frames and returned messages, parameters of statements, rows, pages. Whatever the filter
/// says, nobody hears them; their errors reach us classified.
const DRIVERS: [&str; 7] = ["lapin", "amq_protocol", "tokio_postgres", "postgres", "deadpool", "refinery", "quick_xml"];

/// Sister crates (`amq_protocol_types`, `refinery_core`) count too.
fn is_driver(target: &str) -> bool {
    DRIVERS.iter().any(|driver| target.strip_prefix(driver).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '_'])))
}

/// Starts logging to standard error. `filter` is the value of `RUST_LOG`.
pub fn logs(format: LogFormat, filter: &str) {
    let terminal = std::io::stderr().is_terminal();
    let human = match format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => terminal,
    };
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter).with(filter_fn(|metadata| !is_driver(metadata.target())));
    let _ = match human {
        true => registry.with(layer.with_ansi(terminal).with_target(false)).try_init(),
        false => registry.with(layer.json().flatten_event(true).with_current_span(false)).try_init(),
    };
}

/// The process's metrics recorder, installed on first use.
pub fn metrics() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            let seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
            let recorder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &seconds)
                .unwrap_or_else(|_| PrometheusBuilder::new())
                .build_recorder();
            let handle = recorder.handle();
            // Another recorder is only there when a host program installed its own: then ours stays empty.
            let _ = metrics::set_global_recorder(recorder);
            catalogue::describe();
            handle
        })
        .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_are_known_by_name_and_nobody_else_is_silenced() {
        for target in ["lapin", "lapin::channel", "tokio_postgres::query", "amq_protocol_types", "refinery_core::traits"] {
            assert!(is_driver(target), "{target}");
        }
        for target in ["runtime::pipeline", "broker::consume", "store", "lapins", "helsenorge_inbound", "hyper"] {
            assert!(!is_driver(target), "{target}");
        }
    }
}
