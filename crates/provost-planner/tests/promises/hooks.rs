//! Hooks of runs: R4, R5, R6, E1, E2, E3, and what hooks are handed.

use provost_model::{Automation, Exit, Hook, HookOwner, OnError, Outcome, Reply, Stage, StepOutput};

use crate::bench::{Bench, exits, globals, hangs, leaves, locals};
use crate::sample::{at, automation, desired, hook, name, with_hooks};

fn of_policy(policy: &str, order: i64, hook: Hook) -> Hook {
    Hook { owner: HookOwner::Policy { name: name(policy), order }, ..hook }
}

fn of_plugin(plugin: &str, order: i64, hook: Hook) -> Hook {
    Hook { owner: HookOwner::Plugin { name: name(plugin).into(), order }, ..hook }
}

/// The job with `hooks`, played to its end.
fn played(hooks: impl IntoIterator<Item = Hook>, script: impl FnOnce(&mut Bench)) -> (Bench, provost_model::RunId) {
    let mut bench = Bench::new();
    script(&mut bench);
    bench.apply(desired([with_hooks(automation("job"), hooks)]));
    let run = bench.run("job");
    bench.wait(1_000);
    (bench, run)
}

#[test]
fn r5_before_hooks_run_in_order_and_after_hooks_in_reverse() {
    let places = ["run.starting", "run.succeeded", "run.finished"];
    let hooks = places.iter().flat_map(|event| {
        [
            of_policy("first", 1, hook("a", event)),
            of_policy("second", 2, hook("a", event)),
            of_plugin("plug", 50, hook("a", event)),
            hook("own", event),
        ]
    });
    let (bench, _) = played(hooks, |_| {});
    let expected = [
        "run.starting-first.a",
        "run.starting-second.a",
        "run.starting-plug.a",
        "run.starting-own",
        "main.1",
        "run.succeeded-own",
        "run.succeeded-plug.a",
        "run.succeeded-second.a",
        "run.succeeded-first.a",
        "run.finished-own",
        "run.finished-plug.a",
        "run.finished-second.a",
        "run.finished-first.a",
    ];
    assert_eq!(bench.steps(), expected);
}

#[test]
fn r5_hooks_of_one_place_run_one_after_the_other() {
    let (bench, _) = played([hook("a", "run.starting"), hook("b", "run.starting")], |bench| {
        bench.script("a", [exits(0, 2)]).script("b", [exits(0, 2)]);
    });
    assert_eq!(bench.started[2].0, at("2026-11-20T00:00:04Z"));
}

#[test]
fn c23_parallel_hooks_run_at_once() {
    let parallel = |text| Hook { parallel: true, ..hook(text, "run.starting") };
    let (bench, _) = played([parallel("a"), parallel("b")], |bench| {
        bench.script("a", [exits(0, 2)]).script("b", [exits(0, 2)]);
    });
    assert_eq!(bench.started[2].0, at("2026-11-20T00:00:02Z"));
}

#[test]
fn r4_after_hooks_run_whatever_happened() {
    let cases: [(&str, crate::bench::Behaviour); 4] = [
        ("run.succeeded", exits(0, 1)),
        ("run.failed", exits(1, 1)),
        ("run.timedOut", hangs()),
        ("run.failed", exits(137, 1)),
    ];
    for (event, behaviour) in cases {
        let hooks = ["run.succeeded", "run.failed", "run.timedOut", "run.cancelled", "run.lost", "run.finished"];
        let (bench, _) = played(hooks.map(|event| hook("after", event)), |bench| {
            bench.script("job", [behaviour]);
        });
        assert_eq!(bench.steps(), ["main.1".to_owned(), format!("{event}-after"), "run.finished-after".to_owned()]);
        bench.assert_clean();
    }
}

