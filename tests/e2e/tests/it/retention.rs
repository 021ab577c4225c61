//! What is kept no longer goes, and nothing that anybody may still need (GDPR, article 5(1)(e); O1, O2).

use crate::commands::start;
use crate::whole_flow::of_every_end;
use domain::retention::{Kept, Retention};
use e2e::{Clinic, Fleet, PATIENCE, Running};
use helsenorge::{ErrorMessage, Message};
use jiff::{SignedDuration, Timestamp};
use runtime::probe::Probe;
use serde_json::{Value, json};
use store::pruning::{self, Stepped, Walk};
use testbed::Ran;
use uuid::Uuid;

const SETUP: &str = include_str!("../../../fixtures/clinic.json");

fn later(days: i64) -> Timestamp {
    runtime::clock::system().checked_add(SignedDuration::from_hours(days * 24)).unwrap()
}

async fn dialogpost(fleet: &Fleet, arguments: &[&str]) -> Ran {
    let mut command = fleet.command("dialogpost").await;
    command.args(arguments).env("USER", "kari").output().await.unwrap().into()
}

/// dead-letter-keeper, so many days from now.
fn keeper(fleet: &mut Fleet, clock: fn() -> Timestamp) -> Running {
    fleet.clock = clock;
    let running = fleet.start_with(&[dead_letter_keeper::WORKER], Probe::default());
    fleet.clock = runtime::clock::system;
    running
}

/// A whole pass at that time.
async fn pruned(clinic: &mut Clinic, clock: fn() -> Timestamp) {
    let running = keeper(&mut clinic.fleet, clock);
    let began = clock().checked_sub(SignedDuration::from_mins(5)).unwrap();
    let through = format!("select count(*) from dialogpost.pruning where started_at >= '{began}' and ended_at is not null");
    clinic.fleet.until(&through, Walk::ALL.len() as i64).await;
    running.stop().await;
}

/// The state of every message, by direction and code.
async fn states(fleet: &Fleet) -> Vec<String> {
    let sql = "select concat_ws(' ', 'in', s.function, s.outcome, s.code, s.state) from dialogpost.message_state s
        union all select concat_ws(' ', 'out', s.function, s.codes, s.state) from dialogpost.sent_state s order by 1";
    fleet.rows.column(sql).await
}

/// What belongs to patients' records: how much of each.
async fn record(fleet: &Fleet) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in ["dialog", "dialog_entry", "inbox_item", "journal_entry", "attachment"] {
        counts.push(fleet.rows.count(&format!("dialogpost.{table}")).await);
    }
    assert!(counts[..4].iter().all(|count| *count > 0), "{counts:?}");
    counts
}

