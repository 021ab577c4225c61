//! A message that no AMQP 0.9.1 client can read.

use chaos::Scene;
use e2e::NHN_EXCHANGE;
use helsenorge::{Message, Pace, Proton, ProtonOptions};
use std::time::{Duration, Instant};

/// Trap L11: the id is a UUID of AMQP 1.0, sixteen bytes that are no text. It breaks every connection it is delivered to, until the
/// queue's delivery limit puts it aside.
#[tokio::test(flavor = "multi_thread")]
async fn l11_a_poison_id_takes_no_neighbour_along() {
    let scene = Scene::open().await;
    let good = scene.load(51);
    let proton = Proton::find(&scene.fleet.world.amqp_url, NHN_EXCHANGE).await.unwrap();
    // All are there before anybody reads: the poison has neighbours on both sides.
    scene.send(&good[..25], Pace::AsFastAsPossible).await;
    let poison = Message::ekonsultasjon().build();
    proton.send_with(&poison, ProtonOptions { uuid_ids: true, durable: true }).await.unwrap();
    scene.send(&good[25..50], Pace::AsFastAsPossible).await;
    let running = scene.fleet.start();
    scene.settle(50).await;
    let started = Instant::now();
    while scene.helsenorge.waiting_on("8141333_dl").await.unwrap() == 0 {
        assert!(started.elapsed() < Duration::from_secs(90), "the poison is still in the queue");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    scene.send(&good[50..], Pace::AsFastAsPossible).await;
    scene.settle(51).await;
    running.stop().await;
    scene.exactly_once_but(&good, 1).await;
}
