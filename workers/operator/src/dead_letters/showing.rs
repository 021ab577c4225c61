//! `show`.

use super::listing::common;
use super::{Deed, reason, unknown};
use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid, clean, or_dash, time, unless_a_person};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use domain::transport::is_code;
use jiff::{SignedDuration, Timestamp};
use messages::transport::Properties;
use runtime::clock;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use store::dead_letter::editing::{self, Edit};
use store::dead_letter::{self, Listed};
use store::{Session, audit};
use uuid::Uuid;

/// Shows one dead letter without its body and without personal data. Needs DATABASE_URL.
///
/// With --body its bytes alone, which hold health data: breaking the glass needs a reason, holds for a quarter of an hour unless --minutes says
/// otherwise, and leaves a row in the audit each time.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// Its id, as `dead-letters list` gives it.
    id: Uuid,
    /// Print the body, as it is, or in base64 when it is not text.
    #[arg(long)]
    body: bool,
    /// Why the body must be seen; needed unless a reason was given lately.
    #[arg(long, requires = "body", value_parser = reason)]
    reason: Option<String>,
    /// For how long the reason holds.
    #[arg(long, requires = "reason", default_value_t = 15, value_parser = clap::value_parser!(i64).range(1..=60))]
    minutes: i64,
    /// Who looks, for the audit [default: $USER, or operator]
    #[arg(long, requires = "body")]
    actor: Option<String>,
    #[command(flatten)]
    pub(super) format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost dead-letters show 0190f5b2-7c1e-7d3a-9c55-0242ac120002 --json
  dialogpost dead-letters show 0190f5b2-7c1e-7d3a-9c55-0242ac120002 --body --reason 'HelseNorge asks what it sent'

Exit codes: 0 shown; 1 no such dead letter, or a reason is needed; 2 it could not be asked.";

impl Show {
    pub(super) async fn execute(self) -> Result<Answer, Failure> {
        let mut session = environment::database(&environment::read(&[Need::Database])?).await?;
        let Some(found) = dead_letter::find(&session, self.id).await? else { return Ok(unknown(self.id)) };
        if self.body {
            return self.body_of(&mut session, &found, clock::system()).await;
        }
        Ok(shown(&found, &editing::edits(&session, self.id).await?))
    }

    /// The audit is written before anything is shown.
    async fn body_of(self, session: &mut Session, found: &Listed, now: Timestamp) -> Result<Answer, Failure> {
        let actor = environment::actor(self.actor.as_deref());
        let tx = session.begin().await?;
        let until = match (&self.reason, editing::granted(&tx, self.id, &actor, now).await?) {
            (Some(reason), _) => {
                let until = now.checked_add(SignedDuration::from_mins(self.minutes)).unwrap_or(Timestamp::MAX);
                editing::grant(&tx, self.id, &actor, reason, until).await?;
                (until, reason.clone())
            }
            (None, Some(granted)) => granted,
            (None, None) => return Ok(needs_a_reason(self.id)),
        };
        let deed = Deed { actor, reason: until.1, at: now };
        let detail = json!({ "until": until.0, "bytes": found.letter.body.len() });
        let record = deed.record("dead-letter-body-shown", self.id, found.letter.about.clinic, detail);
        audit::append(&tx, &[record]).await?;
        tx.commit().await?;
        let (body, encoding) = match std::str::from_utf8(&found.letter.body) {
            Ok(text) => (text.to_owned(), "text"),
            Err(_) => (STANDARD.encode(&found.letter.body), "base64"),
        };
        let json = json!({ "id": self.id, "encoding": encoding, "body": body, "until": until.0 });
        // What somebody wrote must not steer a terminal; a file gets it as it is.
        let text = match std::io::stdout().is_terminal() {
            true => body.lines().map(clean).collect::<Vec<_>>().join("\n"),
            false => body,
        };
        Ok(Answer { text, json, positive: true })
    }
}

fn needs_a_reason(id: Uuid) -> Answer {
    let text = format!(
        "The body holds health data. Say why it must be seen, for the audit:\n  dialogpost dead-letters show {id} --body --reason '…'"
    );
    Answer { text, json: json!({ "id": id, "needs": "reason" }), positive: false }
}

