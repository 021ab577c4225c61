//! HelsenorgeAktivSjekken.

use super::*;
use clinic_commands::asking::rest::{Client, Failure};
use domain::digital_user::Standing;
use helsenorge::{ACTIVE, AktivSjekken, Spelling, synthetic_patients};
use messages::PersonId;
use messages::person_id::TestSeries;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.hemmelig";
const THIRD: &str = "20437045020";

/// A file with a token, removed when dropped.
struct TokenFile(PathBuf);

impl TokenFile {
    fn new(token: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dialogpost-token-{}", uuid::Uuid::new_v4()));
        std::fs::write(&path, token).unwrap();
        Self(path)
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A fleet that knows nothing and asks there.
async fn fleet(service: &AktivSjekken, token: &TokenFile) -> Fleet {
    let mut fleet = blank().await;
    fleet.settings.insert("CONTACT_SERVICE", "rest".into());
    fleet.settings.insert("CONTACT_URL", service.url());
    fleet.settings.insert("CONTACT_TOKEN_FILE", token.0.display().to_string());
    fleet
}

const ASKED: &str = "select count(*) from dialogpost.contact_status where asked_at is not null";
const WANTED: &str = "select count(*) from dialogpost.contact_status where wanted_at is not null";

#[tokio::test(flavor = "multi_thread")]
async fn both_spellings_are_understood() {
    for spelling in [Spelling::Short, Spelling::Long] {
        let (users, token) = (DigitalUsers::default(), TokenFile::new(&format!("{TOKEN}\n")));
        users.set(LINE, Standing { through_others: true, ..Standing::default() });
        users.set(TROND, Standing { assigned_power: true, ..Standing::default() });
        let service = AktivSjekken::start(&users, spelling, TOKEN).await;
        let fleet = fleet(&service, &token).await;
        want(&fleet, &[LINE, TROND, THIRD]).await;
        let running = fleet.start_with(&[ASKER], Probe::default());
        fleet.until(WANTED, 0).await;
        running.stop().await;
        let known = [format!("{LINE} active consented"), format!("{THIRD} inactive"), format!("{TROND} active")];
        assert_eq!(statuses(&fleet).await, known, "{spelling:?}");
        assert_eq!(service.questions(), [3]);
        assert_eq!(fleet.rows.count("dialogpost.message").await, 0, "nothing was sent by message");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_away_is_asked_again_with_the_token_of_then() {
    let (users, token) = (DigitalUsers::default(), TokenFile::new("gammelt"));
    users.set(LINE, ACTIVE);
    let service = AktivSjekken::start(&users, Spelling::Short, TOKEN).await;
    let fleet = fleet(&service, &token).await;
    let port = service.close().await;
    want(&fleet, &[LINE]).await;
    let running = fleet.start_with(&[ASKER], Probe::default());
    fleet.until(ASKED, 1).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(statuses(&fleet).await, [format!("{LINE} wanted")]);
    let service = AktivSjekken::start_on(port, &users, Spelling::Short, TOKEN).await;
    std::fs::write(&token.0, TOKEN).unwrap();
    later(&fleet, 61.0).await;
    fleet.until(WANTED, 0).await;
    assert_eq!(statuses(&fleet).await, [format!("{LINE} active consented")]);
    assert_eq!(service.questions(), [1], "and only once");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_at_once() {
    let (users, token) = (DigitalUsers::default(), TokenFile::new(TOKEN));
    let people: Vec<String> = synthetic_patients(1001).into_iter().map(|p| p.nin).collect();
    people.iter().for_each(|nin| users.set(nin, ACTIVE));
    let service = AktivSjekken::start(&users, Spelling::Long, TOKEN).await;
    let fleet = fleet(&service, &token).await;
    want(&fleet, &people.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let running = fleet.start_with(&[ASKER], Probe::default());
    fleet.until("select count(*) from dialogpost.contact_status where active and consented and wanted_at is null", 1001).await;
    running.stop().await;
    assert_eq!(service.questions(), [1000, 1]);
}

fn line() -> Vec<PersonId> {
    vec![PersonId::parse(LINE, &TestSeries { plus_80: true, plus_40: false }).unwrap()]
}

#[tokio::test]
async fn whatever_goes_wrong_has_its_name() {
    let (users, token) = (DigitalUsers::default(), TokenFile::new(TOKEN));
    let service = AktivSjekken::start(&users, Spelling::Short, TOKEN).await;
    let client = |file: &TokenFile| Client::new(service.url().parse().unwrap(), file.0.clone());
    let table = [
        (302, String::new(), Failure::Refused),
        (400, format!("{LINE} er ugyldig"), Failure::Refused),
        (403, String::new(), Failure::Unauthorized),
        (429, String::new(), Failure::Unavailable),
        (503, String::new(), Failure::Unavailable),
        (200, "x".repeat(1024 * 1024 + 1), Failure::TooLarge),
        (200, format!("{{\"{LINE}\":true}}"), Failure::Unreadable),
    ];
    for (status, body, want) in table {
        service.trouble(status, &body);
        assert_eq!(client(&token).ask(&line()).await, Err(want), "{status}");
        assert!(!format!("{want:?} {want} {}", want.code()).contains(LINE));
    }
    service.well();
    assert_eq!(client(&token).ask(&line()).await.unwrap().len(), 1);
    assert_eq!(client(&TokenFile::new("et annet")).ask(&line()).await, Err(Failure::Token), "no token has a space");
    assert_eq!(client(&TokenFile::new("etannet")).ask(&line()).await, Err(Failure::Unauthorized));
    assert_eq!(client(&TokenFile::new("\n")).ask(&line()).await, Err(Failure::Token));
    assert_eq!(Client::new(service.url().parse().unwrap(), "/nowhere".into()).ask(&line()).await, Err(Failure::Token));
}

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

/// Asked well, badly and by message, with everything logged that the fleet would log at most; its drivers it silences itself.
#[tokio::test]
async fn no_number_and_no_token_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    let drivers =
        filter_fn(|metadata| !["tokio_postgres", "deadpool"].iter().any(|driver| metadata.target().starts_with(driver)));
    let _guard = tracing_subscriber::registry().with(drivers).with(layer).set_default();
    let metrics = runtime::telemetry::metrics();
    let (users, token) = (DigitalUsers::default(), TokenFile::new(TOKEN));
    let service = AktivSjekken::start(&users, Spelling::Short, TOKEN).await;
    let mut fleet = fleet(&service, &token).await;
    service.trouble(400, &format!("{LINE} er ugyldig"));
    want(&fleet, &[LINE, TROND]).await;
    let running = fleet.start_with(&[ASKER], Probe::default());
    fleet.until(ASKED, 2).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    service.well();
    later(&fleet, 61.0).await;
    fleet.until(WANTED, 0).await;
    running.stop().await;
    fleet.settings.insert("CONTACT_SERVICE", "amqp".into());
    want(&fleet, &[LINE, TROND]).await;
    let running = fleet.start_with(&[ASKER], Probe::default());
    fleet.until("select count(*) from dialogpost.contact_question", 1).await;
    let health = format!("{:?}", running.health.report());
    running.stop().await;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("question-refused"), "it was logged what went wrong:\n{log}");
    for secret in [LINE, TROND, TOKEN] {
        for (place, text) in [("log", &log), ("metrics", &metrics.render()), ("health", &health)] {
            assert!(!text.contains(secret), "{place} holds {secret}");
        }
    }
}
