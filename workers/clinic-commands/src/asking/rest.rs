//! HelsenorgeAktivSjekken (message-formats 6): up to 1000 numbers in, three booleans for each out.
//!
//! Numbers go into the body and nowhere else, and nothing of an answer into an error.

use super::{Due, Round, count, failed, nin_of, take};
use domain::digital_user::Standing;
use jiff::Timestamp;
use messages::{HerId, PersonId};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Url, redirect};
use runtime::worker::Context;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;
use store::contact::{self, Said};
use store::{Store, StoreError};

const SERVICE: &str = "rest";
/// How long the server has to take a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it has to answer, all told.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest answer, in bytes: 1000 people need a tenth of it.
const LIMIT: usize = 1024 * 1024;
/// Largest token, in bytes.
const TOKEN_LIMIT: usize = 16 * 1024;
/// Health care (message-formats 6).
const AREA: u8 = 3;

/// Takes what is wanted, asks for each clinic, and keeps what was said.
///
/// # Errors
/// As any step of the store. What the service does is no error here: it is counted, and asked again.
pub async fn round(context: &Context, client: &Client) -> Result<Round, StoreError> {
    let Due { about, asked_at, mut more } = {
        let mut session = context.store.session().await?;
        let tx = session.begin().await?;
        let taken = take(&tx, &context.config.test_series, (context.clock)()).await?;
        tx.commit().await?;
        taken
    };
    for (clinic, people) in about {
        count(SERVICE, people.len());
        let Some(answer) = context.cancel.run_until_cancelled(client.ask(&people)).await else {
            return Ok(Round::default());
        };
        let known = match answer {
            Ok(known) => known,
            Err(failure) => {
                failed(SERVICE, clinic, people.len(), failure.code());
                match failure.concerns_everybody() {
                    true => {
                        // Not at once again: it said no to everybody.
                        more = false;
                        break;
                    }
                    false => continue,
                }
            }
        };
        let said: Vec<Said> = people.iter().filter_map(|id| said_of(clinic, id, &known, asked_at)).collect();
        if said.len() < people.len() {
            failed(SERVICE, clinic, people.len() - said.len(), "answer-incomplete");
        }
        keep(&context.store, &said).await?;
    }
    Ok(Round { more, ..Round::default() })
}

async fn keep(store: &Store, said: &[Said]) -> Result<(), StoreError> {
    let mut session = store.session().await?;
    let tx = session.begin().await?;
    contact::told(&tx, said).await?;
    tx.commit().await
}

fn said_of(clinic: HerId, id: &PersonId, known: &HashMap<String, Standing>, as_of: Timestamp) -> Option<Said> {
    let (active, consented) = known.get(id.expose())?.active_and_consented();
    Some(Said { clinic, nin: nin_of(id), active, consented, as_of })
}

/// Why the service did not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The token's file cannot be read, or holds no token.
    #[error("the token cannot be read")]
    Token,
    /// No connection, or no answer in time.
    #[error("the service cannot be reached")]
    Unreachable,
    /// 401 or 403: the token is not taken.
    #[error("the service does not take the token")]
    Unauthorized,
    /// 429 or 5xx: it cannot answer now.
    #[error("the service cannot answer now")]
    Unavailable,
    /// Any other status: it does not take the question.
    #[error("the service refused the question")]
    Refused,
    /// More than it may say.
    #[error("the answer is too large")]
    TooLarge,
    /// Not the answer that is known.
    #[error("the answer cannot be read")]
    Unreadable,
}

impl Failure {
    /// Stable, kebab-case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Token => "token-unreadable",
            Self::Unreachable => "service-unreachable",
            Self::Unauthorized => "token-refused",
            Self::Unavailable => "service-unavailable",
            Self::Refused => "question-refused",
            Self::TooLarge => "answer-too-large",
            Self::Unreadable => "answer-unreadable",
        }
    }

    /// Whether another question would fail as this one did.
    const fn concerns_everybody(self) -> bool {
        matches!(self, Self::Token | Self::Unreachable | Self::Unauthorized | Self::Unavailable)
    }
}

/// The service.
pub struct Client {
    url: Url,
    token_file: PathBuf,
    http: Option<reqwest::Client>,
}

#[derive(Serialize)]
struct Question<'a> {
    #[serde(rename = "fnrListe")]
    numbers: Vec<&'a str>,
    #[serde(rename = "omraade")]
    area: u8,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "erAktivListe")]
    people: HashMap<String, Active>,
}

/// Both spellings are documented. What an unknown one would say must not count as no.
#[derive(Deserialize)]
struct Active {
    #[serde(rename = "erAktivSelv", alias = "erDigitaltAktivSelv")]
    oneself: bool,
    #[serde(rename = "erAktivViaAndre", alias = "erDigitaltAktivViaAndre")]
    through_others: bool,
    #[serde(rename = "tildeltFullmakt", default)]
    assigned_power: bool,
}

