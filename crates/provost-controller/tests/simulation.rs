//! Promises over weeks: manifests as people write them, played through the core that runs for real.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use provost_controller::{Report, Script, Tally, simulate};
use provost_manifest::{ServerFacts, SourceFile, Style, compile};
use provost_model::{Desired, Name, Outcome, RevisionId};

const FROM: &str = "2026-11-20T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn desired(yaml: &str) -> Desired {
    let files = [SourceFile { path: "shop.yaml".to_owned(), bytes: yaml.as_bytes().to_vec() }];
    let compiled = compile(&files, &ServerFacts::default(), RevisionId::parse("r1").unwrap(), at(FROM));
    let report = compiled.report(Style::Plain);
    compiled.desired.unwrap_or_else(|| panic!("{report}"))
}

fn automation(name: &str, spec: &str) -> String {
    format!("---\napiVersion: provost/v1\nkind: Automation\nmetadata: {{name: {name}}}\nspec: {{image: job, {spec}}}\n")
}

/// Plays whole days: from just before the first second to just before the end.
fn play(yaml: &str, days: i64, script: &Script) -> Report {
    let second = SignedDuration::from_secs(1);
    simulate(desired(yaml), at(FROM) - second, at(FROM) + SignedDuration::from_hours(24 * days) - second, script)
}

fn tally<'a>(report: &'a Report, of: &str) -> &'a Tally {
    &report.automations[&name(of)]
}

fn count(report: &Report, of: &str) -> u64 {
    let tally = tally(report, of);
    tally.runs.values().chain(tally.skipped.values()).chain(tally.missed.values()).sum()
}

