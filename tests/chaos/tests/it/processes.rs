//! Processes that are asked to stop. Those that are killed: `dialogpost-chaos`.

use chaos::Scene;
use e2e::{Program, WORKERS};
use helsenorge::Pace;
use std::time::Duration;

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
