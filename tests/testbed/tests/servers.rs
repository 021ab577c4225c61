//! The testbed's promises: isolation, restarts on the same port and data, nothing left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use testbed::{Postgres, Rabbit, private_world, world};
use tokio_postgres::{Client, NoTls};

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Declares a durable quorum queue and publishes one persistent message, confirmed.
async fn publish(amqp_url: &str, queue: &str) {
    let connection = Connection::connect(amqp_url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), options, arguments).await.unwrap();
    let persistent = BasicProperties::default().with_delivery_mode(2);
    let confirm = channel
        .basic_publish("".into(), queue.into(), BasicPublishOptions::default(), b"hello", persistent)
        .await
        .unwrap()
        .await
        .unwrap();
    assert!(confirm.is_ack());
    connection.close(200, "bye".into()).await.unwrap();
}

/// How many messages wait in a queue; `None` when there is no such queue. Asked of the queue itself: what
/// `rabbitmqctl list_queues` says of a quorum queue is up to five seconds old.
async fn waiting(amqp_url: &str, queue: &str) -> Option<u32> {
    let connection = Connection::connect(amqp_url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), options, FieldTable::default()).await.ok().map(|queue| queue.message_count())
}

#[tokio::test]
async fn every_world_is_fresh_and_its_own() {
    let started = Instant::now();
    let first = world().await;
    println!("first world after {:?}", started.elapsed());
    let (one, two) = tokio::join!(world(), world());
    assert_eq!(HashSet::from([&first.database_url, &one.database_url, &two.database_url]).len(), 3);
    assert_eq!(HashSet::from([&first.amqp_url, &one.amqp_url, &two.amqp_url]).len(), 3);
    assert_eq!(one.postgres().port(), two.postgres().port(), "one server for all");

    // The same names on both sides, and neither sees the other's.
    for world in [&one, &two] {
        connect(&world.database_url).await.batch_execute("CREATE TABLE t (); CREATE SCHEMA s").await.unwrap();
        publish(&world.amqp_url, "queue").await;
    }
    assert_eq!(waiting(&one.amqp_url, "queue").await, Some(1));
    assert_eq!(waiting(&first.amqp_url, "queue").await, None);
}

#[tokio::test]
async fn a_further_world_starts_no_server() {
    let servers = |world: &testbed::World| {
        let port = |url: &str| url.rsplit_once('/').unwrap().0.rsplit_once(':').unwrap().1.to_owned();
        (port(&world.database_url), port(&world.amqp_url), world.rabbit().port())
    };
    let first = servers(&world().await);
    for _ in 0..3 {
        let further = world().await;
        assert_eq!(servers(&further), first);
        connect(&further.database_url).await;
    }
}

#[tokio::test]
async fn a_dropped_world_takes_database_and_vhost_along() {
    let dropped = world().await;
    let (database, vhost) = (dropped.database.clone(), dropped.vhost.clone());
    drop(dropped);
    let other = world().await;
    let client = connect(&other.database_url).await;
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let rows = client.query("SELECT FROM pg_database WHERE datname = $1", &[&database]).await.unwrap();
        let (status, _) = other.rabbit().management("GET", &format!("/api/vhosts/{vhost}"), "").await;
        if rows.is_empty() && status == 404 {
            break;
        }
        assert!(Instant::now() < deadline, "{} databases, vhost answers {status}", rows.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn servers_restart_on_their_port_with_what_they_promised_to_keep() {
    let started = Instant::now();
    let world = private_world(true).await;
    println!("private world after {:?}", started.elapsed());
    let client = connect(&world.database_url).await;
    client.batch_execute("CREATE TABLE kept AS SELECT 42 AS answer").await.unwrap();
    publish(&world.amqp_url, "kept").await;

    for crash in [false, true] {
        let began = Instant::now();
        let (postgres, rabbit) = (world.postgres(), world.rabbit());
        if crash {
            tokio::join!(postgres.kill(), rabbit.kill());
        } else {
            tokio::join!(postgres.stop(), rabbit.stop());
        }
        let stopped = began.elapsed();
        assert!(tokio_postgres::connect(&world.database_url, NoTls).await.is_err());
        assert!(std::net::TcpStream::connect(("127.0.0.1", rabbit.port())).is_err());
        tokio::join!(postgres.start(), rabbit.start());
        println!("crash: {crash}, stopped after {stopped:?}, back after {:?}", began.elapsed());

        let client = connect(&world.database_url).await;
        let row = client.query_one("SELECT answer, current_setting('fsync') FROM kept", &[]).await.unwrap();
        assert_eq!((row.get::<_, i32>(0), row.get::<_, String>(1)), (42, "on".to_owned()));
        assert_eq!(waiting(&world.amqp_url, "kept").await, Some(1));
    }
}

#[tokio::test]
async fn terminated_backends_are_gone_and_the_server_is_not() {
    let postgres = Postgres::private(false).await;
    postgres.create_database("some", None).await;
    let client = connect(&postgres.url("some")).await;
    postgres.terminate_backends().await;
    assert!(client.simple_query("SELECT 1").await.is_err());
    let fresh = connect(&postgres.url("some")).await;
    let row = fresh.query_one("SELECT current_setting('fsync'), current_setting('max_connections')", &[]).await.unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("off", "400"));
}

#[tokio::test]
async fn a_paused_broker_is_silent_until_it_resumes_and_connections_can_be_closed() {
    let rabbit = Rabbit::private().await;
    let url = rabbit.new_vhost().await;
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();

    rabbit.pause().await;
    let channel = connection.create_channel();
    tokio::pin!(channel);
    assert!(tokio::time::timeout(Duration::from_millis(500), &mut channel).await.is_err(), "answered while paused");
    rabbit.resume().await;
    channel.await.unwrap();

    rabbit.close_all_connections().await;
    let deadline = Instant::now() + Duration::from_secs(5);
    while connection.status().connected() {
        assert!(Instant::now() < deadline, "still connected");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(rabbit.management("GET", "/api/overview", "").await.0 == 200, "the broker itself runs");
}
