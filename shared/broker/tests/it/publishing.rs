use crate::support::{Admin, Reader, message, messages, publish, shared, url};
use broker::{Acked, Publisher, Settled};
use lapin::types::AMQPValue;
use messages::FaultClass;
use messages::transport::{Outgoing, Wire};
use std::time::{Duration, Instant};
use testbed::Rabbit;

fn is_failed(settled: &Settled, code: &str) -> bool {
    matches!(settled, Settled::Failed(fault) if fault.code == code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l2_returned_messages_are_settled_by_id() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    Admin::new(&vhost).await.declare("q", &[]).await;
    let publisher = Publisher::new(url(&vhost), "test");
    let mut id = 0;
    for _round in 0..30 {
        // Four batches at a time, so that returns of one could stray into another.
        let batches: Vec<Vec<_>> = (0..4)
            .map(|_| {
                (0..64)
                    .map(|_| {
                        id += 1;
                        message("", if rand::random_bool(0.3) { "nowhere" } else { "q" }, id)
                    })
                    .collect()
            })
            .collect();
        let settled = futures_util::future::join_all(batches.iter().map(|batch| publisher.publish(batch))).await;
        for (message, settled) in batches.iter().flatten().zip(settled.iter().flatten()) {
            match settled {
                Settled::Confirmed => assert_eq!(message.routing_key, "q"),
                Settled::Returned { code, text } => {
                    assert_eq!((message.routing_key.as_str(), *code, text.as_str()), ("nowhere", 312, "NO_ROUTE"));
                }
                Settled::Failed(fault) => panic!("{fault}"),
            }
        }
    }
}

#[tokio::test]
async fn l3_nacks_are_seen() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let admin = Admin::new(&vhost).await;
    let full = [("x-max-length", AMQPValue::LongInt(5)), ("x-overflow", AMQPValue::LongString("reject-publish".into()))];
    admin.declare("small", &full).await;
    let publisher = Publisher::new(url(&vhost), "test");
    // A quorum queue notices its limit a little late.
    let mut settled = Vec::new();
    for _ in 0..10 {
        settled.extend(publisher.publish(&messages("small", 0, 50)).await);
    }
    let confirmed = settled.iter().filter(|s| **s == Settled::Confirmed).count();
    let nacked = settled.iter().filter(|s| is_failed(s, "amqp-nacked")).count();
    assert_eq!(confirmed + nacked, 500);
    assert!(nacked > 0);
    admin.ready_becomes("small", u32::try_from(confirmed).unwrap()).await;
}

#[tokio::test]
async fn l5_a_missing_exchange_fails_only_its_own() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let admin = Admin::new(&vhost).await;
    admin.declare("q", &[]).await;
    let publisher = Publisher::new(url(&vhost), "test");
    let batch = [message("", "q", 1), message("missing", "q", 2), message("", "q", 3), message("missing", "q", 4)];
    for _ in 0..3 {
        let settled = publisher.publish(&batch).await;
        assert_eq!((&settled[0], &settled[2]), (&Settled::Confirmed, &Settled::Confirmed));
        assert!(is_failed(&settled[1], "amqp-not-found") && is_failed(&settled[3], "amqp-not-found"), "{settled:?}");
    }
    admin.ready_becomes("q", 6).await;
}

#[tokio::test]
async fn case_9_and_11_one_message_never_decides_for_another() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let admin = Admin::new(&vhost).await;
    admin.declare("q", &[]).await;
    let publisher = Publisher::new(url(&vhost), "test");
    let mut batch = [message("", "q", 1), message("", "q", "x".repeat(256)), message("", "gone", 3), message("", "q", 1)];
    batch[3].body = Vec::new().into();
    let settled = publisher.publish(&batch).await;
    assert_eq!((&settled[0], &settled[3]), (&Settled::Confirmed, &Settled::Confirmed), "the same id twice: two messages");
    assert!(is_failed(&settled[1], "amqp-property-too-long"));
    assert!(matches!(settled[2], Settled::Returned { code: 312, .. }));
    assert_eq!(publisher.publish(&[]).await, []);
    assert_eq!(publisher.publish(&[message("", &"k".repeat(300), 5)]).await.len(), 1);
    admin.ready_becomes("q", 2).await;
}

