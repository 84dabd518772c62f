//! What containers are asked to be: E1, A28, R3, and placeholders.

use std::collections::BTreeMap;

use provost_model::{Automation, LABEL_INSTANCE, LABEL_OWNER, LABEL_OWNER_KIND, LABEL_REQUEST, LABEL_STEP, Target};
use provost_planner::{Requests, masked_values};

use crate::bench::{Bench, exits, hangs, leaves, locals};
use crate::sample::{
    automation, channel, desired, every, hook, with_channels, with_hooks, with_server_hooks, workload,
};

fn params(text: &str) -> BTreeMap<String, provost_model::Param> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn e1_the_main_container_gets_its_event_and_its_variables() {
    let mut job = automation("job");
    job.labels.insert("team".to_owned(), "finance".to_owned());
    job.params = params(r#"{"limit": {"type": "integer", "required": false, "default": 5, "options": []}}"#);
    job.retries.limit = 2;
    let mut bench = Bench::with(desired([job]));
    let run = bench.run("job");
    let request = bench.request("main.1");
    let expected = serde_json::json!({
        "event": "run.main",
        "id": run,
        "time": "2026-11-20T00:00:00Z",
        "subject": "job",
        "data": {
            "automation": "job", "labels": {"team": "finance"}, "run": run, "due": "2026-11-20T00:00:00Z",
            "attempt": 1, "attempts": 3, "cause": {"cause": "manual", "by": "ann"}, "params": {"limit": 5},
            "testing": false, "image": "job",
        },
        "locals": {},
        "globals": {},
        "config": null,
        "standard": {
            "host": "ber-1", "user": "provost", "pid": 42, "process": "provost", "version": "1.0.0",
            "kind": "information", "testing": false, "task": "main.1", "message": "job is due 2026-11-20T00:00:00Z",
            "traceback": "",
        },
    });
    assert_eq!(request.event, expected);
    let text = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let expected = text(&[
        ("PROVOST_ATTEMPT", "1"),
        ("PROVOST_AUTOMATION", "job"),
        ("PROVOST_DUE", "2026-11-20T00:00:00Z"),
        ("PROVOST_EVENT", "run.main"),
        ("PROVOST_HOST", "ber-1"),
        ("PROVOST_INSTANCE", "test"),
        ("PROVOST_PARAM_LIMIT", "5"),
        ("PROVOST_RUN", run.as_str()),
        ("PROVOST_STEP", "main.1"),
        ("PROVOST_TESTING", "false"),
    ]);
    assert_eq!(request.workload.env, expected);
}

#[test]
fn a28_the_kind_of_each_event_is_told() {
    let kinds = [
        ("run.starting", exits(0, 0), "start"),
        ("run.succeeded", exits(0, 0), "success"),
        ("run.failed", exits(1, 0), "failure"),
        ("run.finished", exits(0, 0), "end"),
    ];
    for (event, behaviour, kind) in kinds {
        let mut bench = Bench::new();
        bench.script("job", [behaviour]).apply(desired([with_hooks(automation("job"), [hook("tell", event)])]));
        bench.run("job");
        let request = bench.request(&format!("{event}-tell"));
        assert_eq!(request.event["standard"]["kind"], kind);
        assert_eq!(request.event["event"], event);
    }
    let mut bench = Bench::with(with_server_hooks(desired([]), [hook("tell", "orders.arrived")]));
    bench.fire("orders.arrived", "{}");
    assert_eq!(bench.request("orders.arrived-tell").event["standard"]["kind"], "other");
}

#[test]
fn r3_names_and_labels_say_whose_container_it_is() {
    let mut bench = Bench::with(desired([with_hooks(automation("job"), [hook("tell", "run.finished")])]));
    let run = bench.run("job");
    let request = bench.request("run.finished-tell");
    assert_eq!(request.name.as_str(), format!("provost-test-{run}-run.finished-tell"));
    let labels = request.labels();
    let found = [LABEL_INSTANCE, LABEL_OWNER_KIND, LABEL_OWNER, LABEL_STEP].map(|label| labels[label].as_str());
    assert_eq!(found, ["test", "run", run.as_str(), "run.finished-tell"]);
    assert_eq!(labels[LABEL_REQUEST], request.digest().as_str());
}

#[test]
fn parameters_fill_placeholders_in_one_pass() {
    let mut job = automation("job");
    job.params = params(
        r#"{"day": {"type": "string", "required": true, "options": []}, "n": {"type": "integer", "required": true, "options": []}}"#,
    );
    job.workload.command = vec!["report".to_owned(), "--since=$(params.day)".to_owned()];
    job.workload.args = vec!["$(params.n)$(params.n)".to_owned(), "$(params.day".to_owned(), "$(other)".to_owned()];
    job.workload.env.insert("DAY".to_owned(), "<$(params.day)>".to_owned());
    let mut bench = Bench::with(desired([job]));
    bench.run_with("job", r#"{"day": "$(params.n)", "n": 7}"#, false);
    let workload = &bench.request("main.1").workload;
    assert_eq!(workload.command, ["report", "--since=$(params.n)"]);
    assert_eq!(workload.args, ["77", "$(params.day", "$(other)"]);
    assert_eq!(workload.env["DAY"], "<$(params.n)>");
}

#[test]
fn what_a_hook_sets_is_no_placeholder() {
    let mut job = with_hooks(automation("job"), [hook("a", "run.starting")]);
    job.params = params(r#"{"day": {"type": "string", "required": false, "default": "monday", "options": []}}"#);
    let mut bench = Bench::new();
    bench.script("a", [leaves(locals(r#"{"text": "$(params.day)"}"#))]).apply(desired([job]));
    bench.run("job");
    assert_eq!(bench.request("main.1").workload.env["PROVOST_LOCAL_TEXT"], "$(params.day)");
}

#[test]
fn a_hook_gets_its_owners_configuration() {
    let config = serde_json::json!({"url": "http://warehouse"});
    let configured = provost_model::Hook { config: config.clone(), ..hook("a", "run.starting") };
    let mut bench = Bench::with(desired([with_hooks(automation("job"), [configured])]));
    bench.run("job");
    assert_eq!(bench.request("run.starting-a").event["config"], config);
    assert_eq!(bench.request("main.1").event["config"], serde_json::Value::Null);
}

#[test]
fn grace_and_log_size_come_from_the_step_and_its_automation() {
    let mut job = Automation { grace_s: 77, ..with_hooks(automation("job"), [hook("a", "run.starting")]) };
    job.history.log_bytes = 999;
    let mut bench = Bench::with(desired([job]));
    bench.run("job");
    let (main, before) = (bench.request("main.1"), bench.request("run.starting-a"));
    assert_eq!((main.grace_s, main.log_bytes, before.grace_s, before.log_bytes), (77, 999, 5, 999));
}

#[test]
fn values_whose_names_say_that_they_are_secret_are_masked() {
    let mut own = workload("x");
    let env = [("DB_PASSWORD", "hunter2"), ("Api_Token", "tok-1"), ("SECRET", "abc"), ("LANG", "de_DE")];
    own.env = env.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    // Three characters would hide too much of what is no secret.
    assert_eq!(masked_values(None, &own), ["hunter2", "tok-1"]);
}

#[test]
fn where_nobody_makes_containers_the_same_is_decided() {
    let play = |requests| {
        let mut bench = Bench::new();
        bench.requests = requests;
        let hooks = [hook("before", "run.starting"), hook("after", "run.finished")];
        bench.apply(desired([with_hooks(every("tick", 600), hooks)]));
        bench.wait(3600);
        bench
    };
    let (whole, named) = (play(Requests::Whole), play(Requests::Named));
    assert_eq!(named.log, whole.log);
    let steps = |bench: &Bench| bench.made.iter().map(|it| (it.name.clone(), it.step.clone())).collect::<Vec<_>>();
    assert_eq!(steps(&named), steps(&whole));
    assert!(!named.made.is_empty() && named.made.iter().all(|request| request.event.is_null()));
}

#[test]
fn images_are_needed_by_what_is_wanted_and_by_what_goes_on() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([with_hooks(automation("job"), [hook("after", "run.finished")])]));
    let run = bench.run("job");
    let mut teller = channel("teller");
    teller.target = Target::Command { workload: Box::new(workload("tell")) };
    let images = |bench: &Bench| bench.state.images().into_iter().collect::<Vec<_>>();
    let other = with_server_hooks(with_channels(desired([automation("other")]), [teller]), [hook("heard", "x.y")]);
    bench.apply(other);
    assert_eq!(images(&bench), ["after", "heard", "job", "other", "tell"]);
    bench.stop(&run).wait(60);
    assert_eq!(images(&bench), ["heard", "other", "tell"]);
}
