//! What operators do with dead letters (O3), by the `dialogpost` command, on a running fleet.

mod editing;
mod replaying;
mod seeing;

use e2e::{Clinic, Fleet, PATIENCE};
use helsenorge::{Message, Sent};
use serde_json::Value;
use testbed::Ran;
use uuid::Uuid;

const SETUP: &str = include_str!("../../../fixtures/clinic.json");

/// Runs `dialogpost dead-letters …`, as kari.
async fn letters(fleet: &Fleet, arguments: &[&str]) -> Ran {
    let mut command = fleet.command("dialogpost").await;
    command.arg("dead-letters").args(arguments).env("USER", "kari").output().await.unwrap().into()
}

/// Plans what these arguments choose; the plan's id and what it says.
pub(crate) async fn planned(fleet: &Fleet, arguments: &[&str]) -> (String, Value) {
    let plan = letters(fleet, &[&["plan", "--json"], arguments].concat()).await.json();
    (plan["plan"].as_str().unwrap_or_default().to_owned(), plan)
}

pub(crate) async fn replay(fleet: &Fleet, plan: &str) -> Ran {
    letters(fleet, &["replay", plan, "--reason", "mended", "--json"]).await
}

/// Nobody knows HelseNorge: what it sends is dead, and nobody can be told.
async fn forgotten() -> Clinic {
    let clinic = Clinic::open().await;
    clinic.fleet.rows.query("delete from dialogpost.communication_party", &[]).await;
    clinic
}

/// It is known again.
pub(crate) async fn mended(clinic: &Clinic) {
    clinic.fleet.apply(SETUP).await;
}

/// Messages that die.
pub(crate) async fn died(clinic: &mut Clinic, messages: Vec<Message>) -> Vec<Sent> {
    let before = clinic.fleet.rows.count("dialogpost.dead_letter").await;
    let sent = clinic.send(&messages).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.dead_letter").await, before + messages.len() as i64);
    sent
}

async fn open_letters(fleet: &Fleet) -> Vec<Uuid> {
    fleet.rows.column("select id from dialogpost.dead_letter where replayed_at is null order by at, id").await
}

async fn states(fleet: &Fleet) -> Vec<String> {
    fleet
        .rows
        .column("select s.state || ' ' || count(*) from dialogpost.dead_letter_state s group by s.state order by s.state")
        .await
}

/// Entries, and the receipts that HelseNorge got: each message once.
async fn once_each(clinic: &Clinic, messages: usize) {
    let receipts = clinic.helsenorge.receipts(messages, PATIENCE).await.unwrap();
    assert!(receipts.iter().all(|receipt| receipt.apprec.as_ref().is_some_and(|apprec| apprec.errors.is_empty())));
    // Receipts do not wait for what else becomes of a message.
    clinic.fleet.settle(messages as i64).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog_entry").await, messages as i64);
    let copies = "select count(*) from (select entry from dialogpost.inbox_item group by entry) e";
    assert_eq!(clinic.fleet.rows.one::<i64>(copies).await, messages as i64);
}
