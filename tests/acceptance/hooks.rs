//! Lifecycle hooks of the server and of runs: A1, A2, A3, A10.

use serde_json::{Value, json};

use crate::common::Server;
use crate::common::{Shop, evidence_volume, hook, options, parsed, seen, server, witness};

/// A spec that leaves `mark`'s two lines of evidence in the file `order`.
fn marking(mut spec: Value, more: &[&str]) -> Value {
    let file = seen("order");
    spec["args"] = json!([&["mark", file.as_str()], more].concat());
    spec["volumes"] = evidence_volume();
    spec
}

/// Who marked what, in order: `main.1 start`.
fn order(server: &Server) -> Vec<String> {
    let lines = server.evidence("order");
    let told = lines.iter().map(|line| parsed(line));
    told.map(|mark| format!("{} {}", mark["step"].as_str().unwrap(), mark["mark"].as_str().unwrap())).collect()
}

#[test]
fn a01_no_automation_starts_before_the_startup_hook_has_exited_0() {
    let shop = Shop::new();
    shop.policy("shop", json!({"hooks": [marking(hook("mounts", "server.startup", &[]), &["--sleep", "2"])]}));
    shop.automation("job", marking(json!({"schedule": {"every": "1s"}}), &[]));
    let server = server(&shop);
    let order = server.until("a run", || {
        let order = order(&server);
        (order.len() >= 4).then_some(order)
    });
    let expected = ["server.startup-shop.mounts start", "server.startup-shop.mounts end", "main.1 start", "main.1 end"];
    assert_eq!(order[..4], expected);
}

#[test]
fn a01_a_startup_hook_that_exits_1_leaves_all_unstarted_with_its_reason() {
    let shop = Shop::new();
    shop.policy("shop", json!({"hooks": [hook("mounts", "server.startup", &["fail", "1", "/srv is not mounted"])]}));
    shop.automation("job", marking(json!({"schedule": {"every": "1s"}}), &[]));
    let server = server(&shop);
    // Due times that come are decided, and none of them starts.
    let skipped = server.until("two outcomes", || {
        let outcomes = server.list(&["outcomes", "job"]);
        (outcomes.len() >= 2).then_some(outcomes)
    });
    for outcome in &skipped {
        assert_eq!((&outcome["verdict"], &outcome["reason"]), (&json!("skipped"), &json!("policy")), "{outcome}");
    }
    assert_eq!(server.evidence("order"), [""; 0]);
    assert_eq!(server.list(&["runs"]), [json!(null); 0]);
    let status = server.json(&["status"]);
    let why = status["startupRefused"].as_str().unwrap();
    assert!(why.contains("server.startup-shop.mounts") && why.contains("exit 1"), "{why}");
    assert!(server.ok(&["status"]).contains(why));
}

#[test]
fn a02_sigterm_runs_the_shutdown_hook_once_after_the_last_run_ended() {
    let shop = Shop::new();
    shop.policy("shop", json!({"hooks": [marking(hook("goodbye", "server.shutdown", &[]), &[])]}));
    shop.automation("job", marking(json!({}), &["--sleep", "3"]));
    let mut server = Server::start(options().folder(&shop.path()).set("shutdownGrace", json!("90s")));
    server.has("job");
    server.begun("job");
    server.until("the start", || (order(&server).len() == 1).then_some(()));
    assert!(server.process.terminate().success());
    let goodbye = ["server.shutdown-shop.goodbye start", "server.shutdown-shop.goodbye end"];
    assert_eq!(order(&server), [&["main.1 start", "main.1 end"], &goodbye[..]].concat());
    // The run ended within the grace time, and is known to have.
    server.process.start();
    assert_eq!(server.list(&["runs", "job"])[0]["outcome"], "Succeeded");
}

#[test]
fn a02_a_run_that_takes_longer_than_the_grace_time_does_not_hold_up_the_end() {
    let shop = Shop::new();
    shop.policy("shop", json!({"hooks": [marking(hook("goodbye", "server.shutdown", &[]), &[])]}));
    shop.automation("job", marking(json!({}), &["--sleep", "3600"]));
    let mut server = Server::start(options().folder(&shop.path()).set("shutdownGrace", json!("1s")));
    server.has("job");
    let run = server.begun("job");
    server.until("the start", || (order(&server).len() == 1).then_some(()));
    assert!(server.process.terminate().success());
    let goodbye = ["server.shutdown-shop.goodbye start", "server.shutdown-shop.goodbye end"];
    let order = order(&server);
    let hooks: Vec<&String> = order.iter().filter(|line| line.starts_with("server")).collect();
    assert_eq!(hooks, goodbye);
    // It is still ours when the server comes back.
    server.process.start();
    server.ok(&["stop", &run]);
    assert_eq!(server.over(&run)["outcome"], "Cancelled");
}

#[test]
fn a03_an_automation_that_exits_3_starts_the_error_hook_once_with_all_that_it_needs() {
    let shop = Shop::new();
    let wanted = ["data.automation", "data.run", "data.exitCode", "data.logTail"];
    let mut collect = hook("collect", "run.failed", &["hook", "--mark", &seen("failures")]);
    collect["volumes"] = evidence_volume();
    let args = collect["args"].as_array_mut().unwrap();
    wanted.iter().for_each(|path| args.extend([json!("--get"), json!(path)]));
    shop.policy("shop", json!({"hooks": [collect]}));
    shop.automation("bill", json!({"args": ["fail", "3", "no paper left"], "retries": {"limit": 1, "backoff": "1s"}}));
    let server = server(&shop);
    server.has("bill");
    let run = server.finished("bill");
    assert_eq!((&run["outcome"], &run["exit"], &run["attempts"]), (&json!("Failed"), &json!(3), &json!(2)));
    let told = server.lines(&run, "run.failed-shop.collect").join("\n");
    let id = run["run"].as_str().unwrap();
    for part in ["data.automation = \"bill\"", &format!("data.run = \"{id}\""), "data.exitCode = 3", "no paper left"] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    assert_eq!(server.evidence("failures").len(), 1);
}

#[test]
fn a10_twenty_automations_each_get_the_hooks_of_the_policy() {
    let shop = Shop::new();
    let names: Vec<String> = (0..20).map(|number| format!("job-{number:02}")).collect();
    for name in &names {
        shop.automation(name, json!({"args": ["echo", name], "triggers": [{"event": "shop.opened"}]}));
    }
    let before = marking(hook("before", "run.starting", &[]), &[]);
    let after = witness("after", "run.finished", "after", "after");
    shop.policy("shop", json!({"hooks": [before, after]}));
    let server = server(&shop);
    server.has("job-19");
    server.ok(&["fire", "shop.opened"]);
    let runs = server.until("twenty runs", || {
        let runs = server.list(&["runs", "--outcome", "succeeded"]);
        // How a run went is known before its last hooks have ended.
        (runs.len() == 20 && runs.iter().all(|run| !run["endedAt"].is_null())).then_some(runs)
    });
    let mut ran: Vec<&str> = runs.iter().map(|run| run["automation"].as_str().unwrap()).collect();
    ran.sort_unstable();
    assert_eq!(ran, names);
    let marks = server.evidence("order");
    let mut begun: Vec<String> = marks
        .iter()
        .map(|line| parsed(line))
        .filter(|mark| mark["mark"] == "start")
        .map(|mark| mark["automation"].as_str().unwrap().to_owned())
        .collect();
    begun.sort_unstable();
    assert_eq!(begun, names);
    assert_eq!(server.evidence("after").len(), 20);
}
