use crate::raw;
use crate::support::{Admin, Reader, id_range, ids, message, messages, publish, shared, short};
use broker::Acked;
use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable};
use messages::transport::{Properties, Wire};
use std::time::Duration;

#[tokio::test]
async fn batches_come_in_order_and_are_settled_exactly() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let admin = Admin::new(&vhost).await;
    admin.declare("a", &[]).await;
    admin.declare("b", &[]).await;
    for queue in ["a", "b"] {
        publish(&vhost, &messages(queue, 0, 100)).await;
    }
    let mut reader = Reader::new(&vhost, &["a", "b"], 50, 20);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    while a.len() + b.len() < 200 {
        let batch = reader.next().await;
        assert!(batch.deliveries.len() <= 20);
        let queue = &batch.deliveries[0].queue;
        assert!(batch.deliveries.iter().all(|d| d.queue == *queue && !d.redelivered));
        if queue == "a" {
            a.extend(ids(&batch))
        } else {
            b.extend(ids(&batch))
        }
        assert_eq!(batch.ack().await, Acked::Sent);
    }
    assert_eq!((a, b), (id_range(0, 100), id_range(0, 100)));
    reader.stop().await;
    assert_eq!((admin.ready("a").await, admin.ready("b").await), (0, 0));
}

/// Messages with attachments must not add up to what no transaction carries.
#[tokio::test]
async fn a_batch_ends_at_16_mib() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    Admin::new(&vhost).await.declare("q", &[]).await;
    let mut large = messages("q", 0, 6);
    large.iter_mut().for_each(|m| m.body = vec![0; 9 * 1024 * 1024].into());
    for one in &large {
        publish(&vhost, std::slice::from_ref(one)).await;
    }
    let mut reader = Reader::new(&vhost, &["q"], 50, 20);
    let mut read = 0;
    while read < 6 {
        let batch = reader.next().await;
        assert!(batch.deliveries.len() <= 2, "{} at once", batch.deliveries.len());
        read += batch.deliveries.len();
        batch.ack().await;
    }
    reader.stop().await;
}

#[tokio::test]
async fn case_8_what_we_send_is_what_we_read() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    Admin::new(&vhost).await.declare("q", &[]).await;
    let some = |text: &str| Some(text.to_owned());
    for wire in [Wire::Nhn, Wire::Dialogpost] {
        let mut sent = message("", "q", "m1");
        sent.wire = wire;
        sent.properties = Properties {
            message_id: some("m1"),
            correlation_id: some("m1"),
            subject: some("DIALOG_INNBYGGER_EKONTAKT"),
            to: some("93238_async"),
            reply_to: some("93252_async"),
            content_type: some("text/plain"),
            ttl_ms: Some(60_000),
            application: [("fromHerId", "93252"), ("norsk", "blåbær")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        };
        publish(&vhost, &[sent.clone()]).await;
        let mut reader = Reader::new(&vhost, &["q"], 10, 10);
        let batch = reader.next().await;
        assert_eq!(batch.deliveries[0].properties, sent.properties, "{wire:?}");
        assert_eq!(batch.deliveries[0].body, sent.body);
        assert!(batch.deliveries[0].deviations.is_empty());
        batch.ack().await;
        reader.stop().await;
    }
}

#[tokio::test]
async fn l4_an_ack_on_a_dead_channel_is_lost_and_the_batch_comes_again() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let name = vhost.rsplit('/').next().unwrap();
    Admin::new(&vhost).await.declare("q", &[]).await;
    publish(&vhost, &messages("q", 0, 10)).await;
    let mut reader = Reader::new(&vhost, &["q"], 10, 10);
    let batch = reader.next().await;
    rabbit.ctl(&["close_all_connections", "--vhost", name, "test"]).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(batch.ack().await, Acked::Lost);
    assert_eq!(reader.read(10).await.len(), 10);
}

