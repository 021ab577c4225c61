//! Which slots of a timebok a patient is shown (T2, T6, T7).

use super::{Booking, Contact, Slot, Span};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Most slots in one answer, the earliest: more than a month of a full timebok.
pub const MOST_OFFERED: usize = 500;
/// Without a last day a patient is shown this much: half a year.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 183);

/// Days that a patient asks for, Norwegian time; both count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// `FraDato`; none = now.
    pub from: Option<Date>,
    /// `TilDato`; none = half a year from now.
    pub until: Option<Date>,
}

impl Period {
    /// The time of these days that is still to come; none when there is none.
    pub fn span(self, now: Timestamp) -> Option<Span> {
        let start = self.from.and_then(start_of).map_or(now, |from| from.max(now));
        let latest = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let end = match self.until {
            Some(until) => until.tomorrow().ok().and_then(start_of).unwrap_or(latest),
            None => latest,
        };
        (start < end).then_some(Span { start, end })
    }
}

/// When a day begins in Norway.
pub fn start_of(day: Date) -> Option<Timestamp> {
    let oslo = TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC);
    day.to_zoned(oslo).ok().map(|midnight| midnight.timestamp())
}

/// Whether a patient may book a slot, as far as the slot goes: released, of a type that he may see, and still to come.
pub fn is_offered(slot: &Slot, booking: &Booking, now: Timestamp) -> bool {
    let of_type = booking.open_type(&slot.appointment_type);
    let may_be_seen =
        of_type.is_some_and(|of_type| !of_type.hidden && (of_type.contact != Contact::Video || booking.video_module));
    slot.online && may_be_seen && slot.span.start > now
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::AppointmentType;
    use super::*;
    use uuid::Uuid;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_norwegian_and_both_count() {
        let now = at("2027-03-01T12:00:00Z");
        let day = |text: &str| Some(text.parse().unwrap());
        let table = [
            (day("2027-03-10"), day("2027-03-10"), Some(("2027-03-09T23:00:00Z", "2027-03-10T23:00:00Z"))),
            // The night when the clock goes forward: 23 hours.
            (day("2027-03-28"), day("2027-03-28"), Some(("2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z"))),
            (day("2027-02-01"), day("2027-03-01"), Some(("2027-03-01T12:00:00Z", "2027-03-01T23:00:00Z"))),
            (day("2027-02-01"), day("2027-02-28"), None),
            (day("2027-03-12"), day("2027-03-10"), None),
            (None, None, Some(("2027-03-01T12:00:00Z", "2027-08-31T12:00:00Z"))),
        ];
        for (from, until, want) in table {
            let want = want.map(|(start, end)| Span { start: at(start), end: at(end) });
            assert_eq!(Period { from, until }.span(now), want, "{from:?} {until:?}");
        }
    }

    #[test]
    fn t2_t6_t7_what_is_offered() {
        let now = at("2027-03-01T12:00:00Z");
        let of =
            |contact, hidden| AppointmentType { name: String::new(), minutes: 20, contact, hidden, notify: true, closed: false };
        let types = [
            ("vanlig".to_owned(), of(Contact::Oppmote, false)),
            ("video".to_owned(), of(Contact::Video, false)),
            ("skjult".to_owned(), of(Contact::Oppmote, true)),
        ];
        let booking = |video_module| Booking { video_module, types: types.clone().into(), ..Booking::default() };
        let slot = |appointment_type: &str, online, start: &str| Slot {
            timebok: "bok".into(),
            span: Span { start: at(start), end: at("2027-12-01T00:00:00Z") },
            appointment_type: appointment_type.into(),
            online,
            uid: Uuid::nil(),
        };
        let later = "2027-03-01T12:00:01Z";
        let table = [
            (slot("vanlig", true, later), true, true),
            (slot("vanlig", false, later), true, false),
            (slot("vanlig", true, "2027-03-01T12:00:00Z"), true, false),
            (slot("video", true, later), true, true),
            (slot("video", true, later), false, false),
            (slot("skjult", true, later), true, false),
            (slot("borte", true, later), true, false),
        ];
        for (slot, video, want) in table {
            assert_eq!(is_offered(&slot, &booking(video), now), want, "{slot:?} video {video}");
        }
    }
}
