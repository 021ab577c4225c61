//! `replay`.

use super::{Deed, reason};
use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid, problem};
use clap::Args;
use domain::dead_letter::pace::{AFTER_A_FAILURE, Brake, Next, Pace, Standing, next};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use runtime::{clock, topology};
use serde_json::json;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};
use store::dead_letter::replay::{self, Planned, Released, Runner};
use store::{Session, StoreError, audit};
use uuid::Uuid;

/// Carries out a plan, paced, until all is done. Needs DATABASE_URL, and that the workers run.
///
/// Of one dialog one letter at a time; what comes after one that died again is passed over. It stops when too many die again, when somebody
/// asks it to, and by Ctrl-C; the same command goes on where it stopped, also after a crash. Two who start it at the same time get one replay:
/// the second is told who has it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Replay {
    /// The plan, as `dead-letters plan` gives it.
    plan: Uuid,
    /// Why, for the audit; needed to begin.
    #[arg(long, value_parser = reason)]
    reason: Option<String>,
    /// Letters a second.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Letters a second of one clinic [default: as --rate]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    per_clinic: Option<u32>,
    /// Stop when more than so many of a hundred that have ended died again; 100 never stops.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=100))]
    brake: u32,
    /// Release no more while so many are under way: what dies late brakes late.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    at_once: u32,
    /// Wait so many seconds at most for what was released last.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    wait: u64,
    /// Only show how far it is.
    #[arg(long, conflicts_with_all = ["reason", "stop"])]
    watch: bool,
    /// Ask whoever replays it to stop.
    #[arg(long, conflicts_with = "reason")]
    stop: bool,
    /// Who replays, for the audit [default: $USER, or operator]
    #[arg(long)]
    actor: Option<String>,
    #[command(flatten)]
    pub(super) format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost dead-letters replay 0190f5b2-7c1e-7d3a-9c55-0242ac120002 --reason 'the clinic has employees again'
  dialogpost dead-letters replay 0190f5b2-7c1e-7d3a-9c55-0242ac120002 --reason 'mended' --rate 100 --per-clinic 5 --brake 5
  dialogpost dead-letters replay 0190f5b2-7c1e-7d3a-9c55-0242ac120002 --watch
  dialogpost dead-letters replay 0190f5b2-7c1e-7d3a-9c55-0242ac120002 --stop

Exit codes: 0 all that was planned has happened; 1 something died again, was passed over, is still under way or was not begun; 2 it could not be
done.";

/// So often it is looked what has come of what was released.
const TICK: Duration = Duration::from_millis(200);
/// Whoever replays has the plan so long after its last look: a crash is found out by then.
const LEASE: SignedDuration = SignedDuration::from_secs(15);
/// Released in one transaction at most.
const MOST: usize = 200;

impl Replay {
    pub(super) async fn execute(self) -> Result<Answer, Failure> {
        let mut session = environment::database(&environment::read(&[Need::Database])?).await?;
        let Some(plan) = replay::find(&session, self.plan).await? else {
            let text = format!("No plan has the id {}.\nMake one: dialogpost dead-letters plan", self.plan);
            return Ok(Answer { text, json: json!({ "plan": self.plan, "found": false }), positive: false });
        };
        if self.stop {
            return self.ask_to_stop(&mut session).await;
        }
        if self.watch {
            return self.watch(&session).await;
        }
        if plan.reason.is_none() && self.reason.is_none() {
            return Err(Failure::Usage("Say why it is replayed, for the audit: --reason '…'".to_owned()));
        }
        let reason = self.reason.clone().or(plan.reason).unwrap_or_default();
        self.run(&mut session, Deed::new(self.actor.as_deref(), &reason, clock::system())).await
    }

    async fn ask_to_stop(&self, session: &mut Session) -> Result<Answer, Failure> {
        let tx = session.begin().await?;
        let asked = replay::ask_to_stop(&tx, self.plan, &environment::actor(self.actor.as_deref()), clock::system()).await?;
        tx.commit().await?;
        let text = if asked { "It stops within a second." } else { "Nobody replays it now." };
        Ok(Answer { text: text.to_owned(), json: json!({ "plan": self.plan, "asked": asked }), positive: asked })
    }

