//! Runs that are asked to end, and servers that are: R4, R7.

use provost_model::{Fact, Hook, Outcome, StopCause};

use crate::bench::{Behaviour, Bench, exits, hangs};
use crate::sample::{automation, desired, every, hook, with_hooks};

#[test]
fn r7_a_stop_asks_the_container_and_runs_the_after_hooks() {
    let mut bench = Bench::new();
    bench.script("job", [Behaviour { is_deaf: true, ..hangs() }]);
    let hooks = [
        hook("before", "run.starting"),
        hook("undo", "run.cancelled"),
        hook("after", "run.finished"),
        hook("not", "run.failed"),
    ];
    bench.apply(desired([with_hooks(automation("job"), hooks)]));
    let run = bench.run("job");
    bench.stop(&run);
    assert!(bench.find(&run).is_going_on(), "ten seconds of grace");
    bench.wait(10).assert_clean();
    assert_eq!(bench.outcome(&run), (Outcome::Cancelled, "stopped by ann"));
    assert_eq!(bench.steps(), ["run.starting-before", "main.1", "run.cancelled-undo", "run.finished-after"]);
    let exit = bench.find(&run).attempts[0].result().unwrap();
    assert_eq!(exit.stopped, Some(StopCause::Cancel { by: "ann".to_owned() }));
}

#[test]
fn r4_a_stop_during_the_before_hooks_skips_the_main_container_and_not_the_after_hooks() {
    let mut bench = Bench::new();
    bench.script("before", [hangs()]);
    let hooks = [hook("before", "run.starting"), hook("second", "run.starting"), hook("after", "run.finished")];
    bench.apply(desired([with_hooks(automation("job"), hooks)]));
    let run = bench.run("job");
    bench.stop(&run).assert_clean();
    assert_eq!(bench.outcome(&run), (Outcome::Cancelled, "stopped by ann"));
    assert_eq!(bench.steps(), ["run.starting-before", "run.finished-after"]);
}

#[test]
fn a_stop_before_the_container_is_made_is_a_cancellation_and_no_failure() {
    let mut bench = Bench::with(desired([automation("job")]));
    bench.seen.is_complete = false;
    let run = bench.run("job");
    bench.stop(&run);
    assert_eq!(bench.outcome(&run), (Outcome::Cancelled, "stopped by ann"));
    bench.assert_clean();
}

#[test]
fn a_stop_between_attempts_ends_the_run_at_once() {
    let mut bench = Bench::new();
    let mut job = automation("job");
    job.retries.limit = 3;
    bench.script("job", [exits(1, 0)]).apply(desired([job]));
    let run = bench.run("job");
    bench.stop(&run).assert_clean();
    assert_eq!(bench.outcome(&run), (Outcome::Cancelled, "stopped by ann"));
}

#[test]
fn a_stop_of_a_run_that_waits_ends_it_without_any_hook() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([with_hooks(automation("job"), [hook("after", "run.finished")])]));
    bench.run("job");
    let second = bench.run("job");
    bench.stop(&second);
    assert_eq!(bench.outcome(&second), (Outcome::Cancelled, "stopped by ann"));
    assert_eq!(bench.steps(), ["main.1"]);
}

#[test]
fn r4_a_stop_leaves_what_goes_on_in_the_background_and_forgets_what_has_not_begun() {
    let mut bench = Bench::new();
    bench.script("first", [hangs()]).script("aside", [exits(0, 30)]);
    let aside = Hook { background: true, ..hook("aside", "run.starting") };
    let later = Hook { background: true, stage: provost_model::Stage::Post, ..hook("later", "run.starting") };
    bench.apply(desired([with_hooks(automation("job"), [hook("first", "run.starting"), aside, later])]));
    let run = bench.run("job");
    bench.stop(&run);
    assert_eq!(bench.outcome(&run).0, Outcome::Cancelled);
    assert!(bench.state.runs.contains_key(&run), "the background hook goes on");
    bench.wait(30).assert_clean();
    assert_eq!(bench.steps(), ["run.starting-first", "run.starting-aside"]);
    let later =
        bench.closed[&run].firings[0].steps.iter().find(|step| step.id.as_str() == "run.starting-later").unwrap();
    assert_eq!(later.result().unwrap().failure().unwrap(), "not started: stopped by ann");
}

#[test]
fn a_server_that_ends_begins_nothing_and_lets_runs_finish() {
    let mut bench = Bench::new();
    bench.script("tick", [exits(0, 90)]).apply(desired([every("tick", 60), automation("other")]));
    bench.wait(60);
    bench.record(Fact::ServerStopping);
    let waiting = bench.run("other");
    bench.wait(120);
    assert_eq!(bench.verdicts(), ["00:01:00 ran"]);
    assert_eq!(bench.outcome(&bench.runs()[0]).0, Outcome::Succeeded);
    assert_eq!(provost_model::RunRecord::of(bench.find(&waiting)).detail, "the server's next start");
    bench.down_for(1);
    bench.wait(5);
    assert_eq!(bench.outcome(&waiting).0, Outcome::Succeeded);
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 missed 1 down", "00:03:00 ran"]);
}

#[test]
fn a_server_that_ends_begins_no_further_attempt_and_no_main_container() {
    let mut bench = Bench::new();
    let mut job = with_hooks(automation("job"), [hook("before", "run.starting")]);
    job.retries.limit = 1;
    let mut failing = automation("failing");
    failing.retries.limit = 1;
    bench.script("before", [exits(0, 20)]).script("failing", [exits(1, 0)]).apply(desired([job, failing]));
    bench.run("job");
    bench.run("failing");
    bench.record(Fact::ServerStopping);
    bench.wait(300);
    assert_eq!(bench.steps(), ["run.starting-before", "main.1"]);
    bench.down_for(1);
    bench.wait(1).assert_clean();
    assert_eq!(bench.steps()[2..], ["main.2", "main.1"]);
}