impl Client {
    /// A client that asks at `url`.
    pub fn new(url: Url, token_file: PathBuf) -> Self {
        let builder = reqwest::Client::builder().connect_timeout(CONNECT).timeout(PATIENCE).redirect(redirect::Policy::none());
        // What is meant for this machine leaves it through no proxy.
        let builder = if url.scheme() == "https" { builder.https_only(true) } else { builder.no_proxy() };
        Self { url, token_file, http: builder.build().ok() }
    }

    /// Asks about up to 1000 people.
    ///
    /// # Errors
    /// [`Failure`], free of content.
    pub async fn ask(&self, people: &[PersonId]) -> Result<HashMap<String, Standing>, Failure> {
        let http = self.http.as_ref().ok_or(Failure::Unreachable)?;
        let token = self.token().await?;
        let question = Question { numbers: people.iter().map(PersonId::expose).collect(), area: AREA };
        let body = serde_json::to_vec(&question).map_err(|_| Failure::Refused)?;
        let json = HeaderValue::from_static("application/json");
        let request = http.post(self.url.clone()).header(CONTENT_TYPE, json).bearer_auth(token).body(body);
        let mut response =
            request.send().await.map_err(|e| if e.is_builder() { Failure::Token } else { Failure::Unreachable })?;
        match response.status().as_u16() {
            200 => {}
            401 | 403 => return Err(Failure::Unauthorized),
            429 | 500.. => return Err(Failure::Unavailable),
            _ => return Err(Failure::Refused),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| Failure::Unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > LIMIT {
                return Err(Failure::TooLarge);
            }
        }
        read(&body)
    }

    /// Read at each call: whoever renews it writes it there.
    async fn token(&self) -> Result<String, Failure> {
        let text = tokio::fs::read_to_string(&self.token_file).await.map_err(|_| Failure::Token)?;
        let token = text.trim();
        let is_token = (1..=TOKEN_LIMIT).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
        if is_token { Ok(token.to_owned()) } else { Err(Failure::Token) }
    }
}

fn read(body: &[u8]) -> Result<HashMap<String, Standing>, Failure> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| Failure::Unreadable)?;
    let standing = |active: Active| Standing {
        oneself: active.oneself,
        through_others: active.through_others,
        assigned_power: active.assigned_power,
    };
    Ok(answer.people.into_iter().map(|(nin, active)| (nin, standing(active))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use messages::person_id::TestSeries;
    use tokio::io::AsyncReadExt;

    #[test]
    fn both_spellings_are_read() {
        let want =
            HashMap::from([("15868549960".to_owned(), Standing { oneself: true, through_others: false, assigned_power: true })]);
        for (oneself, others) in [("erAktivSelv", "erAktivViaAndre"), ("erDigitaltAktivSelv", "erDigitaltAktivViaAndre")] {
            let body = format!(
                r#"{{"erAktivListe":{{"15868549960":{{"{oneself}":true,"{others}":false,"tildeltFullmakt":true}}}},"mer":1}}"#
            );
            assert_eq!(read(body.as_bytes()), Ok(want.clone()), "{oneself}");
        }
    }

    /// What comes first over https is the hello of TLS, and nothing of the question.
    #[tokio::test]
    async fn nothing_goes_in_the_clear() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
        let token = std::env::temp_dir().join(format!("dialogpost-token-{}", std::process::id()));
        std::fs::write(&token, "hemmelig").unwrap();
        let client = Client::new(url, token.clone());
        let person = PersonId::parse("15868549960", &TestSeries { plus_80: true, plus_40: false }).unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut first = vec![0; 4096];
            let read = stream.read(&mut first).await.unwrap();
            first.truncate(read);
            first
        };
        let (answer, first) = tokio::join!(client.ask(std::slice::from_ref(&person)), server);
        std::fs::remove_file(&token).unwrap();
        assert_eq!((answer, first.first()), (Err(Failure::Unreachable), Some(&0x16)));
        for secret in ["15868549960", "hemmelig"] {
            assert!(!String::from_utf8_lossy(&first).contains(secret));
        }
    }

    #[test]
    fn what_is_spelt_otherwise_is_no_answer() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"erAktivListe":{"15868549960":{}}}"#,
            r#"{"erAktivListe":{"15868549960":{"aktivSelv":true,"erAktivViaAndre":false}}}"#,
            r#"{"erAktivListe":{"15868549960":{"erAktivSelv":"ja","erAktivViaAndre":false}}}"#,
        ] {
            assert_eq!(read(body.as_bytes()), Err(Failure::Unreadable), "{body}");
        }
    }
}
