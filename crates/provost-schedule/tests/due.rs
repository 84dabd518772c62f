//! Listing and counting the due times of a stretch of time.

mod common;

use std::collections::BTreeSet;

use common::{at, cron, cron_with, every, once, times};
use jiff::{SignedDuration, Timestamp};
use provost_schedule::{Due, Keep, OnFold, OnGap, Schedule, due_times};

const TEN_YEARS: (&str, &str) = ("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z");

#[test]
fn a_short_stretch_is_listed_whole() {
    let found =
        due_times(&[cron("0 2 * * *", "UTC")], at("2026-01-01T02:00:00Z"), at("2026-01-03T02:00:00Z"), 10, Keep::Last);
    let expected = vec![at("2026-01-02T02:00:00Z"), at("2026-01-03T02:00:00Z")];
    assert_eq!(found, Due { times: expected, omitted: 0, omitted_range: None }, "after is out, until is in");
    let (start, end) = (at("2026-01-01T02:00:00Z"), at("2026-01-01T02:00:00Z"));
    assert_eq!(due_times(&[every(1)], start, end, 10, Keep::First), Due::default());
    assert_eq!(due_times(&[every(1)], end, start - SignedDuration::from_secs(5), 10, Keep::First), Due::default());
    assert_eq!(due_times(&[], at(TEN_YEARS.0), at(TEN_YEARS.1), 10, Keep::Last), Due::default());
}

#[test]
fn an_instant_that_two_schedules_share_is_one_due_time() {
    let schedules = [every(1800), cron("*/15 * * * *", "Europe/Berlin"), every(1800), once("2026-01-01T00:15:00Z")];
    let found = due_times(&schedules, at("2026-01-01T00:00:00Z"), at("2026-01-01T01:00:00Z"), 10, Keep::First);
    let expected = ["00:15", "00:30", "00:45", "01:00"].map(|time| at(&format!("2026-01-01T{time}:00Z")));
    assert_eq!(found.times, expected);
}

#[test]
fn t3_ten_years_of_minutes_are_counted_not_listed() {
    let (after, until) = (at(TEN_YEARS.0), at(TEN_YEARS.1));
    let minutes = 3653 * 1440;
    for zone in ["UTC", "America/New_York", "Australia/Lord_Howe"] {
        let last = due_times(&[cron("* * * * *", zone)], after, until, 100, Keep::Last);
        assert_eq!((last.times.len(), last.omitted), (100, minutes - 100), "{zone}");
        assert_eq!(last.times.last(), Some(&until));
        let range = (at("2020-01-01T00:01:00Z"), at("2029-12-31T22:20:00Z"));
        assert_eq!(last.omitted_range, Some(range));
        let first = due_times(&[cron("* * * * *", zone)], after, until, 100, Keep::First);
        assert_eq!((first.times.len(), first.omitted), (100, minutes - 100), "{zone}");
        assert_eq!(first.omitted_range, Some((at("2020-01-01T01:41:00Z"), until)));
    }
    let hourly_and_each_second = [cron("0 * * * *", "America/New_York"), every(1)];
    let seconds = due_times(&hourly_and_each_second, after, until, 3, Keep::Last);
    assert_eq!((seconds.times.len(), seconds.omitted), (3, minutes * 60 - 3));
    let ever = due_times(&[every(1)], Timestamp::MIN, Timestamp::MAX, 1, Keep::Last);
    assert_eq!(ever.times.len(), 1);
    let ever = due_times(&[cron("* * * * *", "UTC")], Timestamp::MIN, Timestamp::MAX, 1, Keep::Last);
    assert_eq!(ever.times, [at("2100-12-31T23:59:00Z")]);
}

#[test]
fn a_limit_of_zero_only_counts() {
    for keep in [Keep::First, Keep::Last] {
        let found = due_times(
            &[cron("30 2 * * *", "Europe/Berlin"), cron("30 2 * * *", "America/New_York")],
            at("2026-01-01T00:00:00Z"),
            at("2027-01-01T00:00:00Z"),
            0,
            keep,
        );
        assert_eq!((found.times.len(), found.omitted), (0, 730));
        assert_eq!(found.omitted_range, Some((at("2026-01-01T01:30:00Z"), at("2026-12-31T07:30:00Z"))));
    }
}

#[test]
fn t2_counting_agrees_with_stepping_through_clock_changes() {
    let texts = ["*/20 * * * *", "30 2 * * *", "0,30 0-3 * * *", "5 0,1,2,3 29,30 * sun", "0 */6 1-7 3,10 *"];
    let zones = ["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca"];
    let starts = ["2026-02-20T11:17:23Z", "2026-03-29T01:00:00Z", "2026-09-30T13:00:00Z"];
    for zone in zones {
        for text in texts {
            for (on_gap, on_fold) in [(OnGap::NextValid, OnFold::First), (OnGap::Skip, OnFold::Both)] {
                let schedule = cron_with(text, zone, on_gap, on_fold);
                for start in starts {
                    let (after, until) = (at(start), at(start) + SignedDuration::from_hours(24 * 40));
                    check_against_stepping(std::slice::from_ref(&schedule), after, until, 7);
                }
            }
        }
    }
}

#[test]
fn counting_a_union_agrees_with_stepping() {
    let schedules = [
        cron("0,30 0-3 * * *", "Europe/Berlin"),
        cron("*/50 * * * *", "Australia/Lord_Howe"),
        every(1777),
        once("2026-03-29T01:00:00Z"),
    ];
    for hours in [1, 30, 24 * 45] {
        let after = at("2026-03-28T19:30:01Z");
        check_against_stepping(&schedules, after, after + SignedDuration::from_hours(hours), 5);
    }
}

/// Compares [`due_times`] with the sorted union of what stepping finds, for both ways of keeping.
fn check_against_stepping(schedules: &[Schedule], after: Timestamp, until: Timestamp, limit: usize) {
    let within = |schedule| times(schedule, after).take_while(|time| *time <= until);
    let all: BTreeSet<Timestamp> = schedules.iter().flat_map(within).collect();
    let all: Vec<Timestamp> = all.into_iter().collect();
    let kept = all.len().min(limit);
    for keep in [Keep::First, Keep::Last] {
        let (times, rest) = match keep {
            Keep::First => all.split_at(kept),
            Keep::Last => {
                let (rest, times) = all.split_at(all.len() - kept);
                (times, rest)
            }
        };
        let expected = Due {
            times: times.to_vec(),
            omitted: u64::try_from(rest.len()).unwrap_or_default(),
            omitted_range: rest.first().copied().zip(rest.last().copied()),
        };
        let found = due_times(schedules, after, until, limit, keep);
        assert_eq!(found, expected, "{schedules:?} ({after}, {until}] {keep:?}");
    }
}
