//! What containers may ask of the server through their own sockets: B23, B24, B28 and B40.

use provost_testkit::{Cli, TOOLBOX};
use serde_json::{Value, json};

use crate::calls::{call, job_over};
use crate::common::{Server, Shop, parsed, server};

/// The arguments with which a container asks the server.
fn asking(method: &str, path: &str, body: &Value) -> Value {
    json!(["ask", method, path, body.to_string()])
}

/// An action of the toolbox for `shop`.
fn action(name: &str, args: Value) -> Value {
    json!({"name": name, "application": "shop", "image": TOOLBOX, "args": args})
}

/// What the container of an action was answered, by what is in the log of its run.
#[track_caller]
fn answered(server: &Server, name: &str) -> (String, Vec<String>) {
    let job = job_over(server, &call(server, "shop", name, &json!({})));
    let run = json!({"run": job["run"]});
    (job["state"].as_str().unwrap().to_owned(), server.lines(&run, "main.1"))
}

#[test]
fn b23_an_action_does_over_the_api_what_its_manifest_asks_for_and_policy_allows_and_nothing_else() {
    let shop = Shop::new();
    let actions = [
        action("Start", asking("POST", "/v1/automations/web-1/run", &json!({}))),
        action("StartOther", asking("POST", "/v1/automations/other/run", &json!({}))),
        action("Look", asking("GET", "/v1/automations", &json!({}))),
        action("Apply", asking("POST", "/v1/apply", &json!({}))),
        action("Fire", asking("POST", "/v1/events", &json!({"name": "orders.packed", "data": {}}))),
        action("FireOther", asking("POST", "/v1/events", &json!({"name": "payments.made", "data": {}}))),
        action("Permissions", asking("GET", "/v1/permissions", &json!({}))),
    ];
    let access = json!({"scope": "Run", "automations": ["web-*"], "events": ["orders.*"]});
    shop.plugin("deploy", json!({"actions": actions, "access": access}));
    shop.automation("web-1", json!({"args": ["echo", "hello"]}));
    shop.automation("other", json!({"args": ["echo", "hello"]}));
    // Without a policy that allows it, nobody gets it.
    let validate = |shop: &Shop| {
        let Cli { code, stdout, stderr } = provost(&["validate", shop.path().to_str().unwrap()]);
        (code, format!("{stdout}{stderr}"))
    };
    let (code, said) = validate(&shop);
    assert!(
        code == 1 && said.contains("the scope `Run` is not allowed") && said.contains("allow: {scope: Run}"),
        "{said}"
    );
    assert_eq!(said.matches("error[E0165]").count(), 1, "however many containers the plugin has: {said}");
    shop.policy("shop", json!({"select": {"names": ["deploy"]}, "allow": {"scope": "View"}}));
    assert_eq!(validate(&shop).0, 1, "a policy that allows less is not enough");
    shop.policy("shop", json!({"select": {"names": ["deploy"]}, "allow": {"scope": "Run"}}));
    let server = server(&shop);
    server.has("web-1");
    server.has("shop-permissions");
    let (state, lines) = answered(&server, "Start");
    assert_eq!(state, "succeeded", "{lines:?}");
    let run = server.over(parsed(&lines[0])["run"].as_str().unwrap());
    assert!(run["cause"]["by"].as_str().unwrap().starts_with("step main.1 of shop-start."), "{run}");
    for name in ["StartOther", "Apply", "FireOther"] {
        let (state, lines) = answered(&server, name);
        assert_eq!((state.as_str(), &parsed(&lines[0])["status"]), ("failed", &json!(403)), "{name}: {lines:?}");
    }
    assert_eq!(answered(&server, "Fire").0, "succeeded");
    let seen = parsed(&answered(&server, "Look").1[0]);
    let names: Vec<&Value> = seen["items"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
    assert_eq!(names, [&json!("web-1")], "a list holds what may be seen");
    // The view of what is allowed is what is allowed.
    let permissions = parsed(&answered(&server, "Permissions").1[0]);
    assert_eq!((&permissions["scope"], &permissions["events"]), (&json!("run"), &json!(["orders.*"])));
    let routes = permissions["routes"].as_array().unwrap();
    let may = |path: &str| routes.iter().find(|route| route["path"] == path);
    assert_eq!(may("/v1/automations/{name}/run").unwrap()["automations"], json!(["web-1"]));
    assert!(may("/v1/apply").is_none() && may("/v1/skills/{skill}").is_none() && may("/v1/progress").is_none());
}

#[test]
fn b24_what_one_action_sets_another_reads() {
    let shop = Shop::new();
    let attributes = json!({"version": 7, "notes": ["a", null]});
    let writer = [
        action("Build", asking("PUT", "/v1/documents/build.web", &attributes)),
        action("Overreach", asking("PUT", "/v1/documents/secrets", &json!(1))),
    ];
    let reader = [
        action("Deploy", asking("GET", "/v1/documents/build.web", &Value::Null)),
        action("Spoil", asking("PUT", "/v1/documents/build.web", &json!(0))),
    ];
    shop.plugin("builder", json!({"actions": writer, "access": {"documents": {"write": ["build.*"]}}}));
    shop.plugin("deployer", json!({"actions": reader, "access": {"documents": {"read": ["build.*"]}}}));
    let mut server = server(&shop);
    server.has("shop-spoil");
    assert_eq!(answered(&server, "Build").0, "succeeded");
    assert_eq!(answered(&server, "Overreach").0, "failed");
    assert_eq!(answered(&server, "Spoil").0, "failed");
    assert_eq!(parsed(&answered(&server, "Deploy").1[0]), attributes);
    server.process.kill9();
    server.process.start();
    server.has("shop-spoil");
    assert_eq!(parsed(&answered(&server, "Deploy").1[0]), attributes, "documents are durable");
    let listed = server.process.http().get("/v1/documents").unwrap().json();
    assert_eq!(listed["items"][0]["name"], "build.web");
    assert!(listed["items"][0]["by"].as_str().unwrap().starts_with("step main.1 of shop-build."), "{listed}");
}

#[test]
fn b28_a_container_tells_its_progress_through_its_socket() {
    let shop = Shop::new();
    let mut index = action("Index", asking("POST", "/v1/progress", &json!({"percent": 40, "shelf": "B"})));
    index["description"] = json!("tells one entry");
    shop.plugin("warehouse", json!({"actions": [index], "access": {"progress": true}}));
    let server = server(&shop);
    server.has("shop-index");
    let job = job_over(&server, &call(&server, "shop", "Index", &json!({})));
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(job["entries"], json!([{"percent": 40, "shelf": "B"}]));
}

#[test]
fn b40_a_patch_whose_test_fails_is_refused_and_changes_nothing() {
    let shop = Shop::new();
    shop.automation("idle", json!({"args": ["echo"]}));
    let server = server(&shop);
    let http = server.process.http();
    let path = "/v1/documents/build.web";
    let put = http.send("PUT", path, "application/json", br#"{"version": 7, "tags": ["a"]}"#).unwrap();
    assert_eq!(put.status, 204, "{}", put.text());
    let patch = |operations: Value| {
        http.send("PATCH", path, "application/json-patch+json", operations.to_string().as_bytes()).unwrap()
    };
    let good = patch(json!([
        {"op": "test", "path": "/version", "value": 7},
        {"op": "replace", "path": "/version", "value": 8},
        {"op": "add", "path": "/tags/-", "value": "b"},
    ]));
    assert_eq!((good.status, good.json()), (200, json!({"version": 8, "tags": ["a", "b"]})));
    let bad = patch(json!([
        {"op": "remove", "path": "/tags"},
        {"op": "test", "path": "/version", "value": 7},
    ]));
    assert_eq!(bad.status, 400, "{}", bad.text());
    assert!(
        bad.json()["detail"].as_str().unwrap().contains("operation 1 (/version): its `test` does not hold"),
        "{}",
        bad.text()
    );
    assert_eq!(http.get(path).unwrap().json(), json!({"version": 8, "tags": ["a", "b"]}));
    assert_eq!(patch(json!({"op": "remove"})).status, 400);
    assert_eq!(http.send("PATCH", "/v1/documents/none", "application/json", b"[]").unwrap().status, 404);
    assert_eq!(http.delete(path).unwrap().status, 204);
    assert_eq!(http.get(path).unwrap().status, 404);
}

#[test]
fn documents_are_listed_written_changed_and_removed_by_hand() {
    let shop = Shop::new();
    shop.automation("idle", json!({"args": ["echo"]}));
    let server = server(&shop);
    let Cli { stdout, stderr, .. } = server.cli(&["document", "ls"]);
    assert!(format!("{stdout}{stderr}").contains("There are no documents."), "{stdout}{stderr}");
    server.ok(&["document", "write", "build.web", r#"{"version": 7}"#]);
    let patch = json!([{"op": "replace", "path": "/version", "value": 8}]).to_string();
    assert_eq!(server.ok(&["document", "patch", "build.web", &patch]).trim(), r#"{"version":8}"#);
    assert_eq!(server.json(&["document", "show", "build.web"]), json!({"version": 8}));
    let listed = server.ok(&["document", "ls"]);
    assert!(listed.contains("build.web") && listed.contains("13"), "{listed}");
    let Cli { code, stderr, .. } = server.cli(&["document", "write", "build.web", "{"]);
    assert!(code == 2 && stderr.contains("that is not a JSON value"), "{code} {stderr}");
    let held = json!([{"op": "test", "path": "/version", "value": 7}]).to_string();
    let Cli { code, stderr, .. } = server.cli(&["document", "patch", "build.web", &held]);
    assert!(code != 0 && stderr.contains("its `test` does not hold"), "{code} {stderr}");
    server.ok(&["document", "rm", "build.web"]);
    let Cli { code, stderr, .. } = server.cli(&["document", "show", "build.web"]);
    assert!(code == 5 && stderr.contains("there is no document build.web"), "{code} {stderr}");
}

#[test]
fn a_container_that_goes_on_asks_the_restarted_server_too() {
    let shop = Shop::new();
    let read = json!([{"skill": "shared.read", "command": ["/toolbox", "ask", "GET", "/v1/documents/shared"]}]);
    let access = json!({"documents": {"read": ["shared"]}});
    shop.add(
        "Service",
        "reader",
        json!({"image": TOOLBOX, "args": ["sleep", "86400"], "provides": read, "access": access}),
    );
    let mut server = server(&shop);
    let up = |server: &Server| {
        server.until("the service", || (server.list(&["services"]).first()?["state"] == "up").then_some(()));
    };
    up(&server);
    server.process.http().send("PUT", "/v1/documents/shared", "application/json", b"[1, 2]").unwrap();
    let shared = |server: &Server| parsed(server.ok(&["skill", "call", "shared.read"]).trim());
    assert_eq!(shared(&server), json!([1, 2]));
    server.process.kill9();
    server.process.start();
    up(&server);
    assert_eq!(shared(&server), json!([1, 2]));
}

/// Runs a command that needs no server.
fn provost(args: &[&str]) -> Cli {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_provost")).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Cli { code: output.status.code().unwrap(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}
