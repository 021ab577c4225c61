//! Breaks one thing after the other, and measures from when it is mended until everything that was sent before is receipted, in its inbox and
//! journaled, and a fresh message, too.

use crate::crew::Crew;
use crate::logs;
use crate::plan::{Fault, ON_THE_WAY, POINTS, Trouble};
use crate::traffic::Traffic;
use chaos::{State, Wire};
use e2e::{Fleet, NHN_EXCHANGE, Rows};
use helsenorge::example::{HELSENORGE, async_queue};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testbed::Ran;
use tokio::process::Command;
use tokio::time::sleep;

/// Past this there is no hope that it recovers, and the run ends.
const HOPELESS: Duration = Duration::from_secs(120);
/// How long a cut, a delay or an alarm lasts.
const LASTS: Duration = Duration::from_secs(2);
/// Each way, while a server is far away.
const FAR: Duration = Duration::from_millis(80);

/// Where it happens.
pub(crate) struct Field {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) crew: Crew,
    pub(crate) traffic: Traffic,
    pub(crate) broker: Wire,
    pub(crate) database: Wire,
    /// The operator's program.
    pub(crate) dialogpost: PathBuf,
    /// How long a recovery may take: of what takes longer it is told what workers said.
    pub(crate) limit: Duration,
}

/// By what broke, how long each recovery took.
pub(crate) type Recoveries = BTreeMap<&'static str, Vec<Duration>>;

impl Field {
    /// Breaks everything that is planned.
    ///
    /// # Errors
    /// What did not recover.
    pub(crate) async fn strike(
        &self,
        plan: &[Fault],
        seed: u64,
        tell: impl Fn(usize, Fault, Option<Duration>),
    ) -> Result<Recoveries, String> {
        let mut random = StdRng::seed_from_u64(seed ^ 0x5eed);
        let mut recoveries = Recoveries::new();
        for (place, fault) in plan.iter().enumerate() {
            sleep(Duration::from_millis(random.random_range(50..400))).await;
            tell(place, *fault, None);
            let begun = runtime::clock::system().to_string();
            let mended = self.carry_out(*fault, &mut random).await?;
            self.recovered(mended).await.map_err(|waits| format!("{}: {waits} after {HOPELESS:?}", fault.name()))?;
            recoveries.entry(fault.name()).or_default().push(mended.elapsed());
            tell(place, *fault, Some(mended.elapsed()));
            if mended.elapsed() > self.limit {
                eprintln!("workers have said since {begun}:\n{}", logs::since(&self.fleet, &begun).join("\n"));
            }
        }
        Ok(recoveries)
    }

    async fn recovered(&self, mended: Instant) -> Result<(), String> {
        let before = self.traffic.said().outstanding();
        let all = async {
            let mut ids = vec![self.traffic.probe().await];
            while before.iter().any(|id| !self.traffic.said().receipts.contains_key(id)) {
                sleep(Duration::from_millis(20)).await;
            }
            ids.extend(before);
            self.arrived(&ids).await;
        };
        let left = HOPELESS.saturating_sub(mended.elapsed());
        let waits = |_| format!("{} messages wait", self.traffic.said().outstanding().len());
        tokio::time::timeout(left, all).await.map_err(waits)
    }

