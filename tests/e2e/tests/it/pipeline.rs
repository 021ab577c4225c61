//! What the pipeline promises to every handler, shown with a handler that can be told to misbehave.

use broker::{Publisher, Settled, topology};
use e2e::{Fleet, PATIENCE, Rows};
use helsenorge::HelseNorge;
use jiff::Timestamp;
use messages::Fault;
use messages::transport::{Delivery, Outgoing, Properties, Wire};
use runtime::pipeline::Ended;
use runtime::probe::Probe;
use runtime::worker::{self, Context, Source, Worker};
use runtime::{Handler, Verdict};
use std::time::Duration;
use store::dead_letter::{self, DeadLetter};
use store::{Store, StoreError, Tx};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Writes a row for every message; the body says how to misbehave.
struct Told;

/// Messages that were prepared.
static ANNOUNCED: Semaphore = Semaphore::const_new(0);

const TOLD: Worker = Worker { name: Told::WORKER, about: "", opens_or_seals: false, start: |context| Box::pin(start(context)) };

async fn start(context: Context) -> Ended {
    worker::run(context, Told, vec![Source::Own], &[Wire::Dialogpost]).await
}

impl Handler for Told {
    const WORKER: &'static str = "recipient-routing";
    type Message = (Uuid, String);
    type Facts = ();
    type Effect = DeadLetter;

    fn parse(&self, delivery: &Delivery) -> Result<(Uuid, String), Fault> {
        let id = delivery.properties.message_id.as_deref().and_then(|id| id.parse().ok());
        let text = String::from_utf8_lossy(&delivery.body).into_owned();
        assert_ne!(text, "panic in parse", "told to");
        id.map(|id| (id, text)).ok_or_else(|| Fault::broken("told-unreadable", "no id"))
    }

    async fn prepare(&self, _store: &Store, batch: Vec<&mut (Uuid, String)>, _now: Timestamp) -> Result<(), StoreError> {
        for (_, text) in batch {
            match text.as_str() {
                "panic in prepare" => panic!("told to"),
                "slow" => tokio::time::sleep(Duration::from_secs(60)).await,
                "announce" => ANNOUNCED.add_permits(1),
                _ => {}
            }
        }
        Ok(())
    }

    fn key(&self, message: &(Uuid, String)) -> Option<String> {
        Some(message.0.to_string())
    }

    fn ledger_id(&self, message: &(Uuid, String)) -> Option<Uuid> {
        Some(message.0)
    }

    async fn facts(&self, _tx: &Tx<'_>, batch: &[&(Uuid, String)]) -> Result<(), StoreError> {
        assert!(batch.iter().all(|(_, text)| text != "no facts"), "told to");
        Ok(())
    }

    fn decide(&self, (id, text): &(Uuid, String), (): &mut (), now: Timestamp) -> Verdict<DeadLetter> {
        match text.as_str() {
            "panic" => panic!("told to"),
            "retry" => Verdict::Retry(Fault::transient("told-retry", "later"), None),
            "broken" => Verdict::Broken(Fault::broken("told-broken", "never")),
            _ => Verdict::Done(effect(*id, text, now)),
        }
    }

    async fn write(&self, tx: &Tx<'_>, effects: Vec<DeadLetter>, _now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        if effects.iter().any(|effect| effect.text == "wait for the next") {
            let announced = tokio::time::timeout(Duration::from_secs(20), ANNOUNCED.acquire());
            announced.await.expect("the next is prepared meanwhile").unwrap().forget();
        }
        dead_letter::insert(tx, &effects).await?;
        Ok(Vec::new())
    }
}

/// A row of any table would do; Postgres refuses a NUL in its text.
fn effect(id: Uuid, text: &str, at: Timestamp) -> DeadLetter {
    let text = if text == "refused" { "\0" } else { text };
    DeadLetter {
        id,
        at,
        worker: "effect".into(),
        fault: "broken".into(),
        code: "effect".into(),
        text: text.into(),
        ..DeadLetter::default()
    }
}

async fn send(fleet: &Fleet, bodies: &[&str]) -> Vec<Uuid> {
    let publisher = Publisher::new(fleet.world.amqp_url.parse().unwrap(), "test");
    let outgoing: Vec<_> = bodies
        .iter()
        .map(|body| {
            let id = Uuid::now_v7();
            let properties = Properties { message_id: Some(id.to_string()), ..Properties::default() };
            let routing_key = topology::queue_of(Told::WORKER);
            let body = body.as_bytes().to_vec().into();
            Outgoing {
                id,
                wire: Wire::Dialogpost,
                exchange: String::new(),
                routing_key,
                properties,
                body,
                cause: None,
                led_by: None,
                not_before: None,
                is_awaited: true,
            }
        })
        .collect();
    assert!(publisher.publish(&outgoing).await.iter().all(|s| *s == Settled::Confirmed));
    outgoing.into_iter().map(|o| o.id).collect()
}

async fn effects(rows: &Rows) -> i64 {
    rows.one("select count(*) from dialogpost.dead_letter where worker = 'effect'").await
}

