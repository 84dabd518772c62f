//! Hooks around runs: in which order, in any case, and with what power; and locks.

use serde_json::{Value, json};

use crate::{
    common::{Server, Shop, evidence_volume, hook, seen, server, witness},
    firing::{said, with},
};

/// The last run of `automation`.
#[track_caller]
fn last_run(server: &Server, automation: &str) -> Value {
    server.list(&["runs", automation]).into_iter().next().expect("it has run")
}

#[test]
fn r5_before_hooks_run_in_order_and_after_hooks_in_reverse() {
    let shop = Shop::new();
    let around = |line: &str| {
        let on = |event: &str, when: &str| witness(when, event, "order", &format!("{line} {when}"));
        json!([on("run.starting", "before"), on("run.finished", "after")])
    };
    // Written down in another order than that of their numbers.
    shop.policy("alpha", json!({"order": 200, "hooks": around("policy-200")}));
    shop.policy("beta", json!({"order": 100, "hooks": around("policy-100")}));
    shop.plugin("delta", json!({"order": 20, "hooks": around("plugin-20")}));
    shop.plugin("gamma", json!({"order": 10, "hooks": around("plugin-10")}));
    shop.automation(
        "job",
        json!({"args": ["append", seen("order"), "main"], "volumes": evidence_volume(), "hooks": around("own")}),
    );
    let server = server(&shop);
    server.has("job");
    assert_eq!(server.run("job"), 0);
    let owners = ["policy-100", "policy-200", "plugin-10", "plugin-20", "own"];
    let before = owners.iter().map(|owner| format!("{owner} before"));
    let after = owners.iter().rev().map(|owner| format!("{owner} after"));
    let expected: Vec<String> = before.chain(["main".to_owned()]).chain(after).collect();
    assert_eq!(server.evidence("order"), expected);
}

#[test]
fn r4_after_hooks_run_whatever_happens() {
    let shop = Shop::new();
    shop.policy("shop", json!({"hooks": [
        hook("first", "run.starting", &["hook"]),
        with(hook("after", "run.finished", &["hook", "--get", "data.outcome", "--mark", &seen("after")]), &json!({"volumes": evidence_volume()})),
    ]}));
    let refuses = json!([hook("refuses", "run.starting", &["fail", "2"])]);
    let jobs = [
        ("good", json!({"args": ["echo"]}), "Succeeded"),
        ("bad", json!({"args": ["fail", "3"]}), "Failed"),
        ("slow", json!({"args": ["sleep", "300"], "timeout": "1s"}), "TimedOut"),
        ("refused", json!({"args": ["echo"], "hooks": refuses}), "Failed"),
    ];
    for (name, spec, _) in &jobs {
        shop.automation(name, spec.clone());
    }
    for name in ["stopped", "crashed"] {
        shop.automation(name, json!({"args": ["sleep", "300"], "timeout": "20s"}));
    }
    let mut server = server(&shop);
    server.has("stopped");
    let outcome_of = |server: &Server, name: &str| said(server, name, "run.finished-shop.after", "data.outcome");
    for (name, _, outcome) in &jobs {
        let _ = server.run(name);
        assert_eq!(last_run(&server, name)["outcome"], *outcome, "{name}");
        assert_eq!(outcome_of(&server, name), *outcome, "{name}");
    }
    let begun = |server: &Server, name: &str| {
        let run = server.json(&["run", name])["run"].as_str().unwrap().to_owned();
        server.until("its start", || last_run(server, name)["mainAt"].is_string().then_some(()));
        run
    };
    let run = begun(&server, "stopped");
    server.ok(&["stop", &run, "--wait"]);
    assert_eq!(outcome_of(&server, "stopped"), "Cancelled");
    // The reconciler itself is killed in the middle of a run.
    begun(&server, "crashed");
    server.process.restart();
    let ended = server.until("its end", || Some(last_run(&server, "crashed")).filter(|run| run["endedAt"].is_string()));
    assert_eq!(ended["outcome"], "TimedOut", "{ended}");
    assert_eq!(outcome_of(&server, "crashed"), "TimedOut");
    assert_eq!(server.evidence("after").len(), jobs.len() + 2, "once each");
}

