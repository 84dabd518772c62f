//! T2: warnings with dates, for due times that a clock change touches.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use common::{at, cron, cron_with, every};
use provost_schedule::{ChangeKind, OnFold, OnGap, Schedule, clock_changes};

fn sentences(schedule: &Schedule, from: &str, until: &str) -> Vec<String> {
    clock_changes(schedule, at(from), at(until)).iter().map(|change| change.sentence()).collect()
}

const YEAR: (&str, &str) = ("2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z");

#[test]
fn t2_fixed_times_in_gap_and_fold_are_told() {
    let table = [
        (
            cron("0 2 * * *", "Europe/Berlin"),
            vec![
                "02:00 does not exist on 2027-03-28 in Europe/Berlin; that night it starts at 03:00 (onGap: NextValid)",
                "02:00 comes twice on 2027-10-31 in Europe/Berlin; it starts once, the first time, at 02:00+02:00 (onFold: First)",
            ],
        ),
        (
            cron_with("30 2 * * *", "America/New_York", OnGap::Skip, OnFold::Both),
            vec!["02:30 does not exist on 2027-03-14 in America/New_York; that night it is not started (onGap: Skip)"],
        ),
        (
            cron_with("30 1 * * *", "America/New_York", OnGap::Skip, OnFold::Both),
            vec![
                "01:30 comes twice on 2027-11-07 in America/New_York; it starts both times, at 01:30-04:00 and at 01:30-05:00 (onFold: Both)",
            ],
        ),
        (
            cron("0,30 2 * * *", "Europe/Berlin"),
            vec![
                "02:00 and 02:30 do not exist on 2027-03-28 in Europe/Berlin; that night they start once, at 03:00 (onGap: NextValid)",
                "02:00 and 02:30 come twice on 2027-10-31 in Europe/Berlin; each starts once, the first time (onFold: First)",
            ],
        ),
        (
            cron_with("0,20,40 2 * * *", "Europe/Berlin", OnGap::Skip, OnFold::Both),
            vec![
                "the 3 due times from 02:00 to 02:40 do not exist on 2027-03-28 in Europe/Berlin; that night they are not started (onGap: Skip)",
                "the 3 due times from 02:00 to 02:40 come twice on 2027-10-31 in Europe/Berlin; each starts both times (onFold: Both)",
            ],
        ),
        (cron("0 3 * * *", "Europe/Berlin"), vec![]),
        (cron("0 2 * * mon", "Europe/Berlin"), vec![]),
        (cron("0 2 * * *", "UTC"), vec![]),
        (every(60), vec![]),
    ];
    for (schedule, expected) in table {
        assert_eq!(sentences(&schedule, YEAR.0, YEAR.1), expected, "{schedule:?}");
    }
}

#[test]
fn t2_changes_are_told_with_what_they_do() {
    let changes = clock_changes(&cron("0,30 2 * * *", "Europe/Berlin"), at(YEAR.0), at(YEAR.1));
    let [gap, fold] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((gap.kind, gap.count, gap.interval), (ChangeKind::Gap, 2, false));
    assert_eq!(gap.local.to_string(), "2027-03-28T02:00:00");
    assert_eq!(gap.last_local.to_string(), "2027-03-28T02:30:00");
    assert_eq!(gap.date.to_string(), "2027-03-28");
    assert_eq!((gap.starts_at, gap.again_at), (Some(at("2027-03-28T01:00:00Z")), None));
    assert_eq!(gap.changes_at, at("2027-03-28T01:00:00Z"));
    assert_eq!((fold.kind, fold.count), (ChangeKind::Fold, 2));
    assert_eq!((fold.starts_at, fold.again_at), (Some(at("2027-10-31T00:00:00Z")), None));
    assert_eq!(fold.changes_at, at("2027-10-31T01:00:00Z"));
}

#[test]
fn t2_what_is_told_is_what_happens() {
    for (on_gap, on_fold) in [(OnGap::NextValid, OnFold::First), (OnGap::Skip, OnFold::Both)] {
        for zone in ["Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "America/Santiago"] {
            for text in ["45 1 * * *", "15 2 * * *", "0 0 * * *", "30 23 * * *"] {
                let schedule = cron_with(text, zone, on_gap, on_fold);
                let changes = clock_changes(&schedule, at("2026-01-01T00:00:00Z"), at("2030-01-01T00:00:00Z"));
                for start in changes.iter().flat_map(|change| [change.starts_at, change.again_at]).flatten() {
                    let just_before = start - jiff::SignedDuration::from_secs(1);
                    assert_eq!(schedule.next_after(just_before), Some(start), "{text} {zone}");
                }
            }
        }
    }
}

#[test]
fn t2_interval_schedules_are_flagged() {
    let changes = clock_changes(&cron("0 */2 * * *", "Europe/Berlin"), at(YEAR.0), at(YEAR.1));
    assert!(changes.len() == 2 && changes.iter().all(|change| change.interval), "{changes:?}");
    assert_eq!(changes[0].starts_at, None);
    assert_eq!(
        changes[1].starts_at.zip(changes[1].again_at),
        Some((at("2027-10-31T00:00:00Z"), at("2027-10-31T01:00:00Z")))
    );
    let found: Vec<String> = changes.iter().map(|change| change.sentence()).collect();
    let expected = [
        "02:00 does not exist on 2027-03-28 in Europe/Berlin; a schedule with `*` follows elapsed time, and nothing is made good",
        "02:00 comes twice on 2027-10-31 in Europe/Berlin; a schedule with `*` follows elapsed time, and starts both times",
    ];
    assert_eq!(found, expected);
}

#[test]
fn t2_a_whole_day_can_be_missing() {
    let found = sentences(&cron("0 2 * * *", "Pacific/Apia"), "2011-12-01T00:00:00Z", "2012-01-01T00:00:00Z");
    let expected = "02:00 does not exist on 2011-12-30 in Pacific/Apia; that night it starts at 00:00 on 2011-12-31 (onGap: NextValid)";
    assert_eq!(found, [expected]);
}

#[test]
fn the_stretch_is_open_at_its_start_and_closed_at_its_end() {
    let schedule = cron("0 2 * * *", "Europe/Berlin");
    let change = "2027-03-28T01:00:00Z";
    assert_eq!(clock_changes(&schedule, at("2027-03-01T00:00:00Z"), at(change)).len(), 1);
    assert_eq!(clock_changes(&schedule, at(change), at("2027-04-01T00:00:00Z")).len(), 0);
    let ever = clock_changes(&schedule, jiff::Timestamp::MIN, jiff::Timestamp::MAX);
    assert_eq!(ever.last().unwrap().date.year(), 2100, "no further than the calendar");
}
