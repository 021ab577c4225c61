//! A worker as part of a process: its pipelines, its relay, its queues.

use crate::clock::Clock;
use crate::config::Config;
use crate::handler::Handler;
use crate::health::{Component, Health};
use crate::pipeline::{Ended, Pipeline, sleep_unless};
use crate::probe::Probe;
use crate::protection::Protection;
use crate::relay::Relay;
use crate::traces::Traces;
use broker::{Amqp091, ConsumerState, Edge, IntakeConfig, topology};
use domain::transport::Lane;
use futures_util::future::BoxFuture;
use messages::transport::Wire;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use store::clinic::NhnQueue;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What every part of a worker needs.
#[derive(Clone)]
pub struct Context {
    /// Configuration.
    pub config: Arc<Config>,
    /// Database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Cancelled = stop.
    pub cancel: CancellationToken,
    /// Sealing and opening.
    pub protection: Protection,
    /// Where components report.
    pub health: Health,
    /// Where spans go.
    pub traces: Traces,
    /// Where a test kills it.
    pub probe: Probe,
    /// After so long without a sign from the process that has an outbox row in hand, any worker may send it.
    pub lease: Duration,
    /// How often it is looked for what is due.
    pub glance: Duration,
}

/// [`Context::lease`] outside tests.
pub const LEASE: Duration = Duration::from_secs(5);
/// [`Context::glance`] outside tests.
pub const GLANCE: Duration = Duration::from_secs(1);

/// A worker of the fleet.
#[derive(Clone, Copy)]
pub struct Worker {
    /// Folder, crate, container, queue suffix and span name.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Whether it opens or seals messages, and so needs authorities to trust.
    pub opens_or_seals: bool,
    /// Runs it until its context is cancelled.
    pub start: fn(Context) -> BoxFuture<'static, Ended>,
}

/// Where messages come from.
pub enum Source {
    /// `dialogpost.<worker>` on our broker.
    Own,
    /// `dialogpost.<worker>.sync` on our broker: what somebody waits for.
    OwnSync,
    /// The clinics' queues on NHN's broker.
    Nhn(NhnQueues, Hurry),
}

/// Whether the senders of a queue's messages wait. Read apart, so that a backlog of the others never delays them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hurry {
    /// Sync and syncreply queues.
    Yes,
    /// Async and error queues.
    No,
}

/// Runs a handler on its sources, publishing to `wires`.
pub async fn run<H: Handler>(context: Context, handler: H, sources: Vec<Source>, wires: &[Wire]) -> Ended {
    let handler = Arc::new(handler);
    let config = Arc::clone(&context.config);
    let sender = |wire: &Wire| (*wire, edge(&config, *wire).sender(format!("{}/publish/{}", H::WORKER, wire.as_str())));
    let relay = Relay::start(H::WORKER, context.clone(), wires.iter().map(sender).collect());
    let mut pipelines = JoinSet::new();
    for source in sources {
        let only = |queue: String| watch::channel(vec![queue]).1;
        let (wire, queues, suffix) = match source {
            Source::Own => (Wire::Dialogpost, only(topology::queue_of(H::WORKER)), ""),
            Source::OwnSync => (Wire::Dialogpost, only(topology::sync_queue_of(H::WORKER)), "/sync"),
            Source::Nhn(queues, Hurry::No) => (Wire::Nhn, queues.names(Hurry::No), "/nhn"),
            Source::Nhn(queues, Hurry::Yes) => (Wire::Nhn, queues.names(Hurry::Yes), "/nhn-sync"),
        };
        let edge = edge(&config, wire);
        for lane in 0..config.lanes {
            let name = format!("{}{suffix}/{lane}", H::WORKER);
            let intake = edge.intake(intake_config::<H>(&context, name.clone()), queues.clone(), context.cancel.clone());
            watch_intake(&context, intake.state(), context.health.component(format!("{name} queue")));
            let health = context.health.component(name);
            health.ok();
            pipelines.spawn(Pipeline::new(Arc::clone(&handler), context.clone(), relay.relay(), health).run(intake));
        }
    }
    while let Some(ended) = pipelines.join_next().await {
        if !matches!(ended, Ok(Ended::Stopped)) {
            relay.crash();
            return Ended::Crashed;
        }
    }
    relay.stop(Duration::from_secs(8)).await;
    Ended::Stopped
}

/// The one place that says which client speaks to which broker.
fn edge(config: &Config, wire: Wire) -> Arc<dyn Edge> {
    match wire {
        Wire::Dialogpost => Arc::new(Amqp091(config.amqp_url.clone())),
        Wire::Nhn => Arc::new(Amqp091(config.nhn_amqp_url.clone())),
    }
}

