//! What a span says.

use super::{context_of, new_span_id};
use crate::topology::EXCHANGE;
use jiff::Timestamp;
use messages::transport::{Delivery, Outgoing, Properties, TRACEPARENT, Wire};
use opentelemetry::trace::{Event, SpanContext, SpanId, SpanKind, Status, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use std::borrow::Cow;
use std::time::SystemTime;
use uuid::Uuid;

/// Where a message is in its trace.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    context: SpanContext,
    parent: SpanContext,
    is_ours: bool,
}

impl Span {
    pub(super) const fn new(context: SpanContext, parent: SpanContext) -> Self {
        Self { context, parent, is_ours: true }
    }

    /// Somebody else's, under which this process adds nothing.
    pub(super) const fn passed_on(context: SpanContext) -> Self {
        Self { context, parent: SpanContext::NONE, is_ours: false }
    }

    /// What is sent because of the message says so (W3C Trace Context, section 3.2.2).
    pub(crate) fn lead_to(&self, properties: &mut Properties) {
        let value =
            format!("00-{}-{}-{:02x}", self.context.trace_id(), self.context.span_id(), self.context.trace_flags().to_u8());
        properties.application.insert(TRACEPARENT.to_owned(), value);
    }

    /// Whether it is to be recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        self.is_ours && self.context.is_sampled()
    }
}

/// A transaction.
pub(crate) struct Transaction {
    /// Whose.
    pub worker: &'static str,
    /// Messages in it.
    pub together: usize,
    /// When they were read and prepared.
    pub prepared_at: Timestamp,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it was committed.
    pub committed_at: Timestamp,
}

/// A message that was handled.
pub(crate) struct Handled<'h> {
    /// The delivery.
    pub delivery: &'h Delivery,
    /// Its ledger row.
    pub ledger_id: Option<Uuid>,
    /// What was decided: the label in metrics, or `repeated`.
    pub verdict: &'static str,
    /// The fault's stable code.
    pub code: Option<&'static str>,
}

impl Handled<'_> {
    /// Its span: from when it was taken off its queue until the commit.
    pub(crate) fn span(&self, span: &Span, within: &Transaction) -> SpanData {
        let Delivery { queue, properties, body, received_at, .. } = self.delivery;
        let mut attributes = vec![
            KeyValue::new("messaging.system", "rabbitmq"),
            KeyValue::new("messaging.operation.name", "process"),
            KeyValue::new("messaging.operation.type", "process"),
            KeyValue::new("messaging.destination.name", queue.clone()),
            KeyValue::new("messaging.message.body.size", number(body.len())),
            KeyValue::new("dialogpost.verdict", self.verdict),
            KeyValue::new("dialogpost.attempt", i64::from(properties.attempt())),
            KeyValue::new("dialogpost.together", number(within.together)),
        ];
        attributes.extend(self.ledger_id.map(|id| KeyValue::new("dialogpost.message", id.to_string())));
        attributes.extend(self.code.map(|code| KeyValue::new("dialogpost.code", code)));
        let event = |name, at| Event::new(name, time(at), Vec::new(), 0);
        let mut events = SpanEvents::default();
        events.events = vec![event("prepared", within.prepared_at), event("transaction begun", within.begun_at)];
        let status = match (self.verdict, self.code) {
            ("broken", Some(code)) => Status::error(code),
            _ => Status::Unset,
        };
        let name = format!("process {queue}");
        let data =
            data(within.worker, SpanKind::Consumer, name, (*received_at, within.committed_at), &span.context, &span.parent);
        SpanData { attributes, events, status, ..data }
    }
}

/// Messages that were handed to a broker.
pub(crate) struct Handed {
    /// By whom.
    pub worker: &'static str,
    /// From when to when.
    pub times: (Timestamp, Timestamp),
}

impl Handed {
    /// The span of one: under what led to it. None of what is not traced.
    pub(crate) fn span(&self, outgoing: &Outgoing, attempts: u32, code: Option<&'static str>) -> Option<SpanData> {
        let parent = context_of(&outgoing.properties);
        if !parent.is_sampled() {
            return None;
        }
        let (key, exchange) = (name_of_queue(outgoing), outgoing.exchange.as_str());
        // The default exchange's keys are queues.
        let destination = if exchange.is_empty() { key } else { exchange };
        let mut attributes = vec![
            KeyValue::new("messaging.system", "rabbitmq"),
            KeyValue::new("messaging.operation.name", "publish"),
            KeyValue::new("messaging.operation.type", "send"),
            KeyValue::new("messaging.destination.name", destination.to_owned()),
            KeyValue::new("messaging.rabbitmq.destination.routing_key", key.to_owned()),
            KeyValue::new("messaging.message.body.size", number(outgoing.body.len())),
            KeyValue::new("dialogpost.attempt", i64::from(attempts)),
        ];
        attributes.extend(outgoing.cause.map(|id| KeyValue::new("dialogpost.message", id.to_string())));
        attributes.extend(code.map(|code| KeyValue::new("dialogpost.code", code)));
        let context = SpanContext::new(parent.trace_id(), new_span_id(), parent.trace_flags(), false, TraceState::NONE);
        let data = data(self.worker, SpanKind::Producer, format!("publish {destination}"), self.times, &context, &parent);
        Some(SpanData { attributes, status: code.map_or(Status::Unset, Status::error), ..data })
    }
}

/// The routing key of our own queues and events, and of NHN's queues. What a caller calls his own may be any text.
fn name_of_queue(outgoing: &Outgoing) -> &str {
    let key = outgoing.routing_key.as_str();
    let is_nhns = key.split_once('_').is_some_and(|(her_id, lane)| {
        (1..=9).contains(&her_id.len())
            && her_id.bytes().all(|byte| byte.is_ascii_digit())
            && (1..=12).contains(&lane.len())
            && lane.bytes().all(|byte| byte.is_ascii_lowercase())
    });
    let is_ours = outgoing.wire == Wire::Dialogpost && (outgoing.exchange == EXCHANGE || key.starts_with("dialogpost."));
    if is_ours || is_nhns { key } else { "(temporary)" }
}

fn data(
    worker: &'static str,
    span_kind: SpanKind,
    name: String,
    (from, to): (Timestamp, Timestamp),
    context: &SpanContext,
    parent: &SpanContext,
) -> SpanData {
    SpanData {
        span_context: context.clone(),
        parent_span_id: if parent.is_valid() { parent.span_id() } else { SpanId::INVALID },
        parent_span_is_remote: parent.is_remote(),
        span_kind,
        name: Cow::Owned(name),
        start_time: time(from),
        end_time: time(to.max(from)),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder(worker).build(),
    }
}

fn time(at: Timestamp) -> SystemTime {
    at.into()
}

fn number(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