async fn flow() -> Clinic {
    let mut clinic = Clinic::open().await;
    clinic.send(&of_every_end()).await;
    let receipts = clinic.helsenorge.receipts(5, PATIENCE).await.unwrap();
    assert_eq!(receipts.len(), 5);
    clinic
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_claims_go_and_the_ledger_says_what_it_said() {
    let mut clinic = flow().await;
    clinic.error().await;
    let (before, rows) = (states(&clinic.fleet).await, clinic.fleet.rows.count("dialogpost.message").await);
    let books = dialogpost(&clinic.fleet, &["ledger", "--json"]).await.code(0).json();
    let of_patients = record(&clinic.fleet).await;

    pruned(&mut clinic, || later(89)).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.message where raw is not null").await, rows, "not yet");
    pruned(&mut clinic, || later(200)).await;
    assert_eq!(states(&clinic.fleet).await, before);
    assert_eq!(dialogpost(&clinic.fleet, &["ledger", "--json"]).await.code(0).json(), books);
    // What nobody has replayed or discarded is still needed, whole.
    let kept = "select coalesce(code, '') from dialogpost.message where raw is not null";
    assert_eq!(clinic.fleet.rows.column::<String>(kept).await.len(), 1, "the dead one");
    let claims = "select p.worker from dialogpost.processed p";
    assert_eq!(clinic.fleet.rows.column::<String>(claims).await, ["helsenorge-inbound"]);
    // And what belongs to the record stays.
    assert_eq!(record(&clinic.fleet).await, of_patients);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_can_be_replayed_however_old_and_is_then_no_longer_kept() {
    let mut clinic = Clinic::open().await;
    clinic.fleet.rows.query("delete from dialogpost.communication_party", &[]).await;
    clinic.send(&[Message::ekontakt(), Message::ekontakt()]).await;
    pruned(&mut clinic, || later(400)).await;
    clinic.fleet.apply(SETUP).await;

    let letters: Vec<String> = clinic.fleet.rows.column("select id::text from dialogpost.dead_letter order by id").await;
    dialogpost(&clinic.fleet, &["dead-letters", "discard", &letters[0], "--reason", "a test"]).await.code(0);
    let plan = dialogpost(&clinic.fleet, &["dead-letters", "plan", "--json"]).await.json();
    dialogpost(&clinic.fleet, &["dead-letters", "replay", plan["plan"].as_str().unwrap(), "--reason", "mended"]).await.code(0);
    let receipt = clinic.receipt().await;
    assert!(receipt.apprec.is_some_and(|apprec| apprec.errors.is_empty()));
    clinic.fleet.settle(2).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog_entry").await, 1);

    let before = states(&clinic.fleet).await;
    pruned(&mut clinic, || later(800)).await;
    assert_eq!(states(&clinic.fleet).await, before);
    for left in ["message where raw is not null", "processed", "dead_letter where body <> '' or properties <> '{}'"] {
        assert_eq!(clinic.fleet.rows.count(&format!("dialogpost.{left}")).await, 0, "{left}");
    }
    let shown = dialogpost(&clinic.fleet, &["dead-letters", "list", "--state", "discarded", "--json"]).await.code(0).json();
    assert_eq!(shown["dead_letters"].as_array().map(Vec::len), Some(1), "{shown}");
    clinic.close().await;
}

/// What we sent was receipted long ago, and now HelseNorge says that it could not be read after all.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_what_was_closed_counts() {
    let mut clinic = flow().await;
    let error = clinic.error().await;
    pruned(&mut clinic, || later(200)).await;
    let about = "select s.state from dialogpost.sent_state s order by s.id desc limit 1";
    clinic.helsenorge.send_error_message(&ErrorMessage::about(&error.properties)).await.unwrap();
    clinic.fleet.settle(8).await;
    let failed = "select count(*) from dialogpost.sent_state where state = 'failed'";
    assert_eq!(clinic.fleet.rows.one::<i64>(failed).await, 1, "{:?}", clinic.fleet.rows.column::<String>(about).await);
    pruned(&mut clinic, || later(400)).await;
    assert_eq!(clinic.fleet.rows.one::<i64>(failed).await, 1);
    assert_eq!(clinic.fleet.rows.count("dialogpost.message where direction = 'out' and end_state is null").await, 0);
    clinic.close().await;
}

/// Whoever is killed leaves what was done, and where to go on; two at once do not both count.
#[tokio::test]
async fn a_pass_goes_on_where_it_was_and_only_one_goes() {
    let fleet = Fleet::new().await;
    let fill = "insert into dialogpost.processed select 'recipient-routing', 'old/' || n, now() - interval '91 days' from generate_series(1, 60000) n
        union all select 'recipient-routing', 'new/' || n, now() from generate_series(1, 100) n";
    fleet.rows.query(fill, &[]).await;
    let store = fleet.store_as("dead-letter-keeper");
    let (walk, now) = (Walk::Table(Kept::Processed), runtime::clock::system());
    let before = Some(now.checked_sub(SignedDuration::from_hours(90 * 24)).unwrap());
    let mut session = store.session().await.unwrap();
    let mut step = async || pruning::take(&mut session, walk, Some(90), before, now).await.unwrap();
    let Stepped::More(first) = step().await else { panic!("one step is not enough") };
    assert_eq!(fleet.rows.count("dialogpost.processed").await, 60_100 - first);

    // Somebody else has it in hand.
    fleet.rows.query("begin", &[]).await;
    fleet.rows.query("select from dialogpost.pruning where what = 'processed' for update", &[]).await;
    assert_eq!(step().await, Stepped::Idle);
    fleet.rows.query("rollback", &[]).await;

    let mut rest = 0;
    let last = loop {
        match step().await {
            Stepped::More(rows) => rest += rows,
            Stepped::Through(rows) => break rows,
            Stepped::Idle => panic!("it is not through"),
        }
    };
    assert_eq!(first + rest + last, 60_000);
    assert_eq!(fleet.rows.count("dialogpost.processed").await, 100);
    assert_eq!(step().await, Stepped::Idle, "once a day");
    let standing = dialogpost(&fleet, &["retention", "--json"]).await.code(0).json();
    let of = |row: &&Value| row["what"] == "processed";
    let row = standing["retention"].as_array().unwrap().iter().find(of).unwrap().clone();
    assert_eq!((&row["days"], &row["pruned"]), (&Value::from(90), &Value::from(60_000)));
    dialogpost(&fleet, &["retention"]).await.code(0).says(&["processed", "60000"]);
}

/// Questions by the days since they were put and answered; notices by the days since they changed.
const ASKED_AND_TOLD: &str = "
    with asked (days, answered) as (values (29, null::int), (31, 29), (31, null), (60, 31)), message as (
        insert into dialogpost.message (id, direction, at, queue, outcome, properties)
        select gen_random_uuid(), 'out', now() - days * interval '1 day', 'q', 'sent', jsonb_build_object('days', days, 'answered', answered)
        from asked returning id, at, (properties ->> 'answered')::int as answered
    ), question as (
        insert into dialogpost.contact_question (message, clinic, nins, answered_at)
        select id, 8141333, '{}', now() - answered * interval '1 day' from message
    )
    insert into dialogpost.notification (id, clinic, patient, kind, entry, channel, state, address, language, created_at, changed_at)
    select gen_random_uuid(), 8141333, gen_random_uuid(), 'message', gen_random_uuid(), 'sms', state, 'an address', 'nb', now(),
        now() - days * interval '1 day'
    from (values (364, 'sent'), (366, 'sent'), (366, 'delivered'), (366, 'failed'), (366, 'due'), (366, 'sending')) told (days, state)";

/// Whom HelseNorge was asked about, and where notices went: what is old goes, and what is still needed stays.
#[tokio::test]
async fn questions_and_addresses_go_when_they_are_old() {
    let fleet = Fleet::new().await;
    // What they are about is not looked at here.
    fleet.rows.query("set session_replication_role = replica", &[]).await;
    fleet.rows.query(ASKED_AND_TOLD, &[]).await;
    let (store, now, retention) = (fleet.store_as("dead-letter-keeper"), runtime::clock::system(), Retention::default());
    let mut session = store.session().await.unwrap();
    for (kept, gone) in [(Kept::ContactQuestion, 2), (Kept::Notification, 3)] {
        let (walk, days, before) = (Walk::Table(kept), retention.days(kept), retention.before(kept, now));
        assert_eq!(pruning::take(&mut session, walk, days, before, now).await.unwrap(), Stepped::Through(gone), "{kept:?}");
    }
    let asked = "select (m.properties ->> 'days') || ' ' || coalesce(m.properties ->> 'answered', 'never')
        from dialogpost.contact_question q join dialogpost.message m on m.id = q.message order by 1";
    assert_eq!(fleet.rows.column::<String>(asked).await, ["29 never", "31 29"]);
    let told = "select state || ' ' || address from dialogpost.notification where address <> '' order by 1";
    assert_eq!(fleet.rows.column::<String>(told).await, ["due an address", "sending an address", "sent an address"]);
    // That they were told stays.
    assert_eq!(fleet.rows.count("dialogpost.notification").await, 6);
}

/// An id that was given so many days ago.
fn id_of(days: u64) -> Uuid {
    let seconds = u64::try_from(runtime::clock::system().as_second()).unwrap() - days * 24 * 3600;
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0))
}

