//! When: always from today on, by the clock on the wall in Norway.

use crate::Outcome;
use jiff::civil::{Date, Weekday, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// So far ahead it is looked for a day with nothing on it: more than a working day for each run of a quarter of a year.
const DAYS: i64 = 90;
/// Trond's reminder may be given for so long still. It is due at once when fewer than 30 minutes are left (`domain::notice::reminder`).
const LEFT: SignedDuration = SignedDuration::from_mins(20);

/// The times of one day that the steps are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Of an ordinary slot.
    pub ordinary: Timestamp,
    /// Of one by video.
    pub video: Timestamp,
    /// Of a hidden one.
    pub hidden: Timestamp,
    /// To which the appointment in the first is moved.
    pub later: Timestamp,
}

impl Plan {
    /// On this day.
    ///
    /// # Errors
    /// There is no such time.
    pub(super) fn on(day: Date) -> Outcome<Self> {
        let at = |hour, minute| Ok::<_, jiff::Error>(day.to_datetime(time(hour, minute, 0, 0)).to_zoned(norway()?)?.timestamp());
        Ok(Self { ordinary: at(9, 0)?, video: at(9, 20)?, hidden: at(9, 40)?, later: at(13, 0)? })
    }
}

fn norway() -> Result<TimeZone, jiff::Error> {
    TimeZone::get("Europe/Oslo")
}

/// Mondays to Fridays, from a week ahead.
pub(super) fn weekdays_from(now: Timestamp) -> impl Iterator<Item = Date> {
    let first = date(now).saturating_add(7.days());
    let all = (0..DAYS).map(move |days| first.saturating_add(days.days()));
    all.filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday))
}

/// A time whose reminder may be given for [`LEFT`] still, up to a minute less: a day ahead and that much, both by hours and by the clock.
///
/// # Errors
/// There is no such time.
pub(super) fn remindable(now: Timestamp) -> Outcome<Timestamp> {
    let end = Timestamp::from_second(now.checked_add(LEFT)?.as_second() / 60 * 60)?;
    let by_hours = end.checked_add(SignedDuration::from_hours(24))?;
    let by_the_clock = end.to_zoned(norway()?).checked_add(1.day())?.timestamp();
    Ok(by_hours.max(by_the_clock))
}

/// The day in Norway.
pub(super) fn date(at: Timestamp) -> Date {
    at.to_zoned(norway().unwrap_or(TimeZone::UTC)).date()
}

/// `Mon 7 Dec`.
pub(super) fn day(at: Timestamp) -> String {
    said(at, "%a %-d %b")
}

/// `09:00`.
pub(super) fn clock(at: Timestamp) -> String {
    said(at, "%H:%M")
}

/// `Mon 7 Dec 09:00`.
pub(super) fn shown(at: Timestamp) -> String {
    said(at, "%a %-d %b %H:%M")
}

fn said(at: Timestamp, how: &str) -> String {
    at.to_zoned(norway().unwrap_or(TimeZone::UTC)).strftime(how).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::notice::reminder::{due, window};
    use uuid::Uuid;

    #[test]
    fn what_is_to_be_reminded_of_is_due_at_once_also_when_clocks_change() {
        for now in [
            "2026-11-28T11:12:13Z",
            "2027-01-01T00:00:00Z",
            "2027-03-27T00:30:59Z",
            "2027-03-27T12:00:00Z",
            "2027-03-28T00:59:00Z",
            "2027-10-30T00:30:00Z",
            "2027-10-30T23:30:00Z",
            "2027-10-31T12:00:00Z",
        ] {
            let now: Timestamp = now.parse().unwrap();
            let start = remindable(now).unwrap();
            let left = window(start).1.duration_since(now);
            assert!(left > SignedDuration::from_mins(18) && left <= LEFT, "{now}: {left:?} are left");
            assert_eq!(due(start, Uuid::new_v4(), now).map(|due| due.due_at), Some(now), "{now}");
        }
    }

    #[test]
    fn days_are_working_days_from_a_week_ahead() {
        let days: Vec<_> = weekdays_from("2026-11-28T23:30:00Z".parse().unwrap()).collect();
        assert_eq!(days.first().map(ToString::to_string).as_deref(), Some("2026-12-07"), "it is Sunday in Norway");
        assert!(days.len() > 60);
        let plan = Plan::on(days[0]).unwrap();
        assert_eq!(
            (day(plan.ordinary), clock(plan.later), shown(plan.video)),
            ("Mon 7 Dec".into(), "13:00".into(), "Mon 7 Dec 09:20".into())
        );
    }
}
