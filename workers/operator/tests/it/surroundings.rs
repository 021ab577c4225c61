//! The command line, the environment, `migrate` and `run`.

use crate::{command, dialogpost, run, variables};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use testbed::world;

const COMMANDS: [&[&str]; 20] = [
    &[],
    &["run"],
    &["migrate"],
    &["topology"],
    &["topology", "apply"],
    &["apply"],
    &["registry"],
    &["registry", "import"],
    &["registry", "list"],
    &["registry", "show"],
    &["check"],
    &["show"],
    &["ledger"],
    &["dead-letters"],
    &["dead-letters", "list"],
    &["dead-letters", "show"],
    &["audit"],
    &["audit", "verify"],
    &["audit", "export"],
    &["schema"],
];

#[tokio::test]
async fn every_help_text_has_examples() {
    for words in COMMANDS {
        for flag in ["--help", "-h"] {
            let arguments: Vec<_> = words.iter().copied().chain([flag]).collect();
            run(&[], &arguments).await.code(0).says(&["Usage: dialogpost", "Examples:\n  "]);
        }
    }
    run(&[], &["run", "--help"]).await.says(&["DATABASE_URL_FILE", "Default: NHNTESTServiceBus", "recipient-routing:"]);
    let version = run(&[], &["--version"]).await.code(0);
    assert_eq!(version.out, format!("dialogpost {}\n", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn wrong_usage_is_told_with_what_would_be_right() {
    run(&[], &["run", "inbound"]).await.code(2).says(&["helsenorge-inbound", "recipient-routing", "dead-letter-keeper"]);
    run(&[], &["run"]).await.code(2).says(&["--all"]);
    run(&[], &["check", "kari"]).await.code(2).says(&["a HER-id is a positive number"]);
    run(&[], &["dead-letters", "show", "7"]).await.code(2);
}

#[tokio::test]
async fn environment_faults_are_listed_at_once_and_only_those_that_matter() {
    let ran = run(&[("BATCH", "0"), ("LANES", "x")], &["run", "--all"]).await.code(2);
    ran.says(&["DATABASE_URL:", "AMQP_URL:", "BATCH:", "LANES:"]);
    run(&[("BATCH", "0")], &["ledger"]).await.code(2).says(&["DATABASE_URL: is not set"]).never_says(&["AMQP_URL:", "BATCH:"]);
    run(&[], &["topology", "apply", "--nhn-standin"]).await.code(2).says(&["DATABASE_URL:", "AMQP_URL:", "run --help"]);
}

#[tokio::test]
async fn surroundings_that_are_away_are_named_without_their_passwords() {
    let database = ("DATABASE_URL", "postgres://u:hemmelig@127.0.0.1:1/d");
    for arguments in [&["ledger"][..], &["migrate"]] {
        run(&[database], arguments).await.code(2).says(&["Check DATABASE_URL"]).never_says(&["hemmelig"]);
    }
    let broker = ("AMQP_URL", "amqp://u:hemmelig@127.0.0.1:1/v");
    run(&[broker], &["topology", "apply"]).await.code(2).says(&["Check AMQP_URL"]).never_says(&["hemmelig"]);
    let world = world().await;
    let missing = world.database_url.replace(&world.database, "nowhere");
    let ran = run(&[("DATABASE_URL", &missing)], &["ledger"]).await.code(2);
    ran.says(&["The database refused the connection (3D000)", "database name in DATABASE_URL"]);
    let wrong = world.amqp_url.replace("t3st", "wrong");
    run(&[("AMQP_URL", &wrong)], &["topology", "apply"]).await.code(2).says(&["Check AMQP_URL"]).never_says(&["wrong"]);
}

#[tokio::test]
async fn p8_concurrent_migrators_all_succeed() {
    let world = world().await;
    let name = format!("{}_empty", world.database);
    world.postgres().create_database(&name, None).await;
    let url = world.postgres().url(&name);
    let environment = [("DATABASE_URL", url.as_str())];
    run(&environment, &["ledger"]).await.code(2).says(&["schema is at version 0", "Run dialogpost migrate"]);
    let migrate = || run(&environment, &["migrate"]);
    let (a, b, c, d) = tokio::join!(migrate(), migrate(), migrate(), migrate());
    let applied = [a, b, c, d].map(|ran| ran.code(0).out.contains("applied V1__")).into_iter().filter(|applied| *applied).count();
    assert_eq!(applied, 1, "one works, the others find nothing to do");
    migrate().await.code(0).says(&["nothing to do"]);
    world.postgres().drop_database(&name).await;
}

#[tokio::test]
async fn a_secret_may_come_from_a_file_and_a_reader_may_leave_early() {
    let world = world().await;
    let file = std::env::temp_dir().join(format!("dialogpost-operator-{}", world.database));
    std::fs::write(&file, &world.database_url).unwrap();
    let environment = [("DATABASE_URL_FILE", file.to_str().unwrap())];
    run(&environment, &["ledger"]).await.code(0).says(&["balances"]);
    let mut left = command(&environment, &["ledger"]);
    let status = tokio::task::spawn_blocking(move || {
        let mut child = left.stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        child.wait().unwrap()
    });
    assert_eq!(status.await.unwrap().code(), Some(0));
    std::fs::remove_file(&file).unwrap();
}

/// In the database `postgres`, the one where the testbed runs SQL; no other test uses it.
#[tokio::test]
async fn an_unknown_schema_is_refused_at_start_up() {
    let world = world().await;
    let url = world.postgres().url("postgres");
    let environment = [("DATABASE_URL", url.as_str()), ("AMQP_URL", &world.amqp_url), ("LISTEN", "127.0.0.1:0")];
    run(&environment, &["run", "--all"]).await.code(1).says(&["version 0", "dialogpost migrate"]);
    run(&environment, &["migrate"]).await.code(0).says(&["applied V1__"]);
    let newer = "insert into dialogpost.schema_history (version, name, applied_on, checksum) values (999, 'later', '2026-01-01T00:00:00Z', '1')";
    world.postgres().execute(newer).await;
    run(&environment, &["run", "recipient-routing"]).await.code(1).says(&["version 999", "newer build"]);
    for arguments in [&["migrate"][..], &["ledger"], &["check", "1"]] {
        run(&environment, arguments).await.code(2).says(&["version 999", "Run a newer build"]);
    }
    world.postgres().execute("drop schema dialogpost cascade").await;
}

#[tokio::test]
async fn run_hosts_the_fleet_until_it_is_told_to_stop() {
    let world = world().await;
    dialogpost(&world, &["topology", "apply"]).await.code(0);
    let untrusting = [("LISTEN", "127.0.0.1:0")].into_iter().chain(variables(&world)).collect::<Vec<_>>();
    run(&untrusting, &["run", "--all"]).await.code(1).says(&["TRUST_DIR: is not set", "PLAIN_CONTENT=accept"]);
    let mut hosting = command(&variables(&world), &["run", "--all"]);
    hosting.env("PLAIN_CONTENT", "accept").env("LISTEN", "127.0.0.1:0").stderr(Stdio::piped()).stdout(Stdio::null());
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = hosting.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut said = Vec::new();
        for line in lines {
            if line.contains("\"up\"") {
                Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
            }
            said.push(line);
        }
        (child.wait().unwrap().code(), said.join("\n"))
    });
    let (code, said) = ended.await.unwrap();
    assert_eq!(code, Some(0), "{said}");
    for worker in operator::run::WORKERS {
        assert!(said.contains(worker.name), "{} is missing in {said}", worker.name);
    }
}
