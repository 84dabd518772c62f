//! `every`, `at`, jitter, zones and the stored form.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::collections::BTreeSet;

use common::{at, cron, cron_with, every, once};
use jiff::Timestamp;
use provost_schedule::{OnFold, OnGap, Schedule, Zone, zone_database_version};

#[test]
fn every_is_aligned_to_the_epoch() {
    let schedule = every(90);
    assert_eq!(schedule.next_after(Timestamp::UNIX_EPOCH), Some(at("1970-01-01T00:01:30Z")));
    assert_eq!(schedule.next_after(at("1970-01-01T00:01:29.5Z")), Some(at("1970-01-01T00:01:30Z")));
    assert_eq!(schedule.next_after(at("1970-01-01T00:01:30Z")), Some(at("1970-01-01T00:03:00Z")));
    assert_eq!(schedule.next_after(at("1969-12-31T23:59:59.5Z")), Some(Timestamp::UNIX_EPOCH));
    assert_eq!(every(1).next_after(at("2026-01-01T00:00:00.7Z")), Some(at("2026-01-01T00:00:01Z")));
}

#[test]
fn t3_a_period_that_never_comes_is_none() {
    assert_eq!(every(0).next_after(Timestamp::UNIX_EPOCH), None);
    assert_eq!(every(u64::MAX).next_after(Timestamp::UNIX_EPOCH), None);
    assert_eq!(every(i64::MAX.unsigned_abs()).next_after(Timestamp::UNIX_EPOCH), None);
    assert_eq!(every(7).next_after(Timestamp::MAX), None);
}

#[test]
fn at_is_due_once() {
    let schedule = once("2027-01-01T00:00:00.25Z");
    assert_eq!(schedule.next_after(at("2026-01-01T00:00:00Z")), Some(at("2027-01-01T00:00:00Z")));
    assert_eq!(schedule.next_after(at("2027-01-01T00:00:00Z")), None);
}

#[test]
fn only_a_cron_without_stars_is_fixed() {
    assert!(cron("0 2 * * *", "UTC").is_fixed());
    assert!(!cron("0 * * * *", "UTC").is_fixed());
    assert!(!every(60).is_fixed());
    assert!(!once("2027-01-01T00:00:00Z").is_fixed());
}

#[test]
fn jitter_is_stable_within_bounds_and_spread() {
    let schedule = Schedule { jitter_s: 299, ..every(600) };
    let due = at("2026-11-20T00:00:00Z");
    let delay = |name: &str, due: Timestamp| (schedule.start_at(name, due) - due).get_seconds();
    // These numbers are a promise: a restart with another version must not move a start.
    assert_eq!([delay("nightly", due), delay("hourly", due), delay("", due)], [118, 208, 296]);
    let mut tenths = [0_u32; 10];
    for index in 0..1000 {
        let delay = delay(&format!("job-{index}"), due);
        assert!((0..=299).contains(&delay));
        tenths[usize::try_from(delay / 30).unwrap()] += 1;
    }
    assert!(tenths.iter().all(|count| (60..=140).contains(count)), "{tenths:?}");
    let on_days: BTreeSet<i64> =
        (0..50).map(|day| delay("nightly", due + jiff::SignedDuration::from_hours(24 * day))).collect();
    assert!(on_days.len() > 35, "one name's starts are spread over its due times too: {on_days:?}");
}

#[test]
fn jitter_reaches_both_ends_and_no_further() {
    let schedule = Schedule { jitter_s: 1, ..every(60) };
    let due = at("2026-11-20T00:00:00Z");
    let delays: BTreeSet<i64> =
        (0..64).map(|index| (schedule.start_at(&index.to_string(), due) - due).get_seconds()).collect();
    assert_eq!(delays, BTreeSet::from([0, 1]));
    assert_eq!(every(60).start_at("nightly", due), due, "no jitter, no delay");
    let endless = Schedule { jitter_s: u64::MAX, ..every(60) };
    assert!(endless.start_at("nightly", due) >= due);
}

