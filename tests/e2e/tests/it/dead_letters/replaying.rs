//! Plans and replays: each letter has its effect once, whoever replays it, however often, and whatever happens meanwhile.

use super::*;
use serde_json::json;
use std::time::Duration;
use tokio::process::Child;

#[tokio::test(flavor = "multi_thread")]
async fn o3_what_is_mended_is_replayed_and_happens_once() {
    let mut clinic = forgotten().await;
    died(&mut clinic, vec![Message::ekontakt(), Message::ekonsultasjon(), Message::reseptfornyelse()]).await;
    let groups = letters(&clinic.fleet, &["groups", "--json"]).await.code(0).json();
    let group = &groups["groups"][0];
    assert_eq!((&group["letters"], &group["code"], &group["clinics"]), (&json!(3), &json!("sender-unknown"), &json!(1)));
    let cause = group["cause"].as_str().unwrap();
    // Too early: they die again, as letters of their own, and the first cannot be replayed once more.
    let (plan, said) = planned(&clinic.fleet, &["--cause", cause]).await;
    assert_eq!((&said["to_replay"], &said["letters"][0]["happened"]), (&json!(3), &json!(["in the ledger as dead"])));
    let early = replay(&clinic.fleet, &plan).await.code(1).json();
    assert_eq!((&early["ended"], &early["counts"]["died_again"]), (&json!("done"), &json!(3)));
    assert_eq!(states(&clinic.fleet).await, ["died_again 3", "open 3"]);
    mended(&clinic).await;
    let first = said["letters"][0]["letter"].as_str().unwrap();
    let blocked = letters(&clinic.fleet, &["plan", first, "--json"]).await.code(1).json();
    assert_eq!(blocked["letters"][0]["blocked"]["code"], "died-again");
    let (plan, _) = planned(&clinic.fleet, &["--cause", "sender-unknown"]).await;
    let done = replay(&clinic.fleet, &plan).await.code(0).json();
    assert_eq!((&done["counts"]["done"], &done["counts"]["to_come"]), (&json!(3), &json!(0)));
    clinic.fleet.settle(3).await;
    once_each(&clinic, 3).await;
    let lines: Vec<String> = clinic
        .fleet
        .rows
        .column("select state || ' ' || count(*) from dialogpost.message_state group by state order by state")
        .await;
    assert_eq!(lines, ["delivered 2", "journaled_and_delivered 1"], "the ledger knows three messages, and none dead");
    replay(&clinic.fleet, &plan).await.code(0);
    let audited =
        "select count(*) from dialogpost.audit where action = 'dead-letter-replayed' and actor = 'kari' and reason = 'mended'";
    assert_eq!(clinic.fleet.rows.one::<i64>(audited).await, 6);
    clinic.close().await;
}

/// One plan started twice, and two plans of the same letters.
#[tokio::test(flavor = "multi_thread")]
async fn o3_two_operators_have_one_effect() {
    let mut clinic = forgotten().await;
    died(&mut clinic, (0..12).map(|_| Message::ekontakt()).collect()).await;
    mended(&clinic).await;
    let (one, _) = planned(&clinic.fleet, &[]).await;
    let (other, said) = planned(&clinic.fleet, &[]).await;
    assert_eq!(said["to_replay"], 12);
    let slowly = |plan: String| {
        let fleet = &clinic.fleet;
        async move { letters(fleet, &["replay", &plan, "--reason", "mended", "--rate", "10", "--json"]).await }
    };
    let ((a, b), c) = tokio::join!(async { tokio::join!(slowly(one.clone()), slowly(one.clone())) }, slowly(other));
    let ran: Vec<Value> = [&a, &b].map(Ran::json).into();
    assert_eq!(ran.iter().filter(|said| said["held_by"] == "kari").count(), 1, "{ran:?}");
    let did = ran.iter().find(|said| said["held_by"].is_null()).unwrap();
    let count = |said: &Value, name: &str| said["counts"][name].as_u64().unwrap();
    assert_eq!(count(did, "done") + count(&c.json(), "done"), 12, "{did} {}", c.out);
    assert_eq!(count(did, "passed_over") + count(&c.json(), "passed_over"), 12);
    clinic.fleet.settle(12).await;
    once_each(&clinic, 12).await;
    clinic.close().await;
}

async fn begun(fleet: &Fleet, plan: &str) -> Child {
    let mut command = fleet.command("dialogpost").await;
    command.args(["dead-letters", "replay", plan, "--reason", "mended", "--rate", "4"]).env("USER", "ole");
    command.stdout(std::process::Stdio::null()).spawn().unwrap()
}

