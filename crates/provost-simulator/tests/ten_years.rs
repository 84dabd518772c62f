//! D3: ten years in which nobody was there, and ten years by a step of the clock, cost what the policy says and no more.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use jiff::Timestamp;
use provost_model::{Cause, DueOutcome, DueVerdict, Fact};
use provost_simulator::{DAY, Dice, HOUR, Played, Record, Scenario, Shop, Trouble, play_scenario};

const TEN_YEARS: i64 = 3653 * DAY;

/// Plays an hour, `trouble`, and an hour after it.
fn played(catch_up: &str, trouble: Trouble, lasts: i64) -> Played {
    let start: Timestamp = "2026-11-20T12:00:30Z".parse().unwrap();
    let fields = [
        ("image", "\"job:1\""),
        ("schedule", "\"* * * * *\""),
        ("catchUp", catch_up),
        ("concurrencyPolicy", "Allow"),
        ("timeout", "1h"),
    ];
    let shop = Shop::of_one("minutely", &fields);
    let scenario = Scenario { troubles: vec![(HOUR, trouble)], ..Scenario::calm(start, 2 * HOUR + lasts) };
    let played = play_scenario(Dice::new(1), scenario, shop, false);
    assert!(played.breaches.is_empty(), "{:?}", played.breaches.first());
    played
}

fn catch_ups(record: &Record) -> usize {
    let is_it = |fact: &Fact| matches!(fact, Fact::RunAccepted { accepted } if accepted.cause == Cause::CatchUp);
    record.ledger.iter().filter(|noted| is_it(&noted.recorded.fact)).count()
}

/// Ranges of due times that were left out, and how many there are in them.
fn ranges(record: &Record) -> Vec<u64> {
    let outcomes = record.ledger.iter().filter_map(|noted| DueOutcome::of(&noted.recorded));
    let missed = outcomes.filter(|outcome| matches!(outcome.verdict, DueVerdict::Missed { .. }) && outcome.count > 1);
    missed.map(|outcome| outcome.count).collect()
}

#[test]
fn d3_ten_years_down_are_the_policys_runs_and_one_range() {
    for (how, runs) in [("None", 0..=0), ("Last", 0..=1), ("All", 100..=100)] {
        // Under `Last`, a due time that is served on time is the last one, and none is made up for.
        let played = played(how, Trouble::Kill(TEN_YEARS), TEN_YEARS);
        let caught_up = catch_ups(&played.record);
        assert!(runs.contains(&caught_up), "{how}: {caught_up}");
        let ranges = ranges(&played.record);
        assert_eq!(ranges.len(), 1, "{how}: {ranges:?}");
        let minutes = (TEN_YEARS / 60_000).unsigned_abs();
        assert!(ranges[0].abs_diff(minutes) <= 101, "{how}: {ranges:?} of {minutes}");
    }
}

#[test]
fn d3_the_work_after_ten_years_is_bounded_by_facts() {
    // Two hours of one run a minute, and a hundred runs to make up for: whatever the time between them.
    let day = played("All", Trouble::Kill(DAY), DAY).record.figures;
    let decade = played("All", Trouble::Kill(TEN_YEARS), TEN_YEARS).record.figures;
    assert!(decade.facts <= day.facts + 50, "{} facts after a day, {} after ten years", day.facts, decade.facts);
    assert!(decade.steps <= day.steps + 200, "{} steps after a day, {} after ten years", day.steps, decade.steps);
}

#[test]
fn t5_a_step_of_ten_years_is_like_a_downtime() {
    let played = played("Last", Trouble::ClockStep(TEN_YEARS), 0);
    assert!(catch_ups(&played.record) <= 1);
    assert_eq!(ranges(&played.record).len(), 1, "{:?}", ranges(&played.record));
}
