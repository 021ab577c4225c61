//! The clock of the simulated year: it stands still until it is set.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use std::sync::atomic::{AtomicI64, Ordering};

static NOW: AtomicI64 = AtomicI64::new(0);

/// The time.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_microsecond(NOW.load(Ordering::SeqCst)).expect("a time of the simulated year")
}

/// From now on it is then.
pub(crate) fn set(time: Timestamp) {
    let before = NOW.swap(time.as_microsecond(), Ordering::SeqCst);
    assert!(before <= time.as_microsecond(), "time goes forward");
}

/// Norway's time zone.
pub(crate) fn norway() -> TimeZone {
    TimeZone::get("Europe/Oslo").expect("the time zones are bundled")
}

/// At that time of a day in Norway.
pub(crate) fn at(date: Date, time: Time) -> Timestamp {
    date.to_datetime(time).to_zoned(norway()).expect("a time that exists").timestamp()
}

/// Whether clocks change in the night before that day.
pub(crate) fn changes_clocks(date: Date) -> bool {
    let begins = |date: Date| at(date, Time::midnight());
    begins(date.tomorrow().expect("a day")).duration_since(begins(date)) != SignedDuration::from_hours(24)
}

/// From and until when an appointment may be reminded of: 48 to 24 hours before, both by the hours and by the clock on the wall. Said anew
/// here, so that the rule is not held against itself.
pub(crate) fn window(start: Timestamp) -> (Timestamp, Timestamp) {
    let local = start.to_zoned(norway());
    let wall = |days: i64| (&local - days.days()).timestamp();
    let hours = |hours: i64| start - SignedDuration::from_hours(hours);
    (hours(48).max(wall(2)), hours(24).min(wall(1)))
}
