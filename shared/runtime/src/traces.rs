//! Traces (OpenTelemetry): a span for each message that a worker has handled, and for each that was handed to a broker.
//!
//! The trace of a message has the id that it has in the ledger, so that whoever knows one finds the other. From hop to hop the context
//! travels in a header of our own messages (W3C Trace Context), and stays with what waits in the outbox or lies among dead letters; what a
//! clinic's EPJ sends goes on in the EPJ's own trace. A span holds ids, queues, codes and times, never anything a message says.

mod export;
mod share;
mod span;

pub use share::Share;
pub(crate) use span::{Handed, Handled, Span, Transaction};

use crate::config::Config;
use export::Exporter;
use messages::transport::{Properties, TRACEPARENT};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SpanData;
use reqwest::Url;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Where spans go; nowhere, unless somebody has said where. Cheap to clone.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Exporter>>);

/// What is told about traces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TracesConfig {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: a collector, which spans are sent to as OTLP over HTTP, at `/v1/traces` below.
    pub collector: Option<Url>,
    /// `OTEL_TRACES_SAMPLER_ARG`: of which share of all traces. What carries a context goes by what was decided about it before.
    pub share: Share,
}

impl Traces {
    /// As configured, in the name of a service. Called within the runtime that sends.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn from_config(config: &Config, service: &str) -> Result<Self, String> {
        let Some(collector) = &config.traces.collector else { return Ok(Self::default()) };
        let exporter = Exporter::start(collector, config.traces.share, service, &config.extra_roots)?;
        Ok(Self(Some(Arc::new(exporter))))
    }

    /// The span of a message that carries these properties: within the trace that it carries, else within its own, which has the ledger's
    /// id of it. `None` = nobody traces it.
    pub(crate) fn span(&self, carried: &Properties, ledger_id: Option<Uuid>) -> Option<Span> {
        let parent = context_of(carried);
        let Some(exporter) = &self.0 else {
            // Others may want to know where it went.
            return parent.is_valid().then(|| Span::passed_on(parent));
        };
        let (trace, is_sampled) = match parent.is_valid() {
            true => (parent.trace_id(), parent.is_sampled()),
            false => {
                let trace = TraceId::from_bytes(ledger_id.unwrap_or_else(Uuid::new_v4).into_bytes());
                (trace, exporter.share.takes(trace))
            }
        };
        let flags = TraceFlags::default().with_sampled(is_sampled);
        let context = SpanContext::new(trace, new_span_id(), flags, false, TraceState::NONE);
        Some(Span::new(context, parent))
    }

    /// Whether spans are sent at all.
    pub(crate) const fn are_sent(&self) -> bool {
        self.0.is_some()
    }

    /// Hands spans over to be sent.
    pub(crate) fn record(&self, spans: impl Iterator<Item = SpanData>) {
        if let Some(exporter) = &self.0 {
            exporter.take(spans);
        }
    }

    /// Sends what is left; waits for it at most so long.
    pub async fn end(&self, patience: Duration) {
        let Some(exporter) = self.0.clone() else { return };
        // Its own thread does the work; this one only waits.
        let _ = tokio::task::spawn_blocking(move || exporter.end(patience)).await;
    }
}

struct Carried<'p>(&'p Properties);

impl Extractor for Carried<'_> {
    /// Nobody else's state is passed on: nobody knows what it says.
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then(|| self.0.application(TRACEPARENT)).flatten()
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

/// The context that a message carries; none that is valid when it carries none, or none that can be read.
fn context_of(properties: &Properties) -> SpanContext {
    if properties.application(TRACEPARENT).is_none() {
        return SpanContext::NONE;
    }
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Carried(properties));
    context.span().span_context().clone()
}

fn new_span_id() -> SpanId {
    SpanId::from_bytes(rand::random::<[u8; 8]>())
}

#[cfg(test)]
mod tests;