#[tokio::test]
async fn l6_batches_may_be_settled_out_of_order() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let admin = Admin::new(&vhost).await;
    admin.declare("q", &[]).await;
    publish(&vhost, &messages("q", 0, 30)).await;
    let mut reader = Reader::new(&vhost, &["q"], 30, 10);
    let (first, second, third) = (reader.next().await, reader.next().await, reader.next().await);
    let second_ids = ids(&second);
    assert_eq!(second.ack().await, Acked::Sent);
    third.give_back().await;
    // Neither of them has settled the first; dropped unsettled, it comes again.
    drop(first);
    let rest: Vec<_> = id_range(0, 30).into_iter().filter(|id| !second_ids.contains(id)).collect();
    let again = reader.read(rest.len()).await;
    assert_eq!(again.into_keys().collect::<Vec<_>>(), rest);
    reader.stop().await;
    assert_eq!(admin.ready("q").await, 0);
}

#[tokio::test]
async fn l7_a_deleted_queue_is_missed_and_found_again() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let admin = Admin::new(&vhost).await;
    admin.declare("a", &[]).await;
    admin.declare("b", &[]).await;
    let mut reader = Reader::new(&vhost, &["a", "b"], 10, 10);
    let mut state = reader.consumer.state();
    assert!(!state.borrow().is_ready());
    publish(&vhost, &messages("a", 0, 1)).await;
    reader.read(1).await;
    assert!(state.borrow_and_update().is_ready());

    admin.delete("a").await;
    let missed = async {
        state.wait_for(|s| s.missing.contains("a")).await.unwrap();
    };
    tokio::select! { () = missed => {}, _ = reader.consumer.next() => panic!("nothing to read") }
    publish(&vhost, &messages("b", 0, 5)).await;
    assert_eq!(reader.read(5).await.len(), 5, "the other queue flows on");

    admin.declare("a", &[]).await;
    publish(&vhost, &messages("a", 10, 5)).await;
    assert_eq!(reader.read(5).await.into_keys().collect::<Vec<_>>(), id_range(10, 5));
    assert!(state.borrow().is_ready());
}

#[tokio::test]
async fn the_list_of_queues_may_change() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let admin = Admin::new(&vhost).await;
    admin.declare("a", &[]).await;
    admin.declare("b", &[]).await;
    publish(&vhost, &messages("a", 0, 20)).await;
    publish(&vhost, &messages("b", 100, 20)).await;
    let mut reader = Reader::new(&vhost, &["a"], 20, 10);
    let from_a = reader.next().await;
    let n = from_a.deliveries.len();
    reader.queues.send_replace(vec!["b".to_owned(), "b".to_owned()]);
    assert_eq!(reader.read(20).await.into_keys().collect::<Vec<_>>(), id_range(100, 20));
    assert_eq!(from_a.ack().await, Acked::Sent, "what was in flight can still be settled");
    let idle = tokio::time::timeout(Duration::from_millis(1500), reader.consumer.next()).await;
    assert!(idle.is_err(), "nothing more from the queue that was dropped");
    admin.ready_becomes("a", u32::try_from(20 - n).unwrap()).await;
    reader.queues.send_replace(vec!["a".to_owned()]);
    assert_eq!(reader.read(20 - n).await.into_keys().collect::<Vec<_>>(), id_range(n, 20 - n));
}

/// A good hundred on either side, far more than the delivery limit would forgive if they were redelivered along with the bad one.
#[tokio::test]
async fn l11_an_unreadable_message_is_dead_lettered_alone() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let admin = Admin::new(&vhost).await;
    let text = |text: &str| AMQPValue::LongString(text.into());
    admin.declare("dead", &[]).await;
    let limited = [
        ("x-delivery-limit", AMQPValue::LongInt(3)),
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text("dead")),
    ];
    admin.declare("q", &limited).await;
    admin.declare("other", &limited).await;
    publish(&vhost, &messages("q", 0, 100)).await;
    raw::publish_with_id(&vhost, "q", &[0xff; 16]).await;
    publish(&vhost, &messages("q", 100, 100)).await;
    publish(&vhost, &messages("other", 200, 100)).await;

    let mut reader = Reader::new(&vhost, &["q", "other", "missing"], 50, 20);
    let begin = std::time::Instant::now();
    let seen = reader.read(300).await;
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    assert_eq!(seen.into_keys().collect::<Vec<_>>(), id_range(0, 300));
    admin.ready_becomes("dead", 1).await;
    // And back to normal, in batches.
    publish(&vhost, &messages("q", 300, 200)).await;
    let mut largest = 0;
    let mut rest = id_range(300, 200);
    while !rest.is_empty() {
        let batch = reader.next().await;
        largest = largest.max(batch.deliveries.len());
        let read = ids(&batch);
        rest.retain(|id| !read.contains(id));
        assert_eq!(batch.ack().await, Acked::Sent);
    }
    assert!(largest > 1, "back to batches");
    reader.stop().await;
    assert_eq!((admin.ready("q").await, admin.ready("other").await, admin.ready("dead").await), (0, 0, 1));
}