/// What has waited is marked as it comes, and is no older than it is kept for that.
#[tokio::test]
async fn retention_tells_what_is_kept_longer_and_nothing_that_is_young() {
    let fleet = Fleet::new().await;
    let put = "insert into dialogpost.message (id, direction, at, queue, outcome, properties, left_open) values ($1, 'out', now(), 'q', 'sent', '{}', true)";
    let ids = [181, 200, 179].map(id_of);
    for id in &ids {
        fleet.rows.query(put, &[id]).await;
    }
    let told = || async { dialogpost(&fleet, &["retention", "--json"]).await.code(0).json()["left_open"].clone() };
    assert_eq!(told().await, json!({"messages": 0, "oldest": []}), "nothing was looked at");
    fleet.rows.query("insert into dialogpost.pruning (what, days) values ('message, left open', 180)", &[]).await;
    assert_eq!(told().await, json!({"messages": 2, "oldest": [ids[1], ids[0]]}));
    dialogpost(&fleet, &["retention"]).await.code(0).says(&["kept whole: 2 ", &format!("dialogpost show {}", ids[1])]);
    fleet.rows.query("update dialogpost.pruning set days = null", &[]).await;
    assert_eq!(told().await["messages"], 0, "kept for ever");
}

/// Only what is written down to go may go from what is append-only.
#[tokio::test]
async fn of_an_edit_only_the_body_goes() {
    let fleet = Fleet::new().await;
    let letter =
        "insert into dialogpost.dead_letter (id, at, worker, fault, code, text, attempts, queue, properties, body, origin, since)
        select id, now(), 'w', 'broken', 'c', 't', 1, 'q', '{}', 'x', id, now() from (select gen_random_uuid() as id) n";
    fleet.rows.query(letter, &[]).await;
    let edit = "insert into dialogpost.dead_letter_edit (letter, number, at, actor, reason, fields, properties, body)
        select id, 1, now(), 'kari', 'r', '{body}', '{}', 'y' from dialogpost.dead_letter";
    fleet.rows.query(edit, &[]).await;
    for refused in [
        "update dialogpost.dead_letter_edit set body = 'z'",
        "update dialogpost.dead_letter_edit set properties = '{\"subject\": \"z\"}'",
        // That is how an edit is taken back.
        "update dialogpost.dead_letter_edit set body = null, properties = null",
        "update dialogpost.dead_letter_edit set body = '', properties = '{}', reason = ''",
        "delete from dialogpost.dead_letter_edit",
    ] {
        assert!(fleet.rows.refused(refused).await.contains("append-only"), "{refused}");
    }
    fleet.rows.query("update dialogpost.dead_letter_edit set body = '', properties = '{}'", &[]).await;
    assert_eq!(fleet.rows.count("dialogpost.dead_letter_edit where body = ''").await, 1);
}

