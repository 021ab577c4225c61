//! Many messages.

use crate::{PATIENCE, connected};
use helsenorge::example::{SOLBAKKEN, async_queue};
use helsenorge::{Load, Pace, Sent};
use std::collections::HashSet;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_fast_as_possible_everything_arrives_once() {
    let (_world, helsenorge) = connected().await;
    let messages: Vec<Sent> = Load::from_patients(50).generate(3000, 3).collect();
    let sending = helsenorge.send_paced(messages.clone(), Pace::AsFastAsPossible).await;
    println!("3000 messages of {} bytes in {:?}", messages[0].body.len(), sending.took);
    assert!(sending.unconfirmed.is_empty());
    let ids: HashSet<String> = messages.iter().map(|m| m.transport_id.clone()).collect();
    assert_eq!(sending.sent_at.keys().cloned().collect::<HashSet<_>>(), ids);
    let queue = async_queue(SOLBAKKEN);
    let received = helsenorge.expect(&queue, 2999, PATIENCE).await.unwrap();
    assert_eq!(helsenorge.waiting_on(&queue).await.unwrap(), 1, "never takes more than asked for");
    let last = helsenorge.expect(&queue, 1, PATIENCE).await.unwrap();
    assert!(!last[0].redelivered, "not even for a moment");
    let arrived: HashSet<String> = received.iter().chain(&last).map(|r| r.properties.message_id.clone().unwrap()).collect();
    assert_eq!(arrived, ids);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_given_pace_is_kept() {
    let (_world, helsenorge) = connected().await;
    let sending = helsenorge.send_paced(helsenorge::load::generate(200, 4), Pace::PerSecond(400.0)).await;
    assert_eq!((sending.sent_at.len(), sending.unconfirmed.len()), (200, 0));
    assert!(sending.took >= Duration::from_millis(497), "{:?}", sending.took);
    let (first, last) = (sending.sent_at.values().min().unwrap(), sending.sent_at.values().max().unwrap());
    assert!(last.duration_since(*first).as_millis() >= 490);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_for_sent_when_no_queue_takes_it() {
    let (_world, helsenorge) = connected().await;
    let stray = Load { template: helsenorge::Message::ekontakt().on_queue("1_async"), ..Load::from_patients(1) };
    let sending = helsenorge.send_paced(stray.generate(10, 5), Pace::AsFastAsPossible).await;
    assert_eq!((sending.sent_at.len(), sending.unconfirmed.len()), (0, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_costs_no_message() {
    let (world, helsenorge) = connected().await;
    let messages: Vec<Sent> = helsenorge::load::generate(4000, 6).collect();
    let cut = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.rabbit().ctl(&["close_all_connections", "--vhost", &world.vhost, "cut by a test"]).await;
    };
    let (mut sending, ()) = tokio::join!(helsenorge.send_paced(messages.clone(), Pace::PerSecond(800.0)), cut);
    assert_eq!(sending.sent_at.len() + sending.unconfirmed.len(), 4000);
    println!("{} unconfirmed after the cut", sending.unconfirmed.len());
    let again = helsenorge.send_paced(std::mem::take(&mut sending.unconfirmed), Pace::AsFastAsPossible).await;
    assert!(again.unconfirmed.is_empty());
    let queue = async_queue(SOLBAKKEN);
    let waiting = helsenorge.waiting_on(&queue).await.unwrap();
    let received = helsenorge.expect(&queue, waiting as usize, PATIENCE).await.unwrap();
    let arrived: HashSet<&String> = received.iter().filter_map(|r| r.properties.message_id.as_ref()).collect();
    assert_eq!(arrived, messages.iter().map(|m| &m.transport_id).collect());
}
