//! What events start.

use provost_model::{Automation, Cause, ConcurrencyPolicy, Fact, Moment, SkipReason, Trigger};

use crate::bench::{Bench, exits, hangs};
use crate::sample::{automation, channel, desired, name, on, telling, with_channels};

fn triggered(text: &str, triggers: impl IntoIterator<Item = Trigger>) -> Automation {
    Automation { triggers: triggers.into_iter().collect(), ..automation(text) }
}

fn started(bench: &Bench) -> Vec<String> {
    bench.runs().iter().map(|run| run.as_str().split('.').next().unwrap().to_owned()).collect()
}

fn skips(bench: &Bench) -> Vec<(SkipReason, String)> {
    let skip = |fact: &Fact| match fact {
        Fact::TriggerSkipped { reason, detail, .. } => Some((*reason, detail.clone())),
        _ => None,
    };
    bench.log.iter().filter_map(|it| skip(&it.fact)).collect()
}

#[test]
fn a_run_starts_what_waits_for_its_success() {
    let load = triggered("load", [Trigger { from: Some(name("extract")), ..on("run.succeeded") }]);
    let mut bench = Bench::with(desired([automation("extract"), automation("other"), load]));
    bench.run("other");
    let extract = bench.run("extract");
    assert_eq!(started(&bench), ["other", "extract", "load"]);
    let load = bench.runs()[2].clone();
    assert!(matches!(&bench.find(&load).cause, Cause::Trigger { event, .. } if event == "run.succeeded"));
    assert_eq!(bench.find(&extract).outcome().unwrap().0, provost_model::Outcome::Succeeded);
    bench.assert_clean();
}

#[test]
fn every_event_of_a_run_can_start_another() {
    let cases = [
        ("run.starting", exits(0, 0)),
        ("run.started", exits(0, 0)),
        ("run.succeeded", exits(0, 0)),
        ("run.failed", exits(1, 0)),
        ("run.retrying", exits(1, 0)),
        ("run.timedOut", hangs()),
        ("run.finished", exits(1, 0)),
    ];
    for (event, behaviour) in cases {
        let then = triggered("then", [Trigger { from: Some(name("job")), ..on(event) }]);
        let mut job = Automation { timeout_s: 5, ..automation("job") };
        job.retries.limit = u32::from(event == "run.retrying");
        let mut bench = Bench::new();
        bench.script("job", [behaviour]).apply(desired([job, then]));
        bench.run("job");
        bench.wait(100);
        assert_eq!(started(&bench), ["job", "then"], "{event}");
    }
}

#[test]
fn a_cancelled_and_a_lost_run_can_start_another() {
    let then = |event| triggered("then", [Trigger { from: Some(name("job")), ..on(event) }]);
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([automation("job"), then("run.cancelled")]));
    let run = bench.run("job");
    bench.stop(&run);
    assert_eq!(started(&bench), ["job", "then"]);
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([automation("job"), then("run.lost")]));
    bench.run("job");
    bench.seen.containers.clear();
    bench.act();
    assert_eq!(started(&bench), ["job", "then"]);
}

#[test]
fn each_retry_is_an_event_of_its_own() {
    let then = Automation { concurrency: ConcurrencyPolicy::Allow, ..triggered("then", [on("run.retrying")]) };
    let mut job = automation("job");
    job.retries.limit = 2;
    let mut bench = Bench::new();
    bench.script("job", [exits(1, 0)]).apply(desired([job, then]));
    bench.run("job");
    bench.wait(500);
    assert_eq!(started(&bench), ["job", "then", "then"]);
}

#[test]
fn late_skipped_and_missed_can_start_another() {
    let then = triggered("then", [on("run.missed")]);
    let mut bench = Bench::with(desired([
        Automation { catch_up: provost_model::CatchUp::None, ..crate::sample::every("tick", 60) },
        then,
    ]));
    bench.down_for(100);
    assert_eq!(started(&bench), ["then"]);
}

