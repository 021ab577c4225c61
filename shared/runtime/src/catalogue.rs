//! Every metric there is: what each says and counts. `dialogpost metrics` prints it, `/metrics` repeats it as help texts, and a test finds any that
//! stands in the code and not here, or here and not in the code.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How values are spread.
    Histogram,
}

impl Kind {
    /// As Prometheus calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, with its unit as Prometheus writes it.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The names of its labels. No value of any is personal.
    pub labels: &'static [&'static str],
    /// What it says.
    pub about: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], about: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, labels, about }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], about: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, about }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], about: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, labels, about }
}

/// Every metric, along the way of a message.
pub const METRICS: [Metric; 39] = [
    counter("dialogpost_consumed_total", &["queue"], "Deliveries taken off a queue."),
    counter("dialogpost_deviations_total", &["deviation"], "Deliveries whose shape differed from what is expected, and how."),
    counter("dialogpost_unreadable_total", &["queue"], "Deliveries that no client library could read; the broker keeps them."),
    gauge("dialogpost_queue_missing", &["queue"], "1 while a queue that is to be read does not exist."),
    counter("dialogpost_reconnects_total", &["name"], "Connections to a broker that had to be made anew."),
    counter(
        "dialogpost_messages_total",
        &["worker", "verdict"],
        "Messages decided on: done, rejected, unclaimed, retry or broken.",
    ),
    counter("dialogpost_retries_total", &["worker", "code"], "Messages put off, by what was missing."),
    counter("dialogpost_dead_letters_total", &["worker", "code"], "Messages that became dead letters in this process."),
    histogram("dialogpost_batch_seconds", &["worker"], "Time from the first statement of a transaction to its commit."),
    histogram("dialogpost_batch_size", &["worker"], "Messages in a transaction."),
    histogram("dialogpost_db_step_seconds", &["step"], "Time of a statement, by its name."),
    counter("dialogpost_db_errors_total", &["step"], "Statements that failed, by name."),
    counter("dialogpost_published_total", &["wire"], "Messages that a broker has confirmed."),
    counter("dialogpost_publish_returned_total", &["wire"], "Messages for which a broker had no queue."),
    counter("dialogpost_publish_failed_total", &["wire"], "Messages that a broker did not take."),
    counter("dialogpost_outbox_swept_total", &["worker"], "Rows of the outbox that their writer had not published in time."),
    counter(
        "dialogpost_spans_total",
        &["outcome"],
        "Spans by what became of them: made, then sent to the collector or failed; the rest waits, or was let go.",
    ),
    counter(
        "dialogpost_legacy_algorithm_total",
        &["oid"],
        "Received content sealed with an algorithm that is no longer to be used.",
    ),
    counter("dialogpost_crl_fetched_total", &[], "Revocation lists fetched."),
    counter("dialogpost_crl_failed_total", &[], "Revocation lists that could not be fetched."),
    counter("dialogpost_bookings_total", &["wanted", "code"], "Reservations and cancellations decided on."),
    counter("dialogpost_commands_total", &["command", "outcome"], "Commands decided on: done or refused."),
    counter("dialogpost_contact_questions_total", &["service"], "Questions to HelseNorge about whom it reaches."),
    counter("dialogpost_contact_asked_total", &["service"], "People asked about."),
    counter("dialogpost_contact_failures_total", &["service", "code"], "Questions that failed."),
    counter(
        "dialogpost_notices_total",
        &["kind", "outcome"],
        "Notices decided on, by channel or by the reason why there is none.",
    ),
    counter("dialogpost_notice_deliveries_total", &["channel", "outcome"], "Attempts to give a notice to a provider."),
    histogram("dialogpost_notice_call_seconds", &["channel"], "Time that a provider took."),
    counter("dialogpost_notice_receipts_total", &["status"], "What providers said became of notices."),
    counter("dialogpost_notices_given_up_total", &[], "Notices that HelseNorge turned down for good."),
    gauge("dialogpost_receipts_overdue", &[], "Messages of ours whose receipt was due and has not come."),
    gauge("dialogpost_dead_letters_open", &["worker", "code"], "Dead letters about which nobody has done anything."),
    gauge("dialogpost_dead_letters_oldest_seconds", &[], "Age of the oldest of them."),
    counter("dialogpost_pruned_total", &["table"], "Rows that were kept long enough and went, or whose content did."),
    gauge(
        "dialogpost_pruning_started_timestamp_seconds",
        &["what"],
        "When the last walk through what is not kept for ever began (Unix), or this process, if none did. One begins every day, once the last has ended.",
    ),
    gauge("dialogpost_outbox_oldest_seconds", &["wire"], "For how long the longest due row of the outbox has been due."),
    gauge(
        "dialogpost_waiting_oldest_seconds",
        &["code"],
        "For how long the first message has waited for a key or a revocation list.",
    ),
    gauge(
        "dialogpost_clinic_received_timestamp_seconds",
        &["clinic"],
        "When a clinic last received anything from HelseNorge (Unix).",
    ),
    gauge(
        "dialogpost_certificate_expiry_timestamp_seconds",
        &["clinic", "use"],
        "When a certificate of a clinic of ours ends (Unix).",
    ),
];

/// Tells the recorder what each says.
pub(crate) fn describe() {
    for Metric { name, kind, about, .. } in METRICS {
        match kind {
            Kind::Counter => metrics::describe_counter!(name, about),
            Kind::Gauge => metrics::describe_gauge!(name, about),
            Kind::Histogram => metrics::describe_histogram!(name, about),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_follow_the_usual_rules() {
        let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for Metric { name, kind, about, .. } in METRICS {
            assert!(name.starts_with("dialogpost_"), "{name}");
            assert_eq!(name.ends_with("_total"), kind == Kind::Counter, "{name}");
            assert!(about.ends_with('.'), "{name}");
        }
    }
}
