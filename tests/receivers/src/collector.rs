//! A collector of spans: takes OTLP over HTTP, over TLS or not.

use crate::authority::{Authority, HOST};
use crate::mood::{Mood, Moods};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{Span, status};
use prost::Message as _;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A span that came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `service.name` of the process.
    pub service: String,
    /// The scope: its worker.
    pub worker: String,
    /// Its name.
    pub name: String,
    /// Its trace.
    pub trace: Uuid,
    /// Its id.
    pub id: String,
    /// Of the span that led to it; none of the first of a trace.
    pub parent: Option<String>,
    /// Unix nanoseconds, from and to.
    pub times: (u64, u64),
    /// Attributes, values as text.
    pub attributes: BTreeMap<String, String>,
    /// The text of a failure.
    pub failure: Option<String>,
}

#[derive(Default)]
struct Shared {
    moods: Moods,
    bodies: Mutex<Vec<Bytes>>,
}

/// A collector on this machine. Dropping it closes it.
pub struct Collector {
    url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Collector {
    /// Serves on a free port: over TLS, when somebody vouches for it.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start(authority: Option<&Authority>) -> Self {
        let listener = TcpListener::bind((HOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let shared = Arc::new(Shared::default());
        let (acceptor, sharing) = (authority.map(Authority::acceptor), Arc::clone(&shared));
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&sharing));
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, shared).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, shared).await;
                            }
                        }
                    }
                });
            }
        });
        Self { url: format!("{scheme}://{HOST}:{port}"), shared, serving }
    }

    /// Its address, as `OTEL_EXPORTER_OTLP_ENDPOINT` wants it.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// How it behaves from now on.
    pub fn moods(&self, moods: &[Mood]) {
        self.shared.moods.set(moods);
    }

    /// Everything that came, as bytes that can be looked through.
    pub fn raw(&self) -> String {
        self.bodies().iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect()
    }

    /// Every span that it has taken.
    ///
    /// # Panics
    /// When something came that is no OTLP.
    pub fn spans(&self) -> Vec<Seen> {
        let read = |body: Bytes| ExportTraceServiceRequest::decode(body).expect("OTLP").resource_spans;
        let mut seen = Vec::new();
        for of_process in self.bodies().into_iter().flat_map(read) {
            let about = of_process.resource.map(|resource| texts(resource.attributes)).unwrap_or_default();
            let service = about.get("service.name").cloned().unwrap_or_default();
            for of_scope in of_process.scope_spans {
                let worker = of_scope.scope.map(|scope| scope.name).unwrap_or_default();
                seen.extend(of_scope.spans.into_iter().map(|span| seen_of(&service, &worker, span)));
            }
        }
        seen
    }

    fn bodies(&self) -> Vec<Bytes> {
        self.shared.bodies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let is_one = request.uri().path() == "/v1/traces";
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let status = match shared.moods.next() {
        Mood::Well if is_one => {
            shared.bodies.lock().unwrap_or_else(PoisonError::into_inner).push(body);
            200
        }
        Mood::Well => 404,
        Mood::Status(status) | Mood::Busy(status, _) => status,
        Mood::Cut => return Err(io::ErrorKind::ConnectionAborted.into()),
        Mood::Silent => return std::future::pending().await,
    };
    Response::builder().status(status).body(Full::default()).map_err(io::Error::other)
}

fn seen_of(service: &str, worker: &str, span: Span) -> Seen {
    Seen {
        service: service.to_owned(),
        worker: worker.to_owned(),
        name: span.name,
        trace: Uuid::from_slice(&span.trace_id).expect("16 bytes"),
        id: hex::encode(&span.span_id),
        parent: (!span.parent_span_id.is_empty()).then(|| hex::encode(&span.parent_span_id)),
        times: (span.start_time_unix_nano, span.end_time_unix_nano),
        attributes: texts(span.attributes),
        failure: span.status.filter(|said| said.code == status::StatusCode::Error as i32).map(|said| said.message),
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|KeyValue { key, value, .. }| (key, text(value))).collect()
}
