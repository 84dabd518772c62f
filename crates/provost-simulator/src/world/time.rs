//! The wall clock, which people and time servers step.

use jiff::{SignedDuration, Timestamp};

use crate::Time;

/// A wall clock: elapsed time, and what it was stepped by.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    zero: Timestamp,
    stepped: Time,
}

impl Clock {
    pub fn new(zero: Timestamp) -> Self {
        Self { zero, stepped: 0 }
    }

    /// What it says at `time`.
    pub fn at(self, time: Time) -> Timestamp {
        let since = SignedDuration::from_millis(time.saturating_add(self.stepped));
        self.zero.checked_add(since).unwrap_or(Timestamp::MAX)
    }

    /// Steps it; never before 1970.
    pub fn step(&mut self, by: Time, time: Time) {
        let least = -self.at(time).as_millisecond();
        self.stepped = self.stepped.saturating_add(by.max(least));
    }
}
