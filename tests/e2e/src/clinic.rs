//! A fleet with HelseNorge beside it.

use crate::{Epj, Fleet, NHN_EXCHANGE, Running, WORKERS};
use helsenorge::{HelseNorge, Message, Received, Sent};
use runtime::probe::Probe;
use runtime::worker::Worker;
use std::time::Duration;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running fleet and the stand-in for HelseNorge.
pub struct Clinic {
    /// The fleet.
    pub fleet: Fleet,
    /// HelseNorge.
    pub helsenorge: HelseNorge,
    running: Running,
    sent: i64,
}

impl Clinic {
    /// Everything up, on the shared servers.
    pub async fn open() -> Self {
        Self::of(Fleet::new().await).await
    }

    /// On a fleet that is set up.
    pub async fn of(fleet: Fleet) -> Self {
        Self::with(fleet, &WORKERS).await
    }

    /// Some workers only.
    pub async fn with(fleet: Fleet, workers: &[Worker]) -> Self {
        let helsenorge = fleet.helsenorge().await;
        let running = fleet.start_with(workers, Probe::default());
        Self { fleet, helsenorge, running, sent: 0 }
    }

    /// A journal system that is connected.
    pub async fn epj(&self) -> Epj {
        Epj::connect(&self.fleet.world.amqp_url).await
    }

    /// What HelseNorge finds on its queue: one message, which its schemas take.
    pub async fn sent(&self) -> Received {
        let received = self.receipt().await;
        assert_eq!(received.shape_faults(), Vec::<String>::new());
        if let Some(driver) = schemas::driver() {
            schemas::validate(&driver, "what HelseNorge gets", &received.body);
        }
        received
    }

    /// Sends, and waits until every message has an end state.
    pub async fn send(&mut self, messages: &[Message]) -> Vec<Sent> {
        let sent: Vec<Sent> = messages.iter().map(Message::build).collect();
        self.publish(&sent).await;
        sent
    }

    /// As [`Clinic::send`], of what was built before.
    pub async fn publish(&mut self, sent: &[Sent]) {
        // A test may have sent some by itself before.
        let before = self.sent.max(self.fleet.rows.flight().await.0);
        self.helsenorge.publish(sent).await.expect("HelseNorge can send");
        self.sent = before + i64::try_from(sent.len()).expect("a small number");
        self.fleet.settle(self.sent).await;
    }

    /// Exactly one receipt, and nothing on the error queue.
    pub async fn receipt(&self) -> Received {
        let mut receipts = self.helsenorge.expect("8093244_async", 1, PATIENCE).await.expect("one receipt");
        receipts.remove(0)
    }

    /// Exactly one error message.
    pub async fn error(&self) -> Received {
        let mut errors = self.helsenorge.expect("8093244_error", 1, PATIENCE).await.expect("one error message");
        errors.remove(0)
    }

    /// Nothing more was sent to HelseNorge; every trace is explained; everything stops in time, and nothing is left unacknowledged.
    pub async fn close(self) {
        for queue in ["8093244_async", "8093244_error"] {
            assert_eq!(self.helsenorge.waiting_on(queue).await.expect("the queue is there"), 0, "unexpected on {queue}");
        }
        self.fleet.settle(0).await;
        self.running.stop().await;
        for queue in ["8141333_async", "8141333_sync", "8141333_error"] {
            assert_eq!(self.helsenorge.waiting_on(queue).await.expect("the queue is there"), 0, "back on {queue}");
        }
    }
}

impl Fleet {
    /// HelseNorge on this fleet's broker.
    pub async fn helsenorge(&self) -> HelseNorge {
        HelseNorge::connect(&self.world.amqp_url, NHN_EXCHANGE).await.expect("HelseNorge connects")
    }
}
