//! Random expressions against two oracles: `croner`, and a walk over every minute of the wall clock.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;
#[path = "common/expressions.rs"]
mod expressions;

use std::collections::{BTreeSet, HashSet};

use common::{cron_with, times};
use expressions::{Expression, any_expression, nightly, once_a_day};
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use provost_schedule::{Cron, CronErrorKind, Keep, OnFold, OnGap, Schedule, due_times};

/// The same cases on each run, and no file left behind.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_120),
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    }
}

const ZONES: [&str; 13] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "America/Havana",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Tehran",
    "Pacific/Apia",
    "Europe/Dublin",
];

fn zone() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&ZONES[..])
}

fn instant() -> impl Strategy<Value = Timestamp> {
    // 2000 to 2035.
    (946_684_800_i64..2_051_222_400).prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn rules() -> impl Strategy<Value = (OnGap, OnFold)> {
    proptest::sample::select(vec![
        (OnGap::NextValid, OnFold::First),
        (OnGap::NextValid, OnFold::Both),
        (OnGap::Skip, OnFold::First),
        (OnGap::Skip, OnFold::Both),
    ])
}

fn rules_of(zone: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(zone).unwrap()
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn t1_due_times_are_those_of_croner(expression in any_expression(), start in instant()) {
        same_as_croner(&expression, "UTC", start)?;
    }

    #[test]
    fn t2_a_fixed_time_is_due_when_croner_says(
        expression in once_a_day(),
        zone in zone().prop_filter("croner gives up at the missing day of Apia", |zone| *zone != "Pacific/Apia"),
        start in instant(),
    ) {
        // The nights of clock changes are what matters here: start just before one.
        let start = change_after(zone, start) - SignedDuration::from_hours(30);
        same_as_croner(&expression, zone, start)?;
    }

    #[test]
    fn parsing_never_panics_and_points_into_the_text(text in "[-*/,?#@0-9 LWHa-zM~=:٣]{0,24}") {
        if let Err(error) = Cron::parse(&text) {
            prop_assert!(text.get(error.span.clone()).is_some(), "{text:?}: {error:?}");
        }
    }

    #[test]
    fn parsing_five_random_fields_never_panics(
        fields in proptest::collection::vec("[-*/,0-9]{1,6}|[a-zA-Z]{1,9}|[0-9]{1,2}[-/][0-9]{1,2}|[*?]", 4..8),
    ) {
        let text = fields.join(" ");
        match Cron::parse(&text) {
            Ok(cron) => for warning in cron.warnings() {
                prop_assert!(text.get(warning.span.clone()).is_some(), "{text:?}: {warning:?}");
            },
            Err(error) => prop_assert!(text.get(error.span.clone()).is_some(), "{text:?}: {error:?}"),
        }
    }
}

proptest! {
    #![proptest_config(config(80))]

    #[test]
    fn t2_due_times_are_those_of_a_walk_over_the_minutes(
        expression in prop_oneof![any_expression(), nightly(), nightly()],
        zone in zone(),
        start in instant(),
        (on_gap, on_fold) in rules(),
    ) {
        if is_never(&expression) {
            return Ok(());
        }
        let middle = change_after(zone, start).as_second() / 60;
        let minutes = middle - 1500..middle + 1500;
        let expected = walk(&expression, &rules_of(zone), minutes.clone(), on_gap, on_fold);
        let schedule = cron_with(&expression.text(), zone, on_gap, on_fold);
        let after = Timestamp::from_second(minutes.start * 60 - 1).unwrap();
        let until = Timestamp::from_second(minutes.end * 60 - 1).unwrap();
        let found: Vec<Timestamp> = times(&schedule, after).take_while(|time| *time <= until).collect();
        prop_assert_eq!(&found, &expected, "{:?}", expression.text());
        counted(&schedule, &expected, after, until)?;
    }
}

fn is_never(expression: &Expression) -> bool {
    Cron::parse(&expression.text()).is_err_and(|error| error.kind == CronErrorKind::Never)
}

/// The first clock change of `zone` after `start`, or `start` if there is none.
fn change_after(zone: &str, start: Timestamp) -> Timestamp {
    rules_of(zone).following(start).next().map_or(start, |change| change.timestamp())
}

fn same_as_croner(expression: &Expression, zone: &str, start: Timestamp) -> Result<(), TestCaseError> {
    if is_never(expression) {
        return Ok(());
    }
    let text = expression.text();
    let schedule = cron_with(&text, zone, OnGap::NextValid, OnFold::First);
    let oracle: croner::Cron = text.parse().unwrap();
    let expected = oracle.iter_after(start.to_zoned(rules_of(zone))).take(6).map(|time| time.timestamp());
    let found: Vec<Timestamp> = times(&schedule, start).take(6).collect();
    prop_assert_eq!(found, expected.collect::<Vec<_>>(), "{} in {} after {}", text, zone, start);
    Ok(())
}

/// The due times among `minutes` since 1970, by looking at what the clocks show in each.
fn walk(
    expression: &Expression,
    rules: &TimeZone,
    minutes: std::ops::Range<i64>,
    on_gap: OnGap,
    on_fold: OnFold,
) -> Vec<Timestamp> {
    let fixed = !expression.is_interval();
    let (mut shown, mut due) = (HashSet::new(), BTreeSet::new());
    let mut expected: Option<DateTime> = None;
    for minute in minutes {
        let time = Timestamp::from_second(minute * 60).unwrap();
        let local = rules.to_datetime(time);
        // Local minutes that the clocks have jumped over.
        while let Some(skipped) = expected.filter(|skipped| *skipped < local) {
            if fixed && on_gap == OnGap::NextValid && expression.matches(skipped) {
                due.insert(time);
            }
            expected = Some(skipped + SignedDuration::from_mins(1));
        }
        let again = !shown.insert(local);
        if expression.matches(local) && !(fixed && again && on_fold == OnFold::First) {
            due.insert(time);
        }
        expected = Some(local + SignedDuration::from_mins(1));
    }
    due.into_iter().collect()
}

/// Counting finds as many as the walk, whatever is kept.
fn counted(
    schedule: &Schedule,
    expected: &[Timestamp],
    after: Timestamp,
    until: Timestamp,
) -> Result<(), TestCaseError> {
    let found = due_times(std::slice::from_ref(schedule), after, until, 3, Keep::Last);
    let kept = &expected[expected.len().saturating_sub(3)..];
    prop_assert_eq!(&found.times[..], kept);
    prop_assert_eq!(found.omitted, u64::try_from(expected.len() - kept.len()).unwrap());
    Ok(())
}
