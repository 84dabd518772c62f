//! Actions of plugins: what callers see of them, what is checked, and hooks of one application. B1 to B10.

use serde_json::{Value, json};

use crate::calls::{WIDGETS, actions, call, job_over, until_actions, widgets};
use crate::common::{Shop, evidence_volume, seen, server};
use crate::firing::fire;

#[test]
fn b01_a_plugin_registers_actions_and_hooks_and_half_of_one_is_refused() {
    let shop = Shop::new();
    let hook = json!({"name": "note", "event": "run.succeeded", "args": ["hook"]});
    shop.plugin("warehouse", json!({"actions": [widgets(&["hook"])], "hooks": [hook]}));
    let server = server(&shop);
    until_actions(&server, 1);
    let plugin = &server.list(&["plugins"])[0];
    assert_eq!((&plugin["hooks"], &plugin["actions"]), (&json!(1), &json!(1)));
    let refused = |spec: Value| {
        let half = Shop::new();
        half.plugin("warehouse", spec);
        let checked = server.cli(&["validate", &half.path().display().to_string()]);
        assert_eq!(checked.code, 1, "{checked:?}");
        format!("{}{}", checked.stdout, checked.stderr)
    };
    let without = |key: &str| {
        let mut action = widgets(&["hook"]);
        action.as_object_mut().unwrap().remove(key);
        refused(json!({"actions": [action]}))
    };
    assert!(without("application").contains("`application` is missing"));
    assert!(without("name").contains("`name` is missing"));
    let no_event = refused(json!({"hooks": [{"name": "note", "args": ["hook"]}], "actions": [widgets(&["hook"])]}));
    assert!(no_event.contains("`event` is missing"), "{no_event}");
    let twice = refused(json!({"actions": [widgets(&["hook"]), widgets(&["echo"])]}));
    assert!(twice.contains("there are two of action DeleteWidgets of shop") && twice.contains("first here"), "{twice}");
}

#[test]
fn b02_an_edited_manifest_shows_without_a_restart_and_listing_starts_nothing() {
    let shop = Shop::new();
    shop.plugin("warehouse", json!({"actions": [widgets(&["hook"])]}));
    let server = server(&shop);
    until_actions(&server, 1);
    let process = server.process.id();
    let mut more = widgets(&["hook"]);
    more["name"] = json!("Reindex");
    more["description"] = json!("Counts the shelves.");
    shop.plugin("warehouse", json!({"actions": [widgets(&["hook"]), more]}));
    until_actions(&server, 2);
    assert_eq!(actions(&server)[1]["description"], "Counts the shelves.");
    let listed = server.ok(&["action", "ls", "shop"]);
    assert!(listed.contains("DeleteWidgets") && listed.contains("count=integer"), "{listed}");
    assert_eq!(server.process.id(), process);
    assert_eq!(server.process.containers(), Vec::new(), "nothing was started");
    assert_eq!(server.list(&["runs"]), [json!(null); 0]);
}

#[test]
fn b03_a_get_gives_the_parameters_with_type_and_description() {
    let shop = Shop::new();
    shop.plugin("warehouse", json!({"actions": [widgets(&["hook"])]}));
    let server = server(&shop);
    until_actions(&server, 1);
    let action = server.process.http().get(WIDGETS).unwrap().json();
    let params = &action["params"];
    assert_eq!((&params["count"]["type"], &params["count"]["description"]), (&json!("integer"), &json!("how many")));
    assert_eq!((&params["testing"]["type"], &params["testing"]["required"]), (&json!("boolean"), &json!(false)));
    assert_eq!((&action["name"], &action["plugin"]), (&json!("DeleteWidgets"), &json!("warehouse")));
    let unknown = server.process.http().get("/v1/apps/shop/actions/Nothing").unwrap();
    assert_eq!((unknown.status, &unknown.json()["code"]), (404, &json!("notFound")));
}

#[test]
fn b04_a_post_starts_the_container() {
    let shop = Shop::new();
    let args = ["hook", "--get", "config.url", "--get", "data.params"];
    shop.plugin("warehouse", json!({"config": {"url": "http://warehouse"}, "actions": [widgets(&args)]}));
    let server = server(&shop);
    until_actions(&server, 1);
    let over = job_over(&server, &call(&server, "shop", "DeleteWidgets", &json!({"count": 3})));
    assert_eq!(over["state"], "succeeded", "{over}");
    let said = server.ok(&["logs", over["run"].as_str().unwrap(), "--step", "main.1", "-o", "name"]);
    assert!(said.contains("config.url = \"http://warehouse\""), "{said}");
    assert!(said.contains("data.params = {\"count\":3}"), "{said}");
}

#[test]
fn b08_a_post_answers_with_a_uuid_while_the_container_still_runs() {
    let shop = Shop::new();
    shop.plugin("warehouse", json!({"actions": [widgets(&["hook", "--sleep", "5"])]}));
    let server = server(&shop);
    until_actions(&server, 1);
    let answer = server.process.http().post(WIDGETS, &json!({"params": {"count": 3}})).unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    let answered = answer.json();
    let job = answered["job"].as_str().unwrap();
    let groups: Vec<usize> = job.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{job} is a UUID");
    assert!(answer.head.to_lowercase().contains(&format!("location: /v1/jobs/{job}")), "{}", answer.head);
    server.until("the container", || {
        server.process.containers().iter().any(|container| container.is_running).then_some(())
    });
    let running = server.process.http().get(&format!("/v1/jobs/{job}")).unwrap().json();
    assert_eq!(running["state"], "running");
    assert_eq!(job_over(&server, job)["state"], "succeeded");
}

