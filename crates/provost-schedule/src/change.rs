//! Clock changes that touch due times, for warnings with dates.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use crate::instant::{at, second_of};
use crate::pattern::{DAY, HORIZON};
use crate::schedule::{OnFold, OnGap, Schedule, Timing};
use crate::segment::{Segment, segments};
use crate::wall::Wall;
use crate::zone::Zone;

/// What the clocks do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChangeKind {
    /// They go forward: some local times do not exist.
    Gap,
    /// They go back: some local times come twice.
    Fold,
}

/// A clock change, and what it does to the due times that it touches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClockChange {
    /// What the clocks do.
    pub kind: ChangeKind,
    /// The first due time that it touches, in local time.
    pub local: DateTime,
    /// The last due time that it touches; the same as `local` if it touches one.
    pub last_local: DateTime,
    /// How many due times it touches, in local time.
    pub count: u64,
    /// The day of `local`.
    pub date: Date,
    /// When the clocks change.
    pub changes_at: Timestamp,
    /// When `local` starts; `None` if it does not.
    pub starts_at: Option<Timestamp>,
    /// When `local` starts a second time.
    pub again_at: Option<Timestamp>,
    /// The schedule follows elapsed time: the change is told for information only.
    pub interval: bool,
    /// Whose clocks.
    pub zone: Zone,
}

/// The changes in `(from, until]` that touch a due time of `schedule`, in order.
///
/// Those of an interval schedule are flagged as such; `every` and `at` know no clocks.
pub fn clock_changes(schedule: &Schedule, from: Timestamp, until: Timestamp) -> Vec<ClockChange> {
    let Timing::Cron { cron, zone, on_gap, on_fold } = &schedule.timing else {
        return Vec::new();
    };
    let wall = Wall { cron, zone, on_gap: *on_gap, on_fold: *on_fold };
    let (from, until) = (second_of(from), second_of(until).min(HORIZON + DAY));
    segments(zone, from)
        .take_while(|segment| segment.start <= until)
        .filter(|segment| segment.start > from)
        .filter_map(|segment| change(wall, &segment))
        .collect()
}

fn change(wall: Wall<'_>, segment: &Segment) -> Option<ClockChange> {
    let (expected, shown) = (segment.local_expected(), segment.local_start());
    let mut touched = Vec::new();
    wall.cron.pattern().each(expected.min(shown), expected.max(shown), &mut |local| touched.push(local));
    let (first, last) = (*touched.first()?, *touched.last()?);
    let interval = wall.cron.is_interval();
    let kind = if expected < shown { ChangeKind::Gap } else { ChangeKind::Fold };
    let (starts_at, again_at) = match kind {
        ChangeKind::Gap => ((!interval && wall.on_gap == OnGap::NextValid).then_some(segment.start), None),
        ChangeKind::Fold => {
            let twice = interval || wall.on_fold == OnFold::Both;
            (Some(first - segment.before), twice.then_some(first - segment.offset))
        }
    };
    Some(ClockChange {
        kind,
        local: wall_time(first)?,
        last_local: wall_time(last)?,
        count: u64::try_from(touched.len()).ok()?,
        date: wall_time(first)?.date(),
        changes_at: at(segment.start)?,
        starts_at: starts_at.and_then(at),
        again_at: again_at.and_then(at),
        interval,
        zone: wall.zone.clone(),
    })
}

/// A local second as date and time.
fn wall_time(local: i64) -> Option<DateTime> {
    at(local).map(|instant| Offset::UTC.to_datetime(instant))
}

impl ClockChange {
    /// What happens, such as "02:00 does not exist on 2027-03-28 in Europe/Berlin; that night it starts at 03:00
    /// (onGap: NextValid)".
    pub fn sentence(&self) -> String {
        let (verb, effect) = match self.kind {
            ChangeKind::Gap => (if self.count == 1 { "does not exist" } else { "do not exist" }, self.gap_effect()),
            ChangeKind::Fold => (if self.count == 1 { "comes twice" } else { "come twice" }, self.fold_effect()),
        };
        format!("{} {verb} on {} in {}; {effect}", self.which(), self.date, self.zone)
    }

    fn which(&self) -> String {
        let last = if self.last_local.date() == self.date {
            self.last_local.strftime("%H:%M").to_string()
        } else {
            self.last_local.strftime("%Y-%m-%d %H:%M").to_string()
        };
        let first = self.local.strftime("%H:%M");
        match self.count {
            1 => first.to_string(),
            2 => format!("{first} and {last}"),
            count => format!("the {count} due times from {first} to {last}"),
        }
    }

    fn gap_effect(&self) -> String {
        if self.interval {
            return "a schedule with `*` follows elapsed time, and nothing is made good".to_owned();
        }
        let (when, it) = (self.when(), self.it());
        match self.starts_at {
            None => format!("{when} {it} not started (onGap: Skip)"),
            Some(start) => {
                let local = self.zone.local(start);
                let time = local.strftime(if local.date() == self.date { "%H:%M" } else { "%H:%M on %Y-%m-%d" });
                let (it, once) = if self.count == 1 { ("it starts", "") } else { ("they start", "once, ") };
                format!("{when} {it} {once}at {time} (onGap: NextValid)")
            }
        }
    }

    fn fold_effect(&self) -> String {
        if self.interval {
            return "a schedule with `*` follows elapsed time, and starts both times".to_owned();
        }
        let it = if self.count == 1 { "it starts" } else { "each starts" };
        match (self.starts_at, self.again_at) {
            (Some(first), Some(second)) => {
                let (first, second) = (self.with_offset(first), self.with_offset(second));
                let both = if self.count == 1 { format!(", at {first} and at {second}") } else { String::new() };
                format!("{it} both times{both} (onFold: Both)")
            }
            (first, _) => {
                let at = first
                    .filter(|_| self.count == 1)
                    .map_or(String::new(), |first| format!(", at {}", self.with_offset(first)));
                format!("{it} once, the first time{at} (onFold: First)")
            }
        }
    }

    fn it(&self) -> &'static str {
        if self.count == 1 { "it is" } else { "they are" }
    }

    fn when(&self) -> &'static str {
        if (6..21).contains(&self.local.hour()) { "that day" } else { "that night" }
    }

    /// `02:30+02:00`: with the offset, since the time alone is ambiguous.
    fn with_offset(&self, instant: Timestamp) -> String {
        instant.to_zoned(self.zone.rules().clone()).strftime("%H:%M%:z").to_string()
    }
}
