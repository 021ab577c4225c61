//! Starting, stopping and killing workers on a fresh database and vhost.

use crate::rows::Rows;
use domain::setup::{Setup, check};
use runtime::clock::Clock;
use runtime::pipeline::Ended;
use runtime::probe::Probe;
use runtime::protection::Protection;
use runtime::traces::Traces;
use runtime::worker::{Context, GLANCE, LEASE, Worker};
use runtime::{Config, clock, health::Health};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use store::setup::ChosenRules;
use store::{Store, StoreConfig};
use testbed::World;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Every worker, in the order a message meets them.
pub const WORKERS: [Worker; 8] = [
    helsenorge_inbound::WORKER,
    recipient_routing::WORKER,
    ekonsultasjon_journaling::WORKER,
    appointment_booking::WORKER,
    helsenorge_outbound::WORKER,
    clinic_commands::WORKER,
    appointment_notifications::WORKER,
    dead_letter_keeper::WORKER,
];

/// So that a test need not wait for what a crash left behind. A machine with much to do may take as long to publish a row: then it is sent twice,
/// under its id.
pub const SHORT_LEASE: Duration = Duration::from_secs(1);

/// The exchange of the stand-in for NHN's broker.
pub const NHN_EXCHANGE: &str = "NHNTESTServiceBus";

/// A world with topology and the example clinics, and workers to start in it.
pub struct Fleet {
    /// Servers, database, vhost.
    pub world: World,
    /// The database for assertions.
    pub rows: Rows,
    /// Messages in one transaction at most.
    pub batch: usize,
    /// Pipelines of one worker.
    pub lanes: usize,
    /// How long the writer of an outbox row may take to publish it before any worker may. Of those that a probe is to kill it is at most
    /// [`SHORT_LEASE`].
    pub lease: Duration,
    /// How often workers look for what is due.
    pub glance: Duration,
    /// The time they go by.
    pub clock: Clock,
    /// Variables of the environment beside those the testbed sets, or in their place.
    pub settings: BTreeMap<&'static str, String>,
}

/// Workers that run.
pub struct Running {
    cancel: CancellationToken,
    workers: JoinSet<Ended>,
    traces: Traces,
    /// Their health.
    pub health: Health,
}

impl Fleet {
    /// On the shared servers of this test process, with the clinic of `tests/fixtures/clinic.json`.
    pub async fn new() -> Self {
        Self::in_world(testbed::world().await).await
    }

    /// On given servers.
    pub async fn in_world(world: World) -> Self {
        let rows = Rows::connect(&world.database_url).await;
        let fleet = Self {
            world,
            rows,
            batch: 64,
            lanes: 1,
            lease: LEASE,
            glance: GLANCE,
            clock: clock::system,
            settings: BTreeMap::new(),
        };
        let url = fleet.world.amqp_url.parse().expect("the testbed's URL is valid");
        broker::topology::apply(&url).await.expect("the topology can be applied");
        fleet.apply(include_str!("../../fixtures/clinic.json")).await;
        fleet
    }

    /// Applies a set-up file and makes its queues on the stand-in.
    pub async fn apply(&self, json: &str) {
        self.apply_setup(serde_json::from_str(json).expect("a set-up file")).await;
    }

    /// As [`Fleet::apply`], of a file that was read.
    pub async fn apply_setup(&self, mut setup: Setup) {
        let series = self.config().test_series;
        assert_eq!(check(&mut setup, &series), []);
        let store = self.store();
        let mut session = store.session().await.expect("a session");
        let tx = session.begin().await.expect("a transaction");
        store::setup::apply(&tx, &setup, ChosenRules::Keep, "test", runtime::clock::system())
            .await
            .expect("the set-up can be applied");
        tx.commit().await.expect("a commit");
        let her_ids = store::clinic::all_her_ids(&session).await.expect("HER-ids");
        let url = self.world.amqp_url.parse().expect("the testbed's URL is valid");
        broker::topology::apply_nhn_standin(&url, NHN_EXCHANGE, &her_ids).await.expect("the stand-in's queues");
    }

    /// The configuration workers get.
    pub fn config(&self) -> Config {
        let (batch, lanes) = (self.batch.to_string(), self.lanes.to_string());
        Config::read(&|name| {
            if let Some(value) = self.settings.get(name) {
                return Some(value.clone());
            }
            Some(match name {
                "DATABASE_URL" => self.world.database_url.clone(),
                "AMQP_URL" => self.world.amqp_url.clone(),
                "NHN_EXCHANGE" => NHN_EXCHANGE.to_owned(),
                "TEST_NUMBER_SERIES" => "80,40".to_owned(),
                "BATCH" => batch.clone(),
                "LANES" => lanes.clone(),
                "PLAIN_CONTENT" => "accept".to_owned(),
                _ => return None,
            })
        })
        .expect("the testbed's configuration is valid")
    }

