//! A database that stops, dies, or throws everybody out.

use chaos::Scene;
use helsenorge::Pace;
use std::time::Duration;
use testbed::World;

const PACE: Pace = Pace::PerSecond(800.0);

async fn stop_and_start(world: &World) {
    world.postgres().stop().await;
    world.postgres().start().await;
}

/// Away long enough that waiting has to grow.
async fn kill_and_start(world: &World) {
    world.postgres().kill().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.postgres().start().await;
}

async fn throw_everybody_out(world: &World) {
    for _ in 0..5 {
        world.postgres().terminate_backends().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// The count at the end includes that no message was put off and none is a dead letter: intake just paused.
#[tokio::test(flavor = "multi_thread")]
async fn database_restart_under_load_loses_and_doubles_nothing() {
    let scene = Scene::open().await;
    let load = scene.load(10_000);
    let running = scene.fleet.start();
    scene.send_during(&load[..2_500], PACE, stop_and_start).await;
    scene.send_during(&load[2_500..5_000], PACE, throw_everybody_out).await;
    scene.send_during(&load[5_000..7_500], PACE, kill_and_start).await;
    scene.send_during(&load[7_500..], PACE, stop_and_start).await;
    scene.settle(load.len()).await;
    running.stop().await;
    println!("{:?}", scene.exactly_once(&load).await);
}