#[test]
fn b05_a_missing_parameter_is_400_and_no_container_starts() {
    refused(&[(json!({}), "`count` is missing"), (json!({"testing": true}), "`count` is missing")]);
}

#[test]
fn b09_a_wrong_type_is_400_and_no_container_starts() {
    refused(&[
        (json!({"count": "many"}), "\"many\" is not of type integer"),
        (json!({"count": "3"}), "\"3\" is not of type integer"),
        (json!({"count": 1.5}), "1.5 is not of type integer"),
        (json!({"count": 3, "testing": "true"}), "\"true\" is not of type boolean"),
        (json!({"count": 0}), "0 is less than 1"),
    ]);
}

/// Each of these parameters is refused with these words, and nothing starts.
#[track_caller]
fn refused(cases: &[(Value, &str)]) {
    let shop = Shop::new();
    shop.plugin("warehouse", json!({"actions": [widgets(&["hook"])]}));
    let server = server(&shop);
    until_actions(&server, 1);
    for (params, why) in cases {
        let answer = server.process.http().post(WIDGETS, &json!({"params": params})).unwrap();
        let problem = answer.json();
        assert_eq!((answer.status, &problem["code"]), (400, &json!("invalid")), "{problem}");
        assert!(answer.head.contains("application/problem+json"), "{}", answer.head);
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    }
    assert_eq!(server.process.containers(), Vec::new());
    assert_eq!(server.list(&["runs"]), [json!(null); 0]);
}

#[test]
fn b06_an_undeclared_parameter_reaches_the_action() {
    let shop = Shop::new();
    shop.plugin("warehouse", json!({"actions": [widgets(&["env", "PROVOST_PARAM_COLOUR", "PROVOST_ACTION"])]}));
    let server = server(&shop);
    until_actions(&server, 1);
    let job = call(&server, "shop", "DeleteWidgets", &json!({"count": 1, "colour": "red", "more": {"a": [1]}}));
    let over = job_over(&server, &job);
    assert_eq!(over["params"], json!({"count": 1, "colour": "red", "more": {"a": [1]}}));
    let said = server.ok(&["logs", over["run"].as_str().unwrap(), "-o", "name"]);
    assert!(said.contains("PROVOST_PARAM_COLOUR=red") && said.contains("PROVOST_ACTION=DeleteWidgets"), "{said}");
    // The same from the command line, where everything is text; what is declared has its type.
    let args = ["action", "run", "shop", "DeleteWidgets", "-p", "count=2", "-p", "colour=blue", "--wait"];
    server.ok(&args);
    let run = server.list(&["runs", "shop-delete-widgets"])[0].clone();
    assert_eq!(run["params"], json!({"count": 2, "colour": "blue"}));
    let shown = server.ok(&["job", run["cause"]["job"].as_str().unwrap()]);
    assert!(shown.contains("shop DeleteWidgets") && shown.contains("succeeded"), "{shown}");
}

#[test]
fn b07_any_other_verb_is_405_with_those_that_are_allowed() {
    let shop = Shop::new();
    shop.plugin("warehouse", json!({"actions": [widgets(&["hook"])]}));
    let server = server(&shop);
    until_actions(&server, 1);
    for verb in ["DELETE", "PUT", "PATCH", "OPTIONS"] {
        let answer = server.process.http().send(verb, WIDGETS, "application/json", b"{}").unwrap();
        assert_eq!(answer.status, 405, "{verb}");
        let head = answer.head.to_lowercase();
        let allow = head.lines().find(|line| line.starts_with("allow:")).unwrap_or_else(|| panic!("{verb}: {head}"));
        assert!(allow.contains("get") && allow.contains("post"), "{allow}");
    }
    assert_eq!(server.process.containers(), Vec::new());
}

#[test]
fn b10_a_hook_of_one_application_never_fires_for_another() {
    let shop = Shop::new();
    let of = |application: &str, event: &str| {
        json!({"name": format!("{application}-{}", event.replace('.', "-")), "event": event, "application": application,
               "args": ["append", seen("told"), format!("{event} for {application}")], "volumes": evidence_volume()})
    };
    let action = |application: &str| {
        let mut action = widgets(&["hook"]);
        action["application"] = json!(application);
        action
    };
    let hooks = [of("a", "run.succeeded"), of("a", "shelves.counted"), of("b", "shelves.counted")];
    shop.plugin("warehouse", json!({"hooks": hooks, "actions": [action("a"), action("b")]}));
    shop.automation("nobody", json!({"args": ["hook"]}));
    let server = server(&shop);
    server.has("a-delete-widgets");
    // Of `b` and of `nobody` no hook is there: that is no fault.
    for application in ["b", "a"] {
        let job = call(&server, application, "DeleteWidgets", &json!({"count": 1}));
        assert_eq!(job_over(&server, &job)["state"], "succeeded");
    }
    assert_eq!(server.run("nobody"), 0);
    assert_eq!(server.evidence("told"), ["run.succeeded for a"]);
    for data in [json!({"application": "b"}), json!({"application": "c"}), json!({})] {
        assert_eq!(fire(&server, "shelves.counted", &data).failure, None);
    }
    assert_eq!(server.evidence("told"), ["run.succeeded for a", "shelves.counted for b"]);
}
