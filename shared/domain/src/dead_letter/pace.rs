//! In which order and how fast letters are replayed, and when that stops by itself.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Letters a second, 1 to 10 000.
    pub per_second: u32,
    /// Of one clinic at most, likewise.
    pub per_clinic: u32,
}

impl Pace {
    /// How much of the time that has gone is lost: what could not be released in it is not made up for by more than a second's worth at once.
    pub fn lost(self, elapsed: Duration, released: u64) -> Duration {
        let earned = Duration::from_secs_f64(released as f64 / f64::from(self.per_second.max(1)));
        elapsed.saturating_sub(earned.saturating_add(Duration::from_secs(1)))
    }

    /// How many of `rate` a second may have gone after so long; one at once.
    fn allowance(rate: u32, elapsed: Duration) -> u64 {
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        (u64::from(rate).saturating_mul(millis) / 1000).saturating_add(1)
    }
}

/// When a replay stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// More than so many of a hundred that have ended died again, 0 to 100. With 100 it never brakes.
    pub percent: u32,
}

/// Fewer ends than this tell nothing.
const TELLING: u64 = 5;

impl Brake {
    /// Whether it pulls.
    pub fn pulls(self, done: u64, died: u64) -> bool {
        let ended = done.saturating_add(died);
        ended >= TELLING && died.saturating_mul(100) > ended.saturating_mul(u64::from(self.percent))
    }
}

/// Where a letter of a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Not yet released.
    ToCome,
    /// Released, and not ended.
    UnderWay,
    /// Its effect has happened.
    Done,
    /// It is dead again.
    Died,
    /// It was not released, and will not be.
    PassedOver,
}

/// A letter of a plan, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its place in the plan.
    pub number: i32,
    /// Its clinic.
    pub clinic: Option<i64>,
    /// The dialog or appointment within which order is kept.
    pub thread: Option<String>,
    /// Where it stands.
    pub standing: Standing,
}

/// What is done next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Next {
    /// Released now.
    pub release: Vec<i32>,
    /// Passed over: an earlier one of their dialog did not get through.
    pub pass_over: Vec<i32>,
}

/// Why a letter is passed over when one before it did not get through.
pub const AFTER_A_FAILURE: &str = "earlier-one-failed";

/// What is released after `elapsed`, of which `released` has been released since, by clinic; at most `most` at once. Of one dialog or
/// appointment one at a time.
pub fn next(items: &[Item], pace: Pace, elapsed: Duration, released: &HashMap<Option<i64>, u64>, most: usize) -> Next {
    let mut total: u64 = released.values().sum();
    let mut of_clinic = released.clone();
    let (mut held, mut failed) = (HashSet::new(), HashSet::new());
    let mut next = Next::default();
    let (all, each) = (Pace::allowance(pace.per_second, elapsed), Pace::allowance(pace.per_clinic, elapsed));
    for item in items {
        let thread = item.thread.as_deref();
        match (item.standing, thread) {
            (Standing::ToCome, Some(thread)) if failed.contains(thread) => next.pass_over.push(item.number),
            (Standing::ToCome, Some(thread)) if held.contains(thread) => {}
            (Standing::ToCome, _) => {
                let count = of_clinic.entry(item.clinic).or_default();
                if total < all && *count < each && next.release.len() < most {
                    (total, *count) = (total + 1, *count + 1);
                    next.release.push(item.number);
                }
                held.extend(thread);
            }
            (Standing::UnderWay, thread) => held.extend(thread),
            (Standing::Died | Standing::PassedOver, thread) => failed.extend(thread),
            (Standing::Done, _) => {}
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: i32, clinic: i64, thread: Option<&str>, standing: Standing) -> Item {
        Item { number, clinic: Some(clinic), thread: thread.map(str::to_owned), standing }
    }

    fn of(items: &[Item], per_second: u32, per_clinic: u32, seconds: u64, released: &[(i64, u64)]) -> Next {
        let released = released.iter().map(|(clinic, n)| (Some(*clinic), *n)).collect();
        next(items, Pace { per_second, per_clinic }, Duration::from_secs(seconds), &released, 100)
    }

    #[test]
    fn it_keeps_its_pace_for_all_and_for_each_clinic() {
        let items: Vec<Item> = (0..40).map(|n| item(n, i64::from(n % 2), None, Standing::ToCome)).collect();
        let table = [
            // A second of all, of one clinic, seconds gone, released before of clinic 0; how many now.
            (10, 10, 0, 0, 1),
            (10, 10, 1, 0, 11),
            (10, 10, 1, 6, 5),
            (10, 10, 1, 11, 0),
            (100, 5, 1, 0, 12),
            (100, 5, 1, 6, 6),
            (1000, 1000, 1, 0, 40),
        ];
        for (all, each, seconds, before, want) in table {
            let next = of(&items, all, each, seconds, &[(0, before)]);
            assert_eq!(next.release.len(), want, "{all} {each} after {seconds} s, {before} before");
        }
        assert_eq!(next(&items, Pace { per_second: 9999, per_clinic: 9999 }, Duration::MAX, &HashMap::new(), 7).release.len(), 7);
    }

    #[test]
    fn what_stood_still_is_not_made_up_for_at_once() {
        let pace = Pace { per_second: 20, per_clinic: 20 };
        let table = [(0, 0, 0), (1, 20, 0), (2, 20, 0), (10, 20, 8), (600, 100, 594)];
        for (elapsed, released, lost) in table {
            assert_eq!(
                pace.lost(Duration::from_secs(elapsed), released),
                Duration::from_secs(lost),
                "{elapsed} s, {released} released"
            );
        }
    }

    #[test]
    fn of_one_dialog_one_at_a_time_and_none_after_one_that_failed() {
        use Standing::{Died, Done, PassedOver, ToCome, UnderWay};
        let table = [
            (Done, vec![2], vec![]),
            (UnderWay, vec![], vec![]),
            (ToCome, vec![1], vec![]),
            (Died, vec![], vec![2]),
            (PassedOver, vec![], vec![2]),
        ];
        for (first, release, pass_over) in table {
            let items = [item(1, 1, Some("a"), first), item(2, 1, Some("a"), ToCome), item(3, 1, Some("b"), Done)];
            assert_eq!(of(&items, 10, 10, 10, &[]), Next { release, pass_over }, "{first:?}");
        }
        let next = of(&[item(1, 1, Some("a"), ToCome), item(2, 2, None, ToCome), item(3, 2, Some("a"), ToCome)], 10, 10, 10, &[]);
        assert_eq!(next.release, [1, 2], "a third waits for the first");
    }

    #[test]
    fn it_brakes_when_too_many_die_again() {
        let table = [
            (20, 0, 4, false),
            (20, 0, 5, true),
            (20, 8, 2, false),
            (20, 7, 3, true),
            (0, 5, 0, false),
            (0, 99, 1, true),
            (100, 0, 9, false),
        ];
        for (percent, done, died, want) in table {
            assert_eq!(Brake { percent }.pulls(done, died), want, "{percent} % of {done} + {died}");
        }
    }
}