#[test]
fn r4_after_hooks_run_when_a_before_hook_refuses() {
    let (bench, run) =
        played([hook("no", "run.starting"), hook("after", "run.failed"), hook("last", "run.finished")], |bench| {
            bench.script("no", [exits(2, 0)]);
        });
    assert_eq!(bench.steps(), ["run.starting-no", "run.failed-after", "run.finished-last"]);
    assert_eq!(bench.outcome(&run), (Outcome::Failed, "before-hook run.starting-no: exit 2"));
}

#[test]
fn r4_after_hooks_run_when_the_container_is_lost() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]);
    bench.apply(desired([with_hooks(automation("job"), [hook("after", "run.lost"), hook("last", "run.finished")])]));
    bench.run("job");
    bench.seen.containers.clear();
    bench.act().assert_clean();
    assert_eq!(bench.steps(), ["main.1", "run.lost-after", "run.finished-last"]);
}

#[test]
fn r4_all_after_hooks_run_though_one_of_them_fails() {
    let strict = |text| Hook { on_error: OnError::Fail, ..hook(text, "run.finished") };
    let (bench, run) = played([strict("a"), strict("b")], |bench| {
        bench.script("b", [exits(1, 0)]);
    });
    assert_eq!(bench.steps(), ["main.1", "run.finished-b", "run.finished-a"]);
    assert_eq!(bench.outcome(&run).0, Outcome::Succeeded, "after-hooks do not change the outcome");
}

#[test]
fn r6_a_before_hook_that_fails_stops_the_run_and_the_hooks_behind_it() {
    let (bench, run) = played([hook("a", "run.starting"), hook("b", "run.starting")], |bench| {
        bench.script("a", [exits(1, 0)]);
    });
    assert_eq!(bench.steps(), ["run.starting-a"]);
    assert_eq!(bench.outcome(&run).0, Outcome::Failed);
}

#[test]
fn r6_a_before_hook_that_takes_too_long_stops_the_run() {
    let (bench, run) = played([hook("a", "run.starting")], |bench| {
        bench.script("a", [hangs()]);
    });
    assert_eq!(bench.outcome(&run), (Outcome::Failed, "before-hook run.starting-a: timed out"));
}

#[test]
fn r6_a_before_hook_that_says_no_stops_the_run_for_its_reason() {
    let no =
        StepOutput { reply: Some(Reply { allow: false, reason: "stocktaking".to_owned() }), ..StepOutput::default() };
    let (bench, run) = played([hook("a", "run.starting"), hook("after", "run.cancelled")], |bench| {
        bench.script("a", [leaves(no)]);
    });
    assert_eq!(bench.outcome(&run), (Outcome::Cancelled, "denied by run.starting-a: stocktaking"));
    assert_eq!(bench.steps(), ["run.starting-a", "run.cancelled-after"]);
    let record = provost_model::RunRecord::of(bench.find(&run));
    assert_eq!(record.steps[0].failure.as_deref(), Some("denied: stocktaking"));
}

#[test]
fn c25_a_failure_that_is_ignored_is_recorded_and_the_run_goes_on() {
    let lenient = Hook { on_error: OnError::Ignore, ..hook("a", "run.starting") };
    let (bench, run) = played([lenient, hook("b", "run.starting")], |bench| {
        bench.script("a", [exits(9, 0)]);
    });
    assert_eq!(bench.steps(), ["run.starting-a", "run.starting-b", "main.1"]);
    let record = provost_model::RunRecord::of(bench.find(&run));
    let step = record.steps.iter().find(|step| step.id == "run.starting-a").unwrap();
    assert_eq!((record.outcome, step.failure.as_deref()), (Some(Outcome::Succeeded), Some("exit 9")));
}

