//! Where a test of broken servers plays.

use e2e::{Fleet, NHN_EXCHANGE, Rows, SHORT_LEASE};
use helsenorge::{HelseNorge, Load, Pace, Sent, synthetic_patients};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};
use testbed::World;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Tests that run at the same time, each with a broker and a database of its own.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Patients the load is from.
const PATIENTS: usize = 500;
/// Messages of a share that must have arrived before something breaks.
const UNDER_WAY: i64 = 200;
/// How long anything may take that is only waited for.
const LIMIT: Duration = Duration::from_secs(120);

/// Notes every message that goes back for a later attempt, in the transaction that does it.
const WITNESS: [&str; 3] = [
    "create table public.attempt_spent (outbox uuid)",
    "create function public.note_attempt() returns trigger language plpgsql security definer as
     $$ begin insert into public.attempt_spent values (new.id); return new; end $$",
    "create trigger note_attempt after insert on dialogpost.outbox for each row
     when (new.properties -> 'application' ? 'dialogpost-attempt') execute function public.note_attempt()",
];

/// Servers of the test's own with the example clinic and many patients, and HelseNorge.
pub struct Scene {
    /// What to start workers in.
    pub fleet: Fleet,
    /// The sender.
    pub helsenorge: HelseNorge,
    /// Messages that the broker has.
    sent: AtomicI64,
    _turn: SemaphorePermit<'static>,
}

impl Scene {
    /// Waits for its turn, starts the servers.
    pub async fn open() -> Self {
        let turn = TURNS.acquire().await.expect("nobody closes it");
        if let Ok(filter) = std::env::var("RUST_LOG") {
            runtime::telemetry::logs(runtime::config::LogFormat::Human, &filter);
        }
        let fleet = Self::servers(PATIENTS).await;
        let helsenorge = HelseNorge::connect(&fleet.world.amqp_url, NHN_EXCHANGE).await.expect("HelseNorge connects");
        Self { fleet, helsenorge, sent: AtomicI64::new(0), _turn: turn }
    }

    /// Servers of its own, with the example clinic, so many patients on Kari's list, and a witness of attempts.
    pub async fn servers(patients: usize) -> Fleet {
        let mut fleet = Fleet::in_world(testbed::private_world(true).await).await;
        fleet.lease = SHORT_LEASE;
        fleet.apply(&setup(patients)).await;
        for statement in WITNESS {
            fleet.rows.query(statement, &[]).await;
        }
        fleet
    }

    /// Messages to send.
    pub fn load(&self, messages: usize) -> Vec<Sent> {
        Load::from_patients(PATIENTS).generate(messages, 1).collect()
    }

    /// Sends, again under the same id until the broker has it. How many were sent again.
    pub async fn send(&self, messages: &[Sent], pace: Pace) -> usize {
        let sending = async {
            let mut again = 0;
            let mut left = self.helsenorge.send_paced(messages.iter().cloned(), pace).await.unconfirmed;
            while !left.is_empty() {
                again += left.len();
                left = self.helsenorge.send_paced(left, Pace::AsFastAsPossible).await.unconfirmed;
            }
            again
        };
        let again = tokio::time::timeout(LIMIT, sending).await.expect("HelseNorge can send in time");
        self.sent.fetch_add(i64::try_from(messages.len()).expect("a small number"), Ordering::SeqCst);
        again
    }

    /// Sends, and breaks something in the middle of it. How many were sent again.
    pub async fn send_during(&self, messages: &[Sent], pace: Pace, trouble: impl AsyncFnOnce(&World)) -> usize {
        // What came before must not count: the trouble has to meet this load.
        let before = self.sent.load(Ordering::SeqCst);
        self.until_received(before).await;
        let sent = AtomicBool::new(false);
        let sending = async {
            let again = self.send(messages, pace).await;
            sent.store(true, Ordering::SeqCst);
            again
        };
        let breaking = async {
            self.until_received(before + UNDER_WAY).await;
            assert!(!sent.load(Ordering::SeqCst), "the load must last until something breaks");
            trouble(&self.fleet.world).await;
        };
        tokio::join!(sending, breaking).0
    }

    /// Messages in the ledger, seen over a connection of its own: the database may have been away.
    pub async fn received(&self) -> i64 {
        self.rows().await.count("dialogpost.message where direction = 'in'").await
    }

    /// Waits until so many messages are in the ledger; nothing may break meanwhile.
    pub async fn until_received(&self, want: i64) {
        let (rows, started) = (self.rows().await, Instant::now());
        loop {
            let got = rows.count("dialogpost.message where direction = 'in'").await;
            if got >= want {
                return;
            }
            assert!(started.elapsed() < LIMIT, "{got} of {want} received after {LIMIT:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until every message has an end state and nothing is to be sent.
    pub async fn settle(&self, messages: usize) {
        let messages = i64::try_from(messages).expect("a small number");
        self.until_received(messages).await;
        let (rows, started) = (self.rows().await, Instant::now());
        loop {
            let waiting = rows.count("dialogpost.outbox").await;
            if waiting == 0 && rows.flight().await.1 == 0 {
                return;
            }
            assert!(started.elapsed() < LIMIT, "after {LIMIT:?} {:?} in flight, {waiting} to be sent", rows.flight().await);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// A new look into the database.
    pub async fn rows(&self) -> Rows {
        Rows::connect(&self.fleet.world.database_url).await
    }
}

/// The example clinic, with everybody whom the load is from on Kari's list.
fn setup(patients: usize) -> String {
    let mut setup: serde_json::Value = serde_json::from_str(include_str!("../../fixtures/clinic.json")).expect("the fixture");
    let all = setup["clinics"][0]["patients"].as_array_mut().expect("the clinic's patients");
    all.extend(synthetic_patients(patients).iter().map(|patient| patient.to_setup(Some("kari"))));
    setup.to_string()
}
