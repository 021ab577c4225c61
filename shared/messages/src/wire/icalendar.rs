//! Calendars in messages about appointments: xCal, which is iCalendar as XML (RFC 6321; message-formats 3.2).

use crate::Sensitive;
use jiff::Timestamp;

/// Most events in one calendar: more than a doctor has times in the weeks that a patient can look ahead.
pub const MAX_EVENTS: usize = 1000;

/// What [`Vevent::location`] says when doctor and patient meet by video. No public source has a word for it, so this is ours.
pub const VIDEO: &str = "Videokonsultasjon";

/// `vevent`: a free slot, or an appointment. Everything may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vevent {
    /// `uid`: what both sides know the slot or the appointment by.
    pub uid: Option<String>,
    /// `dtstart`; Norwegian time when it has no zone.
    pub start: Option<Timestamp>,
    /// `dtend`, likewise.
    pub end: Option<Timestamp>,
    /// `contact`: the doctor's HER-id, as text.
    pub contact: Option<String>,
    /// `status`: [`CONFIRMED`], [`CANCELLED`].
    pub status: Option<String>,
    /// `sequence`: the version of the appointment; the highest holds.
    pub sequence: Option<u32>,
    /// `summary`.
    pub summary: Option<Sensitive<String>>,
    /// `description`.
    pub description: Option<Sensitive<String>>,
    /// `location`; [`VIDEO`] for a video consultation.
    pub location: Option<String>,
    /// `x-servicetype`: code system and code, `9505:E`.
    pub service_type: Option<String>,
}

/// [`Vevent::status`] of an appointment that stands (RFC 5545, 3.8.1.11).
pub const CONFIRMED: &str = "CONFIRMED";
/// [`Vevent::status`] of one that was called off.
pub const CANCELLED: &str = "CANCELLED";

impl Vevent {
    /// Whether doctor and patient meet by video.
    pub fn is_video(&self) -> bool {
        self.location.as_deref().is_some_and(|place| place.eq_ignore_ascii_case(VIDEO))
    }

    /// Whether it was called off.
    pub fn is_cancelled(&self) -> bool {
        self.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case(CANCELLED))
    }
}