#[test]
fn c21_a_background_hook_delays_nothing() {
    let aside = Hook { background: true, ..hook("aside", "run.starting") };
    let pre = Hook { stage: Stage::Pre, ..hook("pre", "run.starting") };
    let post = Hook { stage: Stage::Post, ..hook("post", "run.starting") };
    let mut bench = Bench::new();
    bench.script("aside", [exits(0, 60)]).script("pre", [exits(0, 5)]);
    bench.apply(desired([with_hooks(automation("job"), [aside, post, pre])]));
    let run = bench.run("job");
    bench.wait(10);
    let starts: Vec<(i64, &str)> =
        bench.started.iter().map(|(at, step)| (at.as_second() % 100, step.step.as_str())).collect();
    let at_start = starts[0].0;
    let expected = [(0, "run.starting-pre"), (5, "run.starting-aside"), (5, "run.starting-post"), (5, "main.1")];
    assert_eq!(starts.iter().map(|(at, step)| (at - at_start, *step)).collect::<Vec<_>>(), expected);
    assert_eq!(bench.outcome(&run).0, Outcome::Succeeded);
    assert!(bench.state.runs.contains_key(&run), "it is not closed before the background hook has ended");
    bench.wait(60).assert_clean();
}

#[test]
fn r6_a_failure_in_the_background_is_recorded_and_changes_nothing() {
    let aside = Hook { background: true, on_error: OnError::Fail, ..hook("aside", "run.starting") };
    let (bench, run) = played([aside], |bench| {
        bench.script("aside", [exits(5, 3)]);
    });
    let record = provost_model::RunRecord::of(&bench.closed[&run]);
    let step = record.steps.iter().find(|step| step.background).unwrap();
    assert_eq!((record.outcome, step.failure.as_deref()), (Some(Outcome::Succeeded), Some("exit 5")));
}

