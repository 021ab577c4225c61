//! What containers need of the command: secrets, roles that log in, and a health check.

use crate::{command, dialogpost, run, variables};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use testbed::world;

/// A directory that goes when it is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("dialogpost-{name}-{}", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap().trim().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn secrets_are_made_once_and_are_for_their_owner_alone() {
    let directory = Directory::new("secrets");
    let made = run(&[], &["secrets", directory.path(), "--json"]).await.code(0).json();
    assert_eq!(made["made"].as_array().unwrap().len(), operator::run::WORKERS.len() + 4);
    assert_eq!(mode(&directory.0), 0o700);
    for entry in fs::read_dir(&directory.0).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    let passwords: BTreeSet<String> =
        operator::run::WORKERS.iter().map(|worker| directory.read(&format!("{}.password", worker.name))).collect();
    assert_eq!(passwords.len(), operator::run::WORKERS.len(), "each has one of its own");
    let definitions = directory.read("definitions.json");
    let users: Value = serde_json::from_str(&definitions).unwrap();
    assert!(!users["users"].as_array().unwrap().iter().any(|user| user["name"] == "guest"));
    assert!(
        passwords.iter().all(|password| !definitions.contains(password)),
        "the broker gets no password, only what it checks them by"
    );
    let address = directory.read("recipient-routing.amqp");
    let elsewhere =
        ["secrets", directory.path(), "--amqp", "broker.example:5671", "--amqp-scheme", "amqps", "--readable", "--json"];
    let again = run(&[], &elsewhere).await.code(0).json();
    assert_eq!(again["made"].as_array().unwrap().len(), 0, "passwords stay");
    let password = directory.read("recipient-routing.password");
    assert_eq!(address, format!("amqp://recipient-routing:{password}@rabbitmq:5672/%2f"));
    assert_eq!(directory.read("recipient-routing.amqp"), format!("amqps://recipient-routing:{password}@broker.example:5671/%2f"));
    assert_eq!((mode(&directory.0), mode(&directory.0.join("definitions.json"))), (0o700, 0o644));
}

#[tokio::test]
async fn secrets_that_cannot_be_made_are_told_of() {
    run(&[], &["secrets"]).await.code(2).says(&["<DIRECTORY>"]);
    run(&[], &["secrets", "/proc/nowhere"]).await.code(2).says(&["/proc/nowhere cannot be written to"]);
    run(&[], &["secrets", "/tmp/x", "--amqp-scheme", "http"]).await.code(2).says(&["amqps"]);
}

/// The server asks for no password here; what it would check is what was made, and the password itself it never got.
#[tokio::test]
async fn roles_log_in_with_passwords_that_the_server_never_saw() {
    let (world, directory) = (world().await, Directory::new("roles"));
    run(&[], &["secrets", directory.path()]).await.code(0);
    dialogpost(&world, &["roles", "apply", "--logins", directory.path()]).await.code(0);
    let kept = "select count(*) from pg_authid where rolname like 'dialogpost\\_%' and rolcanlogin and rolpassword like 'SCRAM-SHA-256$%'";
    assert_eq!(world.number(kept).await, operator::run::WORKERS.len() as i64);
    dialogpost(&world, &["roles", "apply", "--logins", "/nowhere"]).await.code(2).says(&["/nowhere"]);
}

#[tokio::test]
async fn healthy_asks_whoever_listens_here() {
    run(&[("LISTEN", "here")], &["healthy"]).await.code(2).says(&["LISTEN: must be an address and port"]);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("0.0.0.0:{port}");
    let asked = [("LISTEN", listen.as_str())];
    run(&asked, &["healthy"]).await.code(1).says(&[&format!("nobody answers on 127.0.0.1:{port}")]);
    let world = world().await;
    dialogpost(&world, &["topology", "apply"]).await.code(0);
    let all: Vec<_> = variables(&world).into_iter().chain(asked).collect();
    let mut worker = command(&all, &["run", "dead-letter-keeper"]).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while run(&asked, &["healthy", "--ready"]).await.code != Some(0) {
        assert!(started.elapsed() < Duration::from_secs(30), "it is never ready");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    run(&asked, &["healthy"]).await.code(0);
    worker.kill().unwrap();
    worker.wait().unwrap();
    run(&asked, &["healthy"]).await.code(1);
}
