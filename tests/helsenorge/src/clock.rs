//! The one place that reads the clock.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use std::sync::OnceLock;

static CLOCK: OnceLock<fn() -> Timestamp> = OnceLock::new();

/// From now on HelseNorge goes by this clock, in the whole process. Once: another one later is passed over.
pub fn run_on(clock: fn() -> Timestamp) {
    let _ = CLOCK.set(clock);
}

/// Now.
#[allow(clippy::disallowed_methods, reason = "HelseNorge has a clock of its own")]
pub(crate) fn now() -> Timestamp {
    CLOCK.get().map_or_else(Timestamp::now, |clock| clock())
}

/// `GenDate`: Norwegian time with offset, whole milliseconds.
pub(crate) fn gen_date(at: Timestamp) -> String {
    let oslo = TimeZone::get("Europe/Oslo").expect("the time zones are bundled");
    let at = at.round(Unit::Millisecond).unwrap_or(at);
    at.to_zoned(oslo).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

/// `applicationTimeStamp`.
pub(crate) fn application_time_stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `enqueuedTimeUtc`.
pub(crate) fn enqueued_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways_to_write_a_time() {
        let at: Timestamp = "2026-07-02T12:31:17.1234567Z".parse().unwrap();
        assert_eq!(gen_date(at), "2026-07-02T14:31:17.123+02:00");
        assert_eq!(application_time_stamp(at), "2026-07-02T12:31:17Z");
        assert_eq!(enqueued_time(at), "2026-07-02T12:31:17");
    }
}
