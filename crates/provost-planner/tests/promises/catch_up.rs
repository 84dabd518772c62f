//! Due times that were missed while down: D3.

use provost_model::{Automation, CatchUp, Fact};

use crate::bench::Bench;
use crate::due::assert_accounted;
use crate::sample::{at, automation, cron, desired, every, freeze, name, period};

/// A job that is due each minute, after `seconds` of downtime.
fn after_down(catch_up: CatchUp, seconds: u64, change: impl FnOnce(&mut Automation)) -> Bench {
    let mut tick = Automation { catch_up, ..every("tick", 60) };
    change(&mut tick);
    let mut bench = Bench::with(desired([tick]));
    bench.down_for(seconds);
    bench
}

#[test]
fn d3_none_records_all_as_missed() {
    let bench = after_down(CatchUp::None, 340, |_| {});
    assert_eq!(bench.verdicts(), ["00:01:00 missed 5 down"]);
}

#[test]
fn d3_last_makes_up_for_the_last_one() {
    let bench = after_down(CatchUp::Last, 340, |_| {});
    assert_eq!(bench.verdicts(), ["00:01:00 missed 4 down", "00:05:00 ran"]);
    assert_eq!(bench.steps(), ["main.1"]);
}

#[test]
fn d3_last_makes_up_for_none_if_the_last_one_is_served_on_time() {
    let bench = after_down(CatchUp::Last, 305, |tick| tick.concurrency = provost_model::ConcurrencyPolicy::Allow);
    assert_eq!(bench.verdicts(), ["00:01:00 missed 4 down", "00:05:00 ran"]);
}

#[test]
fn d3_last_of_one_misses_none() {
    let bench = after_down(CatchUp::Last, 95, |_| {});
    assert_eq!(bench.verdicts(), ["00:01:00 ran"]);
}

#[test]
fn d3_all_makes_up_for_each_oldest_first_one_after_the_other() {
    let mut bench = Bench::new();
    bench
        .script("tick", [crate::bench::exits(0, 5)])
        .apply(desired([Automation { catch_up: CatchUp::All, ..every("tick", 60) }]));
    bench.down_for(220);
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 ran", "00:03:00 ran"]);
    bench.wait(19);
    let starts: Vec<String> =
        bench.started.iter().map(|(at, step)| format!("{} {}", at.strftime("%M:%S"), step.owner.id())).collect();
    assert_eq!(starts, ["03:40 tick.20261120T000100Z", "03:45 tick.20261120T000200Z", "03:50 tick.20261120T000300Z"]);
}

#[test]
fn d3_all_makes_up_for_at_most_a_hundred() {
    let bench = after_down(CatchUp::All, 150 * 60 + 40, |_| {});
    assert_eq!(bench.verdicts()[0], "00:01:00 missed 50 down");
    assert_eq!(bench.runs().len(), 100);
    assert_eq!(bench.runs()[0].as_str(), "tick.20261120T005100Z");
}

#[test]
fn d3_what_is_older_than_the_start_deadline_is_missed() {
    let bench = after_down(CatchUp::All, 340, |tick| tick.start_deadline_s = Some(150));
    let expected = [
        "00:01:00 missed 1 deadline",
        "00:02:00 missed 1 deadline",
        "00:03:00 missed 1 deadline",
        "00:04:00 ran",
        "00:05:00 ran",
    ];
    assert_eq!(bench.verdicts(), expected);
}

#[test]
fn d3_a_suspended_automation_makes_up_for_nothing() {
    let bench = after_down(CatchUp::All, 340, |tick| tick.suspend = true);
    assert_eq!(bench.verdicts(), ["00:01:00 missed 5 down"]);
}

#[test]
fn d3_what_would_have_been_frozen_is_not_made_up_for() {
    let bench = after_down(CatchUp::All, 220, |tick| tick.freezes = vec![freeze("2 * * * *")]);
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 frozen", "00:03:00 ran"]);
}

#[test]
fn d3_due_times_within_a_pause_are_not_made_up_for_and_those_after_it_are() {
    let mut bench = Bench::with(desired([Automation { catch_up: CatchUp::All, ..every("tick", 60) }]));
    bench.pause("tick", Some(at("2026-11-20T00:03:00Z")));
    bench.down_for(340);
    assert_eq!(bench.verdicts(), ["00:01:00 missed 2 down", "00:03:00 ran", "00:04:00 ran", "00:05:00 ran"]);
    assert_eq!(bench.state.ledgers[&name("tick")].pause, None);
}

#[test]
fn d3_due_times_while_the_startup_hooks_take_long_are_made_up_for() {
    let mut bench = Bench::new();
    bench.script("check", [crate::bench::exits(0, 200)]);
    let check = provost_model::Hook { timeout_s: 600, ..crate::sample::hook("check", "server.startup") };
    bench.apply(crate::sample::with_server_hooks(desired([every("tick", 60)]), [check]));
    bench.wait(199);
    assert_eq!(bench.verdicts(), Vec::<String>::new());
    bench.wait(1);
    assert_eq!(bench.verdicts(), ["00:01:00 missed 2 down", "00:03:00 ran"]);
}

#[test]
fn d3_ten_years_down_are_one_record_and_little_work() {
    let busy = Automation { schedules: vec![period(60), cron("*/7 2 * * mon")], ..automation("busy") };
    let (from, schedules) = (at("2026-11-20T00:00:00Z"), busy.schedules.clone());
    let mut bench = Bench::with(desired([busy]));
    let facts = bench.log.len();
    bench.down_for(10 * 365 * 86_400 + 5);
    let missed: Vec<_> = bench.log.iter().filter(|it| matches!(it.fact, Fact::DueMissed { .. })).collect();
    assert_eq!(missed.len(), 1);
    assert!(bench.log.len() < facts + 20, "{} facts", bench.log.len() - facts);
    let outcome = &bench.outcomes()[0];
    assert_eq!((outcome.due, outcome.count), (from + jiff::SignedDuration::from_secs(60), 10 * 365 * 1440 - 1));
    assert_accounted_coarsely(&bench, &schedules, from);
}

/// The sum of all counts is right.
fn assert_accounted_coarsely(bench: &Bench, schedules: &[provost_schedule::Schedule], from: jiff::Timestamp) {
    let due = provost_schedule::due_times(schedules, from, bench.now, 0, provost_schedule::Keep::Last);
    assert_eq!(bench.outcomes().iter().map(|outcome| outcome.count).sum::<u64>(), due.omitted);
}

#[test]
fn d3_downtime_within_the_time_of_grace_is_none() {
    let mut bench = Bench::with(desired([Automation { catch_up: CatchUp::None, ..every("tick", 60) }]));
    bench.wait(55);
    bench.down_for(20);
    assert_eq!(bench.verdicts(), ["00:01:00 ran"]);
    assert_accounted(&bench, &name("tick"), &[period(60)], at("2026-11-20T00:00:00Z"), bench.now);
}