/// However long ago the claim of others is gone: as long as its answer is kept, a command is not done again; then it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_known_as_long_as_its_answer_is_kept() {
    let mut clinic = Clinic::open().await;
    let epj = clinic.epj().await;
    let command = start();
    let answer = epj.ask(&command).await;
    assert_eq!(answer["outcome"], "done", "{answer}");
    clinic.sent().await;
    let claims = "dialogpost.processed where worker = 'clinic-commands'";
    pruned(&mut clinic, || later(100)).await;
    assert_eq!(clinic.fleet.rows.count(claims).await, 1);
    assert_eq!(epj.ask(&command).await, answer);
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog").await, 1);
    pruned(&mut clinic, || later(400)).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.command").await, 0);
    assert_eq!(clinic.fleet.rows.count(claims).await, 0);
    let again = epj.ask(&command).await;
    assert_eq!(again["outcome"], "done", "{again}");
    assert_ne!(again["result"], answer["result"]);
    clinic.sent().await;
    clinic.close().await;
}

/// The other way round: its answer goes first, and its claim with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_answer_is_gone_is_done_again_and_not_refused() {
    let mut fleet = Fleet::new().await;
    fleet.settings.insert("RETENTION", "command=30".to_owned());
    let mut clinic = Clinic::of(fleet).await;
    let epj = clinic.epj().await;
    let command = start();
    epj.done(&command).await;
    pruned(&mut clinic, || later(40)).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.command").await, 0);
    epj.done(&command).await;
    let mut sent = clinic.helsenorge.expect("8093244_async", 2, PATIENCE).await.unwrap();
    assert_eq!(sent.drain(..).filter(|sent| sent.apprec.is_none()).count(), 2);
    clinic.close().await;
}