    /// Until nobody replays it any more.
    async fn watch(&self, session: &Session) -> Result<Answer, Failure> {
        let mut progress = Progress::new();
        loop {
            let items = replay::items(session, self.plan).await?;
            progress.show(&items);
            let plan = replay::find(session, self.plan).await?;
            let runs = plan.as_ref().and_then(|plan| plan.lease_end).is_some_and(|end| end > clock::system());
            if !runs {
                progress.finish();
                return Ok(told(self.plan, &items, plan.and_then(|plan| plan.ended).as_deref()));
            }
            tokio::time::sleep(TICK * 3).await;
        }
    }

    async fn run(&self, session: &mut Session, deed: Deed) -> Result<Answer, Failure> {
        let runner = Runner { id: Uuid::now_v7(), actor: deed.actor.clone(), reason: Some(deed.reason.clone()) };
        let pace = Pace { per_second: self.rate, per_clinic: self.per_clinic.unwrap_or(self.rate) };
        let mut run = Run { plan: self.plan, runner, deed, released: HashMap::new(), last_release: Instant::now() };
        let (mut began, mut progress) = (Instant::now(), Progress::new());
        let mut interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
            .map_err(|error| Failure::Usage(format!("Ctrl-C cannot be heard: {error}")))?;
        // What died in an earlier run says nothing of this one.
        let before = replay::items(session, self.plan).await?;
        loop {
            let looked = Instant::now();
            if !run.take(session).await? {
                progress.finish();
                return self.held_by(session).await;
            }
            let items = replay::items(session, self.plan).await?;
            progress.show(&items);
            let (to_come, under_way) = (count(&items, Standing::ToCome), count(&items, Standing::UnderWay));
            let since = |standing| count(&items, standing).saturating_sub(count(&before, standing));
            let brakes = (Brake { percent: self.brake }).pulls(since(Standing::Done), since(Standing::Died)) && to_come > 0;
            let waited = run.last_release.elapsed() > Duration::from_secs(self.wait);
            let why = match () {
                () if to_come + under_way == 0 => Some("done"),
                () if brakes => Some("brake"),
                () if run.is_asked_to_stop(session).await? || waited => Some("stopped"),
                () => None,
            };
            if let Some(why) = why {
                progress.finish();
                run.end(session, why).await?;
                return Ok(told(self.plan, &replay::items(session, self.plan).await?, Some(why)));
            }
            let standing: Vec<_> = items.iter().map(|planned| planned.item.clone()).collect();
            began += pace.lost(began.elapsed(), run.released.values().sum());
            let most = MOST.min(u64::from(self.at_once).saturating_sub(under_way) as usize);
            run.go_on(session, &next(&standing, pace, began.elapsed(), &run.released, most), &items).await?;
            tokio::select! {
                // To look at a long plan takes a while: then it is looked at less often.
                () = tokio::time::sleep(TICK.max(looked.elapsed())) => {}
                _ = interrupts.recv() => {
                    progress.finish();
                    run.end(session, "stopped").await?;
                    return Ok(told(self.plan, &replay::items(session, self.plan).await?, Some("stopped")));
                }
            }
        }
    }

    async fn held_by(&self, session: &Session) -> Result<Answer, Failure> {
        let plan = replay::find(session, self.plan).await?;
        let by = plan.and_then(|plan| plan.started_by).unwrap_or_else(|| "somebody".to_owned());
        let text = format!("{by} replays it now. To see how far it is:\n  dialogpost dead-letters replay {} --watch", self.plan);
        Ok(Answer { text, json: json!({ "plan": self.plan, "held_by": by }), positive: false })
    }
}

/// A run of a plan.
struct Run {
    plan: Uuid,
    runner: Runner,
    deed: Deed,
    /// By clinic, in this run.
    released: HashMap<Option<i64>, u64>,
    last_release: Instant,
}

impl Run {
    /// Takes the plan, or goes on having it.
    async fn take(&self, session: &mut Session) -> Result<bool, StoreError> {
        let now = clock::system();
        let tx = session.begin().await?;
        let had = replay::take(&tx, self.plan, &self.runner, now, now.checked_add(LEASE).unwrap_or(Timestamp::MAX)).await?;
        tx.commit().await?;
        Ok(had.is_some())
    }

