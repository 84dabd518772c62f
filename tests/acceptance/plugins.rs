//! Plugins: independent, in a controlled order, with optional configuration, bound and unbound while the server runs;
//! references that are checked. A19 to A24, C32.

use serde_json::{Value, json};

use crate::common::{Server, Shop, evidence_volume, seen, server, steps};
use crate::firing::fire;

/// A plugin with one hook that leaves a mark in the file `name` after each success.
fn marking(name: &str) -> Value {
    let hook =
        json!({"name": "note", "event": "run.succeeded", "args": ["mark", seen(name)], "volumes": evidence_volume()});
    json!({"hooks": [hook]})
}

/// What `provost validate` says of a shop that it refuses.
fn refusal(server: &Server, shop: &Shop) -> String {
    let checked = server.cli(&["validate", &shop.path().display().to_string()]);
    let report = format!("{}{}", checked.stdout, checked.stderr);
    assert_eq!(checked.code, 1, "{report}");
    report
}

#[test]
fn a19_removing_one_plugin_changes_no_others_behaviour_or_containers() {
    let shop = Shop::new();
    shop.plugin("index", marking("index")).plugin("labels", marking("labels"));
    shop.automation("job", json!({"args": ["echo", "hi"]})).automation("long", json!({"args": ["sleep", "600"]}));
    let server = server(&shop);
    server.has("job");
    let before = server.finished("job");
    assert_eq!(steps(&before), ["main.1", "run.succeeded-labels.note", "run.succeeded-index.note"]);
    let long = server.begun("long");
    let running = server.until("the long run's container", || {
        let containers = server.process.containers();
        containers.iter().find(|container| container.is_running).map(|container| container.id.clone())
    });

    shop.remove("Plugin", "labels");
    server.until("the removal", || (server.list(&["plugins"]).len() == 1).then_some(()));
    let applied = server.events("revision.applied");
    let changes = applied.last().unwrap()["data"]["summary"].clone();
    let is_of_labels = |line: &Value| line.as_str().unwrap().contains("labels");
    assert!(changes.as_array().unwrap().iter().all(is_of_labels), "{changes}");
    let after = server.finished("job");
    assert_eq!(steps(&after), ["main.1", "run.succeeded-index.note"]);
    assert_eq!(server.evidence("index").len(), 4);
    assert_eq!(server.evidence("labels").len(), 2);
    let containers = server.process.containers();
    let same = containers.iter().find(|container| container.id == running);
    assert!(same.unwrap().is_running);
    assert_eq!(server.json(&["describe", &long])["phase"], "Main");
}

#[test]
fn a20_a_declared_order_is_obeyed_and_an_undeclared_one_is_always_the_same() {
    let shop = Shop::new();
    let plugin = |order: Option<i64>| {
        let mut spec = json!({"hooks": [{"name": "go", "event": "run.starting", "args": ["hook"]}]});
        if let Some(order) = order {
            spec["order"] = json!(order);
        }
        spec
    };
    shop.plugin("zebra", plugin(Some(-5))).plugin("ant", plugin(Some(20))).plugin("bee", plugin(Some(10)));
    shop.plugin("dog", plugin(None)).plugin("cat", plugin(None)).plugin("eel", plugin(None));
    shop.automation("job", json!({"args": ["echo", "hi"]}));
    let mut server = server(&shop);
    server.has("job");
    let order = ["zebra", "cat", "dog", "eel", "bee", "ant"];
    let hooks = order.map(|name| format!("run.starting-{name}.go"));
    for round in 0..2 {
        let run = server.finished("job");
        assert_eq!(steps(&run)[..6], hooks, "round {round}");
        server.process.restart();
    }
}

#[test]
fn a22_a_plugin_without_config_gets_the_defaults_and_a_wrong_key_is_refused() {
    let shop = Shop::new();
    let plugin = |config: Value| {
        let mut spec = json!({
            "configSchema": {
                "type": "object",
                "additionalProperties": false,
                "properties": {"shelves": {"type": "integer", "default": 40}, "door": {"type": "string"}},
            },
            "hooks": [{"name": "show", "event": "run.starting", "args": ["hook", "--get", "config.shelves", "--get", "config.door"]}],
        });
        if !config.is_null() {
            spec["config"] = config;
        }
        spec
    };
    let shown = |server: &Server| {
        let run = server.finished("job");
        server.lines(&run, "run.starting-warehouse.show")[1..].join(", ")
    };
    shop.plugin("warehouse", plugin(Value::Null)).automation("job", json!({"args": ["echo", "hi"]}));
    let server = server(&shop);
    server.has("job");
    assert_eq!(shown(&server), "config.shelves = 40, config.door = absent");

    shop.plugin("warehouse", plugin(json!({"shelves": 12, "door": "east"})));
    server.until("the new config", || (server.events("revision.applied").len() == 2).then_some(()));
    assert_eq!(shown(&server), "config.shelves = 12, config.door = \"east\"");

    shop.plugin("warehouse", plugin(json!({"shelfs": 12})));
    let report = refusal(&server, &shop);
    assert!(report.contains("E0157") && report.contains("shelfs"), "{report}");
    server.until("the refusal", || server.json(&["status"])["rejected"].is_object().then_some(()));
    assert_eq!(shown(&server), "config.shelves = 12, config.door = \"east\"");
}

