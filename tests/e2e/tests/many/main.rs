//! Many clinics at once: one effect and one answer for each command, and every message is accounted for. A program of its own: whoever has
//! so much to do is measured by how long each waits, and no other test waits with them.

// Tests: a failed expectation should stop the test where it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod hundred;
#[path = "../it/judging.rs"]
mod judging;

use e2e::epj::{COMMANDS, Epj};
use e2e::{Clinic, Fleet, WORKERS};
use helsenorge::example::{HELSENORGE, HELSENORGE_PARENT, SOLBAKKEN_PARENT};
use helsenorge::{HelseNorge, Message, Receipt, Received};
use hundred::{BEFORE, Before, EACH, Tally, commands};
use messages::event::DialogKind;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::HashMap;
use store::ledger;
use tokio::task::{JoinHandle, JoinSet};
use tokio_stream::StreamExt as _;
use tokio_util::sync::CancellationToken;

const CLINICS: i64 = 200;
const FIRST: i64 = 8_200_000;
/// Commands of a clinic that wait for their answers. All clinics' together are what an answer waits behind: with 8, and other tests at work
/// beside it, a command waited for 20 s behind 1 600.
const WINDOW: usize = 4;

fn clinics() -> impl Iterator<Item = i64> {
    (0..CLINICS).map(|n| FIRST + n * 10)
}

/// Clinics of two doctors each, with one patient whom HelseNorge reaches.
fn setup() -> String {
    let fixture: Value = serde_json::from_str(include_str!("../../../fixtures/clinic.json")).unwrap();
    let one = |her_id: i64| {
        let mut clinic = fixture["clinics"][0].clone();
        (clinic["her_id"], clinic["name"]) = (json!(her_id), json!(format!("Legene {her_id}")));
        for (n, employee) in clinic["employees"].as_array_mut().unwrap().iter_mut().enumerate() {
            employee["her_id"] = json!(her_id + 1 + n as i64);
        }
        clinic
    };
    json!({ "clinics": clinics().map(one).collect::<Vec<_>>() }).to_string()
}

/// HelseNorge writes to every clinic; which dialogs came of it.
async fn before(clinic: &mut Clinic) -> HashMap<i64, Before> {
    let to =
        |her_id| [Message::reseptfornyelse(), Message::ekontakt()].map(|message| message.to_clinic(her_id, SOLBAKKEN_PARENT));
    let messages: Vec<Message> = (0..BEFORE).flat_map(|_| clinics().flat_map(to)).collect();
    clinic.send(&messages).await;
    let mut all = HashMap::<i64, Before>::new();
    for row in clinic.fleet.rows.query("select clinic, kind, id from dialogpost.dialog", &[]).await {
        let before = all.entry(row.get(0)).or_default();
        match row.get(1) {
            "EKONTAKT" => before.questions.push(row.get(2)),
            _ => before.requests.push(row.get(2)),
        }
    }
    all
}

/// HelseNorge, which receipts each message that it gets. It gives how often each came, by id, once it is told to stop.
async fn receipting(helsenorge: HelseNorge, stop: CancellationToken) -> JoinHandle<HashMap<String, usize>> {
    let mut coming = helsenorge.listen("8093244_async").await.unwrap();
    tokio::spawn(async move {
        let mut got = HashMap::new();
        loop {
            let received = tokio::select! {
                received = coming.next() => received.unwrap(),
                () = stop.cancelled() => return got,
            };
            if received.apprec.is_none() {
                helsenorge.send(&receipt(&received)).await.unwrap();
                *got.entry(received.properties.message_id.unwrap()).or_default() += 1;
            }
        }
    })
}

fn receipt(received: &Received) -> Message {
    assert_eq!(received.shape_faults(), Vec::<String>::new());
    let p = &received.properties;
    let kind = p.subject.as_deref().and_then(DialogKind::from_message_function).unwrap();
    let us = (received.application("fromHerId").unwrap().parse().unwrap(), SOLBAKKEN_PARENT);
    let receipt = Receipt::for_message(p.message_id.as_deref().unwrap()).of_kind(kind);
    // A doctor has no queues of his own: what is for him comes on the clinic's.
    receipt.between((HELSENORGE, HELSENORGE_PARENT), us).to_message().on_queue(p.reply_to.as_deref().unwrap())
}

