//! The consumer that silently hears nothing: after each kind of outage, what is published then must arrive.

use crate::support::{Admin, Reader, id_range, messages, publish, url};
use broker::{Consumer, Publisher, Settled};
use std::process::Command;
use std::time::Duration;
use testbed::Rabbit;

/// Reads all the while, as a worker does; every id once it has been acknowledged.
fn keep_reading(mut reader: Reader) -> tokio::sync::mpsc::UnboundedReceiver<String> {
    let (send, receive) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(batch) = Consumer::next(&mut reader.consumer).await {
            let ids = crate::support::ids(&batch);
            batch.ack().await;
            if ids.into_iter().any(|id| send.send(id).is_err()) {
                return;
            }
        }
    });
    receive
}

async fn expect(read: &mut tokio::sync::mpsc::UnboundedReceiver<String>, first: usize) {
    let mut missing = id_range(first, 10);
    while !missing.is_empty() {
        let id = tokio::time::timeout(Duration::from_secs(45), read.recv()).await.expect("it hears nothing").unwrap();
        missing.retain(|m| *m != id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_hears_again_after_every_outage() {
    let rabbit = Rabbit::private().await;
    let vhost = rabbit.url("/") + "?heartbeat=2";
    Admin::new(&vhost).await.declare("q", &[]).await;
    let mut read = keep_reading(Reader::new(&vhost, &["q"], 20, 10));
    publish(&vhost, &messages("q", 0, 10)).await;
    expect(&mut read, 0).await;

    rabbit.stop().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    rabbit.start().await;
    publish(&vhost, &messages("q", 100, 10)).await;
    expect(&mut read, 100).await;

    rabbit.ctl(&["close_all_connections", "test"]).await;
    publish(&vhost, &messages("q", 200, 10)).await;
    expect(&mut read, 200).await;

    let admin = Admin::new(&vhost).await;
    admin.delete("q").await;
    admin.declare("q", &[]).await;
    publish(&vhost, &messages("q", 300, 10)).await;
    expect(&mut read, 300).await;

    // Stopped for longer than two heartbeats: no one closes the connection, it just falls silent.
    let pid = rabbit.ctl(&["eval", "os:getpid()."]).await.trim().trim_matches('"').to_owned();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    let publisher = Publisher::new(url(&vhost), "test");
    assert_eq!(publisher.publish(&messages("q", 390, 1)).await, [Settled::Confirmed]);
    signal("-STOP");
    // A busy process goes on for a moment.
    let is_stopped = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") T ");
    while !is_stopped() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let settled = publisher.publish(&messages("q", 390, 1)).await;
    assert!(matches!(settled.as_slice(), [Settled::Failed(_)]), "{settled:?}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    signal("-CONT");
    let mut batch = messages("q", 400, 10);
    while !batch.is_empty() {
        let settled = publisher.publish(&batch).await;
        batch = batch.into_iter().zip(settled).filter(|(_, s)| *s != Settled::Confirmed).map(|(m, _)| m).collect();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    expect(&mut read, 400).await;
}
