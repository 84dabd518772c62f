//! A schedule: when something is due.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::expression::Cron;
use crate::instant::{at, second_of};
use crate::stored::Stored;
use crate::wall::Wall;
use crate::zone::Zone;

/// What happens to a fixed due time that the clocks skip.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum OnGap {
    /// It starts at the first instant after the gap.
    #[default]
    NextValid,
    /// It does not start on that day.
    Skip,
}

/// What happens to a fixed due time that the clocks show twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum OnFold {
    /// It starts once, the first time.
    #[default]
    First,
    /// It starts both times.
    Both,
}

/// The rule that makes due times.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Timing {
    /// On the wall clock of a zone. The years are 1970 to 2100; later there is no due time.
    Cron {
        /// When, in local time.
        cron: Cron,
        /// Whose local time.
        zone: Zone,
        /// For fixed expressions; the others follow elapsed time.
        on_gap: OnGap,
        /// For fixed expressions; the others follow elapsed time.
        on_fold: OnFold,
    },
    /// Every so many seconds since 1970-01-01T00:00:00Z, so that a restart shifts nothing.
    Every {
        /// At least 1; a period of 0 is never due.
        seconds: u64,
    },
    /// Once. Parts of a second are cut off.
    At {
        /// The instant.
        instant: Timestamp,
    },
}

/// When something is due, and by how much its starts are spread.
///
/// Its stored form is written out in full:
/// `{"cron":"0 2 * * *","timeZone":"Europe/Berlin","onGap":"NextValid","onFold":"First","jitterS":300}`,
/// `{"everyS":90,"jitterS":0}` or `{"at":"2027-01-01T00:00:00Z","jitterS":0}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct Schedule {
    /// When it is due.
    pub timing: Timing,
    /// A start is at most this many seconds after its due time; 0 for none.
    pub jitter_s: u64,
}

impl Schedule {
    /// The first due time strictly after `after`, in whole seconds; `None` if it is never due again.
    ///
    /// The search is bounded (T3).
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.timing.next_after(second_of(after)).and_then(at)
    }

    /// When the run that is due at `due` starts: at most [`Schedule::jitter_s`] later, by a hash of `name` and `due`,
    /// and so the same after a restart. A start beyond the end of time is `due` itself.
    pub fn start_at(&self, name: &str, due: Timestamp) -> Timestamp {
        let range = u128::from(self.jitter_s) + 1;
        let delay = (u128::from(hash(name, due)) * range) >> 64;
        let delay = SignedDuration::from_secs(i64::try_from(delay).unwrap_or(i64::MAX));
        due.checked_add(delay).unwrap_or(due)
    }

    /// Whether it is fixed to the wall clock, and [`OnGap`] and [`OnFold`] apply.
    pub fn is_fixed(&self) -> bool {
        matches!(&self.timing, Timing::Cron { cron, .. } if !cron.is_interval())
    }

    /// The zone of a cron schedule.
    pub fn zone(&self) -> Option<&Zone> {
        match &self.timing {
            Timing::Cron { zone, .. } => Some(zone),
            Timing::Every { .. } | Timing::At { .. } => None,
        }
    }
}

impl Timing {
    /// The first due second after `after`.
    pub(crate) fn next_after(&self, after: i64) -> Option<i64> {
        match self {
            Timing::Every { .. } => {
                let period = self.period()?;
                after.div_euclid(period).checked_add(1)?.checked_mul(period)
            }
            Timing::At { instant } => Some(second_of(*instant)).filter(|instant| *instant > after),
            Timing::Cron { .. } => self.wall()?.next_after(after),
        }
    }

    /// How many due times are in `(after, until]`, by arithmetic.
    pub(crate) fn count(&self, after: i64, until: i64) -> u64 {
        if after >= until {
            return 0;
        }
        match self {
            Timing::Every { .. } => {
                self.period().map_or(0, |period| (until.div_euclid(period) - after.div_euclid(period)).unsigned_abs())
            }
            Timing::At { .. } => u64::from(self.next_after(after).is_some_and(|instant| instant <= until)),
            Timing::Cron { .. } => self.wall().map_or(0, |wall| wall.count(after, until)),
        }
    }

    /// Calls `visit` with each due second in `(after, until]`, in order.
    pub(crate) fn each(&self, after: i64, until: i64, visit: &mut impl FnMut(i64)) {
        if let Some(wall) = self.wall() {
            return wall.each(after, until, visit);
        }
        let mut next = self.next_after(after);
        while let Some(second) = next.filter(|second| *second <= until) {
            visit(second);
            next = self.next_after(second);
        }
    }

    /// The seconds between two due times of an `every`, if any can be told.
    pub(crate) fn period(&self) -> Option<i64> {
        match self {
            Timing::Every { seconds } => i64::try_from(*seconds).ok().filter(|period| *period > 0),
            Timing::Cron { .. } | Timing::At { .. } => None,
        }
    }

    fn wall(&self) -> Option<Wall<'_>> {
        match self {
            Timing::Cron { cron, zone, on_gap, on_fold } => {
                Some(Wall { cron, zone, on_gap: *on_gap, on_fold: *on_fold })
            }
            Timing::Every { .. } | Timing::At { .. } => None,
        }
    }
}

/// FNV-1a over the name, a zero byte and the second: stable for ever, since starts depend on it.
fn hash(name: &str, due: Timestamp) -> u64 {
    let second = second_of(due).to_le_bytes();
    let bytes = name.bytes().chain([0]).chain(second);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
