//! The five fields of an expression: their names, bounds and words.

use crate::set::Set;

/// One of the five fields, in the order in which they are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Field {
    Minute,
    Hour,
    Day,
    Month,
    Weekday,
}

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Sunday first, as in the expression.
pub(crate) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Field {
    pub(crate) const ALL: [Field; 5] = [Field::Minute, Field::Hour, Field::Day, Field::Month, Field::Weekday];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Field::Minute => "minute",
            Field::Hour => "hour",
            Field::Day => "day of month",
            Field::Month => "month",
            Field::Weekday => "day of week",
        }
    }

    pub(crate) fn least(self) -> u8 {
        match self {
            Field::Day | Field::Month => 1,
            Field::Minute | Field::Hour | Field::Weekday => 0,
        }
    }

    /// The largest value that `*` stands for. A week ends with Saturday, as in Kubernetes.
    pub(crate) fn most(self) -> u8 {
        match self {
            Field::Minute => 59,
            Field::Hour => 23,
            Field::Day => 31,
            Field::Month => 12,
            Field::Weekday => 6,
        }
    }

    /// The largest number that may be written: Sunday is 0 and 7.
    pub(crate) fn most_written(self) -> u8 {
        if self == Field::Weekday { 7 } else { self.most() }
    }

    pub(crate) fn all(self) -> Set {
        Set::range(self.least(), self.most())
    }

    pub(crate) fn is_day(self) -> bool {
        matches!(self, Field::Day | Field::Weekday)
    }

    /// The full words of this field, the first of them standing for [`Field::least`].
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            Field::Month => &MONTHS,
            Field::Weekday => &WEEKDAYS,
            Field::Minute | Field::Hour | Field::Day => &[],
        }
    }

    /// The value of a short name in any case: `mon`, `JAN`.
    pub(crate) fn value_of(self, name: &str) -> Option<u8> {
        let index = self.words().iter().position(|word| word[..3].eq_ignore_ascii_case(name))?;
        u8::try_from(index).ok().map(|index| index + self.least())
    }

    /// The short name that a longer one means: `tue` for `Tues`, `jan` for `JANUARY`.
    pub(crate) fn short_for(self, long: &str) -> Option<String> {
        let long = long.to_ascii_lowercase();
        let word = self
            .words()
            .iter()
            .map(|word| word.to_ascii_lowercase())
            .find(|word| long.len() > 3 && (word.starts_with(&long) || word == &long))?;
        Some(word[..3].to_owned())
    }
}
