//! Many clinics at once, and a worker that dies: one effect and one answer for each command, whatever happens on the way.

use super::{LINE, open, start};
use e2e::epj::{COMMANDS, Epj, command};
use e2e::{Clinic, Fleet};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use runtime::probe::{Probe, Step};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;
use uuid::Uuid;

const CLINICS: i64 = 200;
const COMMANDS_EACH: usize = 100;
const FIRST: i64 = 8_200_000;

/// Clinics of two doctors each, with one patient whom HelseNorge reaches.
fn setup() -> String {
    let fixture: Value = serde_json::from_str(include_str!("../../../../fixtures/clinic.json")).unwrap();
    let one = |n: i64| {
        let mut clinic = fixture["clinics"][0].clone();
        let her_id = FIRST + n * 10;
        (clinic["her_id"], clinic["name"]) = (json!(her_id), json!(format!("Legene {n}")));
        for (n, employee) in clinic["employees"].as_array_mut().unwrap().iter_mut().enumerate() {
            employee["her_id"] = json!(her_id + 1 + n as i64);
        }
        clinic
    };
    json!({ "clinics": (0..CLINICS).map(one).collect::<Vec<_>>() }).to_string()
}

/// A clinic's commands: E-dialogs begun, files in parts, and recipients chosen; each effect has a table to be counted in.
fn commands(clinic: i64) -> Vec<Value> {
    let one = |n: usize| match n % 4 {
        0 => command(
            "StartDialog",
            clinic,
            "kari",
            json!({ "kind": "EDIALOG", "patient": LINE, "subject": "Hei", "text": format!("nr. {n}") }),
        ),
        1 => command(
            "StartDialog",
            clinic,
            "ole",
            json!({ "kind": "EDIALOG", "colleagues": ["siri"], "subject": "Hei", "text": "Hei" }),
        ),
        2 => command(
            "UploadAttachment",
            clinic,
            "ole",
            json!({ "upload": Uuid::new_v4(), "part": 1, "parts": 2, "bytes": "eHh4eA==" }),
        ),
        _ => command("SetRecipients", clinic, "siri", json!({ "kind": "EKONTAKT", "mode": "behandler" })),
    };
    (0..COMMANDS_EACH).map(one).collect()
}

/// Sends each at least once and about a third of them again, in any order, and holds all answers to one command to be the same.
async fn drive(epj: Epj, clinic: i64) -> usize {
    let mut rng = StdRng::seed_from_u64(clinic.unsigned_abs());
    let mut all = commands(clinic);
    let again: Vec<Value> = all.iter().filter(|_| rng.random_bool(0.34)).cloned().collect();
    all.extend(again);
    all.shuffle(&mut rng);
    for command in &all {
        let correlation = command["id"].as_str().unwrap();
        epj.send_raw(COMMANDS, &serde_json::to_vec(command).unwrap(), correlation).await;
    }
    let mut answers: HashMap<String, (String, Value)> = HashMap::new();
    for _ in 0..all.len() {
        let reply = epj.next().await;
        assert_eq!(reply.body["outcome"], "done", "{}", reply.body);
        let first = answers.entry(reply.correlation).or_insert_with(|| (reply.message_id.clone(), reply.body.clone()));
        assert_eq!(*first, (reply.message_id, reply.body));
    }
    answers.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_clinics_with_a_hundred_commands_each_have_one_effect_for_each() {
    super::by_the_schemas();
    let mut fleet = Fleet::new().await;
    fleet.lanes = 2;
    fleet.lease = runtime::worker::LEASE;
    fleet.apply(&setup()).await;
    let clinic = Clinic::of(fleet).await;
    let mut clinics = JoinSet::new();
    for n in 0..CLINICS {
        let epj = clinic.epj().await;
        clinics.spawn(drive(epj, FIRST + n * 10));
    }
    let answered: usize = clinics.join_all().await.into_iter().sum();
    assert_eq!(answered, CLINICS as usize * COMMANDS_EACH);
    let each = CLINICS * COMMANDS_EACH as i64 / 4;
    for (what, want) in [
        ("dialogpost.command", 4 * each),
        ("dialogpost.dialog", 2 * each),
        ("dialogpost.dialog_entry", 2 * each),
        ("dialogpost.portal_item", each),
        ("dialogpost.inbox_item", each),
        ("dialogpost.upload_part", each),
        ("dialogpost.audit where action = 'SetRecipients'", each),
        ("dialogpost.audit where action = 'StartDialog'", 2 * each),
        ("dialogpost.dead_letter", 0),
    ] {
        assert_eq!(clinic.fleet.rows.count(what).await, want, "{what}");
    }
    let gaps = "select count(*) from dialogpost.audit_head h where sequence <> (select count(*) from dialogpost.audit a where a.clinic = h.clinic)";
    assert_eq!(clinic.fleet.rows.one::<i64>(gaps).await, 0, "every chain is whole");
    clinic.close().await;
}

/// A worker that dies after any step has done all of a command or nothing; sent again it gets the answer that it would have got.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_any_step_leaves_one_effect_and_one_answer() {
    super::by_the_schemas();
    for step in Step::ALL {
        let fleet = Fleet::new().await;
        let helsenorge = fleet.helsenorge().await;
        let epj = Epj::connect(&fleet.world.amqp_url).await;
        let died = Arc::new(AtomicBool::new(false));
        let once = Arc::clone(&died);
        let probe = Probe::new(move |w, s| w == "clinic-commands" && s == step && !once.swap(true, Ordering::SeqCst));
        let command = start();
        epj.send_raw(COMMANDS, &serde_json::to_vec(&command).unwrap(), "first").await;
        fleet.start_with(&e2e::WORKERS, probe).crashed_or(&died).await;
        let clinic = Clinic::of(fleet).await;
        let reply = epj.ask_anyhow(COMMANDS, &command).await;
        assert_eq!(reply.body["outcome"], "done", "{step:?}");
        let sent = helsenorge.expect("8093244_async", 1, e2e::PATIENCE).await.unwrap().remove(0);
        assert_eq!(sent.properties.message_id.as_deref(), reply.body["result"]["entry"].as_str(), "{step:?}");
        for (table, want) in [("dialog", 1), ("dialog_entry", 1), ("command", 1), ("message", 1), ("dead_letter", 0)] {
            assert_eq!(clinic.fleet.rows.count(&format!("dialogpost.{table}")).await, want, "{step:?}: {table}");
        }
        clinic.close().await;
    }
}

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
