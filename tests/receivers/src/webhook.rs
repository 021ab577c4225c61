//! A provider of text messages or push: takes signed POSTs, knows a notice again by its key, and says what became of it.

use crate::authority::{Authority, HOST};
use crate::mood::{Mood, Moods};
use bytes::Bytes;
use hmac::{Hmac, Mac};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A notice that came, each time that it came.
#[derive(Clone, Debug)]
pub struct Call {
    /// `Idempotency-Key`.
    pub key: String,
    /// The body.
    pub body: Value,
    /// What it was answered.
    pub mood: Mood,
}

#[derive(Default)]
struct Kept {
    calls: Vec<Call>,
    /// Those it has taken, by their key: a notice that comes twice is delivered once.
    notices: BTreeMap<String, Bytes>,
}

struct Shared {
    secret: String,
    moods: Moods,
    kept: Mutex<Kept>,
}

/// A provider on this machine. Dropping it closes it.
pub struct WebhookServer {
    port: u16,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl WebhookServer {
    /// Serves on a free port; takes what is signed with this secret.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start(authority: &Authority, secret: &str) -> Self {
        let listener = TcpListener::bind((HOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let shared = Arc::new(Shared { secret: secret.to_owned(), moods: Moods::default(), kept: Mutex::default() });
        let (acceptor, sharing) = (authority.acceptor(), Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&sharing));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { port, shared, serving }
    }

    /// Where it is called.
    pub fn url(&self) -> String {
        format!("https://{HOST}:{}/notices", self.port)
    }

    /// How it behaves from now on.
    pub fn moods(&self, moods: &[Mood]) {
        self.shared.moods.set(moods);
    }

    /// Every call, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.kept().calls.clone()
    }

    /// What it has taken, each once, by its key.
    pub fn notices(&self) -> BTreeMap<String, Value> {
        let read = |body: &Bytes| serde_json::from_slice(body).expect("JSON");
        self.kept().notices.iter().map(|(key, body)| (key.clone(), read(body))).collect()
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says to `url` what became of a notice; gives the status of the answer.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn receipt(&self, url: &str, body: &Value) -> u16 {
        let body = body.to_string();
        let at = now().as_second();
        signed_post(url, at, &signature(&self.shared.secret, at, body.as_bytes()), body).await
    }
}

impl Drop for WebhookServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Posts a receipt under any signature.
///
/// # Panics
/// When nobody answers.
pub async fn signed_post(url: &str, at: i64, signature: &str, body: String) -> u16 {
    let request = reqwest::Client::new().post(url).header("dialogpost-timestamp", at).header("dialogpost-signature", signature);
    request.body(body).send().await.expect("an answer").status().as_u16()
}

/// As both sides sign, said anew.
pub fn signature(secret: &str, at: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    mac.update(&[at.to_string().as_bytes(), b".", body].concat());
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

static CLOCK: OnceLock<fn() -> Timestamp> = OnceLock::new();

/// From now on receivers go by this clock, in the whole process. Once: another one later is passed over.
pub fn run_on(clock: fn() -> Timestamp) {
    let _ = CLOCK.set(clock);
}

#[allow(clippy::disallowed_methods, reason = "a receiver has a clock of its own")]
pub(crate) fn now() -> Timestamp {
    CLOCK.get().map_or_else(Timestamp::now, |clock| clock())
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let header = |name: &str| text(&parts.headers, name);
    let at = header("dialogpost-timestamp").parse::<i64>().unwrap_or_default();
    let is_fresh = now().as_second().abs_diff(at) < 300;
    if !is_fresh || header("dialogpost-signature") != signature(&shared.secret, at, &body) {
        return Ok(respond(401, json!({})));
    }
    let mood = shared.moods.next();
    let key = header("idempotency-key");
    let is_another = keep(&shared, &key, &body, mood);
    if is_another {
        return Ok(respond(422, json!({ "error": "another notice under the same key" })));
    }
    match mood {
        Mood::Well => Ok(respond(202, json!({ "id": format!("p-{key}") }))),
        Mood::Status(status) => Ok(respond(status, json!({}))),
        Mood::Busy(status, seconds) => {
            let mut response = respond(status, json!({}));
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
            Ok(response)
        }
        // An error of the service closes the connection without an answer.
        Mood::Cut => Err(io::ErrorKind::ConnectionAborted.into()),
        Mood::Silent => std::future::pending().await,
    }
}

/// Notes the call, and takes what it is in the mood to take. Tells whether another notice came under this key before.
fn keep(shared: &Shared, key: &str, body: &Bytes, mood: Mood) -> bool {
    let mut kept = shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
    kept.calls.push(Call { key: key.to_owned(), body: serde_json::from_slice(body).expect("JSON"), mood });
    let is_taken = matches!(mood, Mood::Well | Mood::Cut | Mood::Silent);
    match kept.notices.get(key) {
        Some(before) => before != body,
        None if is_taken => kept.notices.insert(key.to_owned(), body.clone()).is_some(),
        None => false,
    }
}

fn respond(status: u16, body: Value) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::from(body.to_string())).expect("an answer")
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
