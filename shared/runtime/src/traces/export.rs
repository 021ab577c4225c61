//! Spans on their way to a collector: OTLP over HTTP, in batches, from a thread of their own. A collector that is away or slow costs spans,
//! never messages.

use super::Share;
use crate::config::Roots;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::KeyValue;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter as OtlpExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanExporter, SpanProcessor};
use reqwest::{Url, redirect};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use uuid::Uuid;

/// How long a collector has to take a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// How long it has for a batch, tries again included.
const PATIENCE: Duration = Duration::from_secs(10);
/// Spans that wait at most: some 4 MB. What comes beyond is let go.
const WAITING: usize = 4096;
/// Spans sent at once at most.
const TOGETHER: usize = 512;
/// How long a span waits for others.
const DELAY: Duration = Duration::from_secs(1);

/// What sends them.
pub(super) struct Exporter {
    processor: BatchSpanProcessor,
    pub(super) share: Share,
}

impl Exporter {
    pub(super) fn start(collector: &Url, share: Share, service: &str, roots: &Roots) -> Result<Self, String> {
        let endpoint = format!("{}/v1/traces", collector.as_str().trim_end_matches('/'));
        let client = Client::new(roots)?;
        let exporter = OtlpExporter::builder().with_http().with_http_client(client).with_protocol(Protocol::HttpBinary);
        let exporter = exporter.with_endpoint(endpoint).with_timeout(PATIENCE).build();
        let mut exporter = exporter.map_err(|error| format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}"))?;
        exporter.set_resource(&resource(service));
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING)
            .with_max_export_batch_size(TOGETHER)
            .with_scheduled_delay(DELAY)
            .build();
        let counted = Counted { exporter, is_failing: AtomicBool::new(false) };
        Ok(Self { processor: BatchSpanProcessor::builder(counted).with_batch_config(config).build(), share })
    }

    pub(super) fn take(&self, spans: impl Iterator<Item = SpanData>) {
        count("made", spans.map(|span| self.processor.on_end(span)).count());
    }

    pub(super) fn end(&self, patience: Duration) {
        // What is left of a collector's failures was counted.
        let _ = self.processor.shutdown_with_timeout(patience);
    }
}

fn count(outcome: &'static str, spans: usize) {
    metrics::counter!("dialogpost_spans_total", "outcome" => outcome).increment(spans as u64);
}

fn resource(service: &str) -> Resource {
    let about = [
        KeyValue::new("service.namespace", "dialogpost"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", Uuid::new_v4().to_string()),
    ];
    Resource::builder_empty().with_service_name(service.to_owned()).with_attributes(about).build()
}

/// Counts what a collector has taken, and says once when it does not.
#[derive(Debug)]
struct Counted {
    exporter: OtlpExporter,
    is_failing: AtomicBool,
}

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = self.exporter.export(batch).await;
        count(if sent.is_ok() { "sent" } else { "failed" }, spans);
        match (&sent, self.is_failing.swap(sent.is_err(), Ordering::Relaxed)) {
            (Err(error), false) => tracing::warn!(%error, "spans cannot be sent to OTEL_EXPORTER_OTLP_ENDPOINT and are let go"),
            (Ok(()), true) => tracing::info!("spans are sent again"),
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, patience: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(patience)
    }
}

/// Our own HTTP client under the library: one way to do TLS, and the roots that everything else has.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
}

impl Client {
    fn new(roots: &Roots) -> Result<Self, String> {
        let builder = reqwest::Client::builder().connect_timeout(CONNECT).timeout(PATIENCE).redirect(redirect::Policy::none());
        let http = roots.trusted_by(builder).build();
        Ok(Self { http: http.map_err(|error| format!("no HTTP client: {error}"))?, runtime: Handle::current() })
    }
}

#[async_trait]
impl HttpClient for Client {
    /// The library's thread waits; the runtime sends. Of what a collector answers only the status counts.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (http, request) = (self.http.clone(), request.try_into()?);
        let response = self.runtime.spawn(async move { http.execute(request).await }).await??;
        let mut answer = Response::builder().status(response.status());
        if let Some(later) = response.headers().get(http::header::RETRY_AFTER) {
            answer = answer.header(http::header::RETRY_AFTER, later);
        }
        Ok(answer.body(Bytes::new())?)
    }
}
