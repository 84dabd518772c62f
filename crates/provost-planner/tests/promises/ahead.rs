//! Containers that are made before their due time.

use provost_model::{Automation, Moment, ReplyRule, StepOutput, Verdict};
use provost_planner::{AHEAD_MAX, AHEAD_S, Moves, made_ahead};

use crate::bench::{Bench, exits, globals, hangs, leaves};
use crate::sample::{
    at, automation, channel, desired, every, freeze, hook, name, period, telling, with_channels, with_hooks,
};

/// How many containers were made by now, and how many were started.
fn counts(bench: &Bench) -> (usize, usize) {
    (bench.made.len(), bench.started.len())
}

/// The container of the first step is made [`AHEAD_S`] before the due time, and is the very one that is started.
fn assert_made_ahead(automation: Automation, step: &str) {
    let mut bench = Bench::with(desired([automation]));
    bench.wait(600 - AHEAD_S - 1);
    assert_eq!(counts(&bench), (0, 0));
    bench.wait(1);
    assert_eq!(counts(&bench), (1, 0));
    let ahead = bench.made[0].clone();
    bench.wait(AHEAD_S + 300);
    let of_step: Vec<_> = bench.made.iter().filter(|request| request.step.step.as_str() == step).collect();
    assert_eq!(of_step, [&ahead], "made once, and what was made is what is wanted");
    bench.wait(1);
    bench.assert_clean();
}

#[test]
fn the_main_container_is_made_ahead() {
    assert_made_ahead(every("tick", 600), "main.1");
}

#[test]
fn the_first_hook_is_made_ahead_where_there_is_one() {
    assert_made_ahead(with_hooks(every("tick", 600), [hook("before", "run.starting")]), "run.starting-before");
}

#[test]
fn hooks_after_the_start_do_not_matter() {
    assert_made_ahead(
        with_hooks(every("tick", 600), [hook("begun", "run.started"), hook("after", "run.finished")]),
        "main.1",
    );
}

#[test]
fn parameters_and_jitter_do_not_change_what_is_made() {
    let mut tick = every("tick", 600);
    tick.params =
        serde_json::from_str(r#"{"day": {"type": "string", "required": false, "default": "monday", "options": []}}"#)
            .unwrap();
    tick.workload.args = vec!["--day".to_owned(), "$(params.day)".to_owned()];
    tick.schedules[0].jitter_s = 200;
    assert_made_ahead(tick, "main.1");
}

#[test]
fn what_hooks_set_meanwhile_makes_it_anew() {
    let mut bench = Bench::new();
    bench
        .script("other", [leaves(globals(r#"{"rate": 2}"#))])
        .apply(desired([every("tick", 600), automation("other")]));
    bench.wait(595);
    assert_eq!(counts(&bench), (1, 0));
    bench.run("other");
    bench.wait(5);
    let ticks: Vec<_> = bench.made.iter().filter(|request| request.workload.image == "tick").collect();
    assert_eq!(ticks.len(), 2);
    assert_ne!(ticks[0].digest(), ticks[1].digest());
    assert_eq!(ticks[1].workload.env["PROVOST_LOCAL_RATE"], "2");
    bench.assert_clean();
}

#[test]
fn a_revision_meanwhile_makes_it_anew() {
    let mut bench = Bench::with(desired([every("tick", 600)]));
    bench.wait(595);
    let mut changed = every("tick", 600);
    changed.workload.args = vec!["--new".to_owned()];
    bench.apply(desired([changed]));
    bench.wait(5);
    assert_eq!(bench.request("main.1").workload.args, ["--new"]);
    assert_eq!(counts(&bench), (2, 1));
    bench.assert_clean();
}

#[test]
fn what_is_not_wanted_any_more_is_removed() {
    let mut bench = Bench::with(desired([every("tick", 600)]));
    bench.wait(595);
    assert_eq!(bench.seen.containers.len(), 1);
    bench.pause("tick", None);
    bench.assert_clean();
    bench.wait(5);
    assert_eq!(counts(&bench), (1, 0));
}

#[test]
fn nothing_is_made_where_it_would_not_start() {
    let suspended = Automation { suspend: true, ..every("suspended", 600) };
    let frozen = Automation { freezes: vec![freeze("10 * * * *")], ..every("frozen", 600) };
    let mut bench = Bench::new();
    bench.script("busy", [hangs()]).apply(desired([suspended, frozen, every("busy", 600)]));
    bench.run("busy");
    bench.wait(595);
    assert_eq!(counts(&bench), (1, 1));
}

#[test]
fn nothing_is_made_while_the_server_ends() {
    let mut bench = Bench::with(desired([every("tick", 600)]));
    bench.record(provost_model::Fact::ServerStopping);
    bench.wait(595);
    assert_eq!(counts(&bench), (0, 0));
}

#[test]
fn a_receiver_that_is_asked_first_hinders_nothing() {
    let asked =
        provost_model::Channel { reply: Some(ReplyRule { timeout_s: 5, default: Verdict::Allow }), ..channel("ops") };
    let tick = telling(every("tick", 600), Moment::Starting, "ops");
    let mut bench = Bench::with(with_channels(desired([tick]), [asked]));
    bench.replies.insert(name("ops"), provost_model::Reply { allow: true, reason: String::new() });
    bench.wait(600);
    assert_eq!(counts(&bench), (1, 1));
    bench.assert_clean();
}

#[test]
fn a_run_that_waits_for_a_lock_keeps_what_was_made_for_it() {
    let lock = |it| Automation { locks: ["warehouse".to_owned()].into(), ..it };
    let mut bench = Bench::new();
    bench.script("holder", [exits(0, 620)]).apply(desired([lock(every("tick", 600)), lock(automation("holder"))]));
    bench.run("holder");
    bench.wait(625);
    let ticks = bench.made.iter().filter(|request| request.workload.image == "tick").count();
    assert_eq!((ticks, bench.started.len()), (1, 2));
}

#[test]
fn at_most_so_many_are_made_ahead() {
    let many = (0..AHEAD_MAX + 10).map(|index| every(&format!("tick-{index}"), 600));
    let mut bench = Bench::with(desired(many));
    bench.wait(595);
    assert_eq!(counts(&bench), (AHEAD_MAX, 0));
    assert_eq!(made_ahead(&bench.world(), &mut Moves::default()).len(), AHEAD_MAX);
    bench.wait(5);
    assert_eq!(bench.started.len(), AHEAD_MAX + 10);
    bench.assert_clean();
}

#[test]
fn a_short_period_makes_the_next_one_as_soon_as_the_last_has_ended() {
    let mut bench = Bench::new();
    let output = StepOutput::default();
    bench
        .script("tick", [leaves(output)])
        .apply(desired([Automation { schedules: vec![period(10)], ..automation("tick") }]));
    bench.until(at("2026-11-20T00:01:00Z"));
    assert_eq!(counts(&bench), (7, 6));
}
