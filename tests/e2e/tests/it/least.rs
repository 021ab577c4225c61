//! Each worker under its own user of the broker and its own role of the database, as `dialogpost secrets` and `dialogpost roles apply` make them:
//! it can do its work, and nothing else (O4).

use e2e::{Fleet, PATIENCE, Rows, WORKERS};
use helsenorge::{HelseNorge, Message};
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use serde_json::Value;
use std::path::{Path, PathBuf};
use testbed::World;
use tokio::process::Command;

struct Secrets {
    dir: PathBuf,
    vhost: String,
}

impl Secrets {
    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.join(name)).unwrap().trim().to_owned()
    }

    fn amqp(&self, user: &str) -> String {
        self.read(&format!("{user}.amqp")).replace("/%2f", &format!("/{}", self.vhost))
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// The place of a server in a URL: what follows the user.
fn place(url: &str) -> &str {
    url.rsplit_once('@').unwrap().1
}

async fn run(mut command: Command) {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Makes secrets, and has the broker import its definitions into this world's own virtual host, before anything else is there.
async fn secrets(world: &World, program: Command) -> Secrets {
    let dir = world.rabbit().directory().join(format!("secrets-{}", world.vhost));
    let secrets = Secrets { dir, vhost: world.vhost.clone() };
    let amqp = place(&world.amqp_url).split('/').next().unwrap().to_owned();
    let mut command = program;
    command.arg("secrets").arg(&secrets.dir).args(["--amqp", &amqp, "--database", place(&world.database_url)]);
    command.args(["--nhn-exchange", e2e::NHN_EXCHANGE]);
    run(command).await;
    let definitions = secrets.read("definitions.json").replace(r#""vhost": "/""#, &format!(r#""vhost": "{}""#, world.vhost));
    let mut definitions: Value = serde_json::from_str(&definitions).unwrap();
    definitions["vhosts"] = Value::Array(Vec::new());
    // The tests' own user has the same name.
    for (list, name) in [("users", "name"), ("permissions", "user")] {
        definitions[list].as_array_mut().unwrap().retain(|row| row[name] != "dialogpost");
    }
    let file = secrets.dir.join("imported.json");
    std::fs::write(&file, definitions.to_string()).unwrap();
    readable(&secrets.dir);
    world.rabbit().ctl(&["import_definitions", file.to_str().unwrap()]).await;
    secrets
}

/// The broker of tests may be another user than the tests.
fn readable(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn o4_every_worker_can_do_its_work_and_nothing_else() {
    let world = testbed::world().await;
    let secrets = secrets(&world, Fleet::program("dialogpost").await).await;
    // Declares all that was imported once more: a difference would be a conflict.
    let fleet = Fleet::in_world(world).await;
    let mut command = fleet.command("dialogpost").await;
    command.args(["roles", "apply", "--logins"]).arg(&secrets.dir);
    run(command).await;
    let mut programs = Vec::new();
    for worker in WORKERS {
        let (database, amqp) = (secrets.read(&format!("{}.database", worker.name)), secrets.amqp(worker.name));
        programs.push(fleet.spawn(worker.name, &[], &[("DATABASE_URL", &database), ("AMQP_URL", &amqp)]).await);
    }
    let helsenorge = HelseNorge::connect(&secrets.amqp("helsenorge"), e2e::NHN_EXCHANGE).await.unwrap();
    helsenorge.send_all(&[Message::ekonsultasjon(), Message::reseptfornyelse()]).await.unwrap();
    fleet.settle(2).await;
    helsenorge.receipts(2, PATIENCE).await.unwrap();
    assert_eq!(fleet.rows.count("dialogpost.dead_letter").await, 0);
    refused_elsewhere(&secrets).await;
    for program in programs {
        assert!(program.terminate().await.0.success());
    }
}

async fn refused_elsewhere(secrets: &Secrets) {
    let routing = Rows::connect(&secrets.read("recipient-routing.database")).await;
    for statement in
        ["select from dialogpost.journal_entry", "update dialogpost.message set code = 'x'", "select from dialogpost.audit"]
    {
        assert!(routing.refused(statement).await.starts_with("permission denied"), "{statement}");
    }
    let connection = Connection::connect(&secrets.amqp("recipient-routing"), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let consumed =
        channel.basic_consume("8141333_async".into(), "".into(), BasicConsumeOptions::default(), FieldTable::default());
    assert!(consumed.await.unwrap_err().to_string().contains("ACCESS_REFUSED"));
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let published = channel.basic_publish(
        e2e::NHN_EXCHANGE.into(),
        "x".into(),
        BasicPublishOptions::default(),
        b"",
        BasicProperties::default(),
    );
    let confirmed = async { published.await?.await };
    assert!(confirmed.await.unwrap_err().to_string().contains("ACCESS_REFUSED"), "it may not write to HelseNorge");
}
