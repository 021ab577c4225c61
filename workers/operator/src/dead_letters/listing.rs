//! `groups` and `list`.

use super::selecting::{Selection, states};
use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid, or_dash, time};
use clap::Args;
use domain::dead_letter::State;
use runtime::clock;
use serde_json::{Value, json};
use store::dead_letter::{self, Group, Listed};

/// Groups open dead letters by their cause, the most first. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = GROUPS_EXAMPLES)]
pub(super) struct Groups {
    #[command(flatten)]
    pub(super) format: Format,
}

const GROUPS_EXAMPLES: &str = "\
Examples:
  dialogpost dead-letters groups
  dialogpost dead-letters plan --cause 3f9a01c2

Exit codes: 0 grouped, or there are none; 2 it could not be asked.";

/// Lists dead letters, newest first. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
pub(super) struct List {
    #[command(flatten)]
    selection: Selection,
    /// In this state; may be repeated [default: open].
    #[arg(long = "state", value_parser = states())]
    states: Vec<String>,
    /// In any state.
    #[arg(long, conflicts_with = "states")]
    all: bool,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    #[command(flatten)]
    pub(super) format: Format,
}

const LIST_EXAMPLES: &str = "\
Examples:
  dialogpost dead-letters list --limit 10
  dialogpost dead-letters list --clinic 8141333 --worker recipient-routing --older 2h
  dialogpost dead-letters list --state died_again --json

Exit codes: 0 listed, or there are none; 2 it could not be asked.";

impl Groups {
    pub(super) async fn execute(self) -> Result<Answer, Failure> {
        let session = environment::database(&environment::read(&[Need::Database])?).await?;
        Ok(grouped(&dead_letter::groups(&session).await?))
    }
}

impl List {
    pub(super) async fn execute(self) -> Result<Answer, Failure> {
        let session = environment::database(&environment::read(&[Need::Database])?).await?;
        let named: Vec<State> = self.states.iter().filter_map(|name| State::parse(name)).collect();
        let states = match (self.all, named.is_empty()) {
            (true, _) => State::ALL.to_vec(),
            (false, true) => vec![State::Open],
            (false, false) => named,
        };
        let filter = self.selection.filter(Vec::new(), states, clock::system());
        Ok(listed(&dead_letter::list(&session, &filter, self.limit).await?))
    }
}

fn grouped(groups: &[Group]) -> Answer {
    let mut grid = Grid::new(["cause", "letters", "clinics", "worker", "code", "oldest (Norwegian time)", "newest", "text"]);
    let mut all = Vec::new();
    for g in groups {
        let Group { cause, worker, code, text, letters, clinics, oldest, newest } = g;
        grid.row([
            cause.clone(),
            letters.to_string(),
            clinics.to_string(),
            worker.clone(),
            code.clone(),
            time(*oldest),
            time(*newest),
            text.clone(),
        ]);
        all.push(json!({
            "cause": cause, "letters": letters, "clinics": clinics, "worker": worker, "code": code, "text": text, "oldest": oldest,
            "newest": newest,
        }));
    }
    let text = if groups.is_empty() { "No open dead letters.".to_owned() } else { grid.to_string() };
    Answer { text, json: json!({ "groups": all }), positive: true }
}

fn listed(letters: &[Listed]) -> Answer {
    let head = ["id", "at (Norwegian time)", "state", "clinic", "kind", "worker", "code", "attempts", "cause", "text"];
    let mut grid = Grid::new(head);
    for Listed { letter: l, state, cause, edit, .. } in letters {
        let state = if edit.is_some() { format!("{}, edited", state.as_str()) } else { state.as_str().to_owned() };
        grid.row([
            l.id.to_string(),
            time(l.at),
            state,
            or_dash(l.about.clinic),
            or_dash(l.about.kind.as_deref()),
            l.worker.clone(),
            l.code.clone(),
            l.attempts.to_string(),
            cause.clone(),
            l.text.clone(),
        ]);
    }
    let text = if letters.is_empty() { "No dead letters.".to_owned() } else { grid.to_string() };
    Answer { text, json: json!({ "dead_letters": letters.iter().map(common).collect::<Vec<_>>() }), positive: true }
}

/// What every verb tells of a letter.
pub(super) fn common(listed: &Listed) -> Value {
    let Listed { letter: l, state, cause, bytes, edit, replay } = listed;
    json!({
        "id": l.id, "at": l.at, "state": state.as_str(), "worker": l.worker, "queue": l.queue, "kind": l.about.kind,
        "clinic": l.about.clinic, "fault": l.fault, "code": l.code, "cause": cause, "text": l.text, "attempts": l.attempts,
        "message": l.message, "bytes": bytes, "edit": edit, "replay": replay, "replay_of": l.replay_of,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::dead_letters::showing::tests::letter;

    #[test]
    fn a_list_for_people_and_programs() {
        assert_eq!((listed(&[]).text.as_str(), grouped(&[]).text.as_str()), ("No dead letters.", "No open dead letters."));
        let answer = listed(&[letter()]);
        assert!(answer.text.contains("nobody-at-clinic") && answer.text.contains("3f9a01c2"), "{}", answer.text);
        let one = answer.json.pointer("/dead_letters/0").unwrap();
        assert_eq!((&one["attempts"], &one["state"]), (&json!(3), &json!("open")));
    }
}
