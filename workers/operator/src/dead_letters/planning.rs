//! `plan` and `replays`.

use super::selecting::Selection;
use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid, or_dash, time};
use crate::run::WORKERS;
use clap::Args;
use domain::dead_letter::State;
use domain::dead_letter::replay::{Block, Facts, would};
use runtime::clock;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use store::dead_letter::happened::{self, Happened};
use store::dead_letter::replay;
use store::dead_letter::{self, Filter, Listed};
use uuid::Uuid;

/// Looks what replaying dead letters would do, and changes nothing. Needs DATABASE_URL.
///
/// Of each it tells what has happened already, what would happen, or why it is not to be replayed. The plan is kept under an id, by which
/// `replay` carries it out: these letters, the oldest first, each as it is edited now.
#[derive(Debug, Args)]
#[command(after_help = PLAN_EXAMPLES)]
pub(super) struct Plan {
    /// These letters; else all open ones that the options choose.
    ids: Vec<Uuid>,
    #[command(flatten)]
    selection: Selection,
    /// How many at most.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    limit: i64,
    /// Who plans, for the record [default: $USER, or operator]
    #[arg(long)]
    actor: Option<String>,
    #[command(flatten)]
    pub(super) format: Format,
}

const PLAN_EXAMPLES: &str = "\
Examples:
  dialogpost dead-letters plan --cause 3f9a01c2
  dialogpost dead-letters plan --clinic 8141333 --newer 1d --json
  dialogpost dead-letters plan 0190f5b2-7c1e-7d3a-9c55-0242ac120002

Exit codes: 0 planned; 1 there is nothing to replay; 2 it could not be asked.";

/// Lists plans and replays, newest first. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = REPLAYS_EXAMPLES)]
pub(super) struct Replays {
    /// How many at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
    limit: i64,
    #[command(flatten)]
    pub(super) format: Format,
}

const REPLAYS_EXAMPLES: &str = "\
Examples:
  dialogpost dead-letters replays
  dialogpost dead-letters replays --limit 1 --json

Exit codes: 0 listed, or there are none; 2 it could not be asked.";

/// A letter as it was planned.
struct Planned {
    listed: Listed,
    happened: Vec<String>,
    would: Result<&'static str, Block>,
}

impl Plan {
    pub(super) async fn execute(self) -> Result<Answer, Failure> {
        let mut session = environment::database(&environment::read(&[Need::Database])?).await?;
        let now = clock::system();
        // Whoever names a letter is told why it is not replayed; whoever chooses by options means those that can be.
        let states = if self.ids.is_empty() { vec![State::Open] } else { State::ALL.to_vec() };
        let named = self.ids.clone();
        let filter = Filter { is_oldest_first: true, ..self.selection.filter(self.ids, states, now) };
        let mut letters = dead_letter::list(&session, &filter, self.limit.saturating_add(1)).await?;
        let is_more = letters.len() as i64 > self.limit;
        letters.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        let unknown: Vec<Uuid> = named.into_iter().filter(|id| !letters.iter().any(|l| l.letter.id == *id)).collect();
        let ids: Vec<Uuid> = letters.iter().map(|l| l.letter.id).collect();
        let planned = planned(letters, happened::look(&session, &ids).await?);
        let id = Uuid::now_v7();
        let to_replay: Vec<Listed> = planned.iter().filter(|p| p.would.is_ok()).map(|p| p.listed.clone()).collect();
        if !to_replay.is_empty() {
            let tx = session.begin().await?;
            replay::plan(&tx, id, &environment::actor(self.actor.as_deref()), &to_replay, now).await?;
            tx.commit().await?;
        }
        let mut answer = answer(id, &planned, to_replay.len());
        if is_more {
            answer.text.push_str("\nThere are more: the newest are left out. Plan again afterwards, or with a higher --limit.");
        }
        for id in &unknown {
            answer.text.push_str(&format!("\nNo dead letter has the id {id}, or it does not fit the options."));
        }
        if let Value::Object(json) = &mut answer.json {
            json.extend([("more".to_owned(), json!(is_more)), ("unknown".to_owned(), json!(unknown))]);
        }
        Ok(answer)
    }
}

/// The oldest first: whether one may go can depend on those before it.
fn planned(letters: Vec<Listed>, mut happened: HashMap<Uuid, Happened>) -> Vec<Planned> {
    let mut before = HashSet::new();
    let mut all = Vec::with_capacity(letters.len());
    for listed in letters {
        let letter = &listed.letter;
        let had = happened.remove(&letter.id).unwrap_or_default();
        let facts = Facts {
            state: listed.state,
            worker: letter.worker.clone(),
            is_worker_known: WORKERS.iter().any(|worker| worker.name == letter.worker),
            is_unsent: had.is_unsent,
            is_destination_known: letter.unsent.is_some(),
            is_claim_known: !had.is_claim_unknown,
            is_caller_told: had.is_caller_told,
            is_user_lost: had.is_user_lost,
            is_reminder: had.is_reminder,
            waits_for: had.earlier.filter(|earlier| !before.contains(earlier)),
        };
        let would = would(&facts);
        if would.is_ok() {
            before.insert(letter.id);
        }
        all.push(Planned { happened: told(&had), would, listed });
    }
    all
}

