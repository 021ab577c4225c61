//! N1: one reminder between 48 and 24 hours before, by the hours and by the clock.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use domain::notice::reminder::{Due, due, window};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

fn oslo() -> TimeZone {
    TimeZone::get("Europe/Oslo").unwrap()
}

/// Norwegian time.
fn at(text: &str) -> Timestamp {
    text.parse::<DateTime>().unwrap().to_zoned(oslo()).unwrap().timestamp()
}

fn local(time: Timestamp) -> String {
    time.to_zoned(oslo()).strftime("%F %H:%M").to_string()
}

fn hours(n: i64) -> SignedDuration {
    SignedDuration::from_hours(n)
}

fn key(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

#[test]
fn windows() {
    // An appointment, and from and until when it may be reminded of.
    let table = [
        ("2027-01-11 08:00", "2027-01-09 08:00", "2027-01-10 08:00"),
        ("2027-01-11 23:50", "2027-01-09 23:50", "2027-01-10 23:50"),
        // Clocks go forward in the night to 28 March: the day before has 23 hours.
        ("2027-03-27 10:00", "2027-03-25 10:00", "2027-03-26 10:00"),
        ("2027-03-28 10:00", "2027-03-26 10:00", "2027-03-27 09:00"),
        ("2027-03-29 10:00", "2027-03-27 10:00", "2027-03-28 10:00"),
        ("2027-03-30 10:00", "2027-03-28 10:00", "2027-03-29 10:00"),
        // The time that 28 March does not have: an hour later by the clock, so the hours rule.
        ("2027-03-29 02:30", "2027-03-27 02:30", "2027-03-28 01:30"),
        ("2027-03-30 02:30", "2027-03-28 03:30", "2027-03-29 02:30"),
        // They go back in the night to 31 October: the day before has 25 hours.
        ("2027-10-30 10:00", "2027-10-28 10:00", "2027-10-29 10:00"),
        ("2027-10-31 10:00", "2027-10-29 11:00", "2027-10-30 10:00"),
        ("2027-11-01 10:00", "2027-10-30 11:00", "2027-10-31 10:00"),
        ("2027-11-02 10:00", "2027-10-31 10:00", "2027-11-01 10:00"),
        ("2028-02-29 09:00", "2028-02-27 09:00", "2028-02-28 09:00"),
        ("2028-03-01 09:00", "2028-02-28 09:00", "2028-02-29 09:00"),
        ("2027-01-01 12:00", "2026-12-30 12:00", "2026-12-31 12:00"),
    ];
    for (start, from, until) in table {
        let (got_from, got_until) = window(at(start));
        assert_eq!((local(got_from).as_str(), local(got_until).as_str()), (from, until), "{start}");
        for bound in [got_from, got_until] {
            assert!((hours(24)..=hours(48)).contains(&at(start).duration_since(bound)), "{start}");
        }
    }
}

#[test]
fn how_long_ahead_it_was_booked() {
    let start = at("2027-01-13 10:00");
    let (from, until) = window(start);
    let of = |ahead: SignedDuration| due(start, key(7), start - ahead);
    assert_eq!(of(hours(1)), None);
    assert_eq!(of(hours(24)), None, "the window ends now");
    assert_eq!(of(hours(24) - SignedDuration::from_secs(1)), None);
    // No room for a margin: at once.
    let barely = start - hours(24) - SignedDuration::from_mins(1);
    assert_eq!(due(start, key(7), barely), Some(Due { due_at: barely, expires_at: until }));
    for ahead in [25, 47, 48, 49, 24 * 100] {
        let got = of(hours(ahead)).unwrap();
        assert_eq!(got.expires_at, until);
        let earliest = from.max(start - hours(ahead));
        let latest = until - SignedDuration::from_mins(30);
        assert!(got.due_at >= earliest && got.due_at <= latest, "{ahead} h ahead: {}", local(got.due_at));
        let hour = got.due_at.to_zoned(oslo()).hour();
        assert!((8..20).contains(&hour), "{ahead} h ahead: {}", local(got.due_at));
    }
}

#[test]
fn where_no_daytime_is_left_it_goes_out_at_night() {
    // Booked at 21:00 for the day after tomorrow at 06:00: what remains is a night.
    let (start, now) = (at("2027-01-13 06:00"), at("2027-01-11 21:00"));
    for n in 0..100 {
        let got = due(start, key(n), now).unwrap();
        assert!(got.due_at >= now && got.due_at <= at("2027-01-12 05:30"), "{}", local(got.due_at));
    }
    // Booked in the afternoon, there is an evening first.
    let afternoon = due(start, key(1), at("2027-01-11 15:00")).unwrap();
    assert!(afternoon.due_at < at("2027-01-11 20:00"));
}

#[test]
fn the_appointments_of_a_monday_morning_are_spread() {
    let monday = at("2027-01-11 08:00");
    let mut buckets: HashMap<i64, u32> = HashMap::new();
    for n in 0..1000u32 {
        let start = monday + SignedDuration::from_mins(i64::from(n % 12) * 20);
        let got = due(start, key(0x0198_0000_0000_7000_8000_0000_0000_0000 + u128::from(n)), at("2026-12-01 12:00")).unwrap();
        *buckets.entry(got.due_at.as_second() / 900).or_default() += 1;
    }
    let most = buckets.values().max().copied().unwrap();
    assert!(buckets.len() >= 48 && most <= 3 * 1000 / 48, "{} quarters of an hour, {most} in the fullest", buckets.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever the day and however long ahead: inside both windows, never before now, the same each time.
    #[test]
    fn always_inside_both_windows(minute in 0i64..6 * 366 * 24 * 60, ahead in 0i64..100 * 24 * 60, n in any::<u128>()) {
        let start = at("2026-01-01 00:00") + SignedDuration::from_mins(minute);
        let now = start - SignedDuration::from_mins(ahead);
        let got = due(start, key(n), now);
        prop_assert_eq!(got, due(start, key(n), now));
        let Some(got) = got else {
            let (_, until) = window(start);
            prop_assert!(now >= until);
            return Ok(());
        };
        prop_assert!(got.due_at >= now && got.due_at <= got.expires_at);
        let zoned = start.to_zoned(oslo());
        for time in [got.due_at, got.expires_at] {
            let before = start.duration_since(time);
            prop_assert!(before >= hours(24) && before <= hours(48));
            prop_assert!(time >= zoned.checked_sub(2.days()).unwrap().timestamp());
            prop_assert!(time <= zoned.checked_sub(1.day()).unwrap().timestamp());
        }
    }
}