/// Killed in the middle, it is gone on with by the same command, and watched by another.
#[tokio::test(flavor = "multi_thread")]
async fn o3_a_replay_that_crashed_goes_on() {
    let mut clinic = forgotten().await;
    died(&mut clinic, (0..9).map(|_| Message::ekontakt()).collect()).await;
    mended(&clinic).await;
    let (plan, _) = planned(&clinic.fleet, &[]).await;
    let mut replaying = begun(&clinic.fleet, &plan).await;
    clinic.fleet.until("select (count(*) > 2)::int::bigint from dialogpost.replay_item where released_at is not null", 1).await;
    replaying.kill().await.unwrap();
    let released = clinic.fleet.rows.count("dialogpost.replay_item where released_at is not null").await;
    assert!(released < 9, "killed in the middle: {released}");
    // Nobody has it any more once its lease is over.
    clinic.fleet.rows.query("update dialogpost.replay set lease_end = now()", &[]).await;
    let watched = letters(&clinic.fleet, &["replay", &plan, "--watch", "--json"]).await.code(1).json();
    assert!(watched["counts"]["to_come"].as_u64().unwrap() > 0, "{watched}");
    let done = letters(&clinic.fleet, &["replay", &plan, "--json"]).await.code(0).json();
    assert_eq!(done["counts"]["done"], 9);
    let listed = letters(&clinic.fleet, &["replays", "--json"]).await.code(0).json();
    assert_eq!((&listed["replays"][0]["state"], &listed["replays"][0]["started_by"]), (&json!("done"), &json!("kari")));
    clinic.fleet.settle(9).await;
    once_each(&clinic, 9).await;
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn o3_it_stops_when_asked_and_by_itself() {
    let mut clinic = forgotten().await;
    died(&mut clinic, (0..30).map(|_| Message::ekontakt()).collect()).await;
    let (plan, _) = planned(&clinic.fleet, &[]).await;
    // They die again: after five it tells.
    let braked = letters(&clinic.fleet, &["replay", &plan, "--reason", "early", "--rate", "8", "--json"]).await.code(1).json();
    assert_eq!(braked["ended"], "brake");
    let died = braked["counts"]["died_again"].as_u64().unwrap();
    assert!((5..25).contains(&died), "{braked}");
    mended(&clinic).await;
    let mut replaying = begun(&clinic.fleet, &plan).await;
    clinic.fleet.until("select (count(*) > 0)::int::bigint from dialogpost.dialog_entry", 1).await;
    letters(&clinic.fleet, &["replay", &plan, "--stop"]).await.code(0);
    let ended = tokio::time::timeout(Duration::from_secs(10), replaying.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(1));
    letters(&clinic.fleet, &["replay", &plan, "--stop"]).await.code(1);
    let to_come = clinic.fleet.rows.count("dialogpost.replay_item where released_at is null").await;
    assert!(to_come > 0);
    // What died again stays for a plan of its own.
    letters(&clinic.fleet, &["replay", &plan, "--rate", "1000", "--brake", "100"]).await.code(1);
    let (rest, _) = planned(&clinic.fleet, &[]).await;
    replay(&clinic.fleet, &rest).await.code(0);
    clinic.fleet.settle(30).await;
    once_each(&clinic, 30).await;
    clinic.close().await;
}

/// What goes on after one that died is passed over: the order of a dialog is kept.
#[tokio::test(flavor = "multi_thread")]
async fn o3_of_one_dialog_one_after_the_other() {
    let mut clinic = forgotten().await;
    let first = Message::ekontakt();
    let conversation = first.build().msg_id;
    let later = || Message::ekontakt().in_conversation(&conversation, &conversation);
    died(&mut clinic, vec![first]).await;
    died(&mut clinic, vec![later()]).await;
    died(&mut clinic, vec![later()]).await;
    let ids = open_letters(&clinic.fleet).await;
    let (_, said) = planned(&clinic.fleet, &[&ids[1].to_string()]).await;
    assert_eq!(said["letters"][0]["blocked"]["code"], "waits-for-earlier");
    let (plan, _) = planned(&clinic.fleet, &[]).await;
    let early = replay(&clinic.fleet, &plan).await.code(1).json();
    assert_eq!((&early["counts"]["died_again"], &early["counts"]["passed_over"]), (&json!(1), &json!(2)));
    assert_eq!(early["passed_over"][0]["why"], "earlier-one-failed");
    mended(&clinic).await;
    // What died again is the first still.
    let (plan, _) = planned(&clinic.fleet, &[]).await;
    replay(&clinic.fleet, &plan).await.code(0);
    once_each(&clinic, 3).await;
    let order: Vec<Uuid> = clinic.fleet.rows.column("select id from dialogpost.dialog_entry order by sequence").await;
    let arrived: Vec<Uuid> =
        clinic.fleet.rows.column("select message from dialogpost.dead_letter where replay_of is null order by at, id").await;
    assert_eq!(order, arrived);
    clinic.close().await;
}

/// What no queue took goes out under the same id, to where its receiver is reached once that is mended.
#[tokio::test(flavor = "multi_thread")]
async fn o3_what_could_not_be_sent_is_sent() {
    let mut clinic = Clinic::open().await;
    let elsewhere = "update dialogpost.communication_party set async_queue = 'borte_async'";
    clinic.fleet.rows.query(elsewhere, &[]).await;
    clinic.send(&[Message::ekontakt()]).await;
    clinic.fleet.until("select count(*) from dialogpost.dead_letter where code = 'nhn-unroutable'", 1).await;
    let (_, said) = planned(&clinic.fleet, &[]).await;
    let letter = said["letters"][0]["letter"].as_str().unwrap().to_owned();
    assert_eq!(said["letters"][0]["would"], "is sent again under the same message id, to where its receiver is reached now");
    // Too early it dies again: that letter is the one to replay.
    let (plan, _) = planned(&clinic.fleet, &[&letter]).await;
    replay(&clinic.fleet, &plan).await.code(1);
    assert_eq!(states(&clinic.fleet).await, ["died_again 1", "open 1"]);
    mended(&clinic).await;
    let (plan, _) = planned(&clinic.fleet, &[]).await;
    replay(&clinic.fleet, &plan).await.code(0);
    let receipt = clinic.receipt().await;
    assert_eq!(receipt.properties.to.as_deref(), Some("8093244_async"));
    let written: Uuid = clinic.fleet.rows.one("select distinct outbox from dialogpost.dead_letter").await;
    assert_eq!(receipt.properties.message_id, Some(written.to_string()));
    let state: String = clinic.fleet.rows.one("select state from dialogpost.message_state").await;
    assert_eq!(state, "delivered");
    clinic.close().await;
}