/// What has happened already, in words.
fn told(had: &Happened) -> Vec<String> {
    let counted = |n: i64, what: &str| (n > 0).then(|| format!("{n} {what}"));
    let ledger = had.ledger.as_ref().map(|outcome| format!("in the ledger as {outcome}"));
    let facts = [
        ledger,
        counted(had.inboxes, "in inboxes"),
        had.is_journaled.then(|| "journaled".to_owned()),
        had.is_answered.then(|| "answered".to_owned()),
        had.is_decided.then(|| "booking decided".to_owned()),
        counted(had.notices, "notices"),
        had.is_caller_told.then(|| "caller told".to_owned()),
    ];
    facts.into_iter().flatten().collect()
}

fn answer(id: Uuid, planned: &[Planned], to_replay: usize) -> Answer {
    let mut grid = Grid::new(["letter", "clinic", "kind", "worker", "has happened", "replayed, it"]);
    let mut items = Vec::new();
    for Planned { listed: Listed { letter: l, edit, .. }, happened, would } in planned {
        let had = if happened.is_empty() { "nothing".to_owned() } else { happened.join(", ") };
        let says = match would {
            Ok(effect) if edit.is_some() => format!("{effect}, as edited"),
            Ok(effect) => (*effect).to_owned(),
            Err(block) => format!("is NOT replayed: {}", block.text()),
        };
        grid.row([l.id.to_string(), or_dash(l.about.clinic), or_dash(l.about.kind.as_deref()), l.worker.clone(), had, says]);
        let blocked = would.as_ref().err().map(|block| json!({ "code": block.code(), "text": block.text() }));
        items.push(json!({
            "letter": l.id, "clinic": l.about.clinic, "kind": l.about.kind, "worker": l.worker, "edit": edit, "happened": happened,
            "would": would.as_ref().ok(), "blocked": blocked,
        }));
    }
    let blocked = planned.len() - to_replay;
    let json = json!({
        "plan": (to_replay > 0).then_some(id), "to_replay": to_replay, "blocked": blocked, "letters": items,
    });
    if planned.is_empty() {
        let text = "No such dead letters.\nSee dialogpost dead-letters list.".to_owned();
        return Answer { text, json, positive: false };
    }
    let next = match to_replay {
        0 => format!("Nothing to replay; {blocked} blocked."),
        n => format!(
            "{n} to replay, {blocked} blocked. Nothing is changed yet. To replay them:\n  dialogpost dead-letters replay {id} --reason '…'"
        ),
    };
    Answer { text: format!("{grid}{next}"), json, positive: to_replay > 0 }
}

impl Replays {
    pub(super) async fn execute(self) -> Result<Answer, Failure> {
        let session = environment::database(&environment::read(&[Need::Database])?).await?;
        let replays = replay::list(&session, self.limit).await?;
        let mut grid = Grid::new(["plan", "planned (Norwegian time)", "by", "state", "begun by", "reason"]);
        let mut all: Vec<Value> = Vec::new();
        let now = clock::system();
        for r in &replays {
            let state = match (&r.ended, r.started_at, r.lease_end) {
                (Some(why), _, _) => why.as_str(),
                (None, None, _) => "planned",
                (None, Some(_), Some(end)) if end > now => "runs",
                (None, Some(_), _) => "broken off",
            };
            let by = or_dash(r.started_by.as_deref());
            grid.row([
                r.id.to_string(),
                time(r.planned_at),
                r.planned_by.clone(),
                state.to_owned(),
                by,
                or_dash(r.reason.as_deref()),
            ]);
            all.push(json!({
                "plan": r.id, "planned_at": r.planned_at, "planned_by": r.planned_by, "state": state, "started_at": r.started_at,
                "started_by": r.started_by, "reason": r.reason,
            }));
        }
        let text = if replays.is_empty() { "No plans.".to_owned() } else { grid.to_string() };
        Ok(Answer { text, json: json!({ "replays": all }), positive: true })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::dead_letters::showing::tests::letter;

    fn listed(n: u128) -> Listed {
        let mut listed = letter();
        listed.letter.id = Uuid::from_u128(n);
        listed
    }

    #[test]
    fn one_that_waits_for_another_goes_after_it() {
        let after = |earlier: u128| Happened { earlier: Some(Uuid::from_u128(earlier)), ..Happened::default() };
        let happened = || [(Uuid::from_u128(2), after(1)), (Uuid::from_u128(3), after(2))].into();
        let of = |letters: Vec<Listed>| planned(letters, happened()).iter().map(|p| p.would.is_ok()).collect::<Vec<_>>();
        assert_eq!(of(vec![listed(1), listed(2), listed(3)]), [true, true, true]);
        assert_eq!(of(vec![listed(2), listed(3)]), [false, false], "nor what waits for one that is blocked");
        let plan = planned(vec![listed(2)], happened());
        let answer = answer(Uuid::nil(), &plan, 0);
        assert!(!answer.positive && answer.text.contains(&Uuid::from_u128(1).to_string()), "{}", answer.text);
        assert_eq!(answer.json.pointer("/letters/0/blocked/code").unwrap(), "waits-for-earlier");
    }

    #[test]
    fn what_has_happened_is_told() {
        let had = Happened { ledger: Some("accepted".into()), inboxes: 2, is_journaled: true, ..Happened::default() };
        assert_eq!(told(&had), ["in the ledger as accepted", "2 in inboxes", "journaled"]);
    }
}
