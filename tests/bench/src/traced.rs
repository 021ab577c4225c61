//! What traces cost: the same lot without, with, and without a collector that takes every span. The collector is part of this program, and the
//! fleet hands it its spans over one queue, where processes of their own have one each: a deployment fares better.

use crate::inbound::{drain, prepare};
use crate::{Inbound, meter};
use receivers::Collector;
use serde::Serialize;
use uuid::Uuid;

/// What names the collector.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The figures, in the order of the last line.
#[derive(Serialize)]
pub(crate) struct Figures {
    /// Messages through the whole path in a second, drained from a full queue, every one of them traced.
    traced_msg_per_s: f64,
    /// The same without traces: the mean of a lot before and one after.
    ceiling_untraced_msg_per_s: f64,
    /// The one as a share of the other.
    fraction_of_ceiling: f64,
    /// Spans made for one message.
    spans_per_message: f64,
    /// Share of the messages of which the collector has a trace.
    traces_received: f64,
    /// Share of the spans that it was handed; the rest was let go, for it took them too slowly.
    spans_received: f64,
    messages: u32,
}

impl Figures {
    /// A few lines for people.
    pub(crate) fn for_people(&self) -> String {
        format!(
            "{:.0} msg/s with traces, {:.0} % of {:.0} without\n{:.1} spans a message; {:.1} % of them reached the collector, and something \
             of {:.1} % of the messages",
            self.traced_msg_per_s,
            100.0 * self.fraction_of_ceiling,
            self.ceiling_untraced_msg_per_s,
            self.spans_per_message,
            100.0 * self.spans_received,
            100.0 * self.traces_received,
        )
    }
}

/// Sets everything up and measures.
pub(crate) async fn measure(options: Inbound) -> Figures {
    let mut fleet = prepare(options, None).await;
    let helsenorge = fleet.helsenorge().await;
    let n = options.messages as usize;
    let before = drain(&fleet, &helsenorge, n, 1, None).await;

    let collector = Collector::start(None).await;
    fleet.settings.insert(ENDPOINT, collector.url());
    let made = meter::spans();
    let traced = drain(&fleet, &helsenorge, n, 2, None).await;
    let made = meter::spans() - made;
    assert!(made > 0.0, "no span was made");
    let mut seen: Vec<Uuid> = collector.spans().into_iter().map(|span| span.trace).collect();
    let spans = seen.len() as f64;
    assert!(spans > 0.0, "the collector got none");
    seen.sort_unstable();
    seen.dedup();

    fleet.settings.remove(ENDPOINT);
    let after = drain(&fleet, &helsenorge, n, 3, None).await;
    let untraced = f64::midpoint(before, after);
    let round = |x: f64| (x * 1000.0).round() / 1000.0;
    Figures {
        traced_msg_per_s: traced.round(),
        ceiling_untraced_msg_per_s: untraced.round(),
        fraction_of_ceiling: round(traced / untraced),
        spans_per_message: round(made / n as f64),
        traces_received: round(seen.len() as f64 / n as f64),
        spans_received: round(spans / made),
        messages: options.messages,
    }
}
