//! Who is a user of HelseNorge: asked by message, or at HelsenorgeAktivSjekken.

use crate::message::Message;
use crate::received::Received;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use domain::digital_user::Standing;
use messages::wire::hodemelding::Content;
use messages::wire::{Incoming, Limits, read};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The standing of an active user.
pub const ACTIVE: Standing = Standing { oneself: true, through_others: false, assigned_power: false };

/// Everybody's standing; whoever is not there is no user. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct DigitalUsers(Arc<Mutex<BTreeMap<String, Standing>>>);

impl DigitalUsers {
    /// Changes somebody's standing.
    pub fn set(&self, nin: &str, standing: Standing) {
        self.people().insert(nin.to_owned(), standing);
    }

    /// The answer to a clinic's question; `None` = it is none.
    pub fn answer(&self, question: &Received) -> Option<Message> {
        let Incoming::MsgHead(head) = read(&question.body, &Limits::default()).ok()?.incoming else { return None };
        let asked: Vec<String> = head
            .documents
            .iter()
            .find_map(|document| match &document.content {
                Content::Personer(people) => Some(people),
                _ => None,
            })?
            .iter()
            .filter_map(|person| person.national_id().map(|nin| nin.expose().clone()))
            .collect();
        let is_active = |nin: &String| self.standing(nin).is_some_and(|s| s.oneself || s.through_others);
        let active: Vec<String> = asked.into_iter().filter(is_active).collect();
        Some(Message::digital_users(head.msg_id.as_deref()?, &active))
    }

    fn standing(&self, nin: &str) -> Option<Standing> {
        self.people().get(nin).copied()
    }

    fn people(&self) -> MutexGuard<'_, BTreeMap<String, Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The two documented spellings of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `erAktivSelv`.
    Short,
    /// `erDigitaltAktivSelv`.
    Long,
}

/// HelsenorgeAktivSjekken on this machine. Dropping it closes it.
pub struct AktivSjekken {
    port: u16,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    users: DigitalUsers,
    spelling: Spelling,
    /// The token it takes.
    token: String,
    /// What it answers instead, if anything.
    trouble: Mutex<Option<(u16, String)>>,
    /// How many numbers each question had.
    questions: Mutex<Vec<usize>>,
}

impl AktivSjekken {
    /// Serves on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start(users: &DigitalUsers, spelling: Spelling, token: &str) -> Self {
        Self::start_on(0, users, spelling, token).await
    }

    /// Serves on this port.
    ///
    /// # Panics
    /// When it is taken.
    pub async fn start_on(port: u16, users: &DigitalUsers, spelling: Spelling, token: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let shared = Arc::new(Shared {
            users: users.clone(),
            spelling,
            token: format!("Bearer {token}"),
            trouble: Mutex::default(),
            questions: Mutex::default(),
        });
        let router = Router::new().route(PATH, post(answer)).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves until it is dropped");
        });
        Self { port, shared, serving }
    }

    /// Where it is asked.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Closes it; gives its port.
    pub async fn close(mut self) -> u16 {
        self.serving.abort();
        let _ = (&mut self.serving).await;
        self.port
    }

    /// From now on it answers every question like this.
    pub fn trouble(&self, status: u16, body: &str) {
        *self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some((status, body.to_owned()));
    }

    /// It answers as it should again.
    pub fn well(&self) {
        *self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How many numbers each question had that it understood.
    pub fn questions(&self) -> Vec<usize> {
        self.shared.questions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for AktivSjekken {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

const PATH: &str = "/digitaltaktiv/helsenorgeaktivsjekken/v1";
/// Most numbers in one question. Ours must not be larger, so it is said here anew.
const MOST: usize = 1000;

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let trouble = shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((status, body)) = trouble {
        return (StatusCode::from_u16(status).expect("a status"), body);
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("authorization") != Some(shared.token.as_str()) {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    let question: Value = serde_json::from_slice(&body).unwrap_or_default();
    let numbers: Vec<&str> = question["fnrListe"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fits =
        (1..=MOST).contains(&numbers.len()) && question["omraade"] == 3 && header("content-type") == Some("application/json");
    if !fits {
        return (StatusCode::BAD_REQUEST, String::new());
    }
    shared.questions.lock().unwrap_or_else(PoisonError::into_inner).push(numbers.len());
    let people: Map<String, Value> = numbers.iter().map(|nin| ((*nin).to_owned(), shared.said(nin))).collect();
    (StatusCode::OK, json!({ "erAktivListe": people }).to_string())
}

impl Shared {
    fn said(&self, nin: &str) -> Value {
        let Standing { oneself, through_others, assigned_power } = self.users.standing(nin).unwrap_or_default();
        match self.spelling {
            Spelling::Short => {
                json!({ "erAktivSelv": oneself, "erAktivViaAndre": through_others, "tildeltFullmakt": assigned_power })
            }
            Spelling::Long => {
                json!({ "erDigitaltAktivSelv": oneself, "erDigitaltAktivViaAndre": through_others, "tildeltFullmakt": assigned_power })
            }
        }
    }
}