/// They fit into no frame of ours, and no sender's frame is larger than RabbitMQ's own.
#[tokio::test]
async fn headers_larger_than_our_frames_stop_nobody() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let admin = Admin::new(&vhost).await;
    admin.declare("q", &[]).await;
    admin.declare("other", &[]).await;
    publish(&vhost, &messages("q", 0, 50)).await;
    let mut headers = FieldTable::default();
    headers.insert(short("large"), AMQPValue::LongString("x".repeat(100_000).into()));
    let properties = BasicProperties::default().with_headers(headers).with_message_id(short("00050"));
    let options = BasicPublishOptions::default();
    admin.channel().await.basic_publish(short(""), short("q"), options, b"x", properties).await.unwrap();
    admin.ready_becomes("q", 51).await;
    publish(&vhost, &messages("q", 51, 50)).await;
    publish(&vhost, &messages("other", 101, 50)).await;
    let mut reader = Reader::new(&vhost, &["q", "other"], 50, 20);
    assert_eq!(reader.read(151).await.into_keys().collect::<Vec<_>>(), id_range(0, 151));
    reader.stop().await;
    assert_eq!((admin.ready("q").await, admin.ready("other").await), (0, 0));
}

/// Longer than a link may be quiet: what waits on it meanwhile must not be given back, each time is counted.
#[tokio::test]
async fn slow_handling_burns_no_attempts() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let admin = Admin::new(&vhost).await;
    for queue in ["a", "b"] {
        admin.declare(queue, &[]).await;
        publish(&vhost, &messages(queue, 0, 20)).await;
    }
    let mut reader = Reader::new(&vhost, &["a", "b"], 20, 10);
    let first = reader.next().await;
    tokio::time::sleep(Duration::from_secs(22)).await;
    first.ack().await;
    for _ in 0..3 {
        let batch = reader.next().await;
        assert!(batch.deliveries.iter().all(|d| !d.redelivered));
        batch.ack().await;
    }
}

#[tokio::test]
async fn l12_cancelling_ends_at_once_and_puts_everything_back() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let admin = Admin::new(&vhost).await;
    admin.declare("q", &[]).await;
    publish(&vhost, &messages("q", 0, 100)).await;
    let mut reader = Reader::new(&vhost, &["q"], 50, 10);
    let done = reader.next().await;
    let returned = reader.next().await;
    let left = u32::try_from(100 - done.deliveries.len()).unwrap();
    reader.cancel.cancel();
    assert_eq!(done.ack().await, Acked::Sent);
    returned.give_back().await;
    let begin = std::time::Instant::now();
    assert!(reader.consumer.next().await.is_none());
    assert!(reader.consumer.next().await.is_none());
    assert!(begin.elapsed() < Duration::from_secs(2));
    admin.ready_becomes("q", left).await;
}

#[tokio::test]
async fn l12_cancelling_ends_waiting_for_a_broker_that_is_not_there() {
    let mut reader = Reader::new("amqp://u:p@127.0.0.1:1/v", &["q"], 10, 10);
    let cancel = reader.cancel.clone();
    let waiting = tokio::spawn(async move { reader.consumer.next().await.is_none() });
    tokio::time::sleep(Duration::from_secs(1)).await;
    cancel.cancel();
    assert!(tokio::time::timeout(Duration::from_secs(1), waiting).await.unwrap().unwrap());
}
