//! What is to come.

use provost_model::Automation;
use provost_planner::{Upcoming, forecast};

use crate::bench::Bench;
use crate::sample::{at, automation, cron, desired, every, freeze};

fn lines(upcoming: &[Upcoming]) -> Vec<String> {
    let line = |it: &Upcoming| {
        let skipped = it.skipped.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        format!("{} {}{skipped}", it.due.strftime("%H:%M:%S"), it.automation)
    };
    upcoming.iter().map(line).collect()
}

#[test]
fn the_next_due_times_of_all_come_soonest_first() {
    let hourly = Automation { schedules: vec![cron("0 * * * *")], ..automation("hourly") };
    let bench = Bench::with(desired([hourly, every("tick", 1_500), automation("hand")]));
    let until = at("2026-11-20T02:00:00Z");
    let expected = [
        "00:20:00 tick",
        "00:45:00 tick",
        "01:00:00 hourly",
        "01:10:00 tick",
        "01:35:00 tick",
        "02:00:00 hourly",
        "02:00:00 tick",
    ];
    assert_eq!(lines(&forecast(&bench.state, bench.now, until, 100)), expected);
    assert_eq!(lines(&forecast(&bench.state, bench.now, until, 3)), expected[..3]);
    assert_eq!(lines(&forecast(&bench.state, bench.now, bench.now, 100)), Vec::<String>::new());
    assert_eq!(lines(&forecast(&bench.state, bench.now, until, 0)), Vec::<String>::new());
}

#[test]
fn what_will_not_start_is_told_with_its_reason() {
    let suspended = Automation { suspend: true, ..every("suspended", 3_600) };
    let frozen = Automation { freezes: vec![freeze("0 1 * * *")], ..every("frozen", 3_600) };
    let mut bench = Bench::with(desired([suspended, frozen, every("paused", 3_600)]));
    bench.pause("paused", Some(at("2026-11-20T02:00:00Z")));
    let expected = [
        "01:00:00 frozen (frozen by Policy/shop: release night)",
        "01:00:00 paused (paused by ann: audit)",
        "01:00:00 suspended (suspended in its manifest)",
        "02:00:00 frozen",
        "02:00:00 paused",
        "02:00:00 suspended (suspended in its manifest)",
    ];
    assert_eq!(lines(&forecast(&bench.state, bench.now, at("2026-11-20T02:00:00Z"), 100)), expected);
}

#[test]
fn the_start_with_its_jitter_is_the_one_that_comes() {
    let mut tick = every("tick", 600);
    tick.schedules[0].jitter_s = 300;
    let mut bench = Bench::with(desired([tick]));
    let told = forecast(&bench.state, bench.now, at("2026-11-20T00:10:00Z"), 1).remove(0);
    bench.wait(900);
    assert_eq!(bench.started[0].0, told.start_at);
    assert!(told.start_at > told.due);
}

#[test]
fn what_is_forecast_is_what_happens() {
    let automations = || {
        [every("a", 700), every("b", 1_300), Automation { freezes: vec![freeze("20-40 * * * *")], ..every("c", 600) }]
    };
    let mut bench = Bench::with(desired(automations()));
    let until = at("2026-11-20T03:00:00Z");
    let told: Vec<_> = forecast(&bench.state, bench.now, until, 1_000)
        .into_iter()
        .map(|it| (it.due, it.automation, it.skipped.is_none()))
        .collect();
    bench.until(until);
    let mut happened: Vec<_> = bench
        .outcomes()
        .into_iter()
        .map(|it| (it.due, it.automation, matches!(it.verdict, provost_model::DueVerdict::Ran { .. })))
        .collect();
    happened.sort();
    assert_eq!(told, happened);
}
