//! Text messages and push: a signed POST to whoever delivers them. Any provider with a small adapter will do.
//!
//! 2xx: it is theirs now, and `{"id": …}` is what they call it. 408, 429, 5xx and silence: later. 401, 403 and 3xx: later too, since no other
//! notice would fare better. Anything else: never.

use super::signature::{SIGNATURE, TIMESTAMP, sign};
use super::{Answer, Trouble};
use domain::notice::text::Text;
use jiff::{SignedDuration, Timestamp};
use messages::HerId;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Response, Url, redirect};
use runtime::config::Roots;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::notice::delivery::Due;
use trust::Zeroizing;
use uuid::Uuid;

/// How long a server has to take a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Largest answer that is read, in bytes.
const LIMIT: usize = 4096;
/// Longest name of a provider's own, in bytes.
const NAME: usize = 200;
/// The version in which a notice is written.
const VERSION: u32 = 1;
/// Under which a notice is known, however often it comes.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A provider.
pub struct Webhook {
    url: Url,
    secret: Zeroizing<String>,
    http: Option<reqwest::Client>,
}

/// The same each time, to the last byte, so that a provider may hold two under one key against each other.
#[derive(Serialize)]
struct Body<'a> {
    version: u32,
    id: Uuid,
    channel: &'static str,
    to: &'a str,
    text: &'a str,
    clinic: HerId,
    /// The notice's date.
    created_at: Timestamp,
}

#[derive(Deserialize)]
struct Said {
    id: String,
}

impl Webhook {
    /// A provider that takes notices at `url`, trusted by the public authorities and these.
    pub fn new(url: Url, secret: &Zeroizing<String>, roots: &Roots) -> Self {
        let builder = reqwest::Client::builder().connect_timeout(CONNECT).redirect(redirect::Policy::none());
        // What is meant for this machine leaves it through no proxy.
        let builder = if url.scheme() == "https" { builder.https_only(true) } else { builder.no_proxy() };
        Self { url, secret: secret.clone(), http: roots.trusted_by(builder).build().ok() }
    }

    /// Hands a notice over.
    pub async fn send(&self, due: &Due, text: &Text, now: Timestamp) -> Answer {
        let body = Body {
            version: VERSION,
            id: due.id,
            channel: due.channel.as_str(),
            to: due.address.expose(),
            text: &text.body,
            clinic: due.clinic,
            created_at: due.created_at,
        };
        let Some(http) = &self.http else { return Answer::unconfigured("webhook-client") };
        let Ok(body) = serde_json::to_vec(&body) else { return Answer::Refused("webhook-body".into()) };
        let request = http
            .post(self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(IDEMPOTENCY_KEY, due.id.to_string())
            .header(TIMESTAMP, now.as_second())
            .header(SIGNATURE, sign(&self.secret, now, &body))
            .body(body);
        match request.send().await {
            Ok(response) => said(response, now).await,
            Err(_) => Answer::later("webhook-unreachable"),
        }
    }
}

async fn said(response: Response, now: Timestamp) -> Answer {
    let status = response.status().as_u16();
    let code = format!("webhook-{status}");
    match status {
        200..=299 => Answer::Taken(name(response).await),
        408 | 429 | 500.. => {
            let wait = retry_after(response.headers(), now);
            Answer::Later(Trouble { code: code.into(), wait, concerns_everybody: false })
        }
        401 | 403 | 300..=399 => Answer::unconfigured(code),
        _ => Answer::Refused(code.into()),
    }
}

/// What the provider calls it, where it says so in a way that can be kept.
async fn name(mut response: Response) -> Option<String> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > LIMIT {
            return None;
        }
    }
    let said: Said = serde_json::from_slice(&body).ok()?;
    let can_be_kept = (1..=NAME).contains(&said.id.len()) && said.id.bytes().all(|b| b.is_ascii_graphic());
    can_be_kept.then_some(said.id)
}

/// Seconds, or a time (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Duration::try_from(until.duration_since(now).max(SignedDuration::ZERO)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_that_are_asked_for() {
        let now = "2027-01-11T08:00:00Z".parse().unwrap();
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        let table = [
            ("30", Some(30)),
            (" 0 ", Some(0)),
            ("Mon, 11 Jan 2027 08:01:00 GMT", Some(60)),
            ("Mon, 11 Jan 2027 07:59:00 GMT", Some(0)),
            ("-1", None),
            ("snart", None),
        ];
        for (text, want) in table {
            assert_eq!(of(text), want, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
