//! What a plugin needs before it is launched: of the server (D28), and to be prepared (D29).

use serde_json::{Value, json};

use crate::common::{Server, Shop, evidence_volume, options, seen, steps};

/// A plugin with one hook after each success.
fn plugin(more: Value) -> Value {
    let mut spec = json!({"hooks": [{"name": "note", "event": "run.succeeded", "args": ["echo", "noted"]}]});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    spec
}

fn shop() -> Shop {
    let shop = Shop::new();
    shop.automation("job", json!({"args": ["echo", "hi"]}));
    shop
}

/// A server with the label `site: berlin`.
fn server(shop: &Shop) -> Server {
    let server = Server::start(options().folder(&shop.path()).set("labels", json!({"site": "berlin"})));
    server.has("job");
    server
}

/// Waits until the status says this of a plugin.
fn told(server: &Server, what: &str) {
    server.until(what, || {
        let status = server.json(&["status"]);
        status["waitingFor"].as_array()?.iter().any(|why| why.as_str().unwrap().contains(what)).then_some(())
    });
}

#[test]
fn d28_a_requirement_that_the_server_does_not_meet_stops_that_plugin_alone_and_is_named() {
    let shop = shop();
    let foreign = if cfg!(target_arch = "s390x") { "amd64" } else { "s390x" };
    shop.plugin("here", plugin(json!({"requires": {"labels": {"site": "berlin"}, "memory": "1Mi"}})));
    shop.plugin("label", plugin(json!({"requires": {"labels": {"gpu": "true"}}})));
    shop.plugin("machine", plugin(json!({"requires": {"architecture": foreign}})));
    shop.plugin("memory", plugin(json!({"requires": {"memory": "900Ti"}})));
    let server = server(&shop);
    told(
        &server,
        "Plugin label does not run here: it requires the label gpu: true, and this server has no such label.",
    );
    told(
        &server,
        &format!("Plugin machine does not run here: it requires the architecture {foreign}, and this machine is "),
    );
    told(&server, "Plugin memory does not run here: it requires 921600Gi of memory, and this machine has ");
    let job = server.finished("job");
    assert_eq!(steps(&job), ["main.1", "run.succeeded-here.note"], "everything else goes on");
    assert!(server.ok(&["get", "plugins"]).contains("requires the label gpu: true"));
    let plan = server.ok(&["plan"]);
    assert!(plan.contains("W0041"), "the plan tells it with its place: {plan}");

    shop.plugin("label", plugin(json!({"requires": {"labels": {"site": "berlin"}}})));
    server.until("the plugin's hook", || {
        let job = server.finished("job");
        steps(&job).contains(&"run.succeeded-label.note").then_some(())
    });
}

/// How often a plugin was prepared.
fn prepared(server: &Server, plugin: &str) -> usize {
    server.evidence(plugin).len()
}

/// A preparation that leaves a line of evidence.
fn preparing(plugin: &str) -> Value {
    json!({"args": ["append", seen(plugin), "prepared"], "volumes": evidence_volume()})
}

#[test]
fn d29_a_prepare_step_runs_before_launch_and_once_a_change_and_start() {
    let shop = shop();
    let hook = |prepare: Value| {
        // The hook is launched only when what was prepared is there.
        let hook = json!({"name": "note", "event": "run.starting", "args": ["cat", seen("tools")], "volumes": evidence_volume()});
        json!({"prepare": prepare, "hooks": [hook]})
    };
    shop.plugin("tools", hook(preparing("tools")));
    let mut server = server(&shop);
    for _ in 0..2 {
        let job = server.finished("job");
        assert_eq!(steps(&job), ["run.starting-tools.note", "main.1"]);
        assert_eq!(job["outcome"], "Succeeded", "{job}");
    }
    assert_eq!(prepared(&server, "tools"), 1);
    shop.automation("other", json!({"args": ["echo", "hi"]}));
    server.has("other");
    assert_eq!(server.run("job"), 0);
    assert_eq!(prepared(&server, "tools"), 1, "another change is none of it");

    let mut changed = preparing("tools");
    changed["env"] = json!({"VERSION": "2"});
    shop.plugin("tools", hook(changed));
    server.until("the second preparation", || (prepared(&server, "tools") == 2).then_some(()));
    server.process.restart();
    assert_eq!(server.run("job"), 0);
    assert_eq!(prepared(&server, "tools"), 3);
}

#[test]
fn d29_a_prepare_step_that_fails_stops_the_launch_of_that_plugin_alone() {
    let shop = shop();
    shop.plugin("broken", plugin(json!({"prepare": {"args": ["fail", "3", "no such package"]}})));
    shop.plugin("sound", plugin(json!({"prepare": preparing("sound")})));
    let server = server(&shop);
    told(&server, "Plugin broken is not launched: its prepare step failed (hook plugin.prepare-broken.prepare: ");
    let job = server.finished("job");
    assert_eq!(steps(&job), ["main.1", "run.succeeded-sound.note"], "everything else goes on");
    let broken = server.list(&["plugins", "broken"]).remove(0);
    assert!(broken["unprepared"].is_string(), "{broken}");
    let event =
        server.events("plugin.prepare").iter().find(|it| it["data"]["data"]["plugin"] == "broken").cloned().unwrap();
    let said = server.ok(&["logs", &format!("event/{}", event["event"].as_str().unwrap()), "-o", "name"]);
    assert!(said.contains("no such package"), "what it said is kept: {said}");

    shop.plugin("broken", plugin(json!({"prepare": preparing("mended")})));
    server.until("the mended plugin", || {
        let job = server.finished("job");
        steps(&job).contains(&"run.succeeded-broken.note").then_some(())
    });
}
