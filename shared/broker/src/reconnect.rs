//! How long to wait before trying again: the only place that knows the crate `backoff`, and nothing of it but its sequence of delays.

use backoff::backoff::Backoff;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The first and the longest delay; each is about twice the one before, with jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The first delay.
    pub first: Duration,
    /// No delay is longer.
    pub max: Duration,
}

impl Policy {
    /// For connections: quick at first, never slower than three seconds, so that within ten a broker that is back has all that waited.
    pub const CONNECTION: Self = Self { first: Duration::from_millis(100), max: Duration::from_secs(3) };
}

impl Default for Policy {
    fn default() -> Self {
        Self::CONNECTION
    }
}

/// The delays of one outage. Without an end: nobody is helped by a worker that has given up.
#[derive(Debug)]
pub struct Delays {
    policy: Policy,
    sequence: ExponentialBackoff,
}

impl Delays {
    /// From the first delay on.
    pub fn new(policy: Policy) -> Self {
        let sequence = ExponentialBackoffBuilder::new()
            .with_initial_interval(policy.first)
            .with_max_interval(policy.max)
            .with_multiplier(2.0)
            .with_randomization_factor(0.3)
            .with_max_elapsed_time(None)
            .build();
        Self { policy, sequence }
    }

    /// The next delay, never above the policy's longest: jitter alone would exceed it.
    pub fn next_delay(&mut self) -> Duration {
        self.sequence.next_backoff().unwrap_or(self.policy.max).min(self.policy.max)
    }

    /// The outage is over.
    pub fn reset(&mut self) {
        self.sequence.reset();
    }

    /// Sleeps for the next delay; `false` when cancelled meanwhile.
    pub async fn sleep(&mut self, cancel: &CancellationToken) -> bool {
        let delay = self.next_delay();
        cancel.run_until_cancelled(tokio::time::sleep(delay)).await.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_with_jitter_up_to_the_longest_and_never_end() {
        let policy = Policy { first: Duration::from_millis(100), max: Duration::from_secs(2) };
        let mut delays = Delays::new(policy);
        let first: Vec<_> = (0..5).map(|_| delays.next_delay()).collect();
        for (n, delay) in first.iter().enumerate() {
            let middle = 100 << n;
            assert!((middle * 7 / 10..=middle * 13 / 10 + 1).contains(&delay.as_millis()), "{n}: {delay:?}");
        }
        for _ in 0..10_000 {
            let delay = delays.next_delay();
            assert!(delay <= policy.max && delay >= policy.max.mul_f64(0.69), "{delay:?}");
        }
        delays.reset();
        assert!(delays.next_delay() <= Duration::from_millis(131));
        let mut other = Delays::new(policy);
        assert_ne!(first, (0..5).map(|_| other.next_delay()).collect::<Vec<_>>(), "jitter");
    }

    #[tokio::test]
    async fn l12_sleeping_ends_with_the_token() {
        let cancel = CancellationToken::new();
        let mut delays = Delays::new(Policy { first: Duration::from_secs(600), max: Duration::from_secs(600) });
        cancel.cancel();
        assert!(!delays.sleep(&cancel).await);
        let mut delays = Delays::new(Policy { first: Duration::from_millis(1), max: Duration::from_millis(1) });
        assert!(delays.sleep(&CancellationToken::new()).await);
    }
}
