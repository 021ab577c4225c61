//! Commands at the same time about the same thing: one of them is done.

use super::{open, start};
use e2e::epj::COMMANDS;
use serde_json::{Value, json};

/// Two of one batch about one dialog: the second finds what the first has done.
#[tokio::test(flavor = "multi_thread")]
async fn commands_of_one_batch_see_each_other() {
    let (clinic, epj) = open().await;
    let dialog = epj.done(&start()).await["dialog"].clone();
    clinic.sent().await;
    let close = |_| super::of("kari", "CloseDialog", json!({ "dialog": dialog }));
    let all: Vec<Value> = (0..40).map(close).collect();
    for command in &all {
        epj.send_raw(COMMANDS, &serde_json::to_vec(command).unwrap(), command["id"].as_str().unwrap()).await;
    }
    let mut done = 0;
    for _ in &all {
        let body = epj.next().await.body;
        done += usize::from(body["outcome"] == "done");
        assert!(body["outcome"] == "done" || body["refusal"]["code"] == "dialog-closed", "{body}");
    }
    assert_eq!(done, 1);
    clinic.sent().await;
    clinic.close().await;
}