#[test]
fn c32_hooks_are_bound_and_unbound_by_name_without_a_restart() {
    let shop = Shop::new();
    let show = |name: &str| json!({"name": name, "event": "orders.arrived", "args": ["hook"]});
    let plugin = |hooks: &[&str], enabled: bool| {
        let hooks: Vec<Value> = hooks.iter().map(|name| show(name)).collect();
        json!({"hooks": hooks, "enabled": enabled})
    };
    shop.plugin("till", plugin(&["count"], true)).plugin("other", plugin(&["look"], true));
    let server = server(&shop);
    server.until("the plugins", || (server.list(&["plugins"]).len() == 2).then_some(()));
    let process = server.process.id();
    let ran = |server: &Server| {
        let fired = fire(server, "orders.arrived", &json!({}));
        let started = server.events("step.started").into_iter();
        let mine = started.filter(|step| step["event"] == fired.id.as_str());
        let mut steps: Vec<String> = mine.map(|step| step["data"]["step"].as_str().unwrap().to_owned()).collect();
        steps.sort();
        steps.iter().map(|step| step.replace("orders.arrived-", "")).collect::<Vec<_>>()
    };
    let apply = |spec: Value| {
        let before = server.events("revision.applied").len();
        shop.plugin("till", spec);
        server.until("the revision", || (server.events("revision.applied").len() > before).then_some(()));
        ran(&server)
    };
    assert_eq!(ran(&server), ["other.look", "till.count"]);
    assert_eq!(apply(plugin(&["count", "pack"], true)), ["other.look", "till.count", "till.pack"], "one is bound");
    assert_eq!(apply(plugin(&["pack"], true)), ["other.look", "till.pack"], "one is unbound");
    assert_eq!(apply(plugin(&["pack"], false)), ["other.look"], "all of the plugin's are, by its switch");
    assert_eq!(apply(plugin(&["pack"], true)), ["other.look", "till.pack"], "and come back");
    assert_eq!(server.process.id(), process);
}

#[test]
fn a24_a_bad_reference_fails_at_validation_and_never_at_run_time() {
    let shop = Shop::new();
    // Hooks are optional: an automation without any is fine.
    shop.automation("job", json!({"args": ["echo", "hi"]}));
    let server = server(&shop);
    server.has("job");
    let bad = [
        (json!({"hooks": [{"event": "run.sarting", "args": ["hook"]}]}), "E0152", "run.starting"),
        (
            json!({"hooks": [{"event": "run.starting", "image": "Not An Image", "args": ["hook"]}]}),
            "E0144",
            "Not An Image",
        ),
        (json!({"hooks": [{"event": "run.starting", "program": "x"}]}), "E0120", "program"),
    ];
    for (spec, code, part) in bad {
        shop.plugin("broken", spec);
        let report = refusal(&server, &shop);
        assert!(report.contains(code) && report.contains(part), "{code} or {part} is not in\n{report}");
    }
    shop.remove("Plugin", "broken").add(
        "Plugin",
        "broken",
        json!({"hooks": [{"event": "run.starting", "args": ["hook"]}]}),
    );
    assert!(refusal(&server, &shop).contains("E0155"));
    shop.remove("Plugin", "broken").automation("bill", json!({"notify": {"failure": ["nobody"]}}));
    let report = refusal(&server, &shop);
    assert!(report.contains("E0150") && report.contains("nobody"), "{report}");
    // The server refused each of them, and what was good goes on.
    server.until("the refusals", || server.json(&["status"])["rejected"].is_object().then_some(()));
    let run = server.finished("job");
    assert_eq!((steps(&run), &run["outcome"]), (vec!["main.1"], &json!("Succeeded")));
}
