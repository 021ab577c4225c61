//! A broker that stops, dies, hangs up, freezes, or takes nothing any more.

use chaos::{Scene, State, Wire};
use helsenorge::{HelseNorge, Pace, Sent};
use std::time::{Duration, Instant};
use testbed::World;

const PACE: Pace = Pace::PerSecond(500.0);

async fn stop_and_start(world: &World) {
    world.rabbit().stop().await;
    world.rabbit().start().await;
}

async fn hang_up(world: &World) {
    world.rabbit().close_all_connections().await;
}

async fn kill_and_start(world: &World) {
    world.rabbit().kill().await;
    world.rabbit().start().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broker_restart_under_load_loses_and_doubles_nothing() {
    let scene = Scene::open().await;
    let load = scene.load(10_000);
    let running = scene.fleet.start();
    let mut again = 0;
    again += scene.send_during(&load[..2_500], PACE, stop_and_start).await;
    again += scene.send_during(&load[2_500..5_000], PACE, hang_up).await;
    again += scene.send_during(&load[5_000..7_500], PACE, kill_and_start).await;
    again += scene.send_during(&load[7_500..], PACE, stop_and_start).await;
    scene.settle(load.len()).await;
    running.stop().await;
    println!("{:?}, {again} messages sent again", scene.exactly_once(&load).await);
}

/// Sends one message and waits for all of its effects and its receipt.
async fn goes_through(scene: &Scene, sent: &Sent, limit: Duration) {
    let started = Instant::now();
    let helsenorge = loop {
        match HelseNorge::connect(&scene.fleet.world.amqp_url, e2e::NHN_EXCHANGE).await {
            Ok(helsenorge) => break helsenorge,
            Err(trouble) => assert!(started.elapsed() < limit, "{trouble}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let before = scene.received().await;
    helsenorge.publish(std::slice::from_ref(sent)).await.unwrap();
    while helsenorge.waiting_on("8093244_async").await.unwrap() <= u32::try_from(before).unwrap()
        || scene.rows().await.flight().await != (before + 1, 0)
    {
        assert!(started.elapsed() < limit, "nobody hears after {limit:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_consumer_does_not_happen() {
    let scene = Scene::open().await;
    let fresh = scene.load(5);
    let running = scene.fleet.start();
    goes_through(&scene, &fresh[0], Duration::from_secs(15)).await;
    let world = &scene.fleet.world;
    for (sent, away) in fresh[1..4].iter().zip([0, 1, 4]) {
        world.rabbit().stop().await;
        tokio::time::sleep(Duration::from_secs(away)).await;
        world.rabbit().start().await;
        goes_through(&scene, sent, Duration::from_secs(15)).await;
    }
    // Longer than two heartbeats: nobody closes the connections, they just fall silent.
    world.rabbit().pause().await;
    tokio::time::sleep(Duration::from_secs(25)).await;
    world.rabbit().resume().await;
    goes_through(&scene, &fresh[4], Duration::from_secs(15)).await;
    scene.settle(fresh.len()).await;
    running.stop().await;
    scene.exactly_once(&fresh).await;
}

/// A broker far away takes longer to confirm than a lease lasts: it is renewed, and no other worker sends the same, too.
#[tokio::test(flavor = "multi_thread")]
async fn what_takes_longer_than_a_lease_is_sent_once() {
    let mut scene = Scene::open().await;
    let port = scene.fleet.world.rabbit().port();
    let wire = Wire::to(port).await;
    scene.fleet.settings.insert("AMQP_URL", wire.url(&scene.fleet.world.amqp_url, port));
    let load = scene.load(40);
    let running = scene.fleet.start();
    scene.send(&load[..1], Pace::AsFastAsPossible).await;
    scene.settle(1).await;
    let there_and_back = scene.fleet.lease.mul_f64(2.4);
    wire.set(State::Slow(there_and_back / 2));
    scene.send(&load[1..], Pace::AsFastAsPossible).await;
    scene.settle(load.len()).await;
    // Acknowledgements, too, are on their way still.
    wire.set(State::Open);
    tokio::time::sleep(there_and_back).await;
    running.stop().await;
    assert_eq!(scene.exactly_once(&load).await.repeated_apprecs, 0);
}

/// Messages of a queue, ready or handed out, by the broker's own count: a blocked connection cannot ask.
async fn queued(world: &World, queue: &str) -> u32 {
    let listed = world.rabbit().ctl(&["list_queues", "--silent", "-p", &world.vhost, "name", "messages"]).await;
    let counts = listed.lines().filter_map(|line| line.split_once('\t'));
    counts.filter(|(name, _)| *name == queue).find_map(|(_, count)| count.trim().parse().ok()).unwrap()
}

async fn alarm(world: &World, raised: bool) {
    let share = if raised { "0.0001" } else { "0.4" };
    world.rabbit().ctl(&["set_vm_memory_high_watermark", share]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_alarm_pauses_and_recovers() {
    let scene = Scene::open().await;
    let load = scene.load(2_500);
    let world = &scene.fleet.world;
    // What is queued already is stored and acknowledged while nothing can be published.
    scene.send(&load[..500], Pace::AsFastAsPossible).await;
    alarm(world, true).await;
    let running = scene.fleet.start();
    scene.until_received(500).await;
    let started = Instant::now();
    while queued(world, "8141333_async").await > 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "acknowledgements do not pass");
    }
    let rows = scene.rows().await;
    assert_eq!(rows.flight().await, (500, 500), "no event has gone out");
    assert_eq!(rows.count("dialogpost.outbox").await, 500);
    alarm(world, false).await;
    scene.settle(500).await;
    // And in the middle of a load.
    let rise_and_end = async |world: &World| {
        alarm(world, true).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        alarm(world, false).await;
    };
    scene.send_during(&load[500..], PACE, rise_and_end).await;
    scene.settle(load.len()).await;
    running.stop().await;
    println!("{:?}", scene.exactly_once(&load).await);
}
