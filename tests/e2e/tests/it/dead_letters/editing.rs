//! Edits: one effect, of the last edit; nobody's edit is dropped unseen.

use super::*;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn o3_edited_twice_and_replayed_twice_it_happens_once() {
    let mut clinic = Clinic::open().await;
    died(&mut clinic, vec![Message::ekontakt().without_property("fromHerId")]).await;
    let id = open_letters(&clinic.fleet).await.remove(0).to_string();
    let edit = |change: &'static str, on: &'static [&'static str]| {
        let (fleet, id) = (&clinic.fleet, id.clone());
        async move { letters(fleet, &[&["edit", &id, "--set", change, "--reason", "wrong", "--json"], on].concat()).await }
    };
    let (original, _) = planned(&clinic.fleet, &[&id]).await;
    assert_eq!(edit("fromHerId=8093299", &[]).await.code(0).json()["edit"], 1);
    // As it came it cannot run any more.
    let passed = replay(&clinic.fleet, &original).await.code(1).json();
    assert_eq!(passed["passed_over"][0]["why"], "changed-since-planned");
    let (first, said) = planned(&clinic.fleet, &[&id]).await;
    assert_eq!(said["letters"][0]["edit"], 1);
    // A second edit must know of the first.
    assert_eq!(edit("fromHerId=8093244", &[]).await.code(1).json()["refused"], "edited-since");
    assert_eq!(edit("fromHerId=8093244", &["--on", "1"]).await.code(0).json()["edit"], 2);
    assert_eq!(edit("fromHerId=8093244", &["--on", "1"]).await.code(1).json()["refused"], "edited-since");
    let stale = replay(&clinic.fleet, &first).await.code(1).json();
    assert_eq!(stale["passed_over"][0]["why"], "changed-since-planned");
    let (plan, _) = planned(&clinic.fleet, &[&id]).await;
    replay(&clinic.fleet, &plan).await.code(0);
    assert_eq!(edit("fromHerId=8093244", &["--on", "2"]).await.code(1).json()["refused"], "not-open");
    let again = letters(&clinic.fleet, &["plan", &id, "--json"]).await.code(1).json();
    assert_eq!(again["letters"][0]["blocked"]["code"], "done");
    once_each(&clinic, 1).await;
    let audited: Vec<String> = clinic
        .fleet
        .rows
        .column("select action from dialogpost.audit where action like 'dead-letter%' order by clinic, sequence")
        .await;
    assert_eq!(audited, ["dead-letter-edited", "dead-letter-edited", "dead-letter-replayed"]);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn o3_what_it_is_known_by_stays() {
    let mut clinic = Clinic::open().await;
    died(&mut clinic, vec![Message::ekontakt().without_property("fromHerId")]).await;
    let id = open_letters(&clinic.fleet).await.remove(0).to_string();
    for (change, says) in [
        ("message_id=x", "a message is known by it"),
        ("/MsgHead=x", "what a sender signed is not edited"),
        ("fraHerId=1", "no property of this name"),
    ] {
        let refused = letters(&clinic.fleet, &["edit", &id, "--set", change, "--reason", "wrong"]).await.code(2);
        assert!(refused.err.contains(says), "{refused:?}");
    }
    letters(&clinic.fleet, &["edit", &id, "--set", "fromHerId=8093244", "--reason", "wrong"]).await.code(0);
    let back = letters(&clinic.fleet, &["edit", &id, "--take-back", "--on", "1", "--reason", "right"]).await.code(0);
    assert!(back.out.contains("dead-letters plan"), "{back:?}");
    let (plan, said) = planned(&clinic.fleet, &[&id]).await;
    assert_eq!(said["letters"][0]["edit"], json!(null));
    replay(&clinic.fleet, &plan).await.code(1);
    assert_eq!(states(&clinic.fleet).await, ["died_again 1", "open 1"], "as it came it has nobody to answer");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn o3_what_is_discarded_stays_and_is_not_replayed() {
    let mut clinic = forgotten().await;
    died(&mut clinic, vec![Message::ekontakt(), Message::ekontakt()]).await;
    let ids: Vec<String> = open_letters(&clinic.fleet).await.iter().map(Uuid::to_string).collect();
    let (plan, _) = planned(&clinic.fleet, &[]).await;
    letters(&clinic.fleet, &["discard", &ids[0], "--reason", "a test"]).await.code(0);
    letters(&clinic.fleet, &["discard", &ids[0], "--reason", "a test"]).await.code(1);
    mended(&clinic).await;
    let replayed = replay(&clinic.fleet, &plan).await.code(1).json();
    assert_eq!((&replayed["counts"]["done"], &replayed["counts"]["passed_over"]), (&json!(1), &json!(1)));
    clinic.fleet.settle(2).await;
    once_each(&clinic, 1).await;
    let lines: Vec<String> = clinic.fleet.rows.column("select state from dialogpost.message_state order by state").await;
    assert_eq!(lines, ["dead", "delivered"]);
    assert_eq!(states(&clinic.fleet).await, ["discarded 1", "done 1"]);
    clinic.close().await;
}