fn intake_config<H: Handler>(context: &Context, name: String) -> IntakeConfig {
    let batch = context.config.batch.min(H::LARGEST_BATCH);
    IntakeConfig { name, prefetch: u16::try_from(batch * 3).unwrap_or(u16::MAX), batch, now: context.clock }
}

/// Shows an intake's state in `/readyz`.
fn watch_intake(context: &Context, mut state: watch::Receiver<ConsumerState>, health: Component) {
    let cancel = context.cancel.clone();
    tokio::spawn(async move {
        loop {
            match problem(&state.borrow_and_update()) {
                None => health.ok(),
                Some(problem) => health.failing(problem),
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                changed = state.changed() => if changed.is_err() { return },
            }
        }
    });
}

fn problem(state: &ConsumerState) -> Option<String> {
    match (state.is_ready(), state.missing.is_empty()) {
        (true, _) => None,
        (false, true) => Some("not connected".to_owned()),
        (false, false) => Some(format!(
            "missing on the broker, see `dialogpost topology apply`: {}",
            state.missing.iter().cloned().collect::<Vec<_>>().join(", ")
        )),
    }
}

/// The clinics' queues on NHN's broker, read again every few seconds: an applied clinic is served without a restart. Cheap to clone.
#[derive(Clone)]
pub struct NhnQueues {
    names: watch::Receiver<Vec<String>>,
    in_hurry: watch::Receiver<Vec<String>>,
    /// None until they were read for the first time.
    lanes: watch::Receiver<Option<HashMap<String, Lane>>>,
}

/// A queue that is read in two ways is read as the first: dialogs go before everything, for they must not be filed as something else.
fn by_name(queues: Vec<NhnQueue>) -> HashMap<String, Lane> {
    let mut found: HashMap<String, Lane> = HashMap::new();
    for queue in queues {
        let lane = *found.entry(queue.name.clone()).and_modify(|lane| *lane = (*lane).min(queue.lane)).or_insert(queue.lane);
        if lane != queue.lane {
            tracing::error!(queue = queue.name, ?lane, other = ?queue.lane, "clinics read this queue in two ways: correct the set-up");
        }
    }
    found
}

fn sorted(queues: &HashMap<String, Lane>, wanted: impl Fn(Lane) -> bool) -> Vec<String> {
    let mut names: Vec<_> = queues.iter().filter(|(_, lane)| wanted(**lane)).map(|(name, _)| name.clone()).collect();
    names.sort();
    names
}

const REREAD: Duration = Duration::from_secs(5);

impl NhnQueues {
    /// Reads the queues and keeps reading them.
    pub fn start(context: &Context) -> Self {
        let (names_to, names) = watch::channel(Vec::new());
        let (in_hurry_to, in_hurry) = watch::channel(Vec::new());
        let (lanes_to, lanes) = watch::channel(None);
        let context = context.clone();
        tokio::spawn(async move {
            let health = context.health.component("clinics' queues");
            loop {
                match async { store::clinic::nhn_queues(&context.store.session().await?).await }.await {
                    Ok(queues) => {
                        health.ok();
                        let found = by_name(queues);
                        let of =
                            |hurry| sorted(&found, |lane| matches!(lane, Lane::Sync | Lane::SyncReply) == (hurry == Hurry::Yes));
                        let (names, in_hurry) = (of(Hurry::No), of(Hurry::Yes));
                        lanes_to.send_replace(Some(found));
                        names_to.send_if_modified(|old| std::mem::replace(old, names.clone()) != names);
                        in_hurry_to.send_if_modified(|old| std::mem::replace(old, in_hurry.clone()) != in_hurry);
                    }
                    Err(error) => health.failing(error.to_string()),
                }
                if !sleep_unless(&context.cancel, REREAD).await {
                    return;
                }
            }
        });
        Self { names, in_hurry, lanes }
    }

    /// Waits until the queues were read once: before that nobody knows what arrives on which. `false` = asked to stop.
    pub async fn ready(&self, cancel: &CancellationToken) -> bool {
        let mut lanes = self.lanes.clone();
        let read = async { lanes.wait_for(Option::is_some).await.is_ok() };
        cancel.run_until_cancelled(read).await.unwrap_or(false)
    }

    /// Queue names, sorted.
    pub fn names(&self, hurry: Hurry) -> watch::Receiver<Vec<String>> {
        match hurry {
            Hurry::Yes => self.in_hurry.clone(),
            Hurry::No => self.names.clone(),
        }
    }

    /// What arrives on a queue; an unknown one counts as async.
    pub fn lane(&self, queue: &str) -> Lane {
        self.lanes.borrow().as_ref().and_then(|lanes| lanes.get(queue).copied()).unwrap_or(Lane::Async)
    }
}