#[test]
fn a_condition_over_the_data_decides() {
    let when = |text: &str| Trigger { when: Some(text.to_owned()), ..on("orders.arrived") };
    let mut bench = Bench::with(desired([triggered("job", [when("data.count > 2")])]));
    bench.fire("orders.arrived", r#"{"count": 2}"#);
    assert_eq!(started(&bench).len(), 0);
    bench.fire("orders.arrived", r#"{"count": 3}"#);
    assert_eq!(started(&bench).len(), 1);
    bench.fire("orders.arrived", "{}");
    assert_eq!(started(&bench).len(), 1, "what cannot be evaluated does not hold");
}

#[test]
fn a_condition_knows_the_event_and_its_subject() {
    let when = r#"event == "run.succeeded" && subject == "extract" && data.attempt == 1"#.to_owned();
    let then = triggered("then", [Trigger { when: Some(when), ..on("run.succeeded") }]);
    let mut bench = Bench::with(desired([automation("extract"), automation("other"), then]));
    bench.run("other");
    bench.run("extract");
    assert_eq!(started(&bench), ["other", "extract", "then"]);
}

#[test]
fn two_triggers_that_both_match_start_one_run() {
    let mut bench = Bench::with(desired([triggered("job", [on("orders.arrived"), on("orders.arrived")])]));
    bench.fire("orders.arrived", "{}");
    assert_eq!(started(&bench).len(), 1);
}

#[test]
fn parameters_come_from_the_data_and_what_does_not_fit_is_a_skip() {
    let mut job = triggered("job", [on("orders.arrived")]);
    job.params =
        serde_json::from_str(r#"{"count": {"type": "integer", "required": true, "minimum": 1, "options": []}}"#)
            .unwrap();
    let mut bench = Bench::with(desired([job]));
    bench.fire("orders.arrived", r#"{"count": 5, "colour": "red"}"#);
    assert_eq!(bench.request("main.1").event["data"]["params"], serde_json::json!({"count": 5}));
    bench.fire("orders.arrived", r#"{"count": 0}"#);
    bench.fire("orders.arrived", "{}");
    let expected = ["parameter `count`: 0 is less than 1", "parameter `count` is missing"];
    assert_eq!(skips(&bench), expected.map(|detail| (SkipReason::Invalid, detail.to_owned())));
}

#[test]
fn d5_a_trigger_that_meets_an_open_run_is_skipped_or_waits_like_a_due_time() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([triggered("job", [on("orders.arrived")])]));
    bench.fire("orders.arrived", "{}");
    bench.fire("orders.arrived", "{}");
    assert_eq!(started(&bench).len(), 1);
    assert_eq!(skips(&bench)[0].0, SkipReason::Overlap);
    let queued = Automation { concurrency: ConcurrencyPolicy::Queue, ..triggered("job", [on("orders.arrived")]) };
    bench.apply(desired([queued]));
    bench.fire("orders.arrived", "{}");
    bench.fire("orders.arrived", "{}");
    assert_eq!((started(&bench).len(), skips(&bench).len()), (2, 2));
}

#[test]
fn a_flagged_run_starts_flagged_runs_and_tells_nobody() {
    let then = telling(triggered("then", [on("run.succeeded")]), Moment::Success, "ops");
    let job = telling(automation("job"), Moment::Success, "ops");
    let mut then_once = then.clone();
    then_once.triggers[0].from = Some(name("job"));
    let mut bench = Bench::with(with_channels(desired([job, then_once]), [channel("ops")]));
    bench.run_with("job", "{}", true);
    let then = bench.runs()[1].clone();
    assert!(bench.find(&then).testing);
    assert_eq!(bench.request("main.1").event["standard"]["testing"], true);
    assert_eq!(bench.request("main.1").workload.env["PROVOST_TESTING"], "true");
    assert_eq!(bench.heard(), Vec::<String>::new());
}

#[test]
fn d2_the_run_is_a_function_of_the_event() {
    let mut bench = Bench::with(desired([triggered("job", [on("orders.arrived")])]));
    let event = bench.fire("orders.arrived", "{}");
    assert_eq!(bench.runs(), [provost_model::RunId::caused(&name("job"), event.as_str())]);
}
