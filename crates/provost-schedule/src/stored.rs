//! The stored form of a schedule: flat, nothing left out, nothing else allowed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::expression::Cron;
use crate::schedule::{OnFold, OnGap, Schedule, Timing};
use crate::zone::Zone;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<Cron>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<Zone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_gap: Option<OnGap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_fold: Option<OnFold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    jitter_s: u64,
}

impl From<Schedule> for Stored {
    fn from(schedule: Schedule) -> Stored {
        let mut stored = Stored {
            cron: None,
            time_zone: None,
            on_gap: None,
            on_fold: None,
            every_s: None,
            at: None,
            jitter_s: schedule.jitter_s,
        };
        match schedule.timing {
            Timing::Cron { cron, zone, on_gap, on_fold } => {
                stored.cron = Some(cron);
                stored.time_zone = Some(zone);
                stored.on_gap = Some(on_gap);
                stored.on_fold = Some(on_fold);
            }
            Timing::Every { seconds } => stored.every_s = Some(seconds),
            Timing::At { instant } => stored.at = Some(instant),
        }
        stored
    }
}

impl TryFrom<Stored> for Schedule {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Schedule, &'static str> {
        let Stored { cron, time_zone, on_gap, on_fold, every_s, at, jitter_s } = stored;
        let clock = (time_zone, on_gap, on_fold);
        let timing = match (cron, clock, every_s, at) {
            (Some(cron), (Some(zone), Some(on_gap), Some(on_fold)), None, None) => {
                Timing::Cron { cron, zone, on_gap, on_fold }
            }
            (Some(_), _, None, None) => {
                return Err("a stored `cron` has `timeZone`, `onGap` and `onFold` beside it");
            }
            (None, (None, None, None), Some(0), None) => return Err("`everyS` is at least 1"),
            (None, (None, None, None), Some(seconds), None) => Timing::Every { seconds },
            (None, (None, None, None), None, Some(instant)) => Timing::At { instant },
            _ => {
                return Err(
                    "a stored schedule has exactly one of `cron`, `everyS` and `at`, and a clock for `cron` only",
                );
            }
        };
        Ok(Schedule { timing, jitter_s })
    }
}