fn shown(found: &Listed, edits: &[Edit]) -> Answer {
    let letter = &found.letter;
    let (names, values) = (names(&letter.properties), harmless(&letter.properties));
    let mut grid = Grid::new(["dead letter", &letter.id.to_string()]);
    for (name, value) in [
        ("at (Norwegian time)", time(letter.at)),
        ("state", found.state.as_str().to_owned()),
        ("worker", letter.worker.clone()),
        ("queue", letter.queue.clone()),
        ("kind", or_dash(letter.about.kind.as_deref())),
        ("clinic", or_dash(letter.about.clinic)),
        ("cause", found.cause.clone()),
        ("fault", format!("{} {}", letter.fault, letter.code)),
        ("text", letter.text.clone()),
        ("attempts", letter.attempts.to_string()),
        ("message in the ledger", or_dash(letter.message)),
        ("replay", or_dash(found.replay)),
        ("replay of", or_dash(letter.replay_of)),
        ("properties", names.join(" ")),
    ] {
        grid.row([name.to_owned(), value]);
    }
    for (name, value) in &values {
        grid.row([format!("  {name}"), value.clone()]);
    }
    for edit in edits {
        let what = if edit.content.is_some() { edit.fields.join(" ") } else { "taken back".to_owned() };
        grid.row([format!("edit {}", edit.number), format!("{} by {}: {what}; {}", time(edit.at), edit.actor, edit.reason)]);
    }
    grid.row(["body".to_owned(), format!("{} bytes; --body shows it, for a reason", letter.body.len())]);
    let mut json = common(found);
    if let Value::Object(json) = &mut json {
        json.extend([
            ("property_names".to_owned(), json!(names)),
            ("properties".to_owned(), json!(values)),
            ("edits".to_owned(), edits.iter().map(edited).collect()),
        ]);
    }
    Answer { text: grid.to_string(), json, positive: true }
}

fn edited(edit: &Edit) -> Value {
    json!({
        "number": edit.number, "at": edit.at, "actor": edit.actor, "reason": edit.reason, "fields": edit.fields,
        "taken_back": edit.content.is_none(),
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
pub(super) mod tests {
    use super::*;
    use domain::dead_letter::{About, State};
    use store::dead_letter::DeadLetter;

    pub(in crate::dead_letters) fn letter() -> Listed {
        let application =
            [("fromHerId", "8093244"), ("patient", "15868549960"), ("toHerId", "nin 15868549960"), ("15868549960", "x")];
        let letter = DeadLetter {
            at: "2026-11-23T00:00:00Z".parse().unwrap(),
            worker: "recipient-routing".into(),
            fault: "broken".into(),
            code: "nobody-at-clinic".into(),
            text: "the clinic employs nobody".into(),
            attempts: 3,
            queue: "dialogpost.recipient-routing".into(),
            about: About { kind: Some("DialogReceived".into()), ..About::default() },
            properties: Properties {
                message_id: Some("a76d8934-d4ba-4a22-8f5d-123456789012".into()),
                reply_to: Some("Line Danser".into()),
                application: application.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
                ..Properties::default()
            },
            body: b"HEMMELIG".to_vec(),
            ..DeadLetter::default()
        };
        Listed { letter, state: State::Open, cause: "3f9a01c2".into(), bytes: 8, edit: None, replay: None }
    }

    #[test]
    fn neither_body_nor_person_is_shown() {
        let edit = Edit {
            number: 1,
            at: Timestamp::UNIX_EPOCH,
            actor: "kari".into(),
            reason: "wrong doctor".into(),
            fields: vec!["toHerId".into()],
            content: Some((Properties::default(), b"HEMMELIG".to_vec())),
        };
        let answer = shown(&letter(), &[edit]);
        for said in [answer.text.clone(), answer.json.to_string()] {
            for secret in ["HEMMELIG", "15868549960", "Danser"] {
                assert!(!said.contains(secret), "{secret} in {said}");
            }
            for shown in ["a76d8934-d4ba-4a22-8f5d-123456789012", "8093244", "kari", "wrong doctor", "DialogReceived"] {
                assert!(said.contains(shown), "{shown} in {said}");
            }
        }
        assert_eq!(answer.json["bytes"], 8);
        assert_eq!(answer.json["property_names"][1], "reply_to");
    }
}