#[test]
fn c22_what_the_background_leaves_never_reaches_post_hooks_and_globals_come_later() {
    let aside = Hook { background: true, ..hook("aside", "run.starting") };
    let main = hook("slow", "run.starting");
    let post = Hook { stage: Stage::Post, ..hook("post", "run.starting") };
    let both = StepOutput { globals: globals(r#"{"g": 1}"#).globals, ..locals(r#"{"l": 1}"#) };
    // The background hook ends long before the post hook begins.
    let (bench, _) = played([aside, main, post], |bench| {
        bench.script("aside", [leaves(both)]).script("slow", [exits(0, 9)]);
    });
    let seen = |step: &str| (bench.request(step).event["locals"].clone(), bench.request(step).event["globals"].clone());
    assert_eq!(seen("run.starting-post"), (serde_json::json!({}), serde_json::json!({})));
    assert_eq!(seen("main.1"), (serde_json::json!({}), serde_json::json!({"g": 1})));
}

#[test]
fn c22_globals_of_a_background_hook_that_ends_last_are_kept() {
    let aside = Hook { background: true, ..hook("aside", "run.finished") };
    let (bench, _) = played([aside], |bench| {
        bench.script("aside", [crate::bench::Behaviour { lasts_s: Some(50), ..leaves(globals(r#"{"g": 1}"#)) }]);
    });
    assert_eq!(bench.state.globals["g"], 1);
    bench.assert_clean();
}

#[test]
fn e1_what_hooks_write_is_merged_deeply_and_progress_is_kept_in_order() {
    let step = |locals: &str, percent: i64| StepOutput {
        progress: vec![serde_json::json!({"percent": percent})],
        ..crate::bench::locals(locals)
    };
    let (bench, run) = played([hook("a", "run.starting"), hook("b", "run.starting")], |bench| {
        bench.script("a", [leaves(step(r#"{"x": {"one": 1, "two": 2}}"#, 10))]);
        bench.script("b", [leaves(step(r#"{"x": {"two": 3}}"#, 20))]);
    });
    assert_eq!(bench.request("main.1").event["locals"], serde_json::json!({"x": {"one": 1, "two": 3}}));
    let record = provost_model::RunRecord::of(bench.find(&run));
    assert_eq!(record.progress, [serde_json::json!({"percent": 10}), serde_json::json!({"percent": 20})]);
}

#[test]
fn e1_what_does_not_parse_is_an_error_of_the_step() {
    let broken =
        StepOutput { problems: vec!["locals.json: expected `,` at line 3".to_owned()], ..StepOutput::default() };
    let (bench, run) = played([hook("a", "run.starting")], |bench| {
        bench.script("a", [leaves(broken)]);
    });
    assert_eq!(bench.outcome(&run).1, "before-hook run.starting-a: locals.json: expected `,` at line 3");
}

#[test]
fn e2_what_an_earlier_hook_set_every_later_one_and_the_main_container_see() {
    let hooks = [hook("a", "run.starting"), hook("b", "run.starting"), hook("c", "run.finished")];
    let (bench, _) = played(hooks, |bench| {
        bench.script("a", [leaves(locals(r#"{"artifactPath": "/data/x", "deep": {"k": 1}}"#))]);
    });
    for step in ["run.starting-b", "main.1", "run.finished-c"] {
        let request = bench.request(step);
        assert_eq!(request.event["locals"]["artifactPath"], "/data/x", "{step}");
        assert_eq!(request.workload.env["PROVOST_LOCAL_ARTIFACT_PATH"], "/data/x");
        assert_eq!(request.workload.env["PROVOST_LOCAL_DEEP"], r#"{"k":1}"#);
    }
    assert!(!bench.request("run.starting-a").workload.env.contains_key("PROVOST_LOCAL_ARTIFACT_PATH"));
}

#[test]
fn e2_what_the_main_container_sets_after_hooks_see() {
    let (bench, _) = played([hook("after", "run.finished")], |bench| {
        bench.script("job", [leaves(locals(r#"{"rows": 7}"#))]);
    });
    assert_eq!(bench.request("run.finished-after").workload.env["PROVOST_LOCAL_ROWS"], "7");
}

#[test]
fn e2_locals_end_with_the_run_and_globals_do_not() {
    let mut bench = Bench::new();
    let both = StepOutput { globals: globals(r#"{"token": "g", "rate": 2}"#).globals, ..locals(r#"{"token": "l"}"#) };
    bench.script("a", [leaves(both), exits(0, 0)]);
    bench.apply(desired([with_hooks(automation("job"), [hook("a", "run.starting")])]));
    bench.run("job");
    // C14: a local hides the global of the same name.
    assert_eq!(bench.request("main.1").workload.env["PROVOST_LOCAL_TOKEN"], "l");
    assert_eq!(bench.request("main.1").workload.env["PROVOST_LOCAL_RATE"], "2");
    bench.down_for(10);
    bench.run("job");
    let env = &bench.request("main.1").workload.env;
    assert_eq!((env["PROVOST_LOCAL_TOKEN"].as_str(), env["PROVOST_LOCAL_RATE"].as_str()), ("g", "2"));
    assert_eq!(bench.request("main.1").event["locals"], serde_json::json!({}));
}

#[test]
fn e3_all_pre_hooks_end_before_any_main_and_all_main_before_any_post() {
    let stage = |stage, text| Hook { stage, parallel: true, ..hook(text, "run.finished") };
    let hooks = [
        stage(Stage::Post, "post"),
        stage(Stage::Main, "main-a"),
        stage(Stage::Pre, "pre"),
        stage(Stage::Main, "main-b"),
    ];
    let (bench, _) = played(hooks, |bench| {
        bench.script("pre", [exits(0, 3)]).script("main-a", [exits(0, 4)]).script("main-b", [exits(0, 9)]);
    });
    let base = at("2026-11-20T00:00:00Z").as_second();
    let starts: Vec<(i64, &str)> =
        bench.started[1..].iter().map(|(at, step)| (at.as_second() - base, step.step.as_str())).collect();
    let expected =
        [(0, "run.finished-pre"), (3, "run.finished-main-b"), (3, "run.finished-main-a"), (12, "run.finished-post")];
    assert_eq!(starts, expected);
}

#[test]
fn c9_a_hook_gets_just_the_keys_it_takes() {
    let taking = Hook { takes: Some(vec!["run".to_owned(), "attempt".to_owned()]), ..hook("a", "run.starting") };
    let (bench, run) = played([taking], |_| {});
    let request = bench.request("run.starting-a");
    assert_eq!(request.event["data"], serde_json::json!({"run": run, "attempt": 1}));
    assert!(!request.workload.env.contains_key("PROVOST_DUE"), "variables say no more than the data");
}

#[test]
fn c9_a_hook_that_takes_no_parameters_gets_none() {
    let mut job = with_hooks(
        automation("job"),
        [Hook { takes: Some(Vec::new()), ..hook("a", "run.starting") }, hook("b", "run.starting")],
    );
    job.params = serde_json::from_str(r#"{"day": {"type": "string", "required": true, "options": []}}"#).unwrap();
    let mut bench = Bench::with(desired([job]));
    bench.run_with("job", r#"{"day": "monday"}"#, false);
    assert!(!bench.request("run.starting-a").workload.env.contains_key("PROVOST_PARAM_DAY"));
    assert_eq!(bench.request("run.starting-b").workload.env["PROVOST_PARAM_DAY"], "monday");
}

#[test]
fn c10_a_missing_key_fails_naming_handler_and_key() {
    let taking = Hook { takes: Some(vec!["order".to_owned()]), ..hook("a", "run.starting") };
    let (bench, run) = played([taking], |_| {});
    let expected =
        "before-hook run.starting-a: not started: hook a takes `order`, which the event run.starting does not carry";
    assert_eq!(bench.outcome(&run), (Outcome::Failed, expected));
    assert!(bench.started.is_empty());
    let exit = &bench.find(&run).firings[0].steps[0].result().unwrap().exit;
    assert!(matches!(exit, Exit::NotStarted { .. }));
}

#[test]
fn a03_the_error_hook_gets_name_run_exit_code_and_log_tail_once() {
    let tail = StepOutput { tail: "disk is full".to_owned(), ..StepOutput::default() };
    let (bench, run) = played([hook("alarm", "run.failed")], |bench| {
        bench.script("job", [crate::bench::Behaviour { code: 3, ..leaves(tail) }]);
    });
    assert_eq!(bench.count("run.failed-alarm"), 1);
    let data = &bench.request("run.failed-alarm").event["data"];
    let found = [&data["automation"], &data["run"], &data["exitCode"], &data["logTail"], &data["outcome"]];
    assert_eq!(
        found.map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned)),
        ["job", run.as_str(), "3", "disk is full", "Failed"]
    );
    assert_eq!(bench.request("run.failed-alarm").event["standard"]["traceback"], "disk is full");
}

#[test]
fn a_run_keeps_the_hooks_of_the_revision_that_accepted_it() {
    let mut bench = Bench::new();
    bench.script("job", [exits(0, 30)]).apply(desired([with_hooks(automation("job"), [hook("old", "run.finished")])]));
    bench.run("job");
    bench.apply(desired([with_hooks(Automation { timeout_s: 1, ..automation("job") }, [hook("new", "run.finished")])]));
    bench.wait(30).assert_clean();
    assert_eq!(bench.steps(), ["main.1", "run.finished-old"]);
    bench.apply(desired([]));
    assert_eq!(bench.outcome(&bench.runs()[0]).0, Outcome::Succeeded);
}

#[test]
fn a_run_whose_automation_goes_may_finish() {
    let mut bench = Bench::new();
    bench
        .script("job", [exits(0, 30)])
        .apply(desired([with_hooks(automation("job"), [hook("after", "run.finished")])]));
    let run = bench.run("job");
    bench.apply(desired([]));
    bench.wait(30).assert_clean();
    assert_eq!(bench.outcome(&run).0, Outcome::Succeeded);
    assert_eq!(bench.steps(), ["main.1", "run.finished-after"]);
}
