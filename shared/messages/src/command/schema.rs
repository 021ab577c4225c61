//! JSON Schema (2020-12) of every command, of the answer and of every event: all that an EPJ in another language needs.

use super::answer::Answer;
use super::order::Order;
use super::{Envelope, VERSION};
use crate::event;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// What is sent to us.
    Command,
    /// What comes back.
    Answer,
    /// What we tell on the exchange `dialogpost`.
    Event,
}

impl Of {
    /// In lists.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Answer => "answer",
            Self::Event => "event",
        }
    }
}

/// A schema with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Of what.
    pub of: Of,
    /// Name of the command; `Answer`, `Event`.
    pub name: String,
    /// What it is for, in one line.
    pub about: String,
    /// The schema.
    pub schema: Value,
}

/// Every schema, commands first.
pub fn all() -> Vec<Named> {
    let answer = named(Of::Answer, "Answer", generated::<Answer>());
    let event = named(Of::Event, "Event", event::schema());
    Order::schemas().into_iter().chain([answer, event]).collect()
}

/// The schema of a type, as it is written and read.
pub(crate) fn generated<T: JsonSchema>() -> Value {
    SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

pub(super) fn of_command<A: JsonSchema>(name: &str) -> Named {
    let mut schema = generated::<Envelope<A>>();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("command".to_owned(), json!({ "const": name, "description": "Name of the command." }));
        properties.insert("version".to_owned(), json!({ "const": VERSION, "description": "Version of the command." }));
    }
    let about = description(&generated::<A>());
    set(&mut schema, "description", &about);
    named(Of::Command, name, schema)
}

fn named(of: Of, name: &str, mut schema: Value) -> Named {
    set(&mut schema, "title", name);
    Named { of, name: name.to_owned(), about: first_sentence(&description(&schema)), schema }
}

fn set(schema: &mut Value, key: &str, text: &str) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(key.to_owned(), text.into());
    }
}

fn description(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn first_sentence(text: &str) -> String {
    text.split_inclusive(['.', ';']).next().unwrap_or_default().trim_end_matches(';').trim().to_owned()
}
