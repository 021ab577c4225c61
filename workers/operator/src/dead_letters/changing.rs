//! `edit` and `discard`.

use super::{Deed, reason, unknown};
use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::Answer;
use clap::Args;
use domain::dead_letter::State;
use domain::dead_letter::edit::{self, Change};
use runtime::clock;
use serde_json::json;
use store::dead_letter::editing::{self, Edit as Edited};
use store::dead_letter::{self, Filter, Listed};
use store::{Session, audit};
use uuid::Uuid;

/// Edits a dead letter: what is replayed then is the edit, never the original. Needs DATABASE_URL.
///
/// Properties and fields of our own JSON can be edited; what a message is known by cannot, nor what its sender signed. An edit counts on from
/// the one before, which must be named: nobody's edit is dropped unseen. A plan that was made before the edit passes the letter over.
#[derive(Debug, Args)]
#[command(after_help = EDIT_EXAMPLES)]
pub(super) struct Edit {
    /// Its id, as `dead-letters list` gives it.
    id: Uuid,
    /// NAME=VALUE sets a property, NAME= takes it away, /POINTER=VALUE sets a field of the body; may be repeated.
    #[arg(long = "set", value_name = "CHANGE", required_unless_present = "take_back")]
    changes: Vec<Change>,
    /// Take the edits back: what is replayed then is the letter as it came.
    #[arg(long, conflicts_with = "changes")]
    take_back: bool,
    /// The number of the last edit, as `show` gives it; needed when there is one.
    #[arg(long, value_name = "NUMBER")]
    on: Option<u32>,
    /// Why, for the audit.
    #[arg(long, value_parser = reason)]
    reason: String,
    /// Who edits, for the audit [default: $USER, or operator]
    #[arg(long)]
    actor: Option<String>,
    #[command(flatten)]
    pub(super) format: Format,
}

const EDIT_EXAMPLES: &str = "\
Examples:
  dialogpost dead-letters edit 0190f5b2-7c1e-7d3a-9c55-0242ac120002 --set toHerId=8141338 --reason 'the doctor has another HER-id'
  dialogpost dead-letters edit 0190f5b2-7c1e-7d3a-9c55-0242ac120002 --on 1 --set /clinic=8141333 --reason 'wrong clinic'
  dialogpost dead-letters edit 0190f5b2-7c1e-7d3a-9c55-0242ac120002 --on 2 --take-back --reason 'it was right before'

Values of a message can be personal, and others see command lines: set none that is.

Exit codes: 0 edited; 1 no such letter, it is not open, or somebody has edited it; 2 it cannot be edited so.";

/// Discards dead letters: they stay, and are not replayed. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = DISCARD_EXAMPLES)]
pub(super) struct Discard {
    /// Their ids, as `dead-letters list` gives them.
    #[arg(required = true)]
    ids: Vec<Uuid>,
    /// Why, for the audit.
    #[arg(long, value_parser = reason)]
    reason: String,
    /// Who discards, for the audit [default: $USER, or operator]
    #[arg(long)]
    actor: Option<String>,
    #[command(flatten)]
    pub(super) format: Format,
}

const DISCARD_EXAMPLES: &str = "\
Examples:
  dialogpost dead-letters discard 0190f5b2-7c1e-7d3a-9c55-0242ac120002 --reason 'a test message'

Exit codes: 0 all are discarded; 1 some are not open, or there are none of these ids; 2 it could not be done.";

impl Edit {
    pub(super) async fn execute(self) -> Result<Answer, Failure> {
        let mut session = environment::database(&environment::read(&[Need::Database])?).await?;
        let Some(found) = dead_letter::find(&session, self.id).await? else { return Ok(unknown(self.id)) };
        self.edit(&mut session, &found).await
    }

