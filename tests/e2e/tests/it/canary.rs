//! No personal data leaks: values are hidden in everything that arrives, and looked for in everything that may be seen by others.

mod booking;
mod checker;
mod commanding;
mod planting;

use checker::Canaries;
use e2e::{Fleet, PATIENCE, Program};
use helsenorge::{HelseNorge, Sent};
use messages::wire::{Incoming, Limits, read};
use planting::{Planter, every_kind_is_planted};
use receivers::Collector;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// As much as anybody can ask for, also of the drivers.
const EVERYTHING: &str = "trace,lapin=trace,lapin::channel=trace,tokio_postgres=trace,tokio_postgres::query=trace,\
                          tokio_postgres::prepare=trace,deadpool_postgres=trace,quick_xml=trace,log=trace";

/// Text of our own tables that operators read and HelseNorge is sent.
const TEXTS: [(&str, &str); 9] = [
    ("command", "select name || ' ' || actor || ' ' || answer::text from dialogpost.command"),
    ("dead_letter.text and code", "select text || ' ' || code || ' ' || fault || ' ' || queue from dialogpost.dead_letter"),
    ("message.code", "select coalesce(code, '') from dialogpost.message"),
    ("message.function", "select coalesce(function, '') from dialogpost.message"),
    // The reply about free slots names whom it is for, as his question in the same row does; nobody is shown either.
    ("message.answer", "select coalesce((answer #- '{content,ledige_timer,patient}')::text, '') from dialogpost.message"),
    ("waiting", "select concat_ws(' ', key, queue, function, code) from dialogpost.waiting"),
    ("notification", "select concat_ws(' ', kind, channel, reason, state, provider_id, code) from dialogpost.notification"),
    ("processed", "select worker || ' ' || message_id from dialogpost.processed"),
    (
        "audit",
        "select coalesce(actor || action || subject || coalesce(reason, '') || coalesce(detail::text, ''), '') from dialogpost.audit",
    ),
];

/// The fixture, with one more patient on Kari's list.
fn setup(patient: &helsenorge::SyntheticPatient) -> String {
    let mut setup: Value = serde_json::from_str(include_str!("../../../fixtures/clinic.json")).unwrap();
    setup["clinics"][0]["patients"].as_array_mut().unwrap().push(patient.to_setup(Some("kari")));
    setup.to_string()
}

