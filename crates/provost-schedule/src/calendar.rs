//! The `cron` crate, which computes the next due time, kept to what it does well.
//!
//! It is given number lists only, never a user's text: its own dialect counts weekdays from Sunday = 1, demands both
//! day fields and reads `*5 * * * *` as six fields. It computes in a calendar without zones: in a real one it repeats
//! or loses times when the clocks change.

use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::field::Field;
use crate::pattern::{DayRule, HORIZON, Pattern};
use crate::set::Set;

/// Finds the next due local second of a [`Pattern`].
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    /// Two if either day field may match: the earliest of them is next.
    parts: Vec<cron::Schedule>,
}

impl Calendar {
    /// # Errors
    /// If the crate refuses the number lists, which the tests show that it does not.
    pub(crate) fn new(pattern: &Pattern) -> Result<Calendar, cron::error::Error> {
        let days = list(pattern.days, Field::Day, 0);
        let weekdays = list(pattern.weekdays, Field::Weekday, 1);
        let any = "*".to_owned();
        let rows = match pattern.rule {
            DayRule::Every => vec![(any.clone(), any)],
            DayRule::Day => vec![(days, any)],
            DayRule::Weekday => vec![(any, weekdays)],
            DayRule::Either => vec![(days, any.clone()), (any, weekdays)],
        };
        let minutes = list(pattern.minutes, Field::Minute, 0);
        let hours = list(pattern.hours, Field::Hour, 0);
        let months = list(pattern.months, Field::Month, 0);
        let parts = rows
            .into_iter()
            .map(|(day, weekday)| cron::Schedule::from_str(&format!("0 {minutes} {hours} {day} {months} {weekday}")))
            .collect::<Result<_, _>>()?;
        Ok(Calendar { parts })
    }

    /// The first due local second after `after`; `None` if there is none before [`HORIZON`].
    ///
    /// The crate's own bound is its last year, 2100: at most 1,572 months are looked at.
    pub(crate) fn next(&self, after: i64) -> Option<i64> {
        if after >= HORIZON {
            return None;
        }
        let after = DateTime::<Utc>::from_timestamp(after.max(-1), 0)?;
        self.parts.iter().filter_map(|part| part.after(&after).next()).map(|time| time.timestamp()).min()
    }
}

/// The values as the crate reads them, `shift` added to each.
fn list(values: Set, field: Field, shift: u8) -> String {
    if values == field.all() {
        return "*".to_owned();
    }
    values.iter().map(|value| (value + shift).to_string()).collect::<Vec<_>>().join(",")
}