    /// Every one that was accepted is in its inbox, and in the journal.
    async fn arrived(&self, ids: &[String]) {
        let rows = Rows::connect(&self.fleet.world.database_url).await;
        let in_flight = "select count(*) from dialogpost.message m join dialogpost.message_state s using (id)
            where m.msg_id = any($1) and s.state = 'in_flight'";
        while rows.query(in_flight, &[&ids]).await[0].get::<_, i64>(0) > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// When it was mended.
    async fn carry_out(&self, fault: Fault, random: &mut StdRng) -> Result<Instant, String> {
        match fault {
            Fault::Kill(worker) => {
                let now = Instant::now();
                self.crew.kill(worker).await;
                return Ok(now);
            }
            Fault::Point(worker, point) => {
                if !self.crew.kill_at(worker, point, HOPELESS).await {
                    return Err(format!("{worker} did not die {point}"));
                }
            }
            Fault::Replay => self.replay().await?,
            Fault::Server(trouble) => {
                let beside = random.random_bool(0.5).then(|| ON_THE_WAY[random.random_range(0..ON_THE_WAY.len())]);
                let kill = async {
                    if let Some(worker) = beside {
                        sleep(Duration::from_millis(300)).await;
                        self.crew.kill(worker).await;
                    }
                };
                tokio::join!(self.trouble(trouble), kill);
            }
        }
        Ok(Instant::now())
    }

    async fn trouble(&self, trouble: Trouble) {
        let (postgres, rabbit) = (self.fleet.world.postgres(), self.fleet.world.rabbit());
        match trouble {
            Trouble::BrokerRestart => rabbit.stop().await,
            Trouble::BrokerCrash => rabbit.kill().await,
            Trouble::DatabaseFast => postgres.stop().await,
            Trouble::DatabaseImmediate => postgres.kill().await,
            Trouble::DatabaseCrash => postgres.crash().await,
            Trouble::BrokerCut => lasts(&self.broker, State::Cut).await,
            Trouble::DatabaseCut => lasts(&self.database, State::Cut).await,
            Trouble::BrokerSlow => lasts(&self.broker, State::Slow(FAR)).await,
            Trouble::DatabaseSlow => lasts(&self.database, State::Slow(FAR)).await,
            Trouble::BrokerHangsUp => rabbit.close_all_connections().await,
            Trouble::DatabaseThrowsOut => {
                for _ in 0..5 {
                    postgres.terminate_backends().await;
                    sleep(Duration::from_millis(300)).await;
                }
            }
            Trouble::MemoryAlarm => {
                rabbit.ctl(&["set_vm_memory_high_watermark", "0.0001"]).await;
                sleep(LASTS).await;
                rabbit.ctl(&["set_vm_memory_high_watermark", "0.8"]).await;
            }
        }
        // Those that run already are not started again.
        tokio::join!(postgres.start(), rabbit.start());
    }

    /// NHN has no queue for receipts for a while; then all is replayed, while workers die, and so does the replay.
    async fn replay(&self) -> Result<(), String> {
        let queue = async_queue(HELSENORGE);
        self.bound(&queue, false).await;
        sleep(LASTS).await;
        self.bound(&queue, true).await;
        let planned = self.letters(&["plan", "--cause", "nhn-unroutable", "--json"]).await;
        let plan = planned.json()["plan"].as_str().map(str::to_owned).ok_or("no plan was made")?;
        let replay = ["replay", &plan, "--reason", "the queue is back", "--rate", "50", "--json"];
        let mut first = self.command(&replay).stdout(std::process::Stdio::null()).spawn().map_err(|e| e.to_string())?;
        sleep(Duration::from_millis(700)).await;
        first.kill().await.map_err(|e| e.to_string())?;
        // The one that was killed holds it until nothing has been heard of him for a while.
        let second = async {
            loop {
                let ran = self.letters(&replay).await;
                if ran.json()["held_by"].is_null() {
                    return ran;
                }
                sleep(Duration::from_secs(1)).await;
            }
        };
        let kills = async {
            for worker in ON_THE_WAY {
                sleep(Duration::from_millis(300)).await;
                self.crew.kill(worker).await;
            }
        };
        let (ran, ()) = tokio::join!(second, kills);
        match ran.code {
            Some(0) => Ok(()),
            _ => Err(format!("the replay did not end well: {} {}", ran.out, ran.err)),
        }
    }

    async fn bound(&self, queue: &str, is_bound: bool) {
        let (rabbit, vhost) = (self.fleet.world.rabbit(), &self.fleet.world.vhost);
        let path = format!("/api/bindings/{vhost}/e/{NHN_EXCHANGE}/q/{queue}");
        let (status, said) = match is_bound {
            true => rabbit.management("POST", &path, &format!(r#"{{"routing_key":"{queue}"}}"#)).await,
            false => rabbit.management("DELETE", &format!("{path}/{queue}"), "").await,
        };
        assert!(matches!(status, 201 | 204), "{status} {said}");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.dialogpost);
        command.arg("dead-letters").args(arguments).env_clear().kill_on_drop(true).env("USER", "chaos");
        command.env("DATABASE_URL", &self.fleet.world.database_url);
        command
    }

    async fn letters(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().await.expect("the command runs").into()
    }
}

async fn lasts(wire: &Wire, state: State) {
    wire.set(state);
    sleep(LASTS).await;
    wire.set(State::Open);
}

/// A probe that kills its process at a named point.
pub(crate) fn dies_at(point: &str) -> runtime::probe::Probe {
    let (_, step) = POINTS.into_iter().find(|(name, _)| *name == point).expect("a named point");
    runtime::probe::Probe::new(move |_, reached| {
        if reached == step {
            std::process::abort();
        }
        false
    })
}