#[test]
fn d1_every_due_time_of_two_days_has_an_outcome() {
    let yaml = automation("hourly", r#"schedule: "0 * * * *""#) + &automation("often", "schedule: {every: 90s}");
    let report = play(&yaml, 2, &Script::default());
    assert_eq!(tally(&report, "hourly").runs, BTreeMap::from([(Outcome::Succeeded, 48)]));
    assert_eq!(tally(&report, "often").runs, BTreeMap::from([(Outcome::Succeeded, 2 * 24 * 40)]));
}

#[test]
fn d5_forbid_records_a_skip_for_each_due_time_that_overlaps() {
    let script = Script { run_for_s: 150, ..Script::default() };
    let report = play(&automation("slow", "schedule: {every: 60s}"), 1, &script);
    let tally = tally(&report, "slow");
    assert_eq!(tally.runs[&Outcome::Succeeded], 480);
    assert_eq!(tally.skipped["overlap"], 960, "{tally:?}");
    assert_eq!(count(&report, "slow"), 1440);
}

#[test]
fn d5_replace_cancels_the_one_that_goes_on() {
    let script = Script { run_for_s: 150, ..Script::default() };
    let yaml = automation("slow", "schedule: {every: 60s}, concurrencyPolicy: Replace");
    let report = play(&yaml, 1, &script);
    assert_eq!(tally(&report, "slow").runs.keys().collect::<Vec<_>>(), [&Outcome::Cancelled]);
    assert_eq!(report.at_once_max, 1);
}

#[test]
fn d5_queue_holds_at_most_its_limit() {
    let script = Script { run_for_s: 90, ..Script::default() };
    let yaml = automation("slow", "schedule: {every: 60s}, concurrencyPolicy: Queue, queueLimit: 2");
    let report = play(&yaml, 1, &script);
    assert_eq!(report.at_once_max, 1);
    assert!(tally(&report, "slow").runs[&Outcome::Succeeded] >= 958, "{:?}", tally(&report, "slow"));
}

#[test]
fn r7_attempts_never_exceed_retries_and_one() {
    let script = Script { fail_every: BTreeMap::from([(name("bad"), 1)]), ..Script::default() };
    let yaml = automation("bad", r#"schedule: "0 * * * *", retries: {limit: 2, backoff: 10s}"#);
    let tally = tally(&play(&yaml, 1, &script), "bad").clone();
    assert_eq!(tally.runs, BTreeMap::from([(Outcome::Failed, 24)]));
    assert_eq!(tally.retries, 48);
}

#[test]
fn r7_a_run_that_takes_too_long_times_out() {
    let script = Script { run_for_s: 7200, ..Script::default() };
    let yaml = automation("long", r#"schedule: "0 * * * *", timeout: 10m"#);
    assert_eq!(tally(&play(&yaml, 1, &script), "long").runs, BTreeMap::from([(Outcome::TimedOut, 24)]));
}

#[test]
fn d3_downtime_is_caught_up_with_as_the_manifest_says() {
    let script = Script {
        run_for_s: 1,
        downtimes: vec![(at("2026-11-20T03:30:00Z"), at("2026-11-20T07:30:00Z"))],
        ..Script::default()
    };
    let hourly = |name: &str, how: &str| automation(name, &format!(r#"schedule: "0 * * * *", catchUp: {how}"#));
    let yaml = hourly("none", "None") + &hourly("last", "Last") + &hourly("all", "All");
    let report = play(&yaml, 1, &script);
    for (of, runs, missed) in [("none", 20, 4), ("last", 21, 3), ("all", 24, 0)] {
        let tally = tally(&report, of);
        assert_eq!(tally.runs[&Outcome::Succeeded], runs, "{of}");
        assert_eq!(tally.missed.get("down").copied().unwrap_or_default(), missed, "{of}");
    }
}

#[test]
fn d3_ten_years_down_is_one_range_record_and_a_moment_of_work() {
    let down = at("2026-11-20T03:30:00Z");
    let up = at("2036-11-20T03:30:00Z");
    let script = Script { run_for_s: 1, downtimes: vec![(down, up)], ..Script::default() };
    let yaml = automation("minutely", r#"schedule: "* * * * *""#);
    let report = simulate(desired(&yaml), at(FROM), up + SignedDuration::from_secs(90), &script);
    let tally = tally(&report, "minutely");
    let minutes = 10 * 365 * 1440 + 3 * 1440; // 2028, 2032, 2036 are leap years.
    assert!(tally.missed["down"].abs_diff(minutes) <= 2, "{tally:?} {minutes}");
    assert_eq!(report.lines.iter().filter(|line| line.what.starts_with("missed")).count(), 1);
}

#[test]
fn t2_a_daily_job_runs_once_on_each_day_of_five_years() {
    let daily =
        |name: &str, zone: &str| automation(name, &format!(r#"schedule: {{cron: "30 2 * * *", timeZone: {zone}}}"#));
    let zones = [("berlin", "Europe/Berlin"), ("york", "America/New_York"), ("lord-howe", "Australia/Lord_Howe")];
    let yaml: String = zones.iter().map(|(name, zone)| daily(name, zone)).collect();
    let days = 5 * 365;
    let report = play(&yaml, days, &Script::default());
    for (of, _) in zones {
        let runs = tally(&report, of).runs[&Outcome::Succeeded];
        assert!(runs.abs_diff(days.unsigned_abs()) <= 1, "{of}: {runs}");
    }
}

#[test]
fn locks_keep_runs_of_two_automations_apart() {
    let yaml = automation("a", "schedule: {every: 60s}, locks: [warehouse]")
        + &automation("b", "schedule: {every: 60s}, locks: [warehouse]");
    let script = Script { run_for_s: 20, ..Script::default() };
    let report = play(&yaml, 1, &script);
    assert_eq!(report.at_once_max, 1);
    assert_eq!(tally(&report, "a").runs[&Outcome::Succeeded], 1440);
}

#[test]
fn a_thousand_automations_due_at_one_second_are_all_accounted_for() {
    let yaml: String = (0..1000).map(|i| automation(&format!("a{i}"), r#"schedule: "0 0 * * *""#)).collect();
    let files = [SourceFile { path: "shop.yaml".to_owned(), bytes: yaml.into_bytes() }];
    let compiled = compile(&files, &ServerFacts::default(), RevisionId::parse("r1").unwrap(), at(FROM));
    let report = simulate(compiled.desired.unwrap(), at(FROM), at("2026-11-21T06:00:00Z"), &Script::default());
    assert_eq!(report.automations.len(), 1000);
    assert!(report.automations.values().all(|tally| tally.runs == BTreeMap::from([(Outcome::Succeeded, 1)])));
}

#[test]
fn the_same_simulation_twice_is_the_same() {
    let yaml = automation("a", r#"schedule: {cron: "*/7 * * * *", jitter: 2m}, retries: 1"#);
    let script = Script { fail_every: BTreeMap::from([(name("a"), 3)]), ..Script::default() };
    assert_eq!(play(&yaml, 3, &script), play(&yaml, 3, &script));
}
