//! Notices to patients (N1–N5, S4), with a mail server and two providers on the other side.

mod appointments;
mod canary;
mod crashing;
mod delivering;
mod inside;
mod receipts;
mod waiting;

use appointment_notifications::WORKER;
use domain::notice::Channel;
use e2e::epj::{Epj, command};
use e2e::{Fleet, Running};
use messages::event::{Event, Fact};
use receivers::{Authority, Call, MailServer, Speech, WebhookServer};
use runtime::probe::Probe;
use runtime::{clock, topology};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use store::outbox;
use uuid::Uuid;

const CLINIC: i64 = 8_141_333;
/// Line, whom HelseNorge reaches.
const LINE: &str = "15868549960";
/// Trond, whom it does not.
const TROND: &str = "47819030045";
const PHONE: &str = "+4799900002";
const EMAIL: &str = "trond@example.test";
const TOKEN: &str = "f3a9:APA91b-trond";
const SECRET: &str = "hemmelig-hemmelig-hemmelig";
/// What an E-dialog is about, which is nobody's business.
const SUBJECT: &str = "Prøvesvar hepatitt";
const TEXT: &str = "Svaret er positivt.";
/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A fleet whose notices go to receivers of the test's own.
struct Scene {
    fleet: Fleet,
    sms: WebhookServer,
    push: WebhookServer,
    mail: MailServer,
    authority: Authority,
}

impl Scene {
    /// The clinic notices over these channels, and Trond has an address for each.
    async fn open(channels: &[Channel]) -> Self {
        let authority = Authority::new();
        let sms = WebhookServer::start(&authority, SECRET).await;
        let push = WebhookServer::start(&authority, SECRET).await;
        let mail = MailServer::start(&authority, Speech::Wrapped).await;
        let mut fleet = Fleet::new().await;
        fleet.settings.extend([
            ("SMS_URL", sms.url()),
            ("PUSH_URL", push.url()),
            ("WEBHOOK_SECRET", SECRET.to_owned()),
            ("SMTP_URL", mail.url()),
            ("SMTP_FROM", "post@solbakken.example".to_owned()),
            ("EXTRA_ROOTS", authority.root()),
            ("CONTACT_SERVICE", "off".to_owned()),
        ]);
        let scene = Self { fleet, sms, push, mail, authority };
        scene.apply(json!({ "enabled": true, "channels": channels }), json!({})).await;
        scene
    }

    /// From now on the clinic notices so, and Trond is so, beside his addresses.
    async fn apply(&self, notifications: Value, trond: Value) {
        let mut setup: Value = serde_json::from_str(include_str!("../../../fixtures/clinic.json")).unwrap();
        setup["clinics"][0]["notifications"] = notifications;
        let patient = &mut setup["clinics"][0]["patients"][1];
        for (key, value) in json!({ "phone": PHONE, "email": EMAIL, "push": TOKEN }).as_object().unwrap() {
            patient[key] = value.clone();
        }
        for (key, value) in trond.as_object().unwrap() {
            patient[key] = value.clone();
        }
        self.fleet.apply(&setup.to_string()).await;
    }

    /// The worker alone.
    fn start(&self) -> Running {
        self.fleet.start_with(&[WORKER], Probe::default())
    }

    async fn epj(&self) -> Epj {
        Epj::connect(&self.fleet.world.amqp_url).await
    }

    /// One that is delivered over a channel.
    async fn given(&self, channel: Channel, state: &str) {
        let sql =
            format!("select count(*) from dialogpost.notification where channel = '{}' and state = '{state}'", channel.as_str());
        self.fleet.until(&sql, 1).await;
    }

    /// Every notice: kind, channel or reason, state, attempts, code.
    async fn notices(&self) -> Vec<String> {
        let sql = "select concat_ws(' ', kind, channel, reason, state, nullif(attempts, 0), code) from dialogpost.notification
            order by created_at, id";
        self.fleet.rows.column(sql).await
    }

    /// Waits until there are such notices.
    async fn until(&self, want: &[&str]) {
        let started = Instant::now();
        loop {
            let got = self.notices().await;
            if got == want {
                return;
            }
            if started.elapsed() > PATIENCE {
                let dead = "select code || ': ' || text from dialogpost.dead_letter";
                panic!("{got:?}, not {want:?}; dead letters: {:?}", self.fleet.rows.column::<String>(dead).await);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What waits is due now.
    async fn hurry(&self) {
        self.fleet.rows.query("update dialogpost.notification set due_at = now() where due_at is not null", &[]).await;
    }

    /// Waits until the worker has handled so many events.
    async fn handled(&self, events: i64) {
        let sql = "select count(*) from dialogpost.processed where worker = 'appointment-notifications'";
        self.fleet.until(sql, events).await;
    }

    /// Calls at each receiver: text messages, push, e-mail.
    fn calls(&self) -> (usize, usize, usize) {
        (self.sms.calls().len(), self.push.calls().len(), self.mail.calls().len())
    }
}

/// Waits until something holds.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Kari writes to Trond where only the clinic's own app and portal show it.
async fn write_to_trond(epj: &Epj) {
    let arguments = json!({ "kind": "EDIALOG", "subject": SUBJECT, "text": TEXT, "patient": TROND });
    epj.done(&command("StartDialog", CLINIC, "kari", arguments)).await;
}

/// Tells an event, as another worker would.
async fn tell(fleet: &Fleet, fact: Fact) {
    let now = clock::system();
    let event = Event { id: Uuid::now_v7(), time: now, fact };
    let store = fleet.store();
    let mut session = store.session().await.unwrap();
    let tx = session.begin().await.unwrap();
    outbox::insert(&tx, &[topology::event_to(&event)], now).await.unwrap();
    tx.commit().await.unwrap();
}

/// Nothing of what an E-dialog says, and nobody's name or number, is in what a receiver gets; the address is where it belongs.
fn holds_nothing_sensitive(said: &str) {
    for word in [SUBJECT, TEXT, "hepatitt", "positivt", TROND, "Trond", "Harboe", "Kari", "Lunde", "E-dialog"] {
        assert!(!said.contains(word), "{word} is in {said}");
    }
}

/// The keys under which calls came.
fn keys(calls: &[Call]) -> Vec<String> {
    calls.iter().map(|call| call.key.clone()).collect()
}
