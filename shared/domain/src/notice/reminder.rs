//! The one reminder of an appointment: between 48 and 24 hours before it (N1).
//!
//! On the nights when clocks change, "48 to 24 hours before" can be read in two ways: by the hours that pass, or by the clock on the wall two
//! days and one day before. A reminder keeps both: it lies where the two windows overlap, 23 hours or more.

use super::norway;
use jiff::civil::{Date, Time, time};
use jiff::{SignedDuration, Span, Timestamp, ToSpan, Zoned};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Nobody is woken: reminders go out from then, Norwegian time.
const MORNING: Time = time(8, 0, 0, 0);
/// And until then.
const EVENING: Time = time(20, 0, 0, 0);
/// So long before its window ends a reminder is due at the latest, where there is room: HelseNorge may have to be asked first, and a provider
/// may be away.
const MARGIN: SignedDuration = SignedDuration::from_mins(30);

/// When a reminder goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// From then.
    pub due_at: Timestamp,
    /// Until then: afterwards it is too late.
    pub expires_at: Timestamp,
}

/// From and until when the reminder of an appointment may go out: 48 to 24 hours before its start, by the hours and by the clock.
pub fn window(start: Timestamp) -> (Timestamp, Timestamp) {
    let local = start.to_zoned(norway());
    let hours = |hours| start.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN);
    let days = |span: Span| local.saturating_sub(span).timestamp();
    (hours(48).max(days(2.days())), hours(24).min(days(1.days())))
}

/// Whether it is too late to remind of an appointment.
pub fn is_late(start: Timestamp, now: Timestamp) -> bool {
    now > window(start).1
}

/// When the reminder of an appointment is due; none when its window is over.
///
/// Never before `now`. Spread by `key` over the daytime of what remains of the window, or over all of it when no daytime is left, so that a
/// morning's appointments are not all reminded of at the same moment. The same for the same arguments.
pub fn due(start: Timestamp, key: Uuid, now: Timestamp) -> Option<Due> {
    let (from, until) = window(start);
    let first = from.max(now);
    if first >= until {
        return None;
    }
    let last = until.saturating_sub(MARGIN).unwrap_or(first).max(first);
    let daytime = daytime(first, last);
    let all = [(first, last)];
    let parts = if daytime.is_empty() { all.as_slice() } else { daytime.as_slice() };
    Some(Due { due_at: spread(parts, key).unwrap_or(first), expires_at: until })
}

/// What of a time of at most two days is daytime.
fn daytime(first: Timestamp, last: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let zone = norway();
    let at = |date: Date, time: Time| date.to_datetime(time).to_zoned(zone.clone()).ok().as_ref().map(Zoned::timestamp);
    let dates = first.to_zoned(zone.clone()).date().series(1.day());
    let end = last.to_zoned(zone.clone()).date();
    let of = |date| {
        let (morning, evening) = (at(date, MORNING)?.max(first), at(date, EVENING)?.min(last));
        (morning < evening).then_some((morning, evening))
    };
    dates.take_while(|date| *date <= end).filter_map(of).collect()
}

/// A moment in one of these parts, each second as likely as any other.
fn spread(parts: &[(Timestamp, Timestamp)], key: Uuid) -> Option<Timestamp> {
    let seconds = |(from, until): &(Timestamp, Timestamp)| until.duration_since(*from).as_secs().unsigned_abs();
    let all: u64 = parts.iter().map(seconds).sum();
    let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    let number = u64::from_be_bytes(*digest.first_chunk()?);
    let mut rest = number.checked_rem(all)?;
    for part in parts {
        match rest.checked_sub(seconds(part)) {
            Some(over) => rest = over,
            None => return part.0.checked_add(SignedDuration::from_secs(i64::try_from(rest).ok()?)).ok(),
        }
    }
    None
}
