//! Short ways to write schedules and instants.
#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![allow(dead_code, reason = "each test uses some of them")]

use jiff::Timestamp;
use provost_schedule::{Cron, OnFold, OnGap, Schedule, Timing, Zone};

/// An instant, as RFC 3339.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A cron schedule with the given rules and no jitter.
pub fn cron_with(text: &str, zone: &str, on_gap: OnGap, on_fold: OnFold) -> Schedule {
    let cron = Cron::parse(text).unwrap_or_else(|error| panic!("{text}: {}", error.one_line()));
    let zone = Zone::parse(zone).unwrap();
    Schedule { timing: Timing::Cron { cron, zone, on_gap, on_fold }, jitter_s: 0 }
}

/// A cron schedule with the default rules and no jitter.
pub fn cron(text: &str, zone: &str) -> Schedule {
    cron_with(text, zone, OnGap::NextValid, OnFold::First)
}

/// A period.
pub fn every(seconds: u64) -> Schedule {
    Schedule { timing: Timing::Every { seconds }, jitter_s: 0 }
}

/// One instant.
pub fn once(text: &str) -> Schedule {
    Schedule { timing: Timing::At { instant: at(text) }, jitter_s: 0 }
}

/// All due times after `after`, one by one.
pub fn times(schedule: &Schedule, after: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
    std::iter::successors(schedule.next_after(after), |time| schedule.next_after(*time))
}

/// The due times in `(after, until]`, as local times with their offset.
pub fn local(schedule: &Schedule, after: &str, until: &str) -> Vec<String> {
    let rules = schedule.zone().map_or("UTC", Zone::name);
    let rules = jiff::tz::TimeZoneDatabase::bundled().get(rules).unwrap();
    let (after, until) = (at(after), at(until));
    times(schedule, after)
        .take_while(|time| *time <= until)
        .map(|time| time.to_zoned(rules.clone()).strftime("%m-%d %H:%M%:::z").to_string())
        .collect()
}
