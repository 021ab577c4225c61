//! What a clinic's EPJ asks of us, on the queue `dialogpost.clinic-commands`, and what it is answered.
//!
//! - [`order`]: the commands, one struct each
//! - [`answer`]: what comes back, by `reply-to` and `correlation-id`, or as an event when no `reply-to` is given
//! - [`refusal`]: every reason to refuse, with its code and what the clinic's staff read
//! - [`schema`]: JSON Schema of all of it
//!
//! On the queue: `{"command":"StartDialog","version":1,"id":…,"clinic":8141333,"actor":"kari","arguments":{…}}`. The same id twice has one
//! effect, and the same answer.

pub mod answer;
mod json;
pub mod order;
pub mod refusal;
pub mod schema;

use crate::ids::HerId;
use json::{REPEATED, Unrepeated};
use order::Order;
use refusal::{Refusal, Why};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use std::ops::RangeInclusive;
use uuid::Uuid;

/// The version in which every present command is read.
pub const VERSION: u32 = 1;

/// Bytes of a command on the queue: three times what the largest one needs, a part of a file.
pub const MOST_BYTES: usize = 1024 * 1024;

/// Characters that an employee's short name may have.
const ACTOR: usize = 64;

/// Characters that a reason may have.
const REASON: usize = 400;

/// A command that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The caller's id of it: the same id twice is one command.
    pub id: Uuid,
    /// The clinic it is for.
    pub clinic: HerId,
    /// The employee who does it.
    pub actor: String,
    /// Why, where that is asked for; kept in the audit.
    pub reason: Option<String>,
    /// What is to be done.
    pub order: Order,
}

/// A command on the queue.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Envelope<A> {
    /// Name of the command.
    pub command: String,
    /// Version of the command: 1.
    pub version: u32,
    /// The caller's id of the command. Sent again under the same id it has no second effect, and gets the same answer.
    pub id: Uuid,
    /// HER-id of the clinic.
    pub clinic: HerId,
    /// Short name of the employee who does it, as in the clinic's set-up.
    #[schemars(length(min = 1, max = ACTOR))]
    pub actor: String,
    /// Why, for the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = REASON))]
    pub reason: Option<String>,
    /// What the command needs to know.
    pub arguments: A,
}

/// What can be told of a command that cannot be read: whom to answer, and why it is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its id, when that could be read.
    pub id: Option<Uuid>,
    /// Its clinic, when that could be read.
    pub clinic: Option<HerId>,
    /// Why.
    pub refusal: Refusal,
}

impl Command {
    /// Reads a command.
    ///
    /// # Errors
    /// What is wrong, by field; never a value.
    pub fn from_json(body: &[u8]) -> Result<Self, Box<Unreadable>> {
        if body.len() > MOST_BYTES {
            let why = Why::CommandTooLarge { has: body.len(), limit: MOST_BYTES };
            return Err(Unreadable::of(None, Refusal::new(why)));
        }
        let whole = parsed(body).map_err(|refusal| Unreadable::of(None, refusal))?;
        let unreadable = |refusal| Unreadable::of(Some(&whole), refusal);
        let envelope: Envelope<Value> = typed(&whole, "").map_err(unreadable)?;
        if envelope.version != VERSION {
            return Err(unreadable(Refusal::of("version", Why::VersionUnknown)));
        }
        if !is_line(&envelope.actor, 1..=ACTOR) {
            return Err(unreadable(Refusal::of("actor", Why::WrongType)));
        }
        if envelope.reason.as_ref().is_some_and(|reason| !is_line(reason, 0..=REASON)) {
            return Err(unreadable(Refusal::of("reason", Why::WrongType)));
        }
        let order = Order::read(&envelope.command, &envelope.arguments).map_err(unreadable)?;
        order.check_counts().map_err(unreadable)?;
        let Envelope { id, clinic, actor, reason, .. } = envelope;
        Ok(Self { id, clinic, actor, reason, order })
    }

