//! A crash after each step of appointment-notifications leaves what a clean run leaves: each version told once, each notice given once.

use super::day;
use crate::commands::{LINE, TROND, of};
use e2e::{Epj, Fleet, WORKERS};
use runtime::probe::{Probe, Step};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What HelseNorge is told in all.
const TOLD: usize = 5;

/// Booked, moved, cancelled, of another type, hidden, and soon; nobody was told yet.
async fn prepared() -> Fleet {
    let fleet = Fleet::new().await;
    fleet.rows.query("update dialogpost.contact_status set active = true, consented = true", &[]).await;
    let running = fleet.start_with(&[clinic_commands::WORKER], Probe::default());
    let epj = Epj::connect(&fleet.world.amqp_url).await;
    let book = async |patient: &str, start, of_type: &str| {
        let arguments = json!({ "timebok": "kari-bok", "patient": patient, "start": start, "appointment_type": of_type });
        epj.done(&of("siri", "BookAppointment", arguments)).await["appointment"].clone()
    };
    let change = async |name: &str, arguments: Value| drop(epj.done(&of("siri", name, arguments)).await);
    book(LINE, day(2, 6, 0), "vanlig").await;
    fleet.rows.query("update dialogpost.reminder set due_at = now()", &[]).await;
    let id = book(LINE, day(7, 9, 0), "vanlig").await;
    change("MoveAppointment", json!({ "appointment": id, "start": day(7, 11, 0) })).await;
    let id = book(TROND, day(8, 9, 0), "vanlig").await;
    change("CancelAppointment", json!({ "appointment": id })).await;
    let id = book(LINE, day(9, 9, 0), "vanlig").await;
    change("ChangeAppointmentType", json!({ "appointment": id, "appointment_type": "video" })).await;
    book(LINE, day(10, 9, 0), "skjult").await;
    running.stop().await;
    fleet
}

/// Everything is decided and sent.
async fn settle(fleet: &Fleet) {
    fleet.until("select count(*) from dialogpost.notification where state not in ('sent', 'none')", 0).await;
    fleet.until("select count(*) from dialogpost.notification", 8).await;
    fleet.until("select count(*) from dialogpost.appointment_told where version > 0", 4).await;
    fleet.until("select count(*) from dialogpost.sent_state where state = 'queued'", 0).await;
    fleet.until("select count(*) from dialogpost.outbox", 0).await;
}

/// What is left behind, and what HelseNorge was told: each message once, however often it came.
async fn outcome(fleet: &Fleet) -> (Vec<String>, Vec<String>) {
    let sql = "select * from (
            select format('notice %s %s of version %s: %s %s', a.starts_at, n.kind, n.version, n.state, coalesce(n.channel, n.reason)) as line
                from dialogpost.notification n join dialogpost.appointment a on a.id = n.appointment
            union all select format('told %s version %s, shown %s', a.starts_at, t.version, t.shown)
                from dialogpost.appointment_told t join dialogpost.appointment a on a.id = t.appointment
            union all select 'owed ' || a.starts_at from dialogpost.appointment_owed o join dialogpost.appointment a on a.id = o.appointment
                join dialogpost.appointment_type t on t.clinic = a.clinic and t.id = a.type where not t.hidden
            union all select 'reminder ' || a.starts_at || ' ' || r.version from dialogpost.reminder r join dialogpost.appointment a on a.id = r.appointment
            union all select 'dead ' || code from dialogpost.dead_letter
        ) all_of_it order by line";
    let rows = fleet.rows.column::<String>(sql).await;
    let helsenorge = fleet.helsenorge().await;
    let mut told = BTreeMap::new();
    loop {
        let received = helsenorge.receive("8093244_async", 50, Duration::from_millis(300)).await.unwrap();
        if received.is_empty() && told.len() >= TOLD {
            break;
        }
        for message in received {
            let about = message.about_appointments().expect("nothing else is told");
            let event = about.events.first().unwrap();
            let line = format!("{:?} version {:?} {:?} {}", event.start, event.sequence, event.status, about.is_reminder());
            told.insert(about.msg_id.clone(), line);
        }
    }
    let mut told: Vec<String> = told.into_values().collect();
    told.sort();
    (rows, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_after_each_step_of_appointment_notifications() {
    let worker = appointment_notifications::WORKER;
    let fleet = prepared().await;
    let running = fleet.start();
    settle(&fleet).await;
    running.stop().await;
    let clean = outcome(&fleet).await;
    assert_eq!(clean.1.len(), TOLD, "{clean:#?}");
    for step in Step::ALL {
        let fleet = prepared().await;
        let died = Arc::new(AtomicBool::new(false));
        let once = Arc::clone(&died);
        let probe = Probe::new(move |w, s| w == worker.name && s == step && !once.swap(true, Ordering::SeqCst));
        fleet.start_with(&WORKERS, probe).crashed_or(&died).await;
        let running = fleet.start();
        settle(&fleet).await;
        running.stop().await;
        assert!(died.load(Ordering::SeqCst), "{step:?} is never reached");
        assert_eq!(outcome(&fleet).await, clean, "{step:?}");
    }
}