/// To NHN they travel twice.
#[tokio::test]
async fn the_most_headers_that_may_be_sent_fit_into_a_frame() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let admin = Admin::new(&vhost).await;
    admin.declare("q", &[]).await;
    let publisher = Publisher::new(url(&vhost), "test");
    for wire in [Wire::Nhn, Wire::Dialogpost] {
        // 60 names of 10 bytes, and as many values.
        let of_bytes = |each: usize| {
            let mut outgoing = Outgoing { wire, ..message("", "q", "x".repeat(255)) };
            let application = (0..60).map(|n| (format!("k{n:09}"), "x".repeat(each - 10)));
            outgoing.properties.application = application.collect();
            outgoing.properties.correlation_id = Some("x".repeat(255));
            outgoing.properties.reply_to = Some("x".repeat(255));
            outgoing
        };
        let settled = publisher.publish(&[of_bytes(12 * 1024 / 60), of_bytes(12 * 1024 / 60 + 1)]).await;
        assert_eq!(settled[0], Settled::Confirmed, "{wire:?}");
        assert!(is_failed(&settled[1], "amqp-properties-too-large"), "{wire:?}: {:?}", settled[1]);
    }
    admin.ready_becomes("q", 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l5_nothing_confirmed_is_lost_when_connections_are_closed() {
    let rabbit = Rabbit::private().await;
    let vhost = rabbit.url("/");
    Admin::new(&vhost).await.declare("q", &[]).await;
    let publisher = Publisher::new(url(&vhost), "test");
    let killer = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            rabbit.ctl(&["close_all_connections", "test"]).await;
        }
    };
    let (done, is_done) = tokio::sync::watch::channel(false);
    let sender = async {
        let (mut next, mut failures) = (0, 0);
        while !*is_done.borrow() || next < 2_000 {
            let batch = messages("q", next, 100);
            let settled = publisher.publish(&batch).await;
            // As the outbox does: only what is confirmed is done, the rest goes again under the same id.
            let mut again: Vec<_> =
                batch.into_iter().zip(settled).filter(|(_, s)| *s != Settled::Confirmed).map(|(m, _)| m).collect();
            while !again.is_empty() {
                failures += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
                let settled = publisher.publish(&again).await;
                again = again.into_iter().zip(settled).filter(|(_, s)| *s != Settled::Confirmed).map(|(m, _)| m).collect();
            }
            next += 100;
        }
        (next, failures)
    };
    let (_, (sent, failures)) = tokio::join!(
        async {
            killer.await;
            done.send(true).unwrap()
        },
        sender
    );
    assert!(failures > 0, "the connections were closed under load");
    let seen = Reader::new(&vhost, &["q"], 500, 200).read(sent).await;
    assert_eq!(seen.len(), sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l8_a_blocked_broker_holds_nobody_up() {
    let rabbit = Rabbit::private().await;
    let vhost = rabbit.url("/");
    let admin = Admin::new(&vhost).await;
    admin.declare("q", &[]).await;
    publish(&vhost, &messages("q", 0, 20)).await;
    let mut reader = Reader::new(&vhost, &["q"], 10, 10);
    let first = reader.next().await;
    let publisher = Publisher::new(url(&vhost), "test");
    assert_eq!(publisher.publish(&messages("q", 100, 1)).await, [Settled::Confirmed]);

    rabbit.ctl(&["set_vm_memory_high_watermark", "0.0001"]).await;
    let begin = Instant::now();
    let settled = publisher.publish(&messages("q", 200, 10)).await;
    assert!(begin.elapsed() < Duration::from_secs(12), "{:?}", begin.elapsed());
    assert!(settled.iter().all(|s| matches!(s, Settled::Failed(f) if f.class == FaultClass::Transient)), "{settled:?}");
    assert!(publisher.is_blocked());
    let begin = Instant::now();
    assert!(publisher.publish(&messages("q", 200, 10)).await.iter().all(|s| is_failed(s, "amqp-blocked")));
    assert!(begin.elapsed() < Duration::from_millis(100));
    // Consuming has its own connection, which nobody blocks.
    assert_eq!(tokio::time::timeout(Duration::from_secs(2), first.ack()).await, Ok(Acked::Sent));
    let second = reader.next().await;
    assert_eq!(tokio::time::timeout(Duration::from_secs(2), second.ack()).await, Ok(Acked::Sent));

    rabbit.ctl(&["set_vm_memory_high_watermark", "0.4"]).await;
    let mut settled = publisher.publish(&messages("q", 200, 10)).await;
    for _ in 0..50 {
        if settled.iter().all(|s| *s == Settled::Confirmed) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        settled = publisher.publish(&messages("q", 200, 10)).await;
    }
    assert_eq!(settled, vec![Settled::Confirmed; 10]);
    assert!(!publisher.is_blocked());
}
