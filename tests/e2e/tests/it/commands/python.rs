//! A journal system in another language: Debian's Python, an ordinary AMQP client, the published schemas, and nothing of ours.

use super::open;
use helsenorge::{Message, Wish};
use messages::command::schema::all;
use tokio::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/epj.py");

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_walked_by_a_stranger() {
    let (mut clinic, _) = open().await;
    let request = Message::reseptfornyelse().prescription("Zyrtec", "R06AE07", "C");
    clinic.send(&[request, Message::timeonske(Wish::New)]).await;
    clinic.helsenorge.receipts(2, e2e::PATIENCE).await.unwrap();
    let folder = std::env::temp_dir().join(format!("dialogpost-schemas-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    for schema in all() {
        std::fs::write(folder.join(format!("{}.schema.json", schema.name)), schema.schema.to_string()).unwrap();
    }
    let mut command = Command::new("/usr/bin/python3");
    command.arg(SCRIPT).arg(&folder).env("AMQP_URL", &clinic.fleet.world.amqp_url).kill_on_drop(true);
    let output = command.output().await.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said} (Debian's packages python3-pika and python3-jsonschema)");
    // The dialog's beginning, two more messages and the answers to the request and to the wish reach HelseNorge.
    let sent = clinic.helsenorge.expect("8093244_async", 5, e2e::PATIENCE).await.unwrap();
    for received in &sent {
        assert_eq!(received.shape_faults(), Vec::<String>::new());
        if let Some(driver) = schemas::driver() {
            schemas::validate(&driver, "what HelseNorge gets", &received.body);
        }
    }
    clinic.close().await;
}