    async fn is_asked_to_stop(&self, session: &Session) -> Result<bool, StoreError> {
        Ok(replay::find(session, self.plan).await?.is_some_and(|plan| plan.stop_asked_by.is_some()))
    }

    async fn end(&self, session: &mut Session, why: &str) -> Result<(), StoreError> {
        let tx = session.begin().await?;
        replay::end(&tx, self.plan, self.runner.id, why, clock::system()).await?;
        tx.commit().await
    }

    /// Releases what may go now, with an audit row each, in one transaction.
    async fn go_on(&mut self, session: &mut Session, next: &Next, items: &[Planned]) -> Result<(), StoreError> {
        if next.release.is_empty() && next.pass_over.is_empty() {
            return Ok(());
        }
        let now = clock::system();
        let tx = session.begin().await?;
        // Whoever has lost the plan meanwhile releases nothing.
        let lease_end = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        if replay::take(&tx, self.plan, &self.runner, now, lease_end).await?.is_none() {
            return Ok(());
        }
        replay::pass_over(&tx, self.plan, &next.pass_over, AFTER_A_FAILURE).await?;
        let released = replay::release(&tx, self.plan, &next.release, topology::queue_of, now).await?;
        let deed = Deed { at: now, ..self.deed.clone() };
        let record = |r: &Released| deed.record("dead-letter-replayed", r.letter, r.clinic, json!({ "plan": self.plan }));
        audit::append(&tx, &released.iter().map(record).collect::<Vec<_>>()).await?;
        tx.commit().await?;
        for planned in items.iter().filter(|planned| next.release.contains(&planned.item.number)) {
            *self.released.entry(planned.item.clinic).or_default() += 1;
        }
        self.last_release = Instant::now();
        Ok(())
    }
}

fn count(items: &[Planned], standing: Standing) -> u64 {
    items.iter().filter(|planned| planned.item.standing == standing).count() as u64
}

/// How many of a plan's letters stand where.
fn counts(items: &[Planned]) -> [(&'static str, u64); 5] {
    [
        ("done", count(items, Standing::Done)),
        ("died_again", count(items, Standing::Died)),
        ("passed_over", count(items, Standing::PassedOver)),
        ("under_way", count(items, Standing::UnderWay)),
        ("to_come", count(items, Standing::ToCome)),
    ]
}

fn told(plan: Uuid, items: &[Planned], ended: Option<&str>) -> Answer {
    let counts = counts(items);
    let mut grid = Grid::new(["replay", &plan.to_string()]);
    for (name, n) in counts {
        grid.row([name.replace('_', " "), n.to_string()]);
    }
    let again = format!("To go on: dialogpost dead-letters replay {plan}");
    let says = match ended {
        Some("done") => "All that was released has ended.".to_owned(),
        Some("brake") => {
            format!("STOPPED by itself: too many died again. See dialogpost dead-letters list --state died_again\n{again}")
        }
        Some(_) => format!("Stopped. {again}"),
        None => "Nobody replays it now.".to_owned(),
    };
    let passed_over: Vec<_> =
        items.iter().filter_map(|p| Some(json!({ "letter": p.letter, "why": p.passed_over.as_ref()? }))).collect();
    let positive = counts.iter().all(|(name, n)| *name == "done" || *n == 0) && !items.is_empty();
    let json = json!({
        "plan": plan, "ended": ended, "counts": counts.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect::<HashMap<_, _>>(),
        "passed_over": passed_over,
    });
    Answer { text: format!("{grid}{says}"), json, positive }
}

/// How far it is: a bar on a terminal, else a line now and then.
struct Progress {
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Progress {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(0));
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len}, {msg}, {elapsed}");
        Self { bar: bar.map(|bar| bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))), told: Instant::now() }
    }

    fn show(&mut self, items: &[Planned]) {
        let [(_, done), (_, died), (_, passed_over), (_, under_way), _] = counts(items);
        let says = format!("{died} died again, {under_way} under way");
        match &self.bar {
            Some(bar) => {
                bar.set_length(items.len() as u64);
                bar.set_position(done + died + passed_over);
                bar.set_message(says);
            }
            None if self.told.elapsed() > Duration::from_secs(2) => {
                self.told = Instant::now();
                problem(&format!("{} of {}, {says} …", done + died + passed_over, items.len()));
            }
            None => {}
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