    /// A pool of its own, of the database's owner.
    pub fn store(&self) -> Store {
        pool(self.world.database_url.clone(), "test", 16)
    }

    /// A pool that may do what a worker may.
    pub fn store_as(&self, worker: &str) -> Store {
        pool(self.url_as(worker), worker, 6)
    }

    /// The database, as a worker reaches it.
    pub fn url_as(&self, worker: &str) -> String {
        let (_, place) = self.world.database_url.split_once('@').expect("a user stands in the URL");
        format!("postgres://{}@{place}", store::roles::name_of(worker))
    }

    /// Starts every worker.
    pub fn start(&self) -> Running {
        self.start_with(&WORKERS, Probe::default())
    }

    /// Starts some workers, with a probe that may kill them. Each works under its own database role.
    pub fn start_with(&self, workers: &[Worker], probe: Probe) -> Running {
        let context = self.context(probe);
        let mut running = JoinSet::new();
        for worker in workers {
            let store = self.store_as(worker.name);
            let protection = Protection::from_config(&context.config, &store).expect("trust anchors can be read");
            running.spawn((worker.start)(Context { store, protection, ..context.clone() }));
        }
        Running { cancel: context.cancel, workers: running, traces: context.traces, health: context.health }
    }

    /// What workers get, also for a part of one that a test drives itself.
    pub fn context(&self, probe: Probe) -> Context {
        let (config, store) = (self.config(), self.store());
        let traces = Traces::from_config(&config, "dialogpost").expect("a collector can be named");
        Context {
            protection: Protection::from_config(&config, &store).expect("trust anchors can be read"),
            config: Arc::new(config),
            store,
            clock: self.clock,
            cancel: CancellationToken::new(),
            health: Health::default(),
            traces,
            lease: if probe.is_armed() { self.lease.min(SHORT_LEASE) } else { self.lease },
            probe,
            glance: self.glance,
        }
    }

    /// Waits until a counting query gives `want`.
    pub async fn until(&self, sql: &str, want: i64) {
        let started = std::time::Instant::now();
        loop {
            let got = self.rows.one::<i64>(sql).await;
            if got == want {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{sql}: {got}, not {want}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until every message that arrived has an end state and nothing waits in the outbox.
    pub async fn settle(&self, received: i64) {
        self.settle_within(received, Duration::from_secs(30)).await;
    }

    /// As [`Fleet::settle`], with a limit of its own.
    pub async fn settle_within(&self, received: i64, limit: Duration) {
        let started = std::time::Instant::now();
        loop {
            let (seen, in_flight) = self.rows.flight().await;
            let waiting = self.rows.count("dialogpost.outbox").await;
            if seen >= received && in_flight == 0 && waiting == 0 {
                return;
            }
            if started.elapsed() > limit {
                let stuck = self.rows.stuck().await;
                let of_queues =
                    ["list_queues", "-p", &self.world.vhost, "name", "messages_ready", "messages_unacknowledged", "consumers"];
                let queues = self.world.rabbit().ctl(&of_queues).await;
                panic!("after {limit:?}: {seen} of {received} received, {waiting} in the outbox, in flight: {stuck:?}\n{queues}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Running {
    /// Asks every worker to stop, and waits.
    pub async fn stop(mut self) {
        self.cancel.cancel();
        while let Some(ended) = self.workers.join_next().await {
            assert_eq!(ended.expect("a worker does not panic"), Ended::Stopped);
        }
        self.traces.end(Duration::from_secs(5)).await;
    }

    /// Kills every worker with all that it has under way, as a process would be killed.
    pub async fn kill(mut self) {
        self.workers.shutdown().await;
    }

    /// As [`Running::crashed`], but some probes kill a task that no worker waits for: then `died` tells.
    pub async fn crashed_or(mut self, died: &std::sync::atomic::AtomicBool) {
        while !died.load(std::sync::atomic::Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.workers.abort_all();
    }

    /// Waits until a probe has killed a worker, then drops the rest as a killed process would.
    pub async fn crashed(mut self) {
        while let Some(ended) = self.workers.join_next().await {
            if ended.expect("a worker does not panic") == Ended::Crashed {
                self.workers.abort_all();
                return;
            }
        }
        panic!("no worker crashed");
    }
}

fn pool(url: String, application: &str, connections: usize) -> Store {
    Store::new(&StoreConfig { url, application: application.to_owned(), connections, authorities: vec![] }).expect("a pool")
}
