//! The stand-in against a real broker.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test support: what fails here fails the test")]

mod appointments;
mod load;
mod messages;
mod proton;
mod witness;

use helsenorge::HelseNorge;
use helsenorge::example::{HELSENORGE, SOLBAKKEN};
use std::time::Duration;
use testbed::{World, world};

/// NHN's namespace in these tests.
const EXCHANGE: &str = "NHNTESTServiceBus";
/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A broker with the queues of both parties.
async fn connected() -> (World, HelseNorge) {
    let world = world().await;
    let helsenorge = HelseNorge::connect(&world.amqp_url, EXCHANGE).await.unwrap();
    helsenorge.create_queues(&[HELSENORGE, SOLBAKKEN]).await.unwrap();
    (world, helsenorge)
}
