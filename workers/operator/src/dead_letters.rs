//! `dialogpost dead-letters`.

mod changing;
mod listing;
mod planning;
mod replaying;
mod selecting;
mod showing;

use crate::cli::Format;
use crate::environment;
use crate::failure::Failure;
use crate::out::Answer;
use clap::{Args, Subcommand};
use domain::audit::Record;
use jiff::Timestamp;
use messages::HerId;
use serde_json::Value;
use uuid::Uuid;

/// What no worker could handle: listed, shown, replayed, edited, discarded.
///
/// A letter that is replayed goes to the worker that gave it up, and to nobody else; its effect happens once, whoever replays it and however
/// often. What is replayed, edited or discarded leaves a row in the audit.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DeadLetters {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Groups(listing::Groups),
    List(listing::List),
    Show(showing::Show),
    Plan(planning::Plan),
    Replay(replaying::Replay),
    Replays(planning::Replays),
    Edit(changing::Edit),
    Discard(changing::Discard),
}

const EXAMPLES: &str = "\
Examples:
  dialogpost dead-letters groups
  dialogpost dead-letters list --worker recipient-routing --older 1h
  dialogpost dead-letters plan --cause 3f9a01c2
  dialogpost dead-letters replay 0190f5b2-7c1e-7d3a-9c55-0242ac120002 --reason 'the clinic has employees again'

Exit codes: see each verb.";

impl DeadLetters {
    /// How to answer.
    pub const fn format(&self) -> Format {
        match &self.verb {
            Verb::Groups(groups) => groups.format,
            Verb::List(list) => list.format,
            Verb::Show(show) => show.format,
            Verb::Plan(plan) => plan.format,
            Verb::Replay(replay) => replay.format,
            Verb::Replays(replays) => replays.format,
            Verb::Edit(edit) => edit.format,
            Verb::Discard(discard) => discard.format,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// The database is away; what is asked for cannot be.
    pub async fn execute(self) -> Result<Answer, Failure> {
        match self.verb {
            Verb::Groups(groups) => groups.execute().await,
            Verb::List(list) => list.execute().await,
            Verb::Show(show) => show.execute().await,
            Verb::Plan(plan) => plan.execute().await,
            Verb::Replay(replay) => replay.execute().await,
            Verb::Replays(replays) => replays.execute().await,
            Verb::Edit(edit) => edit.execute().await,
            Verb::Discard(discard) => discard.execute().await,
        }
    }
}

/// Who does it and why, for the audit.
#[derive(Clone, Debug)]
struct Deed {
    actor: String,
    reason: String,
    at: Timestamp,
}

impl Deed {
    fn new(actor: Option<&str>, reason: &str, at: Timestamp) -> Self {
        Self { actor: environment::actor(actor), reason: reason.to_owned(), at }
    }

    fn record(&self, action: &str, letter: Uuid, clinic: Option<HerId>, detail: Value) -> Record {
        Record {
            clinic,
            at: self.at,
            actor: self.actor.clone(),
            action: action.to_owned(),
            subject: letter.to_string(),
            patients: Vec::new(),
            reason: Some(self.reason.clone()),
            detail: Some(detail),
        }
    }
}

/// A reason that says something.
fn reason(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    match text.len() {
        0 => Err("expected a reason"),
        1..=1000 => Ok(text.to_owned()),
        _ => Err("a reason has at most 1000 bytes"),
    }
}

fn unknown(id: Uuid) -> Answer {
    let text = format!("No dead letter has the id {id}.\nSee dialogpost dead-letters list.");
    Answer { text, json: serde_json::json!({ "id": id, "found": false }), positive: false }
}
