//! The startup gate: A1.

use provost_model::{CatchUp, Fact, Hook, OnError, Outcome, Startup};

use crate::bench::{Bench, exits, hangs};
use crate::sample::{automation, desired, every, hook, on, with_server_hooks};

fn check() -> Hook {
    Hook { on_error: OnError::Fail, timeout_s: 600, ..hook("check", "server.startup") }
}

fn shop() -> provost_model::Desired {
    let mut triggered = automation("triggered");
    triggered.triggers = vec![on("orders.arrived")];
    with_server_hooks(desired([every("tick", 60), automation("job"), triggered]), [check()])
}

#[test]
fn a01_nothing_starts_before_the_startup_hooks_have_ended_well() {
    let mut bench = Bench::new();
    bench.script("check", [exits(0, 10)]).apply(shop());
    bench.run("job");
    bench.fire("orders.arrived", "{}");
    bench.wait(9);
    assert_eq!(bench.steps(), ["server.startup-check"]);
    bench.wait(1);
    assert_eq!(bench.steps().len(), 3);
    bench.assert_clean();
}

#[test]
fn a01_a_startup_hook_that_refuses_leaves_all_unstarted_with_its_reason() {
    let mut bench = Bench::new();
    bench.script("check", [exits(1, 10)]).apply(shop());
    let run = bench.run("job");
    bench.wait(130);
    let why = "hook server.startup-check: exit 1".to_owned();
    assert_eq!(bench.state.server.startup, Startup::Refused { why });
    assert_eq!(bench.steps(), ["server.startup-check"]);
    assert_eq!(bench.verdicts(), ["00:01:00 policy", "00:02:00 policy"]);
    assert_eq!(provost_model::RunRecord::of(bench.find(&run)).detail, "the server's startup hooks, which refused");
}

#[test]
fn a01_a_new_revision_or_a_new_start_asks_again() {
    let mut bench = Bench::new();
    bench.script("check", [exits(1, 0), exits(1, 0), exits(0, 0)]).apply(shop());
    let run = bench.run("job");
    bench.down_for(1);
    assert!(matches!(bench.state.server.startup, Startup::Refused { .. }));
    let mut better = shop();
    better.automations.remove("tick");
    bench.apply(better);
    assert_eq!(bench.state.server.startup, Startup::Passed);
    assert_eq!(bench.outcome(&run).0, Outcome::Succeeded);
    assert_eq!(bench.count("server.startup-check"), 3);
}

#[test]
fn a01_what_was_interrupted_begins_no_container_before_the_startup_hooks_have_ended() {
    let mut bench = Bench::new();
    let mut job = automation("job");
    job.retries.limit = 1;
    bench.script("check", [exits(0, 0), exits(0, 50)]).script("job", [exits(1, 0), exits(0, 0)]);
    bench.apply(with_server_hooks(desired([job]), [check()]));
    let run = bench.run("job");
    bench.down_for(10);
    bench.wait(40);
    assert_eq!(bench.steps(), ["server.startup-check", "main.1", "server.startup-check"]);
    bench.wait(10);
    assert_eq!(bench.outcome(&run).0, Outcome::Succeeded);
}

#[test]
fn a01_a_run_that_goes_on_is_followed_to_its_end_meanwhile() {
    let mut bench = Bench::new();
    bench.script("check", [exits(0, 0), hangs()]).script("job", [exits(0, 30)]);
    bench.apply(with_server_hooks(desired([automation("job")]), [check()]));
    let run = bench.run("job");
    bench.down_for(60);
    assert_eq!(bench.outcome(&run).0, Outcome::Succeeded);
}

#[test]
fn d1_what_was_missed_before_a_refusal_is_missed() {
    let mut bench = Bench::new();
    bench.script("check", [exits(0, 0), exits(1, 0)]);
    let tick = provost_model::Automation { catch_up: CatchUp::All, ..every("tick", 60) };
    bench.apply(with_server_hooks(desired([tick]), [check()]));
    bench.down_for(220);
    assert_eq!(bench.verdicts(), ["00:01:00 missed 3 down"]);
}

#[test]
fn d05_an_empty_server_idles() {
    let mut bench = Bench::with(desired([]));
    assert_eq!(bench.state.server.startup, Startup::Passed);
    assert_eq!(bench.wake_at, None);
    let facts = bench.log.len();
    bench.wait(86_400);
    assert_eq!(bench.log.len(), facts);
}

#[test]
fn before_the_first_revision_nothing_is_decided() {
    let mut bench = Bench::new();
    bench.wait(3_600);
    assert_eq!(bench.log.len(), 1);
    assert!(matches!(bench.log[0].fact, Fact::ServerStarted { .. }));
}
