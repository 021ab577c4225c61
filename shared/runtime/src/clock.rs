//! The one place that reads the clock.

use jiff::Timestamp;

/// Where the time comes from. Rules never call it: they are handed `now`.
pub type Clock = fn() -> Timestamp;

/// The machine's clock.
#[allow(clippy::disallowed_methods)]
pub fn system() -> Timestamp {
    Timestamp::now()
}