/// A queue that gets a copy of every event of ours, and of what our queues give up.
async fn copy_events(fleet: &Fleet) {
    let (rabbit, vhost) = (fleet.world.rabbit(), &fleet.world.vhost);
    let queue = rabbit.management("PUT", &format!("/api/queues/{vhost}/copy"), r#"{"durable":true}"#).await;
    assert_eq!(queue.0, 201);
    for exchange in ["dialogpost", "dialogpost.dead"] {
        let path = format!("/api/bindings/{vhost}/e/{exchange}/q/copy");
        assert_eq!(rabbit.management("POST", &path, r##"{"routing_key":"#"}"##).await.0, 201);
    }
}

/// Everything of every copied event: body, properties, headers.
async fn copied_events(fleet: &Fleet) -> String {
    let body = json!({ "count": 5000, "ackmode": "ack_requeue_false", "encoding": "auto" }).to_string();
    let path = format!("/api/queues/{}/copy/get", fleet.world.vhost);
    let (status, text) = fleet.world.rabbit().management("POST", &path, &body).await;
    assert_eq!(status, 200);
    assert!(text.contains("dialog-received") && text.contains("message-refused"), "the events were copied");
    text
}

/// What HelseNorge is told: of AppRecs what people wrote in it and everything around it, of error messages everything.
async fn told(helsenorge: &HelseNorge, canaries: &Canaries, leaks: &mut Vec<String>) {
    for queue in ["8093244_async", "8093244_error"] {
        let waiting = helsenorge.waiting_on(queue).await.unwrap() as usize;
        assert!(waiting > 0, "something is on {queue}");
        for received in helsenorge.expect(queue, waiting, PATIENCE).await.unwrap() {
            let errors = received.apprec.as_ref().map(|apprec| format!("{:?} {:?}", apprec.errors, apprec.status));
            canaries.look(&format!("{queue}: errors of an AppRec"), &errors.unwrap_or_default(), leaks);
            canaries.look(&format!("{queue}: properties"), &format!("{:?} {:?}", received.properties, received.plain), leaks);
            // What the clinic has written is for HelseNorge to read.
            let is_dialog =
                matches!(read(&received.body, &Limits::default()).map(|seen| seen.incoming), Ok(Incoming::MsgHead(_)));
            if received.apprec.is_none() && !is_dialog {
                canaries.look(&format!("{queue}: body"), &String::from_utf8_lossy(&received.body), leaks);
            }
        }
    }
}

async fn tables(fleet: &Fleet, canaries: &Canaries, leaks: &mut Vec<String>) {
    for (surface, sql) in TEXTS {
        canaries.look(surface, &fleet.rows.column::<String>(sql).await.join("\n"), leaks);
    }
}

/// Every reading verb of the command, for people and for programs, with all its logs.
async fn operators_outputs(fleet: &Fleet, canaries: &Canaries, leaks: &mut Vec<String>) {
    let mut commands: Vec<Vec<String>> =
        vec![vec!["ledger".into()], vec!["audit".into(), "verify".into()], vec!["dead-letters".into(), "list".into()]];
    let messages = fleet.rows.column::<Uuid>("select id from dialogpost.message where direction = 'in'").await;
    commands.extend(messages.into_iter().map(|id| vec!["show".into(), id.to_string()]));
    let letters = fleet.rows.column::<Uuid>("select id from dialogpost.dead_letter").await;
    assert!(!letters.is_empty(), "some became dead letters");
    commands.extend(letters.into_iter().map(|id| vec!["dead-letters".into(), "show".into(), id.to_string()]));
    for (place, arguments) in commands.iter().enumerate() {
        // The logs of one are those of all.
        let filter = if place % 20 == 0 { EVERYTHING } else { "warn" };
        for json in [None, Some("--json")] {
            let mut command = fleet.command("dialogpost").await;
            let output = command.args(arguments).args(json).env("RUST_LOG", filter).output().await.unwrap();
            assert!(output.status.success(), "{arguments:?}");
            for (stream, bytes) in [("output", &output.stdout), ("errors", &output.stderr)] {
                let surface = format!("{stream} of dialogpost {} {}", arguments[0], json.unwrap_or_default());
                canaries.look(&surface, &String::from_utf8_lossy(bytes), leaks);
            }
        }
    }
}

async fn send(fleet: &Fleet, helsenorge: &HelseNorge, sent: &[Sent], before: usize) {
    helsenorge.publish(sent).await.unwrap();
    fleet.settle_within((before + sent.len()) as i64, Duration::from_secs(90)).await;
}

async fn look_everywhere(fleet: &Fleet, program: Program, helsenorge: &HelseNorge, canaries: &Canaries) -> Vec<String> {
    let mut leaks = Vec::new();
    for path in ["/metrics", "/readyz"] {
        canaries.look(path, &program.page(path).await, &mut leaks);
    }
    canaries.look("our events", &copied_events(fleet).await, &mut leaks);
    told(helsenorge, canaries, &mut leaks).await;
    tables(fleet, canaries, &mut leaks).await;
    operators_outputs(fleet, canaries, &mut leaks).await;
    let log = program.log();
    assert!(log.contains("dead letter") && log.contains("service-not-offered"), "the log tells what happened");
    canaries.look("logs", &log, &mut leaks);
    assert_eq!(program.terminate().await.0.code(), Some(0));
    leaks.sort();
    leaks.dedup();
    leaks
}

async fn no_personal_data_leaks(format: &str) {
    let fleet = Fleet::new().await;
    let mut planter = Planter::new();
    let patient = planter.person("patient");
    fleet.apply(&setup(&patient)).await;
    copy_events(&fleet).await;
    let helsenorge = fleet.helsenorge().await;
    let collector = Collector::start(None).await;
    let to = collector.url();
    let environment = [
        ("RUST_LOG", EVERYTHING),
        ("LOG_FORMAT", format),
        ("CONTACT_SERVICE", "off"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", to.as_str()),
    ];
    let program = fleet.spawn("dialogpost", &["run", "--all"], &environment).await;
    let mut sent = planter.good(&patient);
    send(&fleet, &helsenorge, &sent, 0).await;
    let about: Value = fleet.rows.one("select properties from dialogpost.message where direction = 'out' limit 1").await;
    for more in [planter.bad(&patient), planter.answers(&serde_json::from_value(about).unwrap())] {
        send(&fleet, &helsenorge, &more, sent.len()).await;
        sent.extend(more);
    }
    every_kind_is_planted(&sent);
    commanding::give(&fleet, &mut planter, &patient).await;
    let mut leaks = look_everywhere(&fleet, program, &helsenorge, &planter.canaries).await;
    assert!(collector.spans().len() > sent.len(), "everything was traced");
    planter.canaries.look("traces", &collector.raw(), &mut leaks);
    assert!(leaks.is_empty(), "{} of {} values came out:\n{}", leaks.len(), planter.canaries.len(), leaks.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_personal_data_leaks_with_logs_for_people() {
    no_personal_data_leaks("human").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_personal_data_leaks_with_logs_for_programs() {
    no_personal_data_leaks("json").await;
}
