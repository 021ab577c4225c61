//! What breaks, and in which order: follows from a seed.

use e2e::WORKERS;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use runtime::probe::Step;

/// Workers that what HelseNorge sends goes through, step by step.
pub(crate) const ON_THE_WAY: [&str; 4] =
    ["helsenorge-inbound", "recipient-routing", "ekonsultasjon-journaling", "helsenorge-outbound"];

/// Where a worker dies: what has happened by then, and what has not, differs most.
pub(crate) const POINTS: [(&str, Step); 3] =
    [(BEFORE_COMMIT, Step::OutgoingWritten), (BEFORE_ACK, Step::Committed), (BEFORE_CONFIRM, Step::Published)];
const BEFORE_COMMIT: &str = "before-commit";
const BEFORE_ACK: &str = "before-ack";
const BEFORE_CONFIRM: &str = "before-confirm";

/// Each worker on the way at each point; but only some have anything to send on.
const DEATHS: [(&str, &str); 10] = [
    ("helsenorge-inbound", BEFORE_COMMIT),
    ("recipient-routing", BEFORE_ACK),
    ("helsenorge-outbound", BEFORE_CONFIRM),
    ("ekonsultasjon-journaling", BEFORE_COMMIT),
    ("helsenorge-inbound", BEFORE_ACK),
    ("helsenorge-outbound", BEFORE_COMMIT),
    ("helsenorge-inbound", BEFORE_CONFIRM),
    ("recipient-routing", BEFORE_COMMIT),
    ("ekonsultasjon-journaling", BEFORE_ACK),
    ("helsenorge-outbound", BEFORE_ACK),
];

/// What breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `kill -9` of a worker, wherever it is.
    Kill(&'static str),
    /// Likewise, and what starts in its place dies at a named point.
    Point(&'static str, &'static str),
    /// A server, or what leads to it.
    Server(Trouble),
    /// Receipts find no queue, become dead letters, and are replayed while workers die.
    Replay,
}

/// What happens to a server, or on the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    BrokerRestart,
    BrokerCrash,
    DatabaseFast,
    DatabaseImmediate,
    DatabaseCrash,
    BrokerCut,
    DatabaseCut,
    BrokerSlow,
    DatabaseSlow,
    MemoryAlarm,
    BrokerHangsUp,
    DatabaseThrowsOut,
}

impl Trouble {
    pub(crate) const ALL: [Self; 12] = [
        Self::BrokerRestart,
        Self::BrokerCrash,
        Self::DatabaseFast,
        Self::DatabaseImmediate,
        Self::DatabaseCrash,
        Self::BrokerCut,
        Self::DatabaseCut,
        Self::BrokerSlow,
        Self::DatabaseSlow,
        Self::MemoryAlarm,
        Self::BrokerHangsUp,
        Self::DatabaseThrowsOut,
    ];
}

impl Fault {
    /// What its recoveries are gathered under.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kill(_) => "worker killed",
            Self::Point(..) => "worker killed at a point",
            Self::Replay => "replay among kills",
            Self::Server(Trouble::BrokerRestart) => "broker restarted",
            Self::Server(Trouble::BrokerCrash) => "broker killed",
            Self::Server(Trouble::DatabaseFast) => "database stopped fast",
            Self::Server(Trouble::DatabaseImmediate) => "database stopped at once",
            Self::Server(Trouble::DatabaseCrash) => "database killed",
            Self::Server(Trouble::BrokerCut) => "broker cut off",
            Self::Server(Trouble::DatabaseCut) => "database cut off",
            Self::Server(Trouble::BrokerSlow) => "broker far away",
            Self::Server(Trouble::DatabaseSlow) => "database far away",
            Self::Server(Trouble::MemoryAlarm) => "memory alarm",
            Self::Server(Trouble::BrokerHangsUp) => "broker hung up",
            Self::Server(Trouble::DatabaseThrowsOut) => "database threw everybody out",
        }
    }
}

/// So many kills, half of them at named points, so many of each trouble, and a replay for every five of those, in an order by the seed.
pub(crate) fn plan(seed: u64, kills: usize, each: usize) -> Vec<Fault> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut faults: Vec<Fault> = (0..kills).map(|place| kill(place, &mut random)).collect();
    faults.extend(Trouble::ALL.into_iter().flat_map(|trouble| vec![Fault::Server(trouble); each]));
    faults.extend(vec![Fault::Replay; each.div_ceil(5)]);
    faults.shuffle(&mut random);
    faults
}

/// Processes that such a plan kills at least.
pub(crate) fn deaths(plan: &[Fault]) -> usize {
    let of = |fault: &Fault| match fault {
        Fault::Kill(_) => 1,
        // Killed, and dead at its point.
        Fault::Point(..) => 2,
        Fault::Replay => ON_THE_WAY.len(),
        Fault::Server(_) => 0,
    };
    plan.iter().map(of).sum()
}

fn kill(place: usize, random: &mut StdRng) -> Fault {
    if place.is_multiple_of(2) {
        return Fault::Kill(WORKERS[random.random_range(0..WORKERS.len())].name);
    }
    let (worker, point) = DEATHS[place / 2 % DEATHS.len()];
    Fault::Point(worker, point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_asked_for_is_planned() {
        let faults = plan(7, 300, 20);
        let count = |wanted: fn(&Fault) -> bool| faults.iter().filter(|fault| wanted(fault)).count();
        assert_eq!(count(|fault| matches!(fault, Fault::Kill(_))), 150);
        assert_eq!(count(|fault| matches!(fault, Fault::Replay)), 4);
        for trouble in Trouble::ALL {
            assert_eq!(faults.iter().filter(|fault| **fault == Fault::Server(trouble)).count(), 20);
        }
        for (worker, point) in DEATHS {
            assert!(ON_THE_WAY.contains(&worker) && POINTS.iter().any(|(name, _)| *name == point), "{worker} {point}");
            assert!(faults.contains(&Fault::Point(worker, point)), "{worker} {point}");
        }
    }

    #[test]
    fn the_seed_is_the_order() {
        assert_eq!(plan(1, 20, 2), plan(1, 20, 2));
        assert_ne!(plan(1, 20, 2), plan(2, 20, 2));
    }
}
