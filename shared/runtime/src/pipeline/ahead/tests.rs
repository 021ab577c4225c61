use super::*;
use broker::{Acked, Settle, Verdict};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use messages::transport::Properties;
use std::sync::Mutex;

type Told = Arc<Mutex<Vec<(u32, &'static str)>>>;

/// Writes down what is said about a batch.
struct Owed {
    number: u32,
    told: Told,
    settled: bool,
}

impl Settle for Owed {
    fn settle(mut self: Box<Self>, verdict: Verdict) -> BoxFuture<'static, Acked> {
        self.settled = true;
        let word = if verdict == Verdict::Ack { "acked" } else { "given back" };
        self.told.lock().unwrap().push((self.number, word));
        Box::pin(std::future::ready(if self.number == 2 { Acked::Lost } else { Acked::Sent }))
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if !self.settled {
            self.told.lock().unwrap().push((self.number, "dropped"));
        }
    }
}

fn delivery(key: String, bytes: usize) -> Delivery {
    Delivery {
        queue: key,
        redelivered: false,
        properties: Properties::default(),
        deviations: Vec::new(),
        body: Bytes::from(vec![0; bytes]),
        received_at: Timestamp::UNIX_EPOCH,
        user: None,
    }
}

/// Batch `number` with so many messages, which it names.
fn batch(number: u32, messages: usize, told: &Told) -> Batch {
    let deliveries = (0..messages).map(|n| delivery(format!("{number}.{n}"), 10)).collect();
    Batch::new(deliveries, Box::new(Owed { number, told: Arc::clone(told), settled: false }))
}

async fn put(ahead: &Ahead<()>, batch: Batch) {
    let room = ahead.room().await.unwrap();
    ahead.put(batch, None, room);
}

fn names(taken: &InHand<()>) -> Vec<&str> {
    taken.batch.deliveries.iter().map(|delivery| delivery.queue.as_str()).collect()
}

#[tokio::test]
async fn what_is_ready_is_written_together_in_order_up_to_the_limit() {
    let told = Told::default();
    let (ahead, mut ready) = channel(4);
    for (number, messages) in [(1, 1), (2, 2), (3, 2)] {
        put(&ahead, batch(number, messages, &told)).await;
    }
    drop(ahead);
    let first = ready.next().await.unwrap();
    assert_eq!(names(&first), ["1.0", "2.0", "2.1"], "a batch is not torn apart");
    assert_eq!(first.batch.ack().await, Acked::Lost, "one of them was");
    let second = ready.next().await.unwrap();
    assert_eq!(names(&second), ["3.0", "3.1"]);
    second.batch.give_back().await;
    assert!(ready.next().await.is_none());
    assert_eq!(*told.lock().unwrap(), [(1, "acked"), (2, "acked"), (3, "given back")]);
}

#[tokio::test]
async fn no_more_is_in_hand_than_twice_the_limit() {
    let told = Told::default();
    let (ahead, mut ready) = channel(4);
    put(&ahead, batch(1, 4, &told)).await;
    put(&ahead, batch(2, 1, &told)).await;
    assert!(ahead.room().now_or_never().is_none(), "there is no room for a whole batch");
    let first = ready.next().await.unwrap();
    assert_eq!(names(&first).len(), 4);
    assert!(ahead.room().now_or_never().is_none(), "what is being written is in hand still");
    first.batch.ack().await;
    drop(first.room);
    put(&ahead, batch(3, 1, &told)).await;
    assert_eq!(names(&ready.next().await.unwrap()), ["2.0", "3.0"]);
}

#[test]
fn more_is_waited_for_only_while_much_comes() {
    for (before, ready, want) in [(0, 1, false), (15, 1, false), (16, 1, true), (16, 31, true), (16, 32, false), (64, 64, false)]
    {
        assert_eq!(waits(before, ready, 64), want, "{before} {ready}");
    }
    assert!(!waits(1, 1, 1), "one at a time");
}

#[tokio::test]
async fn while_much_comes_a_moment_is_waited_and_no_longer() {
    let told = Told::default();
    let (ahead, mut ready) = channel(8);
    put(&ahead, batch(1, 4, &told)).await;
    drop(ready.next().await.unwrap());
    put(&ahead, batch(2, 1, &told)).await;
    // It is put when the other waits already.
    let (together, ()) = tokio::join!(ready.next(), put(&ahead, batch(3, 1, &told)));
    let together = together.unwrap();
    assert_eq!(names(&together), ["2.0", "3.0"]);
    drop(together);
    // Little came: the next is not waited with.
    put(&ahead, batch(4, 1, &told)).await;
    drop(ready.next().await.unwrap());
    put(&ahead, batch(5, 1, &told)).await;
    assert!(ready.next().now_or_never().is_some());
}

#[tokio::test]
async fn what_nobody_writes_goes_back() {
    let told = Told::default();
    let (ahead, ready) = channel(4);
    put(&ahead, batch(1, 1, &told)).await;
    drop(ready);
    put(&ahead, batch(2, 1, &told)).await;
    assert_eq!(*told.lock().unwrap(), [(1, "dropped"), (2, "dropped")]);
}

#[test]
fn large_messages_count_for_many() {
    let share = BATCH_BYTES / 64;
    for (sizes, want) in [
        (vec![10, 10, 10], 3),
        (vec![share, share], 2),
        (vec![share + 1], 2),
        (vec![share * 8, 10], 9),
        (vec![BATCH_BYTES], 64),
        (vec![BATCH_BYTES, BATCH_BYTES], 64),
    ] {
        let batch: Vec<_> = sizes.iter().map(|bytes| delivery(String::new(), *bytes)).collect();
        assert_eq!(weight(&batch, 64), want, "{sizes:?}");
    }
}
