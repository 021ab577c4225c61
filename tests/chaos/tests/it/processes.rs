//! Processes that are killed, and processes that are asked to stop.

use chaos::Scene;
use e2e::{Program, WORKERS};
use helsenorge::Pace;
use std::time::Duration;

/// Two processes with the whole fleet each; one after the other is killed and started again for as long as messages come.
#[tokio::test(flavor = "multi_thread")]
async fn killed_processes_under_load_lose_and_double_nothing() {
    let scene = Scene::open().await;
    let load = scene.load(3_000);
    let whole = async || scene.fleet.spawn("dialogpost", &["run", "--all"], &[]).await;
    let (mut next, mut other) = tokio::join!(whole(), whole());
    let mut killed = 0;
    let sending = scene.send(&load, Pace::PerSecond(250.0));
    tokio::pin!(sending);
    loop {
        tokio::select! {
            again = &mut sending => {
                assert_eq!(again, 0, "the broker was always there");
                break;
            }
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        next.kill().await;
        next = std::mem::replace(&mut other, scene.fleet.launch("dialogpost", &["run", "--all"], &[]).await);
        killed += 1;
    }
    assert!(killed >= 5, "only {killed} were killed under load");
    scene.settle(load.len()).await;
    for program in [next, other] {
        stops(program, "dialogpost").await;
    }
    println!("{killed} killed, {:?}", scene.exactly_once(&load).await);
}

/// Exit code 0 in time.
async fn stops(program: Program, name: &str) {
    let (status, took) = program.terminate().await;
    assert_eq!(status.code(), Some(0), "{name}");
    assert!(took < Duration::from_secs(25), "{name}: {took:?}");
}

/// One process for each worker; all are stopped in the middle of the work, and started again.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_stops_every_binary_within_the_grace() {
    let scene = Scene::open().await;
    let load = scene.load(3_000);
    let start = async || {
        let mut fleet = Vec::new();
        for worker in WORKERS {
            fleet.push((worker.name, scene.fleet.launch(worker.name, &[], &[]).await));
        }
        for (_, program) in &fleet {
            program.ready().await;
        }
        fleet
    };
    let fleet = start().await;
    let stopping = async |_: &testbed::World| {
        for (name, program) in fleet {
            stops(program, name).await;
        }
    };
    scene.send_during(&load, Pace::PerSecond(500.0), stopping).await;
    assert!(scene.received().await < 3_000, "they were stopped in the middle of the work");
    let fleet = start().await;
    scene.settle(load.len()).await;
    for (name, program) in fleet {
        stops(program, name).await;
    }
    println!("{:?}", scene.exactly_once(&load).await);
}
