//! What HelseNorge tells of its users is taken in once: twice, in any order, with a crash after each step.

use super::*;
use bytes::Bytes;
use domain::agreement::part::Delivery;
use domain::command::question::DIGITALBRUKER;
use e2e::Snapshot;
use helsenorge::Sent;
use runtime::probe::Step;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::contact::NewQuestion;

const QUESTION: &str = "01980000-0000-7000-8000-00000000000a";
const THIRD: &str = "20437045020";

/// Every path: an answer, the same again, a change, an answer that says nothing, one to nobody's question, one that is turned down.
fn messages() -> Vec<Sent> {
    let id = |n: u32| format!("5f7f7b5e-54a7-4c0e-8d8e-{n:012}");
    let answer = || Message::digital_users(QUESTION, &[LINE.to_owned()]).msg_id(id(1));
    let all = [
        answer(),
        answer().transport_id("igjen"),
        Message::digital_user_changed(THIRD).msg_id(id(2)),
        Message::digital_users_code(QUESTION, "31").msg_id(id(3)),
        Message::digital_users(&id(99), &[TROND.to_owned()]).msg_id(id(4)),
        Message::digital_users_code(QUESTION, "28").msg_id(id(5)),
    ];
    all.iter().map(Message::build).collect()
}

/// A fleet whose clinic has asked about Line and Trond, and that knows something of a third.
async fn asked() -> Fleet {
    let mut fleet = blank().await;
    // What came of each message is what counts here, not what is asked anew.
    fleet.settings.insert("CONTACT_SERVICE", "off".to_owned());
    want(&fleet, &[LINE, TROND]).await;
    let known =
        "insert into dialogpost.contact_status (clinic, nin, active, consented, as_of) values (8141333, $1, true, true, now())";
    fleet.rows.query(known, &[&THIRD]).await;
    let store = fleet.store();
    let mut session = store.session().await.unwrap();
    let (clinic, now) = (solbakken(), clock::system());
    let (ends, ..) = store::sending::ends(&session, clinic, example::HELSENORGE.try_into().unwrap()).await.unwrap().unwrap();
    let tx = session.begin().await.unwrap();
    let now = contact::take(&tx, 1000, now).await.unwrap().asked_at;
    let message = QUESTION.parse().unwrap();
    let row = store::message::Sent::written(&ends, DIGITALBRUKER, Delivery::Async, message, now, Bytes::new());
    store::message::insert_sent(&tx, &[row]).await.unwrap();
    let nins = [LINE, TROND].map(|nin| nin.to_owned().into()).into();
    contact::ask(&tx, &[NewQuestion { message, clinic, nins }]).await.unwrap();
    tx.commit().await.unwrap();
    fleet
}

/// What a run left behind, once every answer has come: one for each message, however often it was sent.
async fn outcome(fleet: &Fleet, answers: usize) -> (Snapshot, Vec<String>) {
    let helsenorge = fleet.helsenorge().await;
    let mut ids = std::collections::BTreeSet::new();
    while ids.len() < answers {
        let receipts = helsenorge.receive(QUEUE, answers, Duration::from_millis(300)).await.unwrap();
        ids.extend(receipts.into_iter().map(|r| r.properties.message_id.unwrap()));
    }
    assert_eq!(ids.len(), answers);
    (fleet.rows.snapshot().await, statuses(fleet).await)
}

async fn clean_run(sent: &[Sent]) -> (Snapshot, Vec<String>) {
    let fleet = asked().await;
    fleet.helsenorge().await.publish(sent).await.unwrap();
    let running = fleet.start();
    fleet.settle(sent.len() as i64).await;
    running.stop().await;
    outcome(&fleet, sent.len()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_after_each_step() {
    let sent = messages();
    let clean = clean_run(&sent).await;
    let want =
        [format!("{LINE} active consented"), format!("{THIRD} active consented doubted wanted"), format!("{TROND} inactive")];
    assert_eq!(clean.1, want);
    for step in Step::ALL {
        let fleet = asked().await;
        fleet.helsenorge().await.publish(&sent).await.unwrap();
        let died = Arc::new(AtomicBool::new(false));
        let once = Arc::clone(&died);
        let probe = Probe::new(move |w, s| w == "helsenorge-inbound" && s == step && !once.swap(true, Ordering::SeqCst));
        fleet.start_with(&WORKERS, probe).crashed_or(&died).await;
        let running = fleet.start();
        fleet.settle(sent.len() as i64).await;
        running.stop().await;
        assert_eq!(outcome(&fleet, sent.len()).await, clean, "{step:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twice_and_in_any_order() {
    let mut sent = messages();
    let clean = clean_run(&sent).await;
    for turn in 0..4 {
        sent.rotate_left(turn);
        sent.swap(0, 3);
        let fleet = asked().await;
        let helsenorge = fleet.helsenorge().await;
        helsenorge.publish(&sent).await.unwrap();
        helsenorge.publish(&sent).await.unwrap();
        let running = fleet.start();
        fleet.settle(sent.len() as i64).await;
        running.stop().await;
        assert_eq!(outcome(&fleet, sent.len()).await, clean, "turn {turn}");
    }
}

/// Whoever asks dies between taking and telling: with the transaction everything is taken again.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_by_one_who_died_is_asked_about() {
    let fleet = blank().await;
    want(&fleet, &[LINE]).await;
    let store = fleet.store();
    let mut dying = store.session().await.unwrap();
    let tx = dying.begin().await.unwrap();
    assert_eq!(contact::take(&tx, 1000, clock::system()).await.unwrap().people.len(), 1);
    let mut other = store.session().await.unwrap();
    let beside = other.begin().await.unwrap();
    assert!(contact::take(&beside, 1000, clock::system()).await.unwrap().people.is_empty(), "nobody is asked about twice");
    drop((tx, beside));
    let running = fleet.start_with(&[ASKER], Probe::default());
    fleet.until("select count(*) from dialogpost.contact_question", 1).await;
    running.stop().await;
    assert_eq!(fleet.rows.count("dialogpost.outbox where cause in (select message from dialogpost.contact_question)").await, 1);
}

/// Clocks of several machines differ: an answer is later than the want it was asked for, and a doubt later than the question before it.
#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_differ_do_no_harm() {
    let fleet = blank().await;
    want(&fleet, &[LINE]).await;
    let slow = clock::system() - jiff::SignedDuration::from_secs(30);
    let store = fleet.store();
    let mut session = store.session().await.unwrap();
    let said = |as_of| [contact::Said { clinic: solbakken(), nin: LINE.to_owned().into(), active: true, consented: true, as_of }];
    let tx = session.begin().await.unwrap();
    let asked_at = contact::take(&tx, 1000, slow).await.unwrap().asked_at;
    assert!(asked_at > slow);
    contact::doubt(&tx, &[contact::Doubt::Person(solbakken(), LINE.to_owned().into())], slow).await.unwrap();
    contact::told(&tx, &said(asked_at)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(statuses(&fleet).await, [format!("{LINE} active consented doubted wanted")]);
    let tx = session.begin().await.unwrap();
    let asked_at = contact::take(&tx, 1000, slow).await.unwrap().asked_at;
    contact::told(&tx, &said(asked_at)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(statuses(&fleet).await, [format!("{LINE} active consented")]);
}
