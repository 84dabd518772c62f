//! Events that are no run's own: E4, E5, and the server's.

use provost_model::{Automation, EventFact, Fact, Hook, HookOwner, OnError, Stage};

use crate::bench::{Bench, exits, globals, hangs, leaves, locals};
use crate::sample::{automation, desired, every, hook, name, on, with_hooks, with_server_hooks};

fn handled(bench: &Bench) -> Vec<Option<String>> {
    let failure = |fact: &Fact| match fact {
        Fact::Event { change: EventFact::Handled { failure }, .. } => Some(failure.clone()),
        _ => None,
    };
    bench.log.iter().filter_map(|it| failure(&it.fact)).collect()
}

#[test]
fn c05_an_event_that_somebody_invented_fires_its_hooks() {
    let mut bench = Bench::with(with_server_hooks(desired([]), [hook("pick", "orders.arrived")]));
    let event = bench.fire("orders.arrived", r#"{"count": 3, "message": "three orders"}"#);
    let request = bench.request("orders.arrived-pick");
    assert_eq!(request.event["data"]["count"], 3);
    assert_eq!((&request.event["id"], &request.event["event"]), (&event.as_str().into(), &"orders.arrived".into()));
    assert_eq!(request.event["standard"]["message"], "three orders");
    bench.assert_clean();
}

#[test]
fn c06_an_event_that_nothing_is_bound_to_is_recorded_and_does_nothing() {
    let mut bench = Bench::with(desired([automation("job")]));
    bench.fire("orders.arrived", "{}");
    bench.assert_clean();
    assert!(bench.made.is_empty() && bench.runs().is_empty());
    assert_eq!(handled(&bench).last(), Some(&None));
}

#[test]
fn e4_events_are_handled_in_the_order_of_arrival() {
    let mut bench = Bench::new();
    bench.script("pick", [exits(0, 10)]);
    bench.apply(with_server_hooks(desired([]), [hook("pick", "orders.arrived"), hook("sweep", "orders.gone")]));
    let first = bench.fire("orders.arrived", "{}");
    let second = bench.fire("orders.gone", "{}");
    let third = bench.fire("orders.arrived", "{}");
    assert_eq!(bench.started.len(), 1);
    bench.wait(20);
    let order: Vec<&str> = bench.started.iter().map(|(_, step)| step.owner.id()).collect();
    assert_eq!(order, [first.as_str(), second.as_str(), third.as_str()]);
}

#[test]
fn e4_events_of_different_automations_do_not_wait_for_each_other() {
    let late = |text: &str| Automation { late_after_s: 0, ..with_hooks(every(text, 60), [hook("sit", "run.late")]) };
    let mut bench = Bench::new();
    bench.script("sit", [hangs()]).apply(desired([late("a"), late("b")]));
    bench.jump(70);
    bench.act();
    let waiting: Vec<_> = bench.started.iter().filter(|(_, step)| step.step.as_str() == "run.late-sit").collect();
    assert_eq!(waiting.len(), 2, "both at once: {:?}", bench.steps());
}

#[test]
fn e4_the_servers_own_events_wait_for_no_other() {
    let mut bench = Bench::new();
    bench.script("sit", [hangs()]);
    bench.apply(with_server_hooks(desired([]), [hook("sit", "orders.arrived"), hook("down", "server.shutdown")]));
    bench.fire("orders.arrived", "{}");
    bench.record(Fact::ServerStopping);
    bench.fire("server.shutdown", "{}");
    assert_eq!(bench.steps(), ["orders.arrived-sit", "server.shutdown-down"]);
}

#[test]
fn e5_an_accepted_event_survives_a_crash() {
    let mut bench = Bench::new();
    bench.script("pick", [exits(0, 10)]).apply(with_server_hooks(desired([]), [hook("pick", "orders.arrived")]));
    bench.seen.is_complete = false;
    bench.fire("orders.arrived", "{}");
    bench.fire("orders.arrived", "{}");
    bench.down_for(60);
    bench.seen.is_complete = true;
    bench.act();
    bench.wait(20).assert_clean();
    assert_eq!(bench.started.len(), 2);
}

#[test]
fn e5_the_same_event_accepted_twice_is_handled_once() {
    let mut bench = Bench::with(with_server_hooks(desired([]), [hook("pick", "orders.arrived")]));
    bench.seen.is_complete = false;
    bench.fire("orders.arrived", "{}");
    let again = bench.log.iter().rev().find(|it| matches!(it.fact, Fact::EventAccepted { .. })).unwrap().fact.clone();
    bench.record(again);
    bench.seen.is_complete = true;
    bench.act().assert_clean();
    assert_eq!(bench.started.len(), 1);
}

#[test]
fn e2_locals_of_an_event_end_with_it_and_globals_reach_the_next() {
    let mut bench = Bench::new();
    let both = provost_model::StepOutput { globals: globals(r#"{"seen": 1}"#).globals, ..locals(r#"{"path": "/x"}"#) };
    let pre = Hook { stage: Stage::Pre, ..hook("locate", "orders.arrived") };
    let post = Hook { stage: Stage::Post, ..hook("file", "orders.arrived") };
    bench.script("locate", [leaves(both), exits(0, 0)]);
    bench.apply(with_server_hooks(desired([]), [post, hook("pick", "orders.arrived"), pre]));
    bench.fire("orders.arrived", "{}");
    // C15: what a pre hook made reaches main and post hooks, unasked by whoever fired.
    for step in ["orders.arrived-pick", "orders.arrived-file"] {
        assert_eq!(bench.request(step).event["locals"]["path"], "/x");
    }
    bench.fire("orders.arrived", "{}");
    let env = &bench.request("orders.arrived-pick").workload.env;
    assert!(!env.contains_key("PROVOST_LOCAL_PATH"), "C12");
    assert_eq!(env["PROVOST_LOCAL_SEEN"], "1", "C11");
}

#[test]
fn r6_a_hook_that_fails_ends_its_event_and_it_triggers_nothing() {
    let strict = Hook { on_error: OnError::Fail, ..hook("check", "orders.arrived") };
    let mut job = automation("job");
    job.triggers = vec![on("orders.arrived")];
    let mut bench = Bench::new();
    bench.script("check", [exits(1, 0)]);
    bench.apply(with_server_hooks(desired([job]), [strict, hook("pick", "orders.arrived")]));
    bench.fire("orders.arrived", "{}");
    assert_eq!(bench.steps(), ["orders.arrived-check"]);
    assert_eq!(handled(&bench).last().unwrap().as_deref(), Some("hook orders.arrived-check: exit 1"));
    assert!(bench.runs().is_empty());
    bench.assert_clean();
}

#[test]
fn revisions_and_drift_are_events() {
    let hooks =
        ["revision.applied", "revision.rejected", "drift.found", "drift.corrected"].map(|event| hook("tell", event));
    let mut bench = Bench::with(with_server_hooks(desired([]), hooks));
    let revision = provost_model::RevisionId::parse("bad").unwrap();
    bench.record(Fact::RevisionRejected { revision, errors: 2, report: "E0142".to_owned() });
    let (container, what) = ("x".to_owned(), "it is gone".to_owned());
    bench.record(Fact::DriftFound { container: container.clone(), what: what.clone() });
    bench.record(Fact::DriftCorrected { container, what });
    bench.act().assert_clean();
    let expected = ["revision.applied-tell", "revision.rejected-tell", "drift.found-tell", "drift.corrected-tell"];
    assert_eq!(bench.steps(), expected);
    assert_eq!(bench.request("revision.rejected-tell").event["data"]["errors"], 2);
}

#[test]
fn skipped_and_missed_due_times_and_late_runs_are_events() {
    let hooks = ["run.skipped", "run.missed", "run.late"].map(|event| hook("tell", event));
    let tick = Automation { late_after_s: 30, ..with_hooks(every("tick", 60), hooks) };
    let mut bench = Bench::new();
    bench.script("tick", [exits(0, 70)]).apply(desired([tick]));
    bench.wait(121);
    bench.wait(20);
    assert_eq!(bench.steps(), ["main.1", "run.skipped-tell"]);
    assert_eq!(bench.request("run.skipped-tell").event["data"]["reason"], "overlap");
    bench.down_for(200);
    let steps = bench.steps();
    assert!(steps.contains(&"run.missed-tell") && steps.contains(&"run.late-tell"), "{steps:?}");
    assert_eq!(bench.request("run.missed-tell").event["data"]["count"], 2);
}

#[test]
fn two_owners_may_use_one_name_for_a_hook() {
    let of = |plugin: &str| Hook {
        owner: HookOwner::Plugin { name: name(plugin).into(), order: 0 },
        ..hook("pick", "orders.arrived")
    };
    let mut bench = Bench::with(with_server_hooks(desired([]), [of("one"), of("two")]));
    bench.fire("orders.arrived", "{}");
    assert_eq!(bench.steps(), ["orders.arrived-one.pick", "orders.arrived-two.pick"]);
}
