//! `xs:dateTime` as text.

/// Whether the text is a valid `xs:dateTime` of the years 0001–9999: a real date, a real time (24:00:00 too), an optional fraction,
/// an optional zone within ±14:00.
pub fn is_xs_date_time(text: &str) -> bool {
    parts(text.as_bytes()).is_some()
}

fn parts(text: &[u8]) -> Option<()> {
    let mut rest = Rest(text);
    let year = rest.number(4)?;
    rest.literal(b'-')?;
    let month = rest.number(2)?;
    rest.literal(b'-')?;
    let day = rest.number(2)?;
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
}
