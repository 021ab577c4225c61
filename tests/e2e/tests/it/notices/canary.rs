//! Nobody's address, and nothing of what notices say, is in logs, metrics, health or events, whatever goes wrong.

use super::*;
use domain::notice::Channel::{Email, Push, Sms};
use receivers::Mood;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

/// Where what is logged on this thread is written.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Taken, put off, cut and refused on each channel, with everything logged; the drivers' own words the fleet silences.
#[tokio::test]
async fn no_address_and_no_text_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    let drivers =
        filter_fn(|metadata| !["tokio_postgres", "deadpool", "lapin"].iter().any(|driver| metadata.target().starts_with(driver)));
    let _guard = tracing_subscriber::registry().with(drivers).with(layer).set_default();
    let metrics = runtime::telemetry::metrics();
    let scene = Scene::open(&[Sms]).await;
    let running = scene.fleet.start_with(&[WORKER, clinic_commands::WORKER], Probe::default());
    let epj = scene.epj().await;
    let heard = epj.listen("e-dialog-written.#").await;
    let mut events = String::new();
    for mood in [Mood::Status(400), Mood::Status(550), Mood::Status(503), Mood::Cut, Mood::Well] {
        scene.sms.moods(&[mood]);
        scene.push.moods(&[mood]);
        scene.mail.moods(&[mood]);
        for channel in [Sms, Push, Email] {
            let before = scene.fleet.rows.count("dialogpost.notification where attempts > 0 and state <> 'sending'").await;
            scene.apply(json!({ "enabled": true, "channels": [channel] }), json!({})).await;
            write_to_trond(&epj).await;
            events.push_str(&heard.next().await.to_string());
            let sql = "select count(*) from dialogpost.notification where attempts > 0 and state <> 'sending'";
            scene.fleet.until(sql, before + 1).await;
        }
    }
    let health = format!("{:?}", running.health.report());
    running.stop().await;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for code in ["webhook-400", "smtp-550", "webhook-503", "webhook-unreachable", "smtp-unreachable"] {
        assert!(log.contains(code), "it was logged that {code}:\n{log}");
    }
    assert!(log.contains("could not be delivered") && metrics.render().contains("dialogpost_notice_deliveries_total"));
    let rendered = metrics.render();
    for secret in [
        PHONE,
        "99900002",
        EMAIL,
        TOKEN,
        SECRET,
        "hemmelig",
        "Du har en ny melding",
        "Solbakken legesenter",
        SUBJECT,
        TEXT,
        TROND,
    ] {
        for (place, text) in [("log", &log), ("metrics", &rendered), ("health", &health), ("events", &events)] {
            assert!(!text.contains(secret), "{place} holds {secret}");
        }
    }
}