#[test]
fn r6_a_before_hook_can_stop_the_run_and_others_cannot() {
    let shop = Shop::new();
    let stopping = [
        ("fails", hook("gate", "run.starting", &["fail", "7"]), "Failed", "exit 7"),
        (
            "hangs",
            with(hook("gate", "run.starting", &["sleep", "300"]), &json!({"timeout": "1s"})),
            "Failed",
            "timed out",
        ),
        ("denies", hook("gate", "run.starting", &["hook", "--deny", "full moon"]), "Cancelled", "full moon"),
    ];
    for (name, gate, ..) in &stopping {
        shop.automation(name, json!({"args": ["mark", seen("ran")], "volumes": evidence_volume(), "hooks": [gate]}));
    }
    let going_on = [
        (
            "ignored",
            with(hook("gate", "run.starting", &["fail", "7"]), &json!({"onError": "Ignore"})),
            "run.starting-gate",
        ),
        ("after", hook("gate", "run.succeeded", &["fail", "7"]), "run.succeeded-gate"),
        (
            "background",
            with(hook("gate", "run.starting", &["fail", "7"]), &json!({"background": true})),
            "run.starting-gate",
        ),
    ];
    for (name, gate, _) in &going_on {
        shop.automation(name, json!({"args": ["sleep", "2"], "hooks": [gate]}));
    }
    let server = server(&shop);
    server.has("hangs");
    for (name, _, outcome, why) in &stopping {
        assert_ne!(server.run(name), 0, "{name}");
        let run = last_run(&server, name);
        assert_eq!(run["outcome"], *outcome, "{run}");
        let detail = run["detail"].as_str().unwrap();
        assert!(detail.contains(why) && detail.contains("run.starting-gate"), "{name}: {detail}");
    }
    assert!(server.evidence("ran").is_empty(), "no main container started");
    for (name, _, step) in &going_on {
        assert_eq!(server.run(name), 0, "{name}");
        let run = last_run(&server, name)["run"].as_str().unwrap().to_owned();
        let steps = server.json(&["describe", &run])["steps"].as_array().unwrap().clone();
        let gate = steps.iter().find(|one| one["step"] == *step).unwrap();
        assert_eq!(gate["exit"]["code"], 7, "{name}: its failure is recorded: {gate}");
    }
}

#[test]
fn a28_every_hook_of_a_run_gets_the_standard_parameters() {
    let shop = Shop::new();
    let events =
        [("run.starting", "start"), ("run.started", "start"), ("run.failed", "failure"), ("run.finished", "end")];
    let hooks: Vec<Value> = events
        .iter()
        .map(|(event, _)| hook("sees", event, &["hook", "--get", "standard", "--get", "time", "--get", "event"]))
        .enumerate()
        .map(|(index, hook)| with(hook, &json!({"name": format!("sees-{index}")})))
        .collect();
    shop.automation("job", json!({"args": ["fail", "3", "Traceback: at line 7"], "hooks": hooks}));
    let server = server(&shop);
    server.has("job");
    assert_ne!(server.cli(&["run", "job", "--testing", "--wait"]).code, 0);
    for (index, (event, kind)) in events.iter().enumerate() {
        let step = format!("{event}-sees-{index}");
        let said = |path| said(&server, "job", &step, path);
        let standard = said("standard");
        assert_eq!((said("event"), &standard["kind"]), (json!(event), &json!(kind)), "{step}");
        assert_eq!(standard["process"], "provost", "{step}");
        assert_eq!(standard["version"], env!("CARGO_PKG_VERSION"), "{step}");
        assert_eq!(standard["testing"], true, "{step}");
        assert_eq!(standard["task"], step, "{step}");
        assert!(standard["pid"].as_u64().unwrap() > 1, "{step}");
        for text in [&standard["host"], &standard["user"], &standard["message"], &said("time")] {
            assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{step}: {standard}");
        }
        // The hooks of `run.started` may be late: the container that they are about may have ended by then.
        let traceback = standard["traceback"].as_str().unwrap();
        match *event {
            "run.starting" => assert_eq!(traceback, "", "{step}"),
            "run.started" => {}
            _ => assert!(traceback.contains("at line 7"), "{step}: {standard}"),
        }
    }
}

#[test]
fn a36_two_automations_that_name_one_lock_never_overlap() {
    let shop = Shop::new();
    for name in ["extract", "load"] {
        let spec = json!({
            "args": ["mark", seen("lock"), "--sleep", "2"],
            "volumes": evidence_volume(),
            "locks": ["warehouse"],
            "concurrencyPolicy": "Queue",
        });
        shop.automation(name, spec);
    }
    let server = server(&shop);
    server.has("load");
    for name in ["extract", "load", "extract", "load"] {
        server.ok(&["run", name]);
    }
    let waits = server.until("a wait", || server.list(&["runs"]).into_iter().find(|run| run["phase"] == "Queued"));
    assert!(waits["detail"].as_str().is_some_and(|why| !why.is_empty()), "it says for what it waits: {waits}");
    let lines = server.until("four runs", || Some(server.evidence("lock")).filter(|lines| lines.len() == 8));
    let mut running = None;
    for line in &lines {
        let line: Value = serde_json::from_str(line).unwrap();
        match line["mark"].as_str().unwrap() {
            "start" => assert_eq!(running.replace(line["run"].clone()), None, "{lines:?}"),
            _ => assert_eq!(running.take(), Some(line["run"].clone()), "{lines:?}"),
        }
    }
    let by = |name: &str| lines.iter().filter(|line| line.contains(&format!("\"automation\":\"{name}\""))).count();
    assert_eq!((by("extract"), by("load")), (4, 4));
}