    /// The body to publish.
    pub fn to_json(&self) -> Vec<u8> {
        let envelope = Envelope {
            command: self.order.name().to_owned(),
            version: VERSION,
            id: self.id,
            clinic: self.clinic,
            actor: self.actor.clone(),
            reason: self.reason.clone(),
            arguments: self.order.arguments(),
        };
        // Strings, numbers and ids only: serialising them cannot fail.
        serde_json::to_vec(&envelope).unwrap_or_default()
    }
}

impl Unreadable {
    fn of(whole: Option<&Value>, refusal: Refusal) -> Box<Self> {
        let field = |name| whole.and_then(|whole| whole.get(name));
        Box::new(Self {
            id: field("id").and_then(Value::as_str).and_then(|id| id.parse().ok()),
            clinic: field("clinic").and_then(Value::as_i64).and_then(|id| id.try_into().ok()),
            refusal,
        })
    }
}

fn parsed(body: &[u8]) -> Result<Value, Refusal> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = Unrepeated::deserialize(&mut reader).map_err(|error| match error.to_string().starts_with(REPEATED) {
        true => Refusal::new(Why::RepeatedField),
        false => Refusal::new(Why::NotJson),
    });
    let Unrepeated(whole) = read?;
    reader.end().map(|()| whole).map_err(|_| Refusal::new(Why::NotJson))
}

/// Whether a text has as many characters as may be, and nothing that no table and no log can hold.
fn is_line(text: &str, limits: RangeInclusive<usize>) -> bool {
    limits.contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// A field as it may be logged. One that nobody knows is the caller's word: unless it is one, it may be a person's data in the wrong place.
fn shown(path: &Path) -> String {
    let whole = path.to_string();
    let Some(Segment::Map { key }) = path.iter().next_back() else { return whole };
    let is_word = (1..=40).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    match whole.strip_suffix(key.as_str()) {
        Some(parent) if !is_word => format!("{parent}?"),
        _ => whole,
    }
}

/// A value as a type; the fault names the field below `at`.
fn typed<T: DeserializeOwned>(value: &Value, at: &str) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        // What serde says may quote a value: only how it begins, the name of a field that is missing and what was expected are our own words.
        let said = error.inner().to_string();
        let missing = said.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
        let is_unknown = said.starts_with("unknown field");
        let inner = if is_unknown { shown(error.path()) } else { error.path().to_string() };
        let path = [at, inner.trim_matches('.'), missing.unwrap_or_default()].into_iter().filter(|part| !part.is_empty());
        let path = path.collect::<Vec<_>>().join(".");
        let refusal = |why| if path.is_empty() { Refusal::new(why) } else { Refusal::of(&path, why) };
        match () {
            () if is_unknown => refusal(Why::UnknownField),
            () if missing.is_some() => refusal(Why::MissingField),
            () => match (form(&said, &path), said.rsplit_once(", expected ")) {
                (Some(form), _) => refusal(Why::WrongType).expecting(form),
                (None, Some((_, expected))) => {
                    refusal(Why::WrongType).expecting((&expected.replacen("one of ", "en av ", 1), expected))
                }
                (None, None) => refusal(Why::WrongType),
            },
        }
    })
}

/// What a time, a date or an id looks like, in Norwegian and in English; none for any other field.
fn form(said: &str, path: &str) -> Option<(&'static str, &'static str)> {
    match path.rsplit('.').next()? {
        "start" => Some((
            "et tidspunkt med tidssone, som 2027-01-12T11:00:00+01:00",
            "a time with its offset, such as 2027-01-12T11:00:00+01:00",
        )),
        "from" => Some(("en dato, som 2027-01-12", "a date, such as 2027-01-12")),
        _ if said.starts_with("UUID parsing failed") => Some(("en UUID", "a UUID")),
        _ => None,
    }
}