/// Sends each at least once and about a third of them again, in any order, and holds all answers to one command to be the same.
async fn drive(epj: Epj, clinic: i64, before: Before) -> Vec<(Value, Value)> {
    let mut rng = StdRng::seed_from_u64(clinic.unsigned_abs());
    let commands = commands(clinic, &before);
    assert_eq!(commands.len(), EACH);
    let mut all = commands.clone();
    all.extend(commands.iter().filter(|_| rng.random_bool(0.34)).cloned());
    all.shuffle(&mut rng);
    let mut answers: HashMap<String, (String, Value)> = HashMap::new();
    for n in 0..all.len() + WINDOW {
        if let Some(command) = all.get(n) {
            let correlation = command["id"].as_str().unwrap();
            epj.send_raw(COMMANDS, &serde_json::to_vec(command).unwrap(), correlation).await;
        }
        if n < WINDOW {
            continue;
        }
        let reply = epj.next().await;
        let first = answers.entry(reply.correlation).or_insert_with(|| (reply.message_id.clone(), reply.body.clone()));
        assert_eq!(*first, (reply.message_id, reply.body));
    }
    let told = |command: Value| {
        let (_, answer) = answers.remove(command["id"].as_str().unwrap()).unwrap();
        (command, answer)
    };
    commands.into_iter().map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_clinics_with_a_hundred_commands_each_have_one_effect_for_each() {
    judging::by_the_schemas();
    let mut fleet = Fleet::new().await;
    fleet.lanes = 2;
    fleet.apply(&setup()).await;
    let mut clinic = Clinic::of(fleet).await;
    let stop = CancellationToken::new();
    let receipts = receipting(clinic.fleet.helsenorge().await, stop.clone()).await;
    let mut before = before(&mut clinic).await;
    let mut clinics_at_work = JoinSet::new();
    for her_id in clinics() {
        clinics_at_work.spawn(drive(clinic.epj().await, her_id, before.remove(&her_id).unwrap()));
    }
    let told = clinics_at_work.join_all().await;
    let tally = told.iter().map(|told| Tally::of(told)).fold(Tally::default(), Tally::and);
    let sent = tally.rows["message"];
    clinic.fleet.until("select count(*) from dialogpost.sent_state where state = 'receipted'", sent).await;
    clinic.fleet.settle(0).await;
    stop.cancel();
    every_effect_is_there_once(&clinic.fleet, &tally).await;
    helsenorge_got_each_once(&clinic.fleet, &tally, receipts.await.unwrap()).await;
    the_ledger_balances(&clinic.fleet, sent).await;
    every_chain_is_whole(&clinic.fleet, &tally).await;
    for worker in WORKERS {
        let queue = broker::topology::queue_of(worker.name);
        assert_eq!(clinic.helsenorge.waiting_on(&queue).await.unwrap(), 0, "{queue}");
    }
    clinic.close().await;
}

async fn every_effect_is_there_once(fleet: &Fleet, tally: &Tally) {
    let from_helsenorge = CLINICS * 2 * BEFORE as i64;
    let rows = |table| tally.rows[table];
    for (what, want) in [
        ("dialogpost.command", CLINICS * EACH as i64),
        ("dialogpost.dialog", rows("dialog") + from_helsenorge),
        ("dialogpost.dialog_entry", rows("dialog_entry") + from_helsenorge),
        ("dialogpost.sent_state where function <> 'APPREC'", rows("message")),
        ("dialogpost.journal_entry", rows("journal_entry")),
        ("dialogpost.portal_item", rows("portal_item")),
        ("dialogpost.inbox_item where via = '{colleague}'", rows("inbox_item")),
        ("dialogpost.attachment", rows("attachment")),
        ("dialogpost.upload_part", rows("upload_part")),
        ("dialogpost.dead_letter", 0),
        ("dialogpost.outbox", 0),
    ] {
        assert_eq!(fleet.rows.count(what).await, want, "{what}");
    }
    let unjournaled = "dialogpost.dialog_entry e join dialogpost.dialog d on d.id = e.dialog
        where (d.kind = 'EKONSULTASJON') <> exists (select from dialogpost.journal_entry j where j.entry = e.id)";
    assert_eq!(fleet.rows.count(unjournaled).await, 0, "the journal has every eKonsultasjon whole, and nothing else (K1, K2)");
}

async fn helsenorge_got_each_once(fleet: &Fleet, tally: &Tally, got: HashMap<String, usize>) {
    assert!(got.values().all(|times| *times == 1));
    let ours: Vec<String> = fleet.rows.column("select id::text from dialogpost.sent_state where function <> 'APPREC'").await;
    assert!(ours.len() == got.len() && ours.iter().all(|id| got.contains_key(id)));
    let inside: Vec<String> = fleet
        .rows
        .column(
            "select e.id::text from dialogpost.dialog_entry e
        join dialogpost.dialog d on d.id = e.dialog where d.kind = 'EDIALOG'",
        )
        .await;
    let known = |id: &String| got.contains_key(id) || inside.contains(id);
    assert!(tally.entries.iter().all(known), "every message that an answer names");
}

async fn the_ledger_balances(fleet: &Fleet, sent: i64) {
    let session = fleet.store().session().await.unwrap();
    // Two days, for the night may come between.
    let lines = ledger::lines(&session, 2).await.unwrap();
    assert!(lines.iter().all(|line| line.balances() && line.in_flight == 0 && line.dead == 0), "{lines:?}");
    let sum = |of: fn(&ledger::Line) -> i64| lines.iter().map(of).sum::<i64>();
    let from_helsenorge = CLINICS * 2 * BEFORE as i64;
    assert_eq!((sum(|line| line.received), sum(|line| line.filed)), (from_helsenorge + sent, sent));
    let lines = ledger::sent(&session, 2).await.unwrap();
    let others = |l: &ledger::SentLine| l.queued + l.awaiting_receipt + l.overdue + l.rejected + l.failed + l.called_off + l.dead;
    assert_eq!(lines.iter().map(others).sum::<i64>(), 0, "{lines:?}");
    let ended = |of: fn(&ledger::SentLine) -> i64| lines.iter().map(of).sum::<i64>();
    // No receipt is due for our own receipts.
    assert_eq!((ended(|line| line.receipted), ended(|line| line.sent)), (sent, from_helsenorge));
}

async fn every_chain_is_whole(fleet: &Fleet, tally: &Tally) {
    for (name, done) in tally.done.iter().filter(|(name, _)| *name != "UploadAttachment") {
        assert_eq!(fleet.rows.count(&format!("dialogpost.audit where action = '{name}'")).await, *done, "{name}");
    }
    let session = fleet.store().session().await.unwrap();
    let chains = store::audit::chains(&session).await.unwrap();
    assert!(clinics().all(|her_id| chains.contains(&her_id)));
    let mut rows = 0;
    for chain in chains {
        let verified = store::audit::verify(&session, chain, None).await.unwrap();
        assert_eq!(verified.broken, None, "{verified:?}");
        rows += verified.rows;
    }
    assert_eq!(rows, fleet.rows.count("dialogpost.audit").await);
}
