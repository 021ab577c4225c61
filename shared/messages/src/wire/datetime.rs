//! `xs:dateTime` and `xs:date` as text, and what they stand for.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Whether the text is a valid `xs:dateTime` of the years 0001–9999: a real date, a real time (24:00:00 too), an optional fraction,
/// an optional zone within ±14:00.
pub fn is_xs_date_time(text: &str) -> bool {
    parts(text.as_bytes()).is_some()
}

/// The instant that an `xs:dateTime` stands for; without a zone it is Norwegian time (message-formats 1.1, 3.2).
pub fn instant(text: &str) -> Option<Timestamp> {
    if !is_xs_date_time(text) {
        return None;
    }
    text.parse::<Timestamp>().ok().or_else(|| {
        let local: DateTime = text.parse().ok()?;
        TimeZone::get("Europe/Oslo").ok()?.to_timestamp(local).ok()
    })
}

/// The day that an `xs:date` names, whatever its zone.
pub(super) fn day(text: &str) -> Option<Date> {
    let mut rest = Rest(text.as_bytes());
    let (year, month, day) = rest.date()?;
    rest.zone()?;
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok().filter(|_| year > 0)
}

fn parts(text: &[u8]) -> Option<()> {
    let mut rest = Rest(text);
    let (year, month, day) = rest.date()?;
    rest.literal(b'T')?;
    let hour = rest.number(2)?;
    rest.literal(b':')?;
    let minute = rest.number(2)?;
    rest.literal(b':')?;
    let second = rest.number(2)?;
    let fraction = rest.fraction()?;
    let midnight = hour == 24 && minute == 0 && second == 0 && fraction.iter().all(|d| *d == b'0');
    let real_time = midnight || (hour < 24 && minute < 60 && second < 60);
    let real_date = year > 0 && (1..=days_in(year, month)).contains(&day);
    (real_time && real_date && rest.zone().is_some()).then_some(())
}

/// Days in a month of the Gregorian calendar; 0 for a month that does not exist.
pub(crate) const fn days_in(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

/// What is left to look at.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (now, later) = self.0.split_at_checked(digits)?;
        self.0 = later;
        now.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
    }

    /// Year, month and day, padded.
    fn date(&mut self) -> Option<(u32, u32, u32)> {
        let year = self.number(4)?;
        self.literal(b'-')?;
        let month = self.number(2)?;
        self.literal(b'-')?;
        Some((year, month, self.number(2)?))
    }

    fn literal(&mut self, wanted: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[wanted])?;
        Some(())
    }

    /// The digits after a point, none without one; a point needs a digit.
    fn fraction(&mut self) -> Option<&'a [u8]> {
        let Some(after) = self.0.strip_prefix(b".") else { return Some(&[]) };
        let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
        let (fraction, later) = after.split_at_checked(digits)?;
        self.0 = later;
        (digits > 0).then_some(fraction)
    }

    /// The rest: nothing, `Z`, or an offset.
    fn zone(mut self) -> Option<()> {
        if matches!(self.0, b"" | b"Z") {
            return Some(());
        }
        self.0 = self.0.strip_prefix(b"+").or(self.0.strip_prefix(b"-"))?;
        let hours = self.number(2)?;
        self.literal(b':')?;
        let minutes = self.number(2)?;
        (minutes < 60 && hours * 60 + minutes <= 14 * 60 && self.0.is_empty()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_times() {
        for text in [
            "2025-03-03T09:00:00",
            "2025-03-03T09:00:00Z",
            "2025-03-03T09:00:00+01:00",
            "2019-07-16T14:25:01.5226046+02:00",
            "2012-11-14T09:30:47.0Z",
            "2024-02-29T23:59:59.999-14:00",
            "2000-02-29T00:00:00",
            "2025-12-31T24:00:00.00Z",
            "0001-01-01T00:00:00+14:00",
        ] {
            assert!(is_xs_date_time(text), "{text}");
        }
        for text in [
            "",
            "2025-03-03",
            "2025-03-03 09:00:00",
            "2025-03-03T09:00",
            "2025-3-3T09:00:00",
            "25-03-03T09:00:00",
            "12025-03-03T09:00:00",
            "-2025-03-03T09:00:00",
            "0000-01-01T00:00:00",
            "2025-00-10T09:00:00",
            "2025-13-10T09:00:00",
            "2025-04-31T09:00:00",
            "2025-02-29T09:00:00",
            "1900-02-29T09:00:00",
            "2025-03-00T09:00:00",
            "2025-03-03T24:00:01",
            "2025-03-03T24:00:00.01",
            "2025-03-03T25:00:00",
            "2025-03-03T09:60:00",
            "2025-03-03T09:00:60",
            "2025-03-03T09:00:00.",
            "2025-03-03T09:00:00.Z",
            "2025-03-03T09:00:00z",
            "2025-03-03T09:00:00+1:00",
            "2025-03-03T09:00:00+0100",
            "2025-03-03T09:00:00+14:01",
            "2025-03-03T09:00:00+00:60",
            "2025-03-03T09:00:00+01:00 ",
            " 2025-03-03T09:00:00",
            "2025-03-03T09:00:00Zx",
            "２０２５-03-03T09:00:00",
            "2025-03-03T09:00:0\u{e5}",
        ] {
            assert!(!is_xs_date_time(text), "{text}");
        }
    }
    #[test]
    fn instants_with_and_without_zone() {
        for (text, want) in [
            ("2026-07-02T12:31:17Z", Some("2026-07-02T12:31:17Z")),
            ("2019-07-16T14:25:01.5226046+02:00", Some("2019-07-16T12:25:01.5226046Z")),
            ("2017-06-12T09:35:22", Some("2017-06-12T07:35:22Z")),
            ("2026-01-12T09:35:22", Some("2026-01-12T08:35:22Z")),
            // The hour that is there twice is the first of them, the hour that is not there is the one after.
            ("2026-10-25T02:30:00", Some("2026-10-25T00:30:00Z")),
            ("2026-03-29T02:30:00", Some("2026-03-29T01:30:00Z")),
            ("2026-07-02", None),
            ("2026-07-02T12:31", None),
            ("1991-12-4", None),
            ("", None),
        ] {
            assert_eq!(instant(text).map(|at| at.to_string()).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn days_with_and_without_zone() {
        for (text, want) in [
            ("2025-03-10", Some("2025-03-10")),
            ("2025-03-10+01:00", Some("2025-03-10")),
            ("2024-02-29Z", Some("2024-02-29")),
            ("2025-02-29", None),
            ("1991-12-4", None),
            ("0000-01-01", None),
            ("2025-03-10T08:00:00", None),
            ("2025-03-10+1", None),
            ("10.03.2025", None),
            ("", None),
        ] {
            assert_eq!(day(text).map(|day| day.to_string()).as_deref(), want, "{text}");
        }
    }
}
