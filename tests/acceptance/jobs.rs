//! Jobs: what is heard of a call while it goes on and afterwards. B22, B27 to B30.

use serde_json::{Value, json};

use crate::calls::{call, job, job_over, until_actions, widgets};
use crate::common::{Server, Shop, server};

/// A server whose action does this.
fn serving(shop: &Shop, action: Value, hooks: &[Value]) -> Server {
    shop.plugin("warehouse", json!({"actions": [action], "hooks": hooks}));
    let server = server(shop);
    until_actions(&server, 1);
    server
}

/// The text of `progress.jsonl` that an action leaves.
fn leaving(text: &str) -> Value {
    widgets(&["write", "/provost/out/progress.jsonl", text])
}

#[test]
fn b22_hooks_run_in_the_callers_job_and_their_entries_are_in_its_log() {
    let shop = Shop::new();
    let hook = |name: &str, event: &str, steps: &str| json!({"name": name, "event": event, "args": ["hook", "--progress", steps, "--get", "data.job"]});
    let hooks = [hook("before", "run.starting", "1"), hook("after", "run.finished", "2")];
    let server = serving(&shop, leaving("{\"main\": 1}\n{\"main\": 2}\n"), &hooks);
    let id = call(&server, "shop", "DeleteWidgets", &json!({"count": 1}));
    let over = job_over(&server, &id);
    let entries = over["entries"].as_array().unwrap();
    let kinds: Vec<&str> = entries.iter().map(|entry| if entry["main"].is_null() { "hook" } else { "main" }).collect();
    assert_eq!(kinds, ["hook", "main", "main", "hook", "hook"], "{entries:?}");
    let run = over["run"].as_str().unwrap();
    for step in ["run.starting-warehouse.before", "run.finished-warehouse.after"] {
        let said = server.ok(&["logs", run, "--step", step, "-o", "name"]);
        assert!(said.contains(&format!("data.job = \"{id}\"")), "{step}: {said}");
    }
}

#[test]
fn b27_a_summary_or_every_entry() {
    let shop = Shop::new();
    let server = serving(&shop, leaving("{\"progress\": 10}\n{\"progress\": 20, \"what\": \"shelves\"}\n"), &[]);
    let id = call(&server, "shop", "DeleteWidgets", &json!({"count": 1}));
    let whole = job_over(&server, &id);
    assert_eq!(whole["entries"], json!([{"progress": 10}, {"progress": 20, "what": "shelves"}]));
    let summary = job(&server, &id, false);
    assert!(summary["entries"].is_null(), "{summary}");
    assert_eq!((&summary["count"], &summary["last"]["what"]), (&json!(2), &json!("shelves")));
    assert_eq!((&summary["state"], &summary["progress"]), (&json!("succeeded"), &json!(100)));
    let plain = server.process.http().get(&format!("/v1/jobs/{id}")).unwrap().json();
    assert_eq!(plain, summary, "a summary is what one gets unasked");
    let shown = server.ok(&["job", &id, "--results"]);
    assert!(shown.contains("{\"progress\":20,\"what\":\"shelves\"}"), "{shown}");
    for unknown in ["0198c1a0-7d1e-7cc0-8000-0123456789ab", "nonsense"] {
        let answer = server.process.http().get(&format!("/v1/jobs/{unknown}")).unwrap();
        assert_eq!(answer.status, if unknown == "nonsense" { 400 } else { 404 });
    }
}

#[test]
fn b28_entries_come_in_order_into_the_right_job_while_it_goes_on() {
    let shop = Shop::new();
    let mut action = widgets(&["hook", "--progress", "$(params.count)", "--sleep", "10"]);
    action["concurrencyPolicy"] = json!("Allow");
    let server = serving(&shop, action, &[]);
    let two = [4, 5].map(|count| (count, call(&server, "shop", "DeleteWidgets", &json!({"count": count}))));
    for (count, id) in &two {
        let going_on = server.until("entries", || Some(job(&server, id, true)).filter(|it| it["count"] != 0));
        assert_eq!(going_on["state"], "running", "they are seen before its end: {going_on}");
        let percents: Vec<u64> = (1..=*count).map(|step| step * 100 / count).collect();
        let seen: Vec<u64> =
            going_on["entries"].as_array().unwrap().iter().map(|it| it["progress"].as_u64().unwrap()).collect();
        assert_eq!(seen, percents);
    }
    for (count, id) in &two {
        let over = job_over(&server, id);
        assert_eq!((&over["count"], &over["params"]["count"]), (&json!(count), &json!(count)));
    }
    // Without a restart in between, and with one.
    let mut server = server;
    server.process.restart();
    assert_eq!(job(&server, &two[0].1, false)["count"], 4);
}

#[test]
fn b29_what_is_no_entry_is_an_error_entry_and_not_lost() {
    let shop = Shop::new();
    let server = serving(&shop, leaving("{\"step\": 1}\n<html>\n[2]\n{\"progress\": 500}\n"), &[]);
    let over = job_over(&server, &call(&server, "shop", "DeleteWidgets", &json!({"count": 1})));
    let entries = over["entries"].as_array().unwrap();
    assert_eq!((&entries[0], &entries[3]), (&json!({"step": 1}), &json!({"progress": 500})), "{over}");
    for (entry, text) in [(&entries[1], "<html>"), (&entries[2], "[2]")] {
        assert_eq!(entry["text"], text);
        assert!(entry["error"].as_str().unwrap().starts_with("progress.jsonl, line"), "{entry}");
    }
    assert_eq!(over["state"], "failed", "and an error of the step: {over}");
    assert_eq!(over["progress"], json!(null), "500 is no percentage");
}

#[test]
fn b30_nobody_reads_the_agents_own_log_through_the_api() {
    let shop = Shop::new();
    let server = serving(&shop, leaving("{\"step\": 1}\n"), &[]);
    let id = call(&server, "shop", "DeleteWidgets", &json!({"count": 1}));
    let run = job_over(&server, &id)["run"].as_str().unwrap().to_owned();
    // What only the agent's own log says.
    let own = "found the engine";
    assert!(server.process.log().contains(own));
    let http = server.process.http();
    let paths = [
        "/v1/status",
        "/v1/events",
        "/v1/runs",
        "/v1/automations",
        "/v1/actions",
        "/v1/plugins",
        "/v1/history",
        "/v1/outcomes",
        "/v1/logs",
        "/v1/log",
        "/v1/server/logs",
        "/log",
        "/v1/runs/../../log",
        "/v1/runs/..%2f..%2flog/logs",
        "/v1/events/..%2flog/logs",
    ];
    let of_job = [format!("/v1/jobs/{id}?results=true"), format!("/v1/runs/{run}"), format!("/v1/runs/{run}/logs")];
    for path in paths.into_iter().map(str::to_owned).chain(of_job) {
        let answer = http.get(&path).unwrap();
        assert!(!answer.text().contains(own), "{path} shows the agent's log");
    }
}
