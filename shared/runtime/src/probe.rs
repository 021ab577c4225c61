//! Where a test may kill a worker: after each step of a message's life.

use std::sync::Arc;

/// The steps of a batch, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The bytes were read.
    Parsed,
    /// What takes the processor is done.
    Prepared,
    /// The claims are written, not committed.
    Claimed,
    /// The facts are loaded.
    FactsLoaded,
    /// The rules have decided.
    Decided,
    /// The effects are written, not committed.
    Written,
    /// The outbox rows are written, not committed.
    OutgoingWritten,
    /// The transaction is committed, nothing is acked.
    Committed,
    /// The deliveries are acked, nothing is published.
    Acked,
    /// The outbox rows are published, and still there.
    Published,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 10] = [
        Self::Parsed,
        Self::Prepared,
        Self::Claimed,
        Self::FactsLoaded,
        Self::Decided,
        Self::Written,
        Self::OutgoingWritten,
        Self::Committed,
        Self::Acked,
        Self::Published,
    ];
}

/// Tells whether a worker dies after a step.
type Dies = dyn Fn(&str, Step) -> bool + Send + Sync;

/// Asked after each step whether the worker dies here. In production nobody is asked.
#[derive(Clone, Default)]
pub struct Probe(Option<Arc<Dies>>);

/// The worker died at a probe: connections drop, nothing is acked, rolled back or cleaned up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crashed;

impl Probe {
    /// A probe for tests: `true` = die here.
    pub fn new(dies: impl Fn(&str, Step) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(dies)))
    }

    /// Whether anybody is asked.
    pub const fn is_armed(&self) -> bool {
        self.0.is_some()
    }

    /// Dies if told to.
    ///
    /// # Errors
    /// [`Crashed`].
    pub fn after(&self, worker: &str, step: Step) -> Result<(), Crashed> {
        match &self.0 {
            Some(dies) if dies(worker, step) => Err(Crashed),
            _ => Ok(()),
        }
    }
}
