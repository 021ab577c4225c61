//! The `dialogpost` command as an operator meets it: the compiled binary, a real Postgres, a real RabbitMQ.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod audit;
mod containers;
mod protection;
mod reading;
mod registry;
mod schema;
mod setup;
mod surroundings;

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};
use store::{Session, Store, StoreConfig};
use testbed::{Ran, World};

/// The command with nothing of ours in its environment but these variables.
fn command(variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dialogpost"));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    command
}

/// Runs it to its end, with this on its standard input.
async fn run_with(variables: &[(&str, &str)], arguments: &[&str], stdin: &str) -> Ran {
    let (mut command, stdin) = (command(variables, arguments), stdin.to_owned());
    let run = move || {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It need not read what it refuses at once.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        Ran::from(child.wait_with_output().unwrap())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

async fn run(variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    run_with(variables, arguments, "").await
}

/// The command in a world, test patients allowed.
async fn dialogpost(world: &World, arguments: &[&str]) -> Ran {
    run(&variables(world), arguments).await
}

/// As [`dialogpost`], applying this.
async fn apply(world: &World, setup: &str) -> Ran {
    run_with(&variables(world), &["apply", "--actor", "kari", "-"], setup).await
}

fn variables(world: &World) -> [(&str, &str); 3] {
    [("DATABASE_URL", &world.database_url), ("AMQP_URL", &world.amqp_url), ("TEST_NUMBER_SERIES", "80")]
}

async fn session(world: &World) -> Session {
    let config = StoreConfig { url: world.database_url.clone(), application: "test".into(), connections: 1, authorities: vec![] };
    Store::new(&config).unwrap().session().await.unwrap()
}

/// The fixture's path.
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/clinic.json");

/// The fixture, changed at JSON pointers.
fn fixture_with(changes: &[(&str, Value)]) -> String {
    let mut setup: Value = serde_json::from_str(include_str!("../../../../tests/fixtures/clinic.json")).unwrap();
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match setup.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = value.clone(),
            object => object[key] = value.clone(),
        }
    }
    setup.to_string()
}
