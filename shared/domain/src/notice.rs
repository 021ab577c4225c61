//! Notices to patients (N1–N5, S4): whether one is given, when, over which channel, and in which words.
//!
//! - [`reminder`]: when the one reminder of an appointment is due
//! - [`channel`]: over which channel a notice goes, or why it does not
//! - [`text`]: what it says
//! - [`address`]: where it goes

pub mod address;
pub mod channel;
pub mod reminder;
pub mod text;

use serde::{Deserialize, Serialize};

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An appointment was made.
    Booked,
    /// It has another time.
    Moved,
    /// It was cancelled.
    Cancelled,
    /// It is soon.
    Reminder,
    /// The clinic has written in an E-dialog.
    Message,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Booked, Self::Moved, Self::Cancelled, Self::Reminder, Self::Message];

    /// The name in tables and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Moved => "moved",
            Self::Cancelled => "cancelled",
            Self::Reminder => "reminder",
            Self::Message => "message",
        }
    }

    /// From the name in tables.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A channel of our own. HelseNorge, which is none of ours, notices on its own whom it carries messages to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Text message.
    Sms,
    /// E-mail.
    Email,
    /// The clinic's own app.
    Push,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Sms, Self::Email, Self::Push];

    /// The name in tables, files and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Push => "push",
        }
    }

    /// From the name in tables.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }
}

/// What a notice is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Bokmål.
    #[default]
    Nb,
    /// Nynorsk.
    Nn,
    /// English.
    En,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::Nb, Self::Nn, Self::En];

    /// The name in tables and files (BCP 47).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nb => "nb",
            Self::Nn => "nn",
            Self::En => "en",
        }
    }

    /// From the name in tables.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == name)
    }
}

/// Norwegian time: of reminders, and of the times that notices name.
const ZONE: &str = "Europe/Oslo";

/// Norwegian time; UTC where the time zone database is not at hand, which the build brings along.
fn norway() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get(ZONE).unwrap_or(jiff::tz::TimeZone::UTC)
}
