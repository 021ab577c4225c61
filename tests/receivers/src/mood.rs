//! How a receiver behaves.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// What a receiver does with what it gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// Takes it.
    #[default]
    Well,
    /// Answers with this status (of HTTP, or SMTP after the recipient).
    Status(u16),
    /// Likewise, and says how many seconds it is to be left alone.
    Busy(u16, u32),
    /// Takes it, and cuts the connection before it says so.
    Cut,
    /// Takes it, and never says so.
    Silent,
}

/// The moods to come: each holds once, and the last one stays.
#[derive(Clone, Default)]
pub struct Moods(Arc<Mutex<VecDeque<Mood>>>);

impl Moods {
    /// From now on these, one after the other; the last one stays.
    pub fn set(&self, moods: &[Mood]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = moods.iter().copied().collect();
    }

    /// The present one.
    pub fn next(&self) -> Mood {
        let mut moods = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match moods.len() {
            0 => Mood::Well,
            1 => moods[0],
            _ => moods.pop_front().unwrap_or_default(),
        }
    }
}