const EFFECTS: &str = "select count(*) from dialogpost.dead_letter where worker = 'effect'";

#[tokio::test(flavor = "multi_thread")]
async fn p2_one_refused_row_does_not_take_its_batch_along() {
    let fleet = Fleet::new().await;
    let mut bodies = vec!["good"; 40];
    bodies[7] = "refused";
    bodies[31] = "refused";
    send(&fleet, &bodies).await;
    let running = fleet.start_with(&[TOLD], Probe::default());
    fleet.until(EFFECTS, 38).await;
    fleet.until("select count(*) from dialogpost.dead_letter where code = 'database-refused-content'", 2).await;
    running.stop().await;
    assert_eq!(fleet.rows.count("dialogpost.processed").await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_broken_and_only_for_its_own_message() {
    let fleet = Fleet::new().await;
    send(&fleet, &["good", "panic", "good", "broken", "panic in parse", "good", "panic in prepare"]).await;
    let running = fleet.start_with(&[TOLD], Probe::default());
    fleet.until(EFFECTS, 3).await;
    fleet.until("select count(*) from dialogpost.dead_letter where code in ('panic', 'told-broken')", 4).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_that_cannot_be_had_hold_nobody_up() {
    let fleet = Fleet::new().await;
    send(&fleet, &["good", "no facts", "good"]).await;
    let running = fleet.start_with(&[TOLD], Probe::default());
    fleet.until(EFFECTS, 2).await;
    fleet.until("select count(*) from dialogpost.dead_letter where code = 'panic'", 1).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_a_later_outbox_row_and_gives_its_claim_back() {
    let fleet = Fleet::new().await;
    let ids = send(&fleet, &["retry"]).await;
    let running = fleet.start_with(&[TOLD], Probe::default());
    // Attempt 1 is due 2 s later at the earliest.
    fleet.until("select count(*) from dialogpost.outbox where due_at > now() + interval '1 second'", 1).await;
    assert_eq!(fleet.rows.count("dialogpost.processed").await, 0);
    let second = "dialogpost.outbox where properties -> 'application' ->> 'dialogpost-attempt' = '2'";
    fleet.until(&format!("select count(*) from {second}"), 1).await;
    assert_eq!(fleet.rows.one::<Uuid>(&format!("select cause from {second}")).await, ids[0]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_connection_killed_while_idle_costs_nothing() {
    let fleet = Fleet::new().await;
    let running = fleet.start_with(&[TOLD], Probe::default());
    for round in 1..=5 {
        send(&fleet, &["good"; 10]).await;
        fleet.until(EFFECTS, round * 10).await;
        let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()";
        fleet.rows.query(kill, &[]).await;
    }
    running.stop().await;
    assert_eq!(effects(&fleet.rows).await, 50);
    assert_eq!(fleet.rows.count("dialogpost.dead_letter where worker <> 'effect'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_stopping_an_idle_and_a_busy_worker_takes_less_than_the_grace() {
    let fleet = Fleet::new().await;
    let running = fleet.start_with(&[TOLD], Probe::default());
    let started = std::time::Instant::now();
    running.stop().await;
    assert!(started.elapsed() < Duration::from_secs(5), "idle: {:?}", started.elapsed());
    send(&fleet, &vec!["good"; 2000]).await;
    let running = fleet.start_with(&[TOLD], Probe::default());
    tokio::time::sleep(Duration::from_millis(200)).await;
    let started = std::time::Instant::now();
    running.stop().await;
    assert!(started.elapsed() < Duration::from_secs(15), "busy: {:?}", started.elapsed());
    // What was in flight is finished or back in the queue: another run does the rest, no attempt is burnt.
    let running = fleet.start_with(&[TOLD], Probe::default());
    fleet.until(EFFECTS, 2000).await;
    running.stop().await;
    assert_eq!(fleet.rows.count("dialogpost.dead_letter").await, 2000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_is_prepared_while_one_is_written() {
    let mut fleet = Fleet::new().await;
    fleet.batch = 1;
    send(&fleet, &["wait for the next", "announce"]).await;
    let running = fleet.start_with(&[TOLD], Probe::default());
    fleet.until(EFFECTS, 2).await;
    running.stop().await;
    assert_eq!(fleet.rows.count("dialogpost.dead_letter").await, 2, "nothing went wrong on the way");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_prepared_when_the_worker_stops_goes_back() {
    let fleet = Fleet::new().await;
    send(&fleet, &["slow"]).await;
    let running = fleet.start_with(&[TOLD], Probe::default());
    let (queue, helsenorge) = (topology::queue_of(Told::WORKER), fleet.helsenorge().await);
    until_waiting(&helsenorge, &queue, 0).await;
    let started = std::time::Instant::now();
    running.stop().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // The broker puts it back when it comes to it.
    until_waiting(&helsenorge, &queue, 1).await;
}

async fn until_waiting(helsenorge: &HelseNorge, queue: &str, n: u32) {
    let look = async {
        while helsenorge.waiting_on(queue).await.unwrap() != n {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("{queue} never had {n} messages waiting"));
}
