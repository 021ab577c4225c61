//! When to try again: growing delays with jitter that only lengthens, bounded attempts.

use std::time::Duration;

/// After this many failed attempts a message becomes a dead letter.
pub const MAX_ATTEMPTS: u32 = 8;
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(3600);

/// As [`MAX_ATTEMPTS`], of a message that can only wait for others: hourly for four days, a long weekend.
pub const MAX_WAITS: u32 = MAX_ATTEMPTS + 96;
/// Faults that are nobody's in particular: a revocation list out of reach, a key that is not mounted.
const WAITS: [&str; 2] = ["revocation-offline", "own-key-unavailable"];

/// Whether after a fault of this code a message waits for days: for somebody to mend what it needs.
pub fn waits(code: &str) -> bool {
    WAITS.contains(&code)
}

/// The wait before the next attempt after a fault of this code, or `None` when attempts are used up.
///
/// `failed` counts the attempts that have failed so far (1 after the first). Without jitter the waits are 2 s, 8 s, 32 s, … at most an
/// hour; `jitter` in 0..=1 lengthens a wait by up to a quarter.
pub fn delay(code: &str, failed: u32, jitter: f64) -> Option<Duration> {
    let most = if waits(code) { MAX_WAITS } else { MAX_ATTEMPTS };
    if failed >= most {
        return None;
    }
    let factor = 4u32.saturating_pow(failed.saturating_sub(1));
    let wait = FIRST.saturating_mul(factor).min(LONGEST);
    Some(wait.mul_f64(1.0 + 0.25 * jitter.clamp(0.0, 1.0)))
}

/// Faults of a broker that is away, or takes nothing: it is back at any moment.
const AWAY: [&str; 4] = ["amqp-connection", "amqp-timeout", "amqp-blocked", "amqp-untrusted"];

/// The wait before an outbox row that could not be sent for this fault is tried again, never giving up: 1 s doubling to 4 s while the broker is
/// away, to a minute while it refuses.
pub fn resend_delay(code: &str, attempts: u32) -> Duration {
    let longest = if AWAY.contains(&code) { 4 } else { 60 };
    Duration::from_secs(2u64.saturating_pow(attempts.min(6)).min(longest))
}

/// A provider may ask for so long a wait at most.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// The wait before a notice is given to its provider again, never giving up: what ends it is that it is too late.
///
/// `failed` counts the attempts that have failed so far (1 after the first). Without jitter the waits are 5 s, 20 s, 80 s, … at most a quarter
/// of an hour, or as long as the provider `asked` for, at most an hour; `jitter` in 0..=1 lengthens a wait by up to a quarter.
pub fn notice_delay(failed: u32, asked: Option<Duration>, jitter: f64) -> Duration {
    let factor = 4u32.saturating_pow(failed.saturating_sub(1));
    let wait = Duration::from_secs(5).saturating_mul(factor).min(Duration::from_secs(900));
    wait.max(asked.unwrap_or_default().min(LONGEST_ASKED)).mul_f64(1.0 + 0.25 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_an_hour_and_end() {
        let table = [
            (1, Some(2)),
            (2, Some(8)),
            (3, Some(32)),
            (4, Some(128)),
            (5, Some(512)),
            (6, Some(2048)),
            (7, Some(3600)),
            (8, None),
            (u32::MAX, None),
        ];
        for (failed, seconds) in table {
            assert_eq!(delay("message-missing", failed, 0.0), seconds.map(Duration::from_secs), "after {failed}");
        }
    }

    #[test]
    fn what_waits_for_others_waits_for_days() {
        let all: Duration = (1..MAX_WAITS).filter_map(|failed| delay("revocation-offline", failed, 0.0)).sum();
        assert!(all > Duration::from_secs(4 * 24 * 3600) && delay("revocation-offline", MAX_WAITS, 0.0).is_none());
    }

    #[test]
    fn jitter_only_lengthens_and_is_bounded() {
        for failed in 1..MAX_ATTEMPTS {
            let plain = delay("message-missing", failed, 0.0).unwrap();
            for jitter in [-1.0, 0.0, 0.3, 1.0, 7.0, f64::NAN] {
                let jitter = if jitter.is_nan() { 0.5 } else { jitter };
                let wait = delay("message-missing", failed, jitter).unwrap();
                assert!(wait >= plain && wait <= plain.mul_f64(1.25), "{failed} {jitter}");
            }
        }
    }

    #[test]
    fn notices_wait_longer_each_time_and_as_long_as_they_are_asked_to() {
        let of = |failed, asked: Option<u64>| notice_delay(failed, asked.map(Duration::from_secs), 0.0).as_secs();
        let table = [
            (1, None, 5),
            (2, None, 20),
            (3, None, 80),
            (4, None, 320),
            (5, None, 900),
            (u32::MAX, None, 900),
            (1, Some(60), 60),
            (1, Some(1), 5),
            (1, Some(u64::MAX), 3600),
        ];
        for (failed, asked, want) in table {
            assert_eq!(of(failed, asked), want, "after {failed}, asked for {asked:?}");
        }
        assert_eq!(notice_delay(1, None, 1.0), Duration::from_millis(6250));
    }

    #[test]
    fn resends_never_give_up() {
        let seconds = |code| [0, 1, 2, 5, 6, 7, u32::MAX].map(|n| resend_delay(code, n).as_secs());
        assert_eq!(seconds("amqp-access-refused"), [1, 2, 4, 32, 60, 60, 60]);
        assert_eq!(seconds("amqp-connection"), [1, 2, 4, 4, 4, 4, 4]);
    }
}
