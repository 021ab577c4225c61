//! Whom HelseNorge can reach (S2): asked by message or at its service, kept, doubted, asked again.

mod by_message;
mod doubted;
mod once;
mod service;

use clinic_commands::asking;
use e2e::{Fleet, PATIENCE, Running, WORKERS};
use helsenorge::{DigitalUsers, HelseNorge, Message, Received, example};
use messages::HerId;
use runtime::clock;
use runtime::pipeline::Ended;
use runtime::probe::Probe;
use runtime::worker::{Context, Worker};
use std::time::Duration;
use store::contact;

const QUEUE: &str = "8093244_async";
const LINE: &str = example::LINE.nin;
const TROND: &str = example::TROND.nin;

/// Asks, and does nothing else.
const ASKER: Worker = Worker {
    name: clinic_commands::WORKER.name,
    about: "asks HelseNorge whom it reaches",
    opens_or_seals: false,
    start: |context| Box::pin(ask(context)),
};

async fn ask(context: Context) -> Ended {
    asking::run(context).await;
    Ended::Stopped
}

fn solbakken() -> HerId {
    example::SOLBAKKEN.try_into().unwrap()
}

/// A fleet that knows nothing of anybody.
async fn blank() -> Fleet {
    let fleet = Fleet::new().await;
    fleet.rows.query("delete from dialogpost.contact_status", &[]).await;
    fleet
}

async fn want(fleet: &Fleet, nins: &[&str]) {
    let people: Vec<_> = nins.iter().map(|nin| (solbakken(), (*nin).to_owned())).collect();
    let store = fleet.store();
    let mut session = store.session().await.unwrap();
    let tx = session.begin().await.unwrap();
    contact::want(&tx, &people, clock::system()).await.unwrap();
    tx.commit().await.unwrap();
}

/// Everybody of whom something is known or wanted, in order.
async fn statuses(fleet: &Fleet) -> Vec<String> {
    let sql = "select concat_ws(' ', nin, case when active then 'active' when not active then 'inactive' end,
            case when consented then 'consented' end, case when doubted_at is not null then 'doubted' end,
            case when wanted_at is not null then 'wanted' end)
         from dialogpost.contact_status order by nin";
    fleet.rows.column(sql).await
}

/// As if they had been wanted and asked about so much earlier.
async fn later(fleet: &Fleet, seconds: f64) {
    let sql = "update dialogpost.contact_status set asked_at = asked_at - make_interval(secs => $1),
        wanted_at = wanted_at - make_interval(secs => $1)";
    fleet.rows.query(sql, &[&seconds]).await;
    let sql = "update dialogpost.message m set at = at - make_interval(secs => $1) from dialogpost.contact_question q where q.message = m.id";
    fleet.rows.query(sql, &[&seconds]).await;
}

/// A fleet that asks, with HelseNorge beside it.
struct Asking {
    fleet: Fleet,
    helsenorge: HelseNorge,
    users: DigitalUsers,
    running: Running,
    sent: i64,
}

impl Asking {
    async fn open() -> Self {
        Self::of(blank().await).await
    }

    async fn of(fleet: Fleet) -> Self {
        let helsenorge = fleet.helsenorge().await;
        let running = fleet.start();
        Self { fleet, helsenorge, users: DigitalUsers::default(), running, sent: 0 }
    }

    /// What lies on HelseNorge's queue, one message.
    async fn next(&self) -> Received {
        self.helsenorge.expect(QUEUE, 1, PATIENCE).await.expect("one message").remove(0)
    }

    /// Sends, and gives the receipt's status and errors.
    async fn send(&mut self, message: &Message) -> (String, Vec<String>) {
        self.helsenorge.send(message).await.unwrap();
        self.sent += 1;
        self.fleet.settle(self.sent).await;
        let apprec = self.next().await.apprec.expect("a receipt");
        let code = |code: &messages::wire::hodemelding::Code| code.v.clone().unwrap();
        (apprec.status.as_ref().map(code).unwrap(), apprec.errors.iter().map(code).collect())
    }

    /// Sends what is no receipt and gets none.
    async fn tell(&mut self, message: &Message) {
        self.helsenorge.send(message).await.unwrap();
        self.sent += 1;
        self.fleet.settle(self.sent).await;
    }

    async fn codes(&self) -> Vec<String> {
        let sql = "select coalesce(code, '-') from dialogpost.message_state where state = 'noted' order by at, id";
        self.fleet.rows.column(sql).await
    }

    async fn nothing_more(&self) {
        self.helsenorge.nothing_on(QUEUE, Duration::from_millis(1500)).await.unwrap();
    }

    /// Everything is explained, and nothing more was said.
    async fn close(self) {
        let session = self.fleet.store().session().await.unwrap();
        let lines = store::ledger::lines(&session, 1).await.unwrap();
        assert!(lines.iter().all(store::ledger::Line::balances), "{lines:?}");
        assert_eq!(self.helsenorge.waiting_on(QUEUE).await.unwrap(), 0);
        assert_eq!(self.fleet.rows.count("dialogpost.dead_letter").await, 0);
        self.running.stop().await;
    }
}

fn ok() -> (String, Vec<String>) {
    ("1".into(), vec![])
}