#[test]
fn t4_zones_are_bundled_and_exact() {
    assert_eq!(zone_database_version(), "2026e");
    assert_eq!(Zone::parse("Europe/Berlin").unwrap().name(), "Europe/Berlin");
    assert_eq!(Zone::parse("UTC").unwrap(), Zone::utc());
    assert!(Zone::names().count() > 500);
    assert!(Zone::names().all(|name| Zone::parse(name).is_ok_and(|zone| zone.name() == name)));
}

#[test]
fn t4_an_unknown_zone_is_an_error_with_the_nearest_names() {
    let table = [
        ("Europe/Berln", "did you mean `Europe/Berlin`"),
        ("europe/berlin", "did you mean `Europe/Berlin`?"),
        ("Berlin", "did you mean `Europe/Berlin`?"),
        ("New York", "did you mean `America/New_York`?"),
        ("America/NewYork", "did you mean `America/New_York`"),
        ("utc", "did you mean `Etc/UTC` or `UTC`?"),
        ("", "write an IANA name, such as `Europe/Berlin` or `UTC`"),
        ("localtime", "write an IANA name"),
        ("Factory", "write an IANA name"),
        (" Europe/Berlin", "did you mean `Europe/Berlin`?"),
        ("/etc/localtime", "write an IANA name"),
    ];
    for (name, hint) in table {
        let error = Zone::parse(name).expect_err(name);
        assert_eq!(error.to_string(), format!("`{name}` is not a time zone"));
        assert!(error.hint().starts_with(hint), "{name}: {}", error.hint());
        assert!(error.suggestions.len() <= 3, "{name}");
    }
}

#[test]
fn the_stored_form_is_written_out() {
    let nightly = Schedule { jitter_s: 300, ..cron("0 2 * * *", "Europe/Berlin") };
    let table = [
        (
            nightly,
            r#"{"cron":"0 2 * * *","timeZone":"Europe/Berlin","onGap":"NextValid","onFold":"First","jitterS":300}"#,
        ),
        (
            cron_with("@daily", "UTC", OnGap::Skip, OnFold::Both),
            r#"{"cron":"@daily","timeZone":"UTC","onGap":"Skip","onFold":"Both","jitterS":0}"#,
        ),
        (every(90), r#"{"everyS":90,"jitterS":0}"#),
        (once("2027-01-01T00:00:00Z"), r#"{"at":"2027-01-01T00:00:00Z","jitterS":0}"#),
    ];
    for (schedule, stored) in table {
        assert_eq!(serde_json::to_string(&schedule).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Schedule>(stored).unwrap(), schedule);
    }
}

#[test]
fn a_stored_form_that_is_not_whole_is_refused() {
    let table = [
        (r#"{"cron":"0 2 * * *","jitterS":0}"#, "has `timeZone`, `onGap` and `onFold` beside it"),
        (r#"{"jitterS":0}"#, "exactly one of `cron`, `everyS` and `at`"),
        (r#"{"everyS":90,"at":"2027-01-01T00:00:00Z","jitterS":0}"#, "exactly one of"),
        (r#"{"everyS":90,"timeZone":"UTC","jitterS":0}"#, "a clock for `cron` only"),
        (r#"{"everyS":0,"jitterS":0}"#, "`everyS` is at least 1"),
        (r#"{"everyS":90}"#, "missing field `jitterS`"),
        (r#"{"everyS":90,"jitterS":0,"more":1}"#, "unknown field `more`"),
        (
            r#"{"cron":"0 0 31 2 *","timeZone":"UTC","onGap":"Skip","onFold":"Both","jitterS":0}"#,
            "this never fires: none of its months has a day 31: the last day",
        ),
        (
            r#"{"cron":"0 0 1 2 *","timeZone":"Europe/Berln","onGap":"Skip","onFold":"Both","jitterS":0}"#,
            "`Europe/Berln` is not a time zone: did you mean",
        ),
        (
            r#"{"cron":"0 0 1 2 *","timeZone":"UTC","onGap":"skip","onFold":"Both","jitterS":0}"#,
            "unknown variant `skip`",
        ),
    ];
    for (stored, message) in table {
        let error = serde_json::from_str::<Schedule>(stored).expect_err(stored).to_string();
        assert!(error.contains(message), "{stored}: {error}");
    }
}
