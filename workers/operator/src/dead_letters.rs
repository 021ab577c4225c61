//! `dialogpost dead-letters`.

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid, or_dash, time, unless_a_person};
use clap::{Args, Subcommand};
use domain::transport::is_code;
use messages::transport::Properties;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::dead_letter::{self, DeadLetter};
use uuid::Uuid;

/// Lists and shows what no worker could handle.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DeadLetters {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(List),
    Show(One),
}

/// Lists dead letters, newest first. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct List {
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    #[command(flatten)]
    format: Format,
}

/// Shows one dead letter without its body and without personal data. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct One {
    /// Its id, as `dead-letters list` gives it.
    id: Uuid,
    #[command(flatten)]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost dead-letters list --limit 10
  dialogpost dead-letters show 0190f5b2-7c1e-7d3a-9c55-0242ac120002 --json

A body is never printed: it holds health data.
Exit codes: 0 done; 1 no such dead letter; 2 it could not be asked.";

/// Where bodies are kept.
const BODY: &str = "dialogpost.dead_letter.body";

impl DeadLetters {
    /// How to answer.
    pub const fn format(&self) -> Format {
        match &self.verb {
            Verb::List(list) => list.format,
            Verb::Show(one) => one.format,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// The database is away.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let config = environment::read(&[Need::Database])?;
        let session = environment::database(&config).await?;
        match self.verb {
            Verb::List(list) => Ok(listed(&dead_letter::list(&session, list.limit).await?)),
            Verb::Show(one) => Ok(match dead_letter::find(&session, one.id).await? {
                Some(letter) => shown(&letter),
                None => unknown(one.id),
            }),
        }
    }
}

fn listed(letters: &[DeadLetter]) -> Answer {
    let mut grid = Grid::new(["id", "at (Norwegian time)", "worker", "code", "attempts", "text"]);
    for l in letters {
        grid.row([l.id.to_string(), time(l.at), l.worker.clone(), l.code.clone(), l.attempts.to_string(), l.text.clone()]);
    }
    let text = if letters.is_empty() { "No dead letters.".to_owned() } else { grid.to_string() };
    Answer { text, json: json!({ "dead_letters": letters.iter().map(common).collect::<Vec<_>>() }), positive: true }
}

fn unknown(id: Uuid) -> Answer {
    let text = format!("No dead letter has the id {id}.\nSee dialogpost dead-letters list.");
    Answer { text, json: json!({ "id": id, "found": false }), positive: false }
}

fn shown(letter: &DeadLetter) -> Answer {
    let (names, values) = (names(&letter.properties), harmless(&letter.properties));
    let mut grid = Grid::new(["dead letter", &letter.id.to_string()]);
    for (name, value) in [
        ("at (Norwegian time)", time(letter.at)),
        ("worker", letter.worker.clone()),
        ("queue", letter.queue.clone()),
        ("fault", format!("{} {}", letter.fault, letter.code)),
        ("text", letter.text.clone()),
        ("attempts", letter.attempts.to_string()),
        ("message in the ledger", or_dash(letter.message)),
        ("properties", names.join(" ")),
    ] {
        grid.row([name.to_owned(), value]);
    }
    for (name, value) in &values {
        grid.row([format!("  {name}"), value.clone()]);
    }
    grid.row(["body".to_owned(), format!("{} bytes, kept in {BODY}", letter.body.len())]);
    let mut json = common(letter);
    if let Value::Object(json) = &mut json {
        json.extend([
            ("bytes".to_owned(), json!(letter.body.len())),
            ("property_names".to_owned(), json!(names)),
            ("properties".to_owned(), json!(values)),
            ("body_kept_in".to_owned(), json!(BODY)),
        ]);
    }
    Answer { text: grid.to_string(), json, positive: true }
}

fn common(l: &DeadLetter) -> Value {
    json!({
        "id": l.id, "at": l.at, "worker": l.worker, "queue": l.queue, "fault": l.fault, "code": l.code, "text": l.text,
        "attempts": l.attempts, "message": l.message,
    })
}

/// Application properties whose values say nothing of a person.
const HARMLESS: [&str; 7] = [
    "fromHerId",
    "toHerId",
    "applicationTimeStamp",
    "enqueuedTimeUtc",
    "receiverTimeStamp",
    "x-first-death-reason",
    "x-first-death-queue",
];

fn names(properties: &Properties) -> Vec<String> {
    let known = [
        ("message_id", properties.message_id.is_some()),
        ("correlation_id", properties.correlation_id.is_some()),
        ("subject", properties.subject.is_some()),
        ("to", properties.to.is_some()),
        ("reply_to", properties.reply_to.is_some()),
        ("content_type", properties.content_type.is_some()),
        ("ttl_ms", properties.ttl_ms.is_some()),
    ];
    let known = known.into_iter().filter(|(_, there)| *there).map(|(name, _)| name.to_owned());
    known.chain(properties.application.keys().map(|name| unless_a_person(name))).collect()
}

fn harmless(properties: &Properties) -> BTreeMap<&str, String> {
    let application = HARMLESS.into_iter().map(|name| (name, properties.application(name)));
    let known = [("message_id", properties.message_id.as_deref()), ("subject", properties.subject.as_deref())];
    known.into_iter().chain(application).filter_map(|(name, value)| Some((name, unless_written(value?)))).collect()
}

/// A code or a time; anything else may be what somebody wrote there.
fn unless_written(value: &str) -> String {
    let time = value.chars().all(|c| c.is_ascii_digit() || "/:.-+TZ ".contains(c));
    if time || is_code(value) { unless_a_person(value) } else { format!("(hidden, {} bytes)", value.len()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn letter() -> DeadLetter {
        let application =
            [("fromHerId", "8093244"), ("patient", "15868549960"), ("toHerId", "nin 15868549960"), ("15868549960", "x")];
        DeadLetter {
            id: Uuid::nil(),
            at: "2026-11-23T00:00:00Z".parse().unwrap(),
            worker: "recipient-routing".into(),
            fault: "broken".into(),
            code: "nobody-at-clinic".into(),
            text: "the clinic employs nobody".into(),
            attempts: 3,
            message: None,
            queue: "dialogpost.recipient-routing".into(),
            properties: Properties {
                message_id: Some("a76d8934-d4ba-4a22-8f5d-123456789012".into()),
                reply_to: Some("Line Danser".into()),
                application: application.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
                ..Properties::default()
            },
            body: b"HEMMELIG".to_vec(),
        }
    }

    #[test]
    fn neither_body_nor_person_is_shown() {
        let answer = shown(&letter());
        for said in [answer.text.clone(), answer.json.to_string()] {
            for secret in ["HEMMELIG", "15868549960", "Danser"] {
                assert!(!said.contains(secret), "{secret} in {said}");
            }
            assert!(
                said.contains("a76d8934-d4ba-4a22-8f5d-123456789012") && said.contains("8093244") && said.contains(BODY),
                "{said}"
            );
        }
        assert_eq!(answer.json["bytes"], 8);
        assert_eq!(answer.json["property_names"][1], "reply_to");
    }

    #[test]
    fn a_list_for_people_and_programs() {
        assert_eq!(listed(&[]).text, "No dead letters.");
        let answer = listed(&[letter()]);
        assert!(answer.text.contains("nobody-at-clinic"));
        assert_eq!(answer.json["dead_letters"][0]["attempts"], 3);
    }
}