    async fn edit(self, session: &mut Session, found: &Listed) -> Result<Answer, Failure> {
        let deed = Deed::new(self.actor.as_deref(), &self.reason, clock::system());
        let tx = session.begin().await?;
        if !editing::lock_open(&tx, self.id).await? {
            let state = if found.state == State::Open { "being replayed" } else { found.state.as_str() };
            return Ok(no(self.id, "not-open", &format!("It is not open any more: {state}.")));
        }
        let edits = editing::edits_in(&tx, self.id).await?;
        let last = edits.last();
        if last.map(|edit| edit.number) != self.on {
            return Ok(no(self.id, "edited-since", &since(last)));
        }
        let before = last.and_then(|edit| edit.content.clone());
        let content = match (self.take_back, before) {
            (true, None) => return Ok(no(self.id, "not-edited", "It is not edited.")),
            (true, Some(_)) => None,
            (false, before) => {
                let (properties, body) = before.unwrap_or_else(|| (found.letter.properties.clone(), found.letter.body.clone()));
                Some(edit::apply(&properties, &body, &self.changes).map_err(|error| Failure::Usage(error.to_string()))?)
            }
        };
        let edited = Edited {
            number: last.map_or(1, |edit| edit.number.saturating_add(1)),
            at: deed.at,
            actor: deed.actor.clone(),
            reason: deed.reason.clone(),
            fields: self.changes.iter().map(|change| change.field().to_owned()).collect(),
            content,
        };
        editing::add(&tx, self.id, &edited).await?;
        let action = if self.take_back { "dead-letter-edit-taken-back" } else { "dead-letter-edited" };
        let detail = json!({ "edit": edited.number, "fields": edited.fields });
        audit::append(&tx, &[deed.record(action, self.id, found.letter.about.clinic, detail)]).await?;
        tx.commit().await?;
        let text = format!(
            "Edit {} is kept; the letter as it came cannot be replayed while it lives. Next:\n  dialogpost dead-letters plan {}",
            edited.number, self.id
        );
        let json = json!({ "id": self.id, "edit": edited.number, "fields": edited.fields, "taken_back": self.take_back });
        Ok(Answer { text, json, positive: true })
    }
}

fn since(last: Option<&Edited>) -> String {
    match last {
        Some(edit) => format!(
            "Its last edit is {}, by {}: {}. To edit on from there: --on {}",
            edit.number,
            edit.actor,
            if edit.content.is_some() { edit.fields.join(" ") } else { "taken back".to_owned() },
            edit.number
        ),
        None => "It is not edited: leave --on out.".to_owned(),
    }
}

fn no(id: Uuid, code: &str, text: &str) -> Answer {
    let text = format!("Nothing is edited. {text}");
    Answer { json: json!({ "id": id, "refused": code, "text": text }), text, positive: false }
}

impl Discard {
    pub(super) async fn execute(self) -> Result<Answer, Failure> {
        let mut session = environment::database(&environment::read(&[Need::Database])?).await?;
        let deed = Deed::new(self.actor.as_deref(), &self.reason, clock::system());
        let filter = Filter { ids: self.ids.clone(), states: State::ALL.to_vec(), ..Filter::default() };
        let found = dead_letter::list(&session, &filter, 10_000).await?;
        let tx = session.begin().await?;
        let discarded = editing::discard(&tx, &self.ids, deed.at).await?;
        let of = |listed: &&Listed| discarded.contains(&listed.letter.id);
        let record = |listed: &Listed| {
            let detail = json!({ "worker": listed.letter.worker, "code": listed.letter.code });
            deed.record("dead-letter-discarded", listed.letter.id, listed.letter.about.clinic, detail)
        };
        audit::append(&tx, &found.iter().filter(of).map(record).collect::<Vec<_>>()).await?;
        tx.commit().await?;
        let others: Vec<Uuid> = self.ids.iter().copied().filter(|id| !discarded.contains(id)).collect();
        let mut text = format!("{} discarded.", discarded.len());
        for id in &others {
            let state =
                found.iter().find(|listed| listed.letter.id == *id).map_or("there is none", |listed| listed.state.as_str());
            text.push_str(&format!("\nNot discarded: {id} ({state})"));
        }
        let json = json!({ "discarded": discarded, "not_discarded": others });
        Ok(Answer { text, json, positive: others.is_empty() })
    }
}
