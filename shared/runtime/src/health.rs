//! `/healthz` (the process runs), `/readyz` (it can do its work), `/metrics`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::Store;
use tokio_util::sync::CancellationToken;

/// The state of every component of a process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<String, Option<String>>>>);

/// One component's entry.
#[derive(Clone)]
pub struct Component {
    health: Health,
    name: String,
}

impl Health {
    /// Registers a component; it counts as failing (`starting`) until it says otherwise.
    pub fn component(&self, name: impl Into<String>) -> Component {
        let component = Component { health: self.clone(), name: name.into() };
        component.failing("starting");
        component
    }

    /// Component → what is wrong; `None` = nothing.
    pub fn report(&self) -> BTreeMap<String, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Component {
    /// All is well.
    pub fn ok(&self) {
        self.set(None);
    }

    /// Something is wrong; the text is shown to operators and holds no personal data.
    pub fn failing(&self, text: impl Into<String>) {
        self.set(Some(text.into()));
    }

    fn set(&self, state: Option<String>) {
        let mut states = self.health.0.lock().unwrap_or_else(PoisonError::into_inner);
        match states.get_mut(&self.name) {
            Some(old) if *old == state => {}
            Some(old) => *old = state,
            None => drop(states.insert(self.name.clone(), state)),
        }
    }
}

#[derive(Clone)]
struct Shown {
    health: Health,
    store: Store,
    metrics: PrometheusHandle,
}

/// Serves until cancelled.
///
/// # Errors
/// When `listen` cannot be bound.
pub async fn serve(
    listen: std::net::SocketAddr,
    health: Health,
    store: Store,
    metrics: PrometheusHandle,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let shown = Shown { health, store, metrics };
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(|State(shown): State<Shown>| async move { shown.metrics.render() }))
        .with_state(shown);
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(cancel.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the health server ended");
        }
    });
    Ok(())
}

async fn readyz(State(shown): State<Shown>) -> impl IntoResponse {
    let mut report = shown.health.report();
    report.insert("database".into(), shown.store.ping().await.err().map(|e| e.to_string()));
    let ready = report.values().all(Option::is_none);
    let lines: Vec<_> = report
        .iter()
        .map(|(name, state)| serde_json::json!({ "component": name, "ok": state.is_none(), "problem": state }))
        .collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({ "ready": ready, "components": lines });
    (status, [("content-type", "application/json")], format!("{body}\n"))
}
