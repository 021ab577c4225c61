//! What providers say became of notices: `POST /receipts` with `{"id": …, "status": "delivered" | "failed", "code": …}`, signed as what they
//! are sent. Plain HTTP: what ends TLS stands before it.

use crate::delivering::signature::{SIGNATURE, TIMESTAMP, is_signed};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use runtime::worker::Context;
use serde::Deserialize;
use std::net::SocketAddr;
use std::time::Duration;
use store::StoreError;
use store::notice::delivery;
use tokio::net::TcpListener;
use uuid::Uuid;

/// Largest receipt, in bytes.
const LIMIT: usize = 16 * 1024;
/// Longest code, in bytes.
const CODE: usize = 40;
/// An address that is taken is tried again so much later.
const AGAIN: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Receipt {
    id: Uuid,
    status: Status,
    #[serde(default)]
    code: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Delivered,
    Failed,
}

/// Serves until the context is cancelled, where it is to.
pub async fn run(context: Context) {
    let Some(listen) = context.config.notices.receipts_listen else { return };
    let health = context.health.component("receipts of notices");
    loop {
        match serve(listen, context.clone(), || health.ok()).await {
            Ok(()) => return,
            Err(error) => health.failing(format!("RECEIPTS_LISTEN: {listen} cannot be bound: {error}")),
        }
        if context.cancel.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_none() {
            return;
        }
    }
}

async fn serve(listen: SocketAddr, context: Context, is_up: impl FnOnce()) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    is_up();
    let cancel = context.cancel.clone();
    let router = Router::new().route("/receipts", post(take)).layer(DefaultBodyLimit::max(LIMIT)).with_state(context);
    // A provider that keeps its connection open does not keep us.
    let serving = axum::serve(listener, router);
    cancel.run_until_cancelled(async { serving.await }).await.unwrap_or(Ok(()))
}

async fn take(State(context): State<Context>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let secret = &context.config.notices.webhooks.secret;
    let status = if is_signed(secret, header(TIMESTAMP), header(SIGNATURE), &body, (context.clock)()) {
        store(&context, &body).await
    } else {
        StatusCode::UNAUTHORIZED
    };
    metrics::counter!("dialogpost_notice_receipts_total", "status" => status.as_str().to_owned()).increment(1);
    status
}

async fn store(context: &Context, body: &[u8]) -> StatusCode {
    let Ok(receipt) = serde_json::from_slice::<Receipt>(body) else { return StatusCode::BAD_REQUEST };
    match keep(context, &receipt).await {
        Ok(Some(_)) => StatusCode::OK,
        Ok(None) => StatusCode::NOT_FOUND,
        Err(error) => {
            tracing::warn!(%error, "a receipt of a notice cannot be kept now");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

async fn keep(context: &Context, receipt: &Receipt) -> Result<Option<bool>, StoreError> {
    let came = receipt.status == Status::Delivered;
    let code = code(receipt.code.as_deref());
    let session = context.store.session().await?;
    let news = delivery::receipt(&session, receipt.id, came, Some(code), (context.clock)()).await?;
    if news == Some(true) && !came {
        tracing::error!(notice = %receipt.id, code, "a notice was not delivered, its provider says");
    }
    Ok(news)
}

/// A provider's word that can be shown: one that may hold a number is left out.
fn code(said: Option<&str>) -> &str {
    let is_word = |code: &&str| {
        let digits = code.bytes().filter(u8::is_ascii_digit).count();
        (1..=CODE).contains(&code.len()) && digits <= 5 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    said.filter(is_word).unwrap_or("provider")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_are_shown() {
        for (said, want) in [
            (Some("undelivered"), "undelivered"),
            (Some("ERR_30003"), "ERR_30003"),
            (Some("4799900001"), "provider"),
            (Some("til +4799900001"), "provider"),
            (Some("line@example.test"), "provider"),
            (Some(""), "provider"),
            (None, "provider"),
        ] {
            assert_eq!(code(said), want, "{said:?}");
        }
    }
}
