//! The number lists of an expression, and counting with them.
//!
//! A *local second* is a second of the wall clock, counted as if the wall were in UTC: 0 is 1970-01-01T00:00.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::field::Field;
use crate::set::Set;

pub(crate) const DAY: i64 = 86_400;

/// The local second at which computing ends: 2101-01-01T00:00. The `cron` crate knows the years 1970 to 2100.
pub(crate) const HORIZON: i64 = 4_133_980_800;

/// Which days are due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DayRule {
    /// Neither field is restricted.
    Every,
    /// The day of month decides.
    Day,
    /// The day of week decides.
    Weekday,
    /// Both are restricted, and a day that matches one of them is due.
    Either,
}

/// The values at which an expression is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pattern {
    pub(crate) minutes: Set,
    pub(crate) hours: Set,
    pub(crate) days: Set,
    pub(crate) months: Set,
    /// Sunday is 0.
    pub(crate) weekdays: Set,
    pub(crate) rule: DayRule,
}

impl Pattern {
    /// Whether any day of any year matches.
    pub(crate) fn ever_matches(&self) -> bool {
        self.rule != DayRule::Day || self.days.first().is_some_and(|day| day <= self.longest_month())
    }

    /// The days of the longest of its months, in a leap year.
    pub(crate) fn longest_month(&self) -> u8 {
        let days = self.months.iter().map(|month| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        });
        days.max().unwrap_or_default()
    }

    /// How many local seconds in `from..to` are due. Days are counted, not seconds, so that a century takes
    /// some thousand steps.
    pub(crate) fn count(&self, from: i64, to: i64) -> u64 {
        let (from, to) = (from.max(0), to.min(HORIZON));
        if from >= to {
            return 0;
        }
        let (first, last) = (from.div_euclid(DAY), to.div_euclid(DAY));
        let before_from = self.due_on(first) * self.times_below(from.rem_euclid(DAY));
        let before_to = self.due_on(last) * self.times_below(to.rem_euclid(DAY));
        self.due_days(first, last) * self.minutes.len() * self.hours.len() + before_to - before_from
    }

    /// Calls `visit` with each due local second in `from..to`, in order.
    pub(crate) fn each(&self, from: i64, to: i64, visit: &mut impl FnMut(i64)) {
        let (from, to) = (from.max(0), to.min(HORIZON));
        if from >= to {
            return;
        }
        for day in from.div_euclid(DAY)..=(to - 1).div_euclid(DAY) {
            if self.due_on(day) == 0 {
                continue;
            }
            for hour in self.hours.iter() {
                for minute in self.minutes.iter() {
                    let second = day * DAY + i64::from(hour) * 3600 + i64::from(minute) * 60;
                    if (from..to).contains(&second) {
                        visit(second);
                    }
                }
            }
        }
    }

    /// How many times of a day lie before its second `second`.
    fn times_below(&self, second: i64) -> u64 {
        let hour = u8::try_from(second / 3600).unwrap_or(24);
        let minute = u8::try_from((second % 3600 + 59) / 60).unwrap_or(60);
        let in_this_hour = if self.hours.contains(hour) { self.minutes.below(minute).len() } else { 0 };
        self.hours.below(hour).len() * self.minutes.len() + in_this_hour
    }

    /// 1 if the day (of those since 1970-01-01) is due, 0 if not.
    fn due_on(&self, day: i64) -> u64 {
        self.due_days(day, day + 1)
    }

    /// How many of the days `from..to` are due, month by month.
    fn due_days(&self, from: i64, to: i64) -> u64 {
        let (mut day, mut due) = (from, 0);
        while day < to {
            let date = date_of(day);
            let days = i64::from(date.days_in_month() - date.day()) + 1;
            let last = i64::from(date.day()) + days.min(to - day) - 1;
            let span = Set::range(date.day().unsigned_abs(), u8::try_from(last).unwrap_or(31));
            due += self.days_of(date).and(span).len();
            day += days;
        }
        due
    }

    /// The due days of the month in which `date` is; beyond its end there may be others.
    fn days_of(&self, date: Date) -> Set {
        if !self.months.contains(date.month().unsigned_abs()) {
            return Set::default();
        }
        match self.rule {
            DayRule::Every => Field::Day.all(),
            DayRule::Day => self.days,
            DayRule::Weekday => self.weekdays_of(date),
            DayRule::Either => self.days.union(self.weekdays_of(date)),
        }
    }

    fn weekdays_of(&self, date: Date) -> Set {
        let first = date.first_of_month().weekday().to_sunday_zero_offset().unsigned_abs();
        (1..=31).filter(|day| self.weekdays.contains((first + day - 1) % 7)).fold(Set::default(), Set::with)
    }
}

/// The date of a day, counted from 1970-01-01; the callers stay between 1970 and 2101.
fn date_of(day: i64) -> Date {
    let instant = Timestamp::from_second(day * DAY).unwrap_or(Timestamp::UNIX_EPOCH);
    Offset::UTC.to_datetime(instant).date()
}
