//! What is kept for how long (GDPR, article 5(1)(e)): what Dialogpost needs for its own work only, never what belongs to a patient's record.

use jiff::{SignedDuration, Timestamp};
use std::fmt;

/// What is not kept for ever, by its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Claims: what makes a message that comes again have no second effect.
    Processed,
    /// Bodies of messages that are at their end. Their rows in the ledger stay.
    Message,
    /// Commands and their answers.
    Command,
    /// Whom HelseNorge was asked about.
    ContactQuestion,
    /// Bodies of dead letters that were replayed or discarded, and of their edits. That they were, and why, stays.
    DeadLetter,
    /// Where notices went. That they did stays.
    Notification,
}

impl Kept {
    /// Everything.
    pub const ALL: [Self; 6] =
        [Self::Processed, Self::Message, Self::Command, Self::ContactQuestion, Self::DeadLetter, Self::Notification];

    /// The name of its table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Message => "message",
            Self::Command => "command",
            Self::ContactQuestion => "contact_question",
            Self::DeadLetter => "dead_letter",
            Self::Notification => "notification",
        }
    }

    const fn default_days(self) -> u16 {
        match self {
            Self::ContactQuestion => 30,
            Self::Processed => 90,
            Self::Message => 180,
            Self::Command | Self::DeadLetter | Self::Notification => 365,
        }
    }

    /// A message may wait for four days ([`crate::retry::MAX_WAITS`]), and whoever sends it again may have been away for weeks.
    const fn least_days(self) -> u16 {
        match self {
            Self::Processed | Self::Command => 30,
            _ => 1,
        }
    }
}

/// A hundred years.
const MOST_DAYS: u16 = 36_500;

/// How long each is kept; what is not named as long as it is unless told otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention(Vec<(Kept, Option<u16>)>);

impl Retention {
    /// From `table=days`, or `table=never`, with commas between.
    ///
    /// # Errors
    /// What is wrong with the first that cannot be.
    pub fn from_config(text: &str) -> Result<Self, RetentionFault> {
        let named = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        named.map(one).collect::<Result<_, _>>().map(Self)
    }

    /// Days for which it is kept; none: for ever. The last that was said of it counts.
    pub fn days(&self, kept: Kept) -> Option<u16> {
        let said = self.0.iter().rev().find(|(of, _)| *of == kept);
        said.map_or(Some(kept.default_days()), |(_, days)| *days)
    }

    /// What is older than this is kept no longer; none: nothing is. A day is 24 hours.
    pub fn before(&self, kept: Kept, now: Timestamp) -> Option<Timestamp> {
        let kept_for = SignedDuration::from_hours(i64::from(self.days(kept)?) * 24);
        Some(now.checked_sub(kept_for).unwrap_or(Timestamp::MIN))
    }
}

/// Why a retention cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionFault {
    /// No such table, or no `table=days`.
    Unknown,
    /// Too few days, too many, or no number.
    Days(Kept),
}

impl fmt::Display for RetentionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => {
                let names = Kept::ALL.map(Kept::as_str).join(", ");
                write!(f, "table=days with commas between, of {names}")
            }
            Self::Days(kept) => write!(f, "{}=never, or days from {} to {MOST_DAYS}", kept.as_str(), kept.least_days()),
        }
    }
}

fn one(item: &str) -> Result<(Kept, Option<u16>), RetentionFault> {
    let (name, days) = item.split_once('=').ok_or(RetentionFault::Unknown)?;
    let kept = Kept::ALL.into_iter().find(|kept| kept.as_str() == name.trim()).ok_or(RetentionFault::Unknown)?;
    match days.trim() {
        "never" => Ok((kept, None)),
        days => {
            let days = days.parse().ok().filter(|days| (kept.least_days()..=MOST_DAYS).contains(days));
            Ok((kept, Some(days.ok_or(RetentionFault::Days(kept))?)))
        }
    }
}

/// Looked through this often.
const PASS_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Whether it is to be looked through again: a pass begins a day after the last one began, and at once when none ever did. One that has not
/// `ended` goes on.
pub fn is_due(started: Option<Timestamp>, ended: Option<Timestamp>, now: Timestamp) -> bool {
    ended.is_none() || started.is_none_or(|started| now.duration_since(started) >= PASS_EVERY)
}

/// At an end after which nothing more is expected: the states of what was received and of what was sent (`message_state`, `sent_state`).
pub const ENDS: [&str; 12] = [
    "delivered",
    "journaled_and_delivered",
    "rejected",
    "repeated",
    "filed",
    "replied",
    "expired",
    "noted",
    "sent",
    "receipted",
    "failed",
    "called_off",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_counts_and_the_rest_stays_as_it_is() {
        use Kept::{Command, Message, Processed};
        let days = |text: &str, kept| Retention::from_config(text).map(|retention| retention.days(kept));
        for (text, kept, want) in [
            ("", Processed, Ok(Some(90))),
            ("message=7", Message, Ok(Some(7))),
            ("message=7", Processed, Ok(Some(90))),
            (" message = 7 , processed=30,", Processed, Ok(Some(30))),
            ("message=7,message=never", Message, Ok(None)),
            ("message=1", Message, Ok(Some(1))),
            ("message=36500", Message, Ok(Some(36_500))),
            ("message=0", Message, Err(RetentionFault::Days(Message))),
            ("message=36501", Message, Err(RetentionFault::Days(Message))),
            ("message=-1", Message, Err(RetentionFault::Days(Message))),
            ("message=", Message, Err(RetentionFault::Days(Message))),
            ("processed=29", Processed, Err(RetentionFault::Days(Processed))),
            ("command=29", Command, Err(RetentionFault::Days(Command))),
            ("message", Message, Err(RetentionFault::Unknown)),
            ("journal_entry=7", Message, Err(RetentionFault::Unknown)),
        ] {
            assert_eq!(days(text, kept), want, "{text}");
        }
    }

    #[test]
    fn faults_say_what_is_allowed() {
        assert_eq!(RetentionFault::Days(Kept::Processed).to_string(), "processed=never, or days from 30 to 36500");
        assert!(
            RetentionFault::Unknown
                .to_string()
                .ends_with("of processed, message, command, contact_question, dead_letter, notification")
        );
    }

    #[test]
    fn a_pass_a_day() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let ago = |hours| now.checked_sub(SignedDuration::from_hours(hours)).ok();
        for (started, ended, want) in [
            (None, None, true),
            (ago(1), None, true),
            (ago(2), ago(1), false),
            (ago(23), ago(22), false),
            (ago(24), ago(23), true),
            // One that took longer than a day is followed by the next.
            (ago(30), ago(0), true),
        ] {
            assert_eq!(is_due(started, ended, now), want, "{started:?} {ended:?}");
        }
    }

    #[test]
    fn ages() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let before = |text: &str| Retention::from_config(text).unwrap().before(Kept::Message, now);
        assert_eq!(before("message=1"), Some("2026-11-28T12:00:00Z".parse().unwrap()));
        // Over the change of the clocks: 24 hours.
        assert_eq!(before("message=60"), Some("2026-09-30T12:00:00Z".parse().unwrap()));
        assert_eq!(before("message=never"), None);
    }
}
