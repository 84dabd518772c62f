//! The due times of a stretch of time, for one schedule or the union of several.
//!
//! However long the stretch, at most `limit` times are listed; the others are counted. For one schedule they are counted
//! by arithmetic: matching days, month by month, times the times of a day, with the segments around clock changes done
//! exactly. For several different ones an instant that two of them share must count once: the shortest `every` is
//! counted by arithmetic, and the others are laid over each other day by day, which is linear in the number of their due
//! times, some ten million a second.

use jiff::Timestamp;

use crate::instant::{at, second_of};
use crate::pattern::DAY;
use crate::schedule::{Schedule, Timing};

/// Which due times are listed if there are more than asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// The earliest.
    First,
    /// The latest.
    Last,
}

/// The due times of a stretch of time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Due {
    /// Strictly rising.
    pub times: Vec<Timestamp>,
    /// How many more there are: after `times` for [`Keep::First`], before them for [`Keep::Last`].
    pub omitted: u64,
    /// The first and the last of those omitted.
    pub omitted_range: Option<(Timestamp, Timestamp)>,
}

/// The due times in `(after, until]` of all `schedules` together, each instant once, at most `limit` of them.
///
/// Sums over several schedules take as long as they have due times; see the head of this module.
pub fn due_times(schedules: &[Schedule], after: Timestamp, until: Timestamp, limit: usize, keep: Keep) -> Due {
    let union = Union::new(schedules);
    let (after, until) = (second_of(after), second_of(until));
    let (mut times, more) = union.first(after, until, limit);
    if !more {
        return Due { times: instants(times), omitted: 0, omitted_range: None };
    }
    let total = union.count(after, until);
    // The omitted ones are all those in this stretch.
    let omitted = match keep {
        Keep::First => (times.last().copied().unwrap_or(after), until),
        Keep::Last => {
            let start = union.start_of_last(after, until, limit);
            times = union.first(start, until, limit).0;
            (after, start)
        }
    };
    let first = union.next_after(omitted.0).and_then(at);
    let last = union.next_after(union.start_of_last(omitted.0, omitted.1, 1)).and_then(at);
    Due {
        omitted: total - u64::try_from(times.len()).unwrap_or(u64::MAX),
        omitted_range: first.zip(last),
        times: instants(times),
    }
}

fn instants(seconds: Vec<i64>) -> Vec<Timestamp> {
    seconds.into_iter().filter_map(at).collect()
}

/// Different rules, whose due times are taken together.
struct Union<'a>(Vec<&'a Timing>);

impl Union<'_> {
    fn new(schedules: &[Schedule]) -> Union<'_> {
        let mut timings: Vec<&Timing> = Vec::new();
        for schedule in schedules {
            if !timings.contains(&&schedule.timing) {
                timings.push(&schedule.timing);
            }
        }
        Union(timings)
    }

    fn next_after(&self, after: i64) -> Option<i64> {
        self.0.iter().filter_map(|timing| timing.next_after(after)).min()
    }

    /// The first `limit` due times in `(after, until]`, and whether there are more.
    fn first(&self, after: i64, until: i64, limit: usize) -> (Vec<i64>, bool) {
        let next = |after: i64| self.next_after(after).filter(|second| *second <= until);
        let mut rest = std::iter::successors(next(after), |second| next(*second));
        let times = rest.by_ref().take(limit).collect();
        (times, rest.next().is_some())
    }

    /// How many due times are in `(after, until]`.
    fn count(&self, after: i64, until: i64) -> u64 {
        let mut busy: Vec<&Timing> = self.0.clone();
        busy.retain(|timing| timing.count(after, until) > 0);
        // The shortest period counts in full, and the others only beside it; so `every: 1s` costs nothing.
        busy.sort_by_key(|timing| timing.period().unwrap_or(i64::MAX));
        match busy.split_first() {
            None => 0,
            Some((only, [])) => only.count(after, until),
            Some((shortest, others)) => match shortest.period() {
                Some(period) => shortest.count(after, until) + count_each(others, after, until, Some(period)),
                None => count_each(&busy, after, until, None),
            },
        }
    }

    /// The latest start so that `(start, until]` holds `number` due times; `(after, until]` holds at least as many.
    fn start_of_last(&self, after: i64, until: i64, number: usize) -> i64 {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        if number == 0 {
            return until;
        }
        let holds = |start: i64| self.count(start, until) >= number;
        // First near the end, since counting a short stretch is cheap.
        let (mut span, mut too_late) = (3600, until);
        let mut start = loop {
            let start = until.saturating_sub(span).max(after);
            if start == after || holds(start) {
                break start;
            }
            too_late = start;
            span = span.saturating_mul(2);
        };
        while too_late.saturating_sub(start) > 1 {
            let middle = start + (too_late - start) / 2;
            if holds(middle) {
                start = middle;
            } else {
                too_late = middle;
            }
        }
        start
    }
}

/// How many different due times, which are no multiples of `period`, `timings` have in `(after, until]`.
fn count_each(timings: &[&Timing], after: i64, until: i64, period: Option<i64>) -> u64 {
    let (mut count, mut start, mut seconds) = (0, after, Vec::new());
    // A day at a time, from due time to due time: what is idle costs nothing.
    let next_after = |start| timings.iter().filter_map(|timing| timing.next_after(start)).min();
    while let Some(next) = next_after(start).filter(|next| *next <= until) {
        let end = next.saturating_add(DAY).min(until);
        seconds.clear();
        for timing in timings {
            timing.each(next - 1, end, &mut |second| seconds.push(second));
        }
        seconds.retain(|second| period.is_none_or(|period| second % period != 0));
        seconds.sort();
        seconds.dedup();
        count += u64::try_from(seconds.len()).unwrap_or(u64::MAX);
        start = end;
    }
    count
}
