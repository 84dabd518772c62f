//! T2: due times on nights when the clocks change, against what Debian cron does.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use common::{at, cron, cron_with, local, times};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use provost_schedule::{OnFold, OnGap, Schedule};

#[test]
fn t2_a_fixed_time_in_a_gap_starts_at_its_end() {
    let table = [
        ("30 2 * * *", "Europe/Berlin", "2026-03-29", ["03-28 02:30+01", "03-29 03:00+02", "03-30 02:30+02"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["10-03 02:15+10:30", "10-04 02:30+11", "10-05 02:15+11"]),
        ("0 0 * * *", "America/Santiago", "2026-09-06", ["09-05 00:00-04", "09-06 01:00-03", "09-07 00:00-03"]),
        ("30 0 * * *", "America/Havana", "2026-03-08", ["03-07 00:30-05", "03-08 01:00-04", "03-09 00:30-04"]),
        ("0 0 * * *", "Africa/Cairo", "2026-04-24", ["04-23 00:00+02", "04-24 01:00+03", "04-25 00:00+03"]),
    ];
    for (text, zone, day, expected) in table {
        assert_eq!(around(&cron(text, zone), day), expected, "{text} {zone}");
    }
    let skipped = cron_with("30 2 * * *", "Europe/Berlin", OnGap::Skip, OnFold::First);
    assert_eq!(around(&skipped, "2026-03-29"), ["03-28 02:30+01", "03-30 02:30+02"]);
}

#[test]
fn t2_a_fixed_time_in_a_fold_starts_once() {
    let expected = ["10-24 02:30+02", "10-25 02:30+02", "10-26 02:30+01"];
    assert_eq!(around(&cron("30 2 * * *", "Europe/Berlin"), "2026-10-25"), expected);
    let both = cron_with("30 2 * * *", "Europe/Berlin", OnGap::NextValid, OnFold::Both);
    let expected = ["10-24 02:30+02", "10-25 02:30+02", "10-25 02:30+01", "10-26 02:30+01"];
    assert_eq!(around(&both, "2026-10-25"), expected);
    let both = cron_with("0,30 2 * * *", "Europe/Berlin", OnGap::NextValid, OnFold::Both);
    let expected = ["10-25 02:00+02", "10-25 02:30+02", "10-25 02:00+01", "10-25 02:30+01"];
    assert_eq!(local(&both, "2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z"), expected);
}

#[test]
fn t2_asked_in_the_second_pass_a_fixed_time_is_over() {
    // The trap of computing in local time: at 02:10 the second time, 02:30 must not be found in the past or again.
    let schedule = cron("30 2 * * *", "Europe/Berlin");
    assert_eq!(schedule.next_after(at("2026-10-25T01:10:00Z")), Some(at("2026-10-26T01:30:00Z")));
    let quarters = cron("*/15 * * * *", "Europe/Berlin");
    assert_eq!(quarters.next_after(at("2026-10-25T01:10:00Z")), Some(at("2026-10-25T01:15:00Z")));
}

#[test]
fn t2_several_times_in_one_gap_start_once() {
    let schedule = cron("0,20,40 2 * * *", "Europe/Berlin");
    let expected = ["03-28 02:40+01", "03-29 03:00+02", "03-30 02:00+02"];
    assert_eq!(local(&schedule, "2026-03-28T01:20:00Z", "2026-03-30T00:00:00Z"), expected);
    // The end of the gap is a due time itself: one start.
    let schedule = cron("0 2,3 * * *", "Europe/Berlin");
    assert_eq!(local(&schedule, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), ["03-29 03:00+02"]);
}

#[test]
fn t2_an_interval_follows_elapsed_time() {
    let hourly = cron("0 * * * *", "Europe/Berlin");
    let expected = ["10-25 01:00+02", "10-25 02:00+02", "10-25 02:00+01", "10-25 03:00+01"];
    assert_eq!(local(&hourly, "2026-10-24T22:30:00Z", "2026-10-25T02:30:00Z"), expected);
    let quarters = cron("*/15 * * * *", "Europe/Berlin");
    let found = local(&quarters, "2026-10-24T23:59:00Z", "2026-10-25T01:45:00Z");
    let expected = [
        "10-25 02:00+02",
        "10-25 02:15+02",
        "10-25 02:30+02",
        "10-25 02:45+02", //
        "10-25 02:00+01",
        "10-25 02:15+01",
        "10-25 02:30+01",
        "10-25 02:45+01",
    ];
    assert_eq!(found, expected);
    // A gap takes nothing but what was in it, and nothing is made good; the rules for fixed ones do not apply.
    let even = cron_with("0 */2 * * *", "Europe/Berlin", OnGap::NextValid, OnFold::First);
    let expected = ["03-29 00:00+01", "03-29 04:00+02", "03-29 06:00+02"];
    assert_eq!(local(&even, "2026-03-28T22:00:00Z", "2026-03-29T04:00:00Z"), expected);
}

#[test]
fn t2_half_hours_are_half_an_hour_apart_in_every_zone() {
    for zone in ["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"] {
        let schedule = cron("*/30 * * * *", zone);
        let mut last = at("2026-01-01T00:00:00Z").as_second();
        for time in times(&schedule, at("2026-01-01T00:00:00Z")).take(17_520).map(Timestamp::as_second) {
            // Kathmandu is 45 minutes off: only its first half hour is a quarter away from midnight UTC.
            let offset = if zone == "Asia/Kathmandu" && last % 1800 == 0 { 900 } else { 1800 };
            assert_eq!(time - last, offset, "{zone} {time}");
            last = time;
        }
    }
}

#[test]
fn t2_a_daily_job_runs_once_on_each_day_of_five_years() {
    let table = [
        ("Europe/Berlin", 2024),
        ("America/New_York", 2024),
        ("Australia/Lord_Howe", 2024),
        ("America/Sao_Paulo", 2013),
        ("Africa/Casablanca", 2024),
    ];
    for (zone, year) in table {
        // Midnight in São Paulo and 02:00 elsewhere are in the gap.
        for text in ["30 2 * * *", "0 0 * * *", "15 1 * * *"] {
            let schedule = cron(text, zone);
            let zone = schedule.zone().unwrap();
            let start = at(&format!("{year}-01-01T12:00:00Z"));
            let days: Vec<Date> =
                times(&schedule, start).take(5 * 365 + 1).map(|time| zone.local(time).date()).collect();
            for pair in days.windows(2) {
                assert_eq!(pair[0].tomorrow().unwrap(), pair[1], "{text} in {zone}");
            }
        }
    }
}

#[test]
fn t2_a_skipped_calendar_day_is_made_good_at_its_end() {
    // Samoa went over the date line: after 2011-12-29 came 2011-12-31.
    let schedule = cron("0 2 * * *", "Pacific/Apia");
    let expected = ["12-29 02:00-10", "12-31 00:00+14", "12-31 02:00+14", "01-01 02:00+14"];
    assert_eq!(local(&schedule, "2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z"), expected);
    let schedule = cron_with("0 2 * * *", "Pacific/Apia", OnGap::Skip, OnFold::First);
    let expected = ["12-29 02:00-10", "12-31 02:00+14", "01-01 02:00+14"];
    assert_eq!(local(&schedule, "2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z"), expected);
    let hourly = cron("0 */12 * * *", "Pacific/Apia");
    let expected = ["12-29 12:00-10", "12-31 00:00+14", "12-31 12:00+14"];
    assert_eq!(local(&hourly, "2011-12-29T12:00:00Z", "2011-12-30T23:00:00Z"), expected);
}

#[test]
fn t3_the_search_ends() {
    let leap = cron("0 0 29 2 *", "Europe/Berlin");
    assert_eq!(leap.next_after(at("2096-03-01T00:00:00Z")), None, "2100 is no leap year, and the next is out of reach");
    assert_eq!(leap.next_after(at("2092-03-01T00:00:00Z")), Some(at("2096-02-28T23:00:00Z")));
    let minutely = cron("* * * * *", "America/New_York");
    assert_eq!(minutely.next_after(at("2101-01-01T04:58:30Z")), Some(at("2101-01-01T04:59:00Z")));
    assert_eq!(minutely.next_after(at("2101-01-01T04:59:00Z")), None);
    assert_eq!(minutely.next_after(Timestamp::MAX), None);
    assert_eq!(cron("* * * * *", "UTC").next_after(Timestamp::MIN), Some(Timestamp::UNIX_EPOCH));
    let monday = cron("0 0 29 2 mon", "Africa/Casablanca");
    assert!(times(&monday, at("2000-01-01T00:00:00Z")).count() > 400);
}

#[test]
fn a_due_time_is_strictly_after_and_in_whole_seconds() {
    let schedule = cron("0 2 * * *", "UTC");
    let (just_before, due, next) = ("2026-01-01T01:59:59.999Z", at("2026-01-01T02:00:00Z"), at("2026-01-02T02:00:00Z"));
    assert_eq!(schedule.next_after(at(just_before)), Some(due));
    assert_eq!(schedule.next_after(due), Some(next));
    assert_eq!(schedule.next_after(at("2026-01-01T02:00:00.001Z")), Some(next));
}

/// The due times of `day`, the day before and the day after it.
fn around(schedule: &Schedule, day: &str) -> Vec<String> {
    let day: Date = day.parse().unwrap();
    let days = [day.yesterday().unwrap(), day, day.tomorrow().unwrap()].map(|day| day.strftime("%m-%d ").to_string());
    let noon = at(&format!("{day}T12:00:00Z"));
    let three_days = SignedDuration::from_hours(72);
    let mut found = local(schedule, &(noon - three_days).to_string(), &(noon + three_days).to_string());
    found.retain(|time| days.iter().any(|day| time.starts_with(day)));
    found
}
