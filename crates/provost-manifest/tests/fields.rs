//! No phantom keys: every field of every schema changes what is wanted, or what is refused.
//!
//! One shop says everything that can be said. The test walks the schemas; at each leaf it writes another value into the
//! shop and compiles again. A field that is added to a kind and not to the shop fails the test, and so does one that
//! changes nothing.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use provost_manifest::{Machine, ServerFacts, SourceFile, Style, compile, references, schemas};
use provost_model::RevisionId;
use serde_json::{Value, json};

/// Everything that can be said of a container.
fn container() -> Value {
    json!({
        "image": "tools:1", "command": ["run"], "args": ["now"], "env": {"A": "1"}, "workingDir": "/work",
        "user": "1000:1000", "readOnlyRoot": true, "dropCapabilities": ["ALL"], "addCapabilities": ["CHOWN"],
        "userNamespace": true, "network": "Shared", "pullPolicy": "Always", "resources": {"cpu": "0.5", "memory": "64Mi", "pids": 50},
        "volumes": [{"name": "data", "path": "/data", "hostPath": "/srv/data", "readOnly": true}],
        "secrets": [{"name": "db", "env": "PGPASSWORD", "file": "/run/db"}],
    })
}

/// Volumes of a container of runs: a path of the server, and one of its own.
fn volumes() -> Value {
    let own = json!({"name": "own", "path": "/own", "readOnly": true, "scope": "Automation"});
    json!([container()["volumes"][0], own])
}

/// An armour, as far as that can be seen without a key.
fn armour(end: &str) -> String {
    let body = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBjYW5hcnkgY2FuYXJ5IGNh";
    format!("-----BEGIN AGE ENCRYPTED FILE-----\n{body}\n{end}\n-----END AGE ENCRYPTED FILE-----\n")
}

fn with(mut base: Value, more: Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

fn hook(event: &str) -> Value {
    let own = json!({
        "name": "look", "event": event, "stage": "Pre", "timeout": "1m", "gracePeriod": "5s", "onError": "Fail",
        "background": false, "parallel": false, "takes": ["automation"],
    });
    with(container(), own)
}

fn notify() -> Value {
    let moments = ["starting", "started", "success", "failure", "recovery", "retrying", "cancelled", "finished"];
    let all = moments.into_iter().chain(["skipped", "missed", "late", "stepFailure"]);
    let mut notify: serde_json::Map<String, Value> = all.map(|moment| (moment.to_owned(), json!(["ops"]))).collect();
    notify.insert("noSuccessFor".to_owned(), json!({"after": "26h", "channels": ["ops"]}));
    Value::Object(notify)
}

fn automation() -> Value {
    let own = json!({
        "schedule": [
            {"cron": "30 2 * * *", "timeZone": "Europe/Berlin", "jitter": "5m", "onGap": "NextValid", "onFold": "First"},
            {"every": "90s"}, {"at": "2027-01-01T00:00:00Z"}, {"cron": "0 5 * * *"},
        ],
        "timeZone": "Europe/Paris",
        "triggers": [{"event": "run.succeeded", "from": "extract", "when": "data.attempt > 0"}],
        "params": {"since": {
            "type": "integer", "description": "first", "required": false, "default": 5, "minimum": 1, "maximum": 9,
            "options": [4, 5],
        }},
        "timeout": "10m", "gracePeriod": "20s", "retries": {"limit": 2, "backoff": "30s", "maxBackoff": "10m"},
        "concurrencyPolicy": "Queue", "queueLimit": 3, "catchUp": "All", "startDeadline": "1h", "lateAfter": "2m",
        "locks": ["warehouse"], "hooks": [hook("run.failed")], "notify": notify(), "suspend": false,
        "requires": {"services": ["relay"], "skills": ["fx.rate"]}, "access": access(), "volumes": volumes(),
    });
    with(container(), own)
}

/// What a container may ask of the server.
fn access() -> Value {
    json!({
        "events": ["orders.*"], "documents": {"read": ["build.*"], "write": ["build.web"]}, "scope": "View",
        "automations": ["web-*"], "progress": true,
    })
}

fn params() -> Value {
    json!({"count": {
        "type": "integer", "description": "how many", "required": false, "default": 5, "minimum": 1, "maximum": 9,
        "options": [4, 5],
    }})
}

/// The second one is provided in the other way.
fn provides() -> Value {
    let asked = json!({"skill": "up.rate", "description": "a rate", "params": params(), "http": {"port": 8090, "path": "/rate"}, "timeout": "5s"});
    json!([asked, {"skill": "up.run", "command": ["rate"]}])
}

fn service(check: Value) -> Value {
    let own = json!({
        "ports": ["127.0.0.1:8090:8090"], "gracePeriod": "20s", "healthCheck": check,
        "restart": {"policy": "OnFailure", "limit": 2, "backoff": "30s", "maxBackoff": "10m"}, "replace": "StartFirst",
        "requires": {"services": ["relay"], "skills": ["fx.rate"]}, "access": access(), "provides": provides(),
        "volumes": volumes(), "hooks": [hook("service.exited")],
        "notify": {"failure": ["ops"], "recovery": ["ops"], "retrying": ["ops"]},
    });
    with(container(), own)
}

/// What policies may set: a container without image, command and volumes, and how runs go.
fn settings() -> Value {
    json!({
        "env": {"SHOP": "acme"}, "user": "7:7", "readOnlyRoot": true, "dropCapabilities": ["ALL"], "addCapabilities": ["CHOWN"],
        "userNamespace": true, "network": "Shared", "pullPolicy": "Never", "resources": {"cpu": "0.25", "memory": "32Mi", "pids": 40},
        "timeout": "9m", "gracePeriod": "9s", "retries": {"limit": 1, "backoff": "9s", "maxBackoff": "9m"},
        "concurrencyPolicy": "Queue", "queueLimit": 2, "catchUp": "All", "startDeadline": "2h", "lateAfter": "3m",
        "timeZone": "Asia/Tokyo",
    })
}

fn policy() -> Value {
    json!({
        "order": 100,
        "select": {"labels": {"team": "finance"}, "kinds": ["Automation", "Service"], "names": ["plain", "root", "front"], "servers": {"tier": "prod"}},
        "defaults": settings(), "enforce": {},
        "limits": {"timeout": "6h", "memory": "2Gi", "cpu": "2", "pids": 500, "retries": 5, "runsAtOnce": 8},
        "rules": [{"assert": "spec.image == 'other:1'", "message": "not this image", "mode": "Audit"}],
        "hooks": [hook("run.failed")], "notify": notify(),
        "decide": with(container(), json!({"timeout": "1m", "gracePeriod": "5s", "onError": "Fail"})),
        "freeze": [{"cron": "* 22-23 * * FRI", "reason": "release night", "timeZone": "Europe/Berlin"}],
        "history": {"keep": "90d", "keepLast": 100, "logs": "30d", "logSize": "50Mi"},
        "allow": {
            "hostPaths": ["/srv"], "networks": ["backend"], "addCapabilities": ["CHOWN"], "writableRoot": true, "rootUser": true, "ports": ["192.0.2.1:80"], "scope": "Run",
        },
    })
}

fn action() -> Value {
    let own = json!({
        "name": "DeleteWidgets", "application": "shop", "description": "for real", "locks": ["warehouse"],
        "params": params(), "timeout": "10m", "gracePeriod": "20s",
        "retries": {"limit": 2, "backoff": "30s", "maxBackoff": "10m"}, "concurrencyPolicy": "Allow",
    });
    with(container(), own)
}

fn plugin() -> Value {
    json!({
        "order": 50, "enabled": true, "image": "plugin:1", "config": {"url": "http://warehouse"},
        "configSchema": {"type": "object", "required": ["url"]},
        "requires": {"labels": {"tier": "prod"}, "architecture": "amd64", "memory": "1Gi", "skills": ["fx.rate"]}, "access": access(),
        "prepare": with(container(), json!({"timeout": "2m", "gracePeriod": "5s"})),
        // The second one leaves the application to hooks and actions.
        "instances": {
            "one": {"enabled": true, "config": {"url": "http://one"}, "application": "till", "select": {"servers": {"tier": "prod"}}},
            "two": {},
        },
        // The second one runs in the plugin's own image.
        "hooks": [with(hook("orders.arrived"), json!({"application": "shop"})), {"name": "own", "event": "orders.arrived"}],
        "actions": [action(), {"name": "Own", "application": "shop"}],
    })
}

/// A plugin that offers skills, which one with several instances cannot.
fn plugin_with_skills() -> Value {
    let level = json!({"name": "stock.level", "description": "how many", "params": params(), "timeout": "1m", "gracePeriod": "5s"});
    // The second one is a value.
    let skills = json!([with(container(), level), {"name": "stock.most", "value": 42}]);
    let mut plugin = with(plugin(), json!({ "skills": skills }));
    plugin.as_object_mut().unwrap().remove("instances");
    plugin
}

fn document(kind: &str, name: &str, spec: Value) -> Value {
    let labels = if matches!(name, "plain" | "root") { json!({"team": "finance"}) } else { json!({}) };
    json!({"apiVersion": "provost/v1", "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec})
}

/// The documents around the one that is changed, which let it say everything.
fn surroundings() -> Vec<Value> {
    let bare = || json!({"image": "tools:1"});
    let powers = json!({
        "order": 1, "select": {"names": ["full", "up", "ops", "warehouse", "stand-in"]},
        "allow": {"hostPaths": ["/srv", "/var"], "networks": ["Shared", "other"], "addCapabilities": ["CHOWN", "KILL"],
                  "writableRoot": true, "rootUser": true, "scope": "Admin"},
    });
    vec![
        document("Automation", "extract", bare()),
        document("Automation", "other", json!({"image": "tools:1", "secrets": [{"name": "db"}]})),
        document("Service", "relay", bare()),
        document("Service", "relay2", bare()),
        document("Service", "open", json!({"image": "tools:1", "ports": ["0.0.0.0:443:443"]})),
        document(
            "Policy",
            "door",
            json!({"order": 2, "select": {"names": ["open"]}, "allow": {"ports": ["0.0.0.0:443"]}}),
        ),
        document("Automation", "plain", json!({"image": "tools:1", "schedule": "0 3 * * *"})),
        document("Channel", "ops", json!({"file": {"path": "ops.jsonl"}})),
        document("Channel", "ops2", json!({"file": {"path": "ops2.jsonl"}})),
        document("Policy", "powers", powers),
        document(
            "Plugin",
            "bank",
            json!({"skills": [{"name": "fx.rate", "value": 1}, {"name": "fx.other", "value": 2}]}),
        ),
        document("Secret", "db", json!({"age": armour("AAAA")})),
        document("Secret", "db2", json!({"age": armour("BBBB")})),
    ]
}

/// An automation that needs all that the policy of this test allows.
fn document_of_root() -> Value {
    let spec = json!({
        "image": "tools:1", "user": "0:0", "readOnlyRoot": false, "network": "backend", "addCapabilities": ["CHOWN"],
        "access": {"scope": "Run"}, "volumes": [{"name": "data", "path": "/data", "hostPath": "/srv/data"}],
    });
    document("Automation", "root", spec)
}

/// A service that needs a port that the policy of this test allows.
fn document_of_shop_front() -> Value {
    let mut service = document("Service", "front", json!({"image": "tools:1", "ports": ["192.0.2.1:80:80"]}));
    service["metadata"]["labels"] = json!({"team": "finance"});
    service
}

/// What compiling the documents comes to: what is wanted, and what is said.
fn outcome(documents: &[Value]) -> (Option<Value>, String) {
    let text: Vec<String> = documents.iter().map(ToString::to_string).collect();
    let files = [SourceFile { path: "shop.yaml".to_owned(), bytes: text.join("\n---\n").into_bytes() }];
    let facts = ServerFacts {
        name: "ber-1".to_owned(),
        labels: BTreeMap::from([("tier".to_owned(), "prod".to_owned())]),
        machine: Some(Machine { architecture: "amd64".to_owned(), memory_bytes: 8 << 30 }),
        ..ServerFacts::default()
    };
    let compiled = compile(&files, &facts, RevisionId::parse("r1").unwrap(), "2026-11-20T12:00:00Z".parse().unwrap());
    let report = compiled.report(Style::Plain);
    // Where a value comes from is no effect of its own.
    let wanted = compiled.desired.map(|mut desired| {
        for automation in desired.automations.values_mut() {
            std::sync::Arc::make_mut(automation).origins = std::sync::Arc::default();
        }
        serde_json::to_value(desired).unwrap()
    });
    (wanted, report.lines().filter(|line| line.starts_with("error") || line.starts_with("warning")).collect())
}

/// Another value for a leaf, by its name.
fn another(path: &str, now: &Value) -> Value {
    let key = path.rsplit(['.', '/']).next().unwrap();
    match (key, now) {
        (
            "rootUser" | "writableRoot" | "suspend" | "background" | "parallel" | "userNamespace" | "readOnlyRoot"
            | "readOnly" | "enabled" | "progress",
            _,
        )
        | ("required", Value::Bool(_)) => json!(!now.as_bool().unwrap()),
        ("cron", _) => json!("45 4 * * *"),
        ("timeZone", _) => json!("America/New_York"),
        ("at", _) => json!("2028-01-01T00:00:00Z"),
        ("onGap", _) => json!("Skip"),
        ("onFold", _) => json!("Both"),
        ("event", _) if path.contains("triggers") => json!("run.failed"),
        ("event", _) if path.starts_with("Plugin") => json!("orders.gone"),
        ("event", _) if path.starts_with("Service") => json!("service.removed"),
        ("ports", _) if path.contains("allow") => json!(["192.0.2.1:81"]),
        ("ports", _) => json!(["127.0.0.1:8091:8090"]),
        ("policy", _) => json!("Always"),
        ("scope", _) if path.contains("allow") => json!("View"),
        ("scope", _) => json!("Run"),
        ("skills", _) => json!(["fx.other"]),
        ("replace", _) => json!("StopFirst"),
        ("services", _) => json!(["relay2"]),
        ("event", _) => json!("run.lost"),
        ("from", _) => json!("other"),
        ("when" | "assert", _) => json!("1 == 1"),
        ("type", _) => json!("number"),
        ("default", Value::String(_)) => json!("Deny"),
        ("default", _) => json!(4),
        ("minimum", _) => json!(2),
        ("maximum", _) => json!(8),
        ("options", _) => json!([5]),
        ("concurrencyPolicy", _) => json!("Forbid"),
        ("catchUp", _) => json!("None"),
        ("pullPolicy", _) => json!("IfNotPresent"),
        ("onError", _) => json!("Ignore"),
        ("stage", _) => json!("Post"),
        ("mode", _) => json!("Enforce"),
        ("kinds", _) => json!(["Channel"]),
        ("names", _) => json!(["extract"]),
        ("networks", _) => json!(["other"]),
        ("network", _) => json!("None"),
        ("addCapabilities", _) => json!(["KILL"]),
        ("dropCapabilities", _) => json!(["NET_RAW"]),
        ("hostPaths", _) => json!(["/var"]),
        ("age", _) => json!(armour("CCCC")),
        ("hostPath", _) => json!("/srv/other"),
        ("user", _) => json!("8:8"),
        ("takes", _) => json!(["run"]),
        ("channels" | "failover", _) => json!(["ops2"]),
        ("url", _) => json!("https://hooks.example.org/other"),
        ("config", _) => json!({"url": "http://other"}),
        ("configSchema", _) => json!({"type": "object", "required": ["missing"]}),
        ("message", _) => json!("some other words"),
        ("labels" | "servers", _) => json!({"team": "nobody"}),
        ("env", _) => json!({"A": "2"}),
        ("workingDir", _) => json!("/elsewhere"),
        ("path", _) if path.contains("file") => json!("other.jsonl"),
        ("path", _) => json!("/elsewhere"),
        ("architecture", _) => json!("arm64"),
        ("memory", _) if path.contains("requires") => json!("64Gi"),
        ("memory", _) if path.contains("limits") => json!("1Mi"),
        ("logSize" | "memory", _) => json!("16Mi"),
        ("cpu", _) if path.contains("limits") => json!("0.01"),
        ("cpu", _) => json!("0.75"),
        ("pids" | "retries", _) if path.contains("limits") => json!(0),
        ("timeout", _) if path.contains("limits") => json!("2s"),
        (_, Value::Number(number)) => json!(number.as_i64().unwrap() + 1),
        (_, Value::String(text))
            if text.ends_with(['s', 'm', 'h', 'd']) && text.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            json!("7s")
        }
        (_, Value::String(text)) => json!(format!("{text}2")),
        (_, Value::Array(items)) if items == &[json!("ops")] => json!(["ops2"]),
        (_, Value::Array(_)) => json!(["another"]),
        (_, other) => panic!("{path}: which other value than {other}?"),
    }
}

/// Walks a schema beside the value that says everything, and calls `leaf` with the path of each field that has no fields.
fn walk(schema: &Value, root: &Value, value: &Value, path: &str, leaf: &mut dyn FnMut(&str)) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let forms = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|form| schema[form].as_array()).flatten();
    for form in forms {
        walk(form, root, value, path, leaf);
    }
    for (key, field) in schema["properties"].as_object().into_iter().flatten() {
        let below = format!("{path}/{key}");
        // A list has some items that say it; all the others are of other forms.
        let Some(said) = value.get(key) else {
            assert!(below.contains("/schedule/") || is_left_out(&below), "the shop of this test does not say {below}");
            continue;
        };
        walk_into(field, root, said, &below, leaf);
    }
    if let (Some(items), Some(said)) = (schema.get("items"), value.as_array()) {
        for (index, said) in said.iter().enumerate().filter(|(_, said)| said.is_object()) {
            walk(items, root, said, &format!("{path}/{index}"), leaf);
        }
    }
    let is_map = path.ends_with("/params") || path.ends_with("/instances");
    if let (true, Some(each)) = (is_map, schema.get("additionalProperties").filter(|each| each.is_object())) {
        for (key, said) in value.as_object().into_iter().flatten() {
            walk(each, root, said, &format!("{path}/{key}"), leaf);
        }
    }
}

fn walk_into(field: &Value, root: &Value, said: &Value, path: &str, leaf: &mut dyn FnMut(&str)) {
    let key = path.rsplit('/').next().unwrap();
    let is_free = matches!(key, "env" | "labels" | "servers" | "config" | "configSchema" | "default" | "options");
    let is_leaf =
        is_free || !(said.is_object() || said.as_array().is_some_and(|items| items.iter().any(Value::is_object)));
    if is_leaf { leaf(path) } else { walk(field, root, said, path, leaf) }
}

/// What one document cannot say together with the rest; each has a shop of its own below.
fn is_left_out(path: &str) -> bool {
    // `enforce` says what automations may not; the other ways of a channel.
    let is_second = path.starts_with("Plugin/spec/hooks/1/")
        || path.starts_with("Plugin/spec/actions/1/")
        || path.starts_with("Plugin/spec/instances/two/");
    let is_other_way = path.starts_with("Service/spec/provides/1/")
        || path == "Service/spec/provides/0/command"
        || path.starts_with("Plugin/spec/skills/1/")
        || path == "Plugin/spec/skills/0/value"
        || matches!(path, "Plugin/spec/skills" | "Plugin/spec/instances");
    let of_application = !path.starts_with("Plugin/") && path.ends_with("/application");
    path.contains("/enforce/")
        || path.starts_with("Service/spec/healthCheck/")
        || path.starts_with("Channel/spec/")
        || is_second
        || is_other_way
        // A volume is a path of the server, or has a scope.
        || path.ends_with("/volumes/0/scope")
        || path.ends_with("/volumes/1/hostPath")
        || of_application
}

/// Changes every leaf of `spec`, and returns those that change nothing.
fn phantoms(kind: &str, name: &str, spec: &Value) -> Vec<String> {
    let schema = &schemas()[&format!("{}.json", kind.to_lowercase())];
    let whole = document(kind, name, spec.clone());
    let shop = |document: Value| {
        let mut documents = surroundings();
        documents.retain(|other| {
            other["kind"] != document["kind"] || other["metadata"]["name"] != document["metadata"]["name"]
        });
        if kind == "Policy" {
            documents.push(document_of_root());
            documents.push(document_of_shop_front());
        }
        documents.push(document);
        outcome(&documents)
    };
    let before = shop(whole.clone());
    assert!(before.0.is_some(), "{kind}/{name}: {}", before.1);
    let mut leaves = Vec::new();
    walk(&schema["properties"]["spec"], schema, spec, &format!("{kind}/spec"), &mut |path| {
        leaves.push(path.to_owned())
    });
    leaves.sort();
    leaves.dedup();
    assert!(!leaves.is_empty());
    let is_phantom = |path: &String| {
        let pointer = path.trim_start_matches(kind);
        let mut changed = whole.clone();
        let place = changed.pointer_mut(pointer).unwrap();
        *place = another(path, place);
        shop(changed) == before
    };
    leaves.into_iter().filter(is_phantom).collect()
}

#[test]
fn every_field_of_an_automation_changes_something() {
    assert_eq!(phantoms("Automation", "full", &automation()), Vec::<String>::new());
}

#[test]
fn every_field_of_a_service_changes_something() {
    let times = json!({"interval": "20s", "timeout": "3s", "failures": 2, "startTimeout": "1m"});
    for probe in [json!({"http": {"port": 8090, "path": "/healthz"}}), json!({"command": ["ready"]})] {
        let spec = service(with(times.clone(), probe));
        assert_eq!(phantoms("Service", "up", &spec), Vec::<String>::new());
    }
}

#[test]
fn every_field_of_a_policy_changes_something() {
    assert_eq!(phantoms("Policy", "shop", &policy()), Vec::<String>::new());
}

#[test]
fn every_field_that_a_policy_enforces_changes_something() {
    let allow = json!({"networks": ["Shared"], "addCapabilities": ["CHOWN", "KILL"], "writableRoot": true});
    let spec = json!({"order": 100, "select": {"names": ["plain"]}, "enforce": settings(), "allow": allow});
    let schema = &schemas()["policy.json"];
    let mut said = Vec::new();
    let enforce = &schema["properties"]["spec"];
    walk(&whole_of(enforce, schema)["properties"]["enforce"], schema, &spec["enforce"], "Enforce", &mut |path| {
        said.push(path.to_owned())
    });
    assert!(said.len() > 20, "{said:?}");
    let shop = |spec: Value| {
        let mut documents = surroundings();
        documents.push(document("Policy", "shop", spec));
        outcome(&documents)
    };
    let before = shop(spec.clone());
    assert!(before.0.is_some(), "{}", before.1);
    for path in said {
        let mut changed = spec.clone();
        let place = changed.pointer_mut(&path.replacen("Enforce", "/enforce", 1)).unwrap();
        *place = another(&path, place);
        assert!(shop(changed) != before, "{path} changes nothing");
    }
}

fn whole_of<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    schema["$ref"].as_str().map_or(schema, |reference| root.pointer(reference.trim_start_matches('#')).unwrap())
}

#[test]
fn every_field_of_a_plugin_changes_something() {
    for plugin in [plugin(), plugin_with_skills()] {
        assert_eq!(phantoms("Plugin", "warehouse", &plugin), Vec::<String>::new());
    }
}

#[test]
fn every_field_of_a_secret_changes_something() {
    assert_eq!(phantoms("Secret", "db", &json!({"age": armour("AAAA")})), Vec::<String>::new());
}

#[test]
fn every_field_of_a_channel_changes_something() {
    let common = json!({"failover": ["ops"], "repeatEvery": "1h", "timeout": "30s", "reply": {"timeout": "30s", "default": "Allow"}});
    let webhook = json!({"webhook": {"url": "https://hooks.example.org/ops", "secret": "ops-hmac"}});
    let file = json!({"failover": ["ops"], "repeatEvery": "1h", "timeout": "30s", "file": {"path": "a.jsonl"}});
    let command = json!({"command": container()});
    for spec in [with(common.clone(), webhook), with(common, command), file] {
        assert_eq!(phantoms("Channel", "stand-in", &spec), Vec::<String>::new());
    }
}

#[test]
fn every_field_of_a_source_changes_something() {
    let git = json!({
        "git": {"url": "https://git.example.org/tools.git", "branch": "stable", "path": "manifests"}, "poll": "5m",
        "policies": true,
    });
    let folder = json!({"folder": "/srv/plugins/tools", "poll": "5m", "policies": true});
    let outcome = |spec: &Value| {
        let bytes = |document: Value| document.to_string().into_bytes();
        let files = [
            SourceFile { path: "shop.yaml".to_owned(), bytes: bytes(document("Source", "tools", spec.clone())) },
            SourceFile { path: "tools//p.yaml".to_owned(), bytes: bytes(document("Policy", "theirs", json!({}))) },
        ];
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let compiled = compile(&files, &ServerFacts::default(), RevisionId::parse("r1").unwrap(), now);
        (references(&files), compiled.report(Style::Plain))
    };
    let others = [
        ("/git/url", json!("https://git.example.org/other.git")),
        ("/git/branch", json!("main")),
        ("/git/path", json!("other")),
        ("/folder", json!("/srv/plugins/other")),
        ("/poll", json!("6m")),
        ("/policies", json!(false)),
    ];
    let schema = &schemas()["source.json"]["properties"]["spec"];
    let mut said = Vec::new();
    for spec in [&git, &folder] {
        for (path, other) in others.iter().filter(|(path, _)| spec.pointer(path).is_some()) {
            let mut changed = spec.clone();
            *changed.pointer_mut(path).unwrap() = other.clone();
            assert!(outcome(&changed) != outcome(spec), "{path} changes nothing");
            said.push(path.trim_start_matches("/git").trim_start_matches('/'));
        }
    }
    let fields = |schema: &Value| schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for field in fields(schema).into_iter().chain(fields(&schema["properties"]["git"])).filter(|field| field != "git") {
        assert!(said.contains(&field.as_str()), "this test does not say {field}");
    }
}

#[test]
fn the_application_of_a_hook_of_a_policy_says_whose_actions_it_is_around() {
    let hooks_around = |application: &str| {
        let hook = json!({"event": "run.failed", "image": "tools:1", "application": application});
        let mut documents = surroundings();
        documents.push(document("Policy", "shop", json!({"order": 5, "hooks": [hook]})));
        documents.push(document("Plugin", "warehouse", plugin()));
        let (wanted, report) = outcome(&documents);
        let automations = wanted.expect(&report)["automations"].clone();
        let count = |name: &str| automations[name]["hooks"].as_array().unwrap().len();
        (count("shop-own"), count("plain"))
    };
    assert_eq!(hooks_around("shop"), (1, 0));
    assert_eq!(hooks_around("other"), (0, 0));
    let mut own = automation();
    own["hooks"][0]["application"] = json!("shop");
    let mut documents = surroundings();
    documents.push(document("Automation", "full", own));
    let (wanted, report) = outcome(&documents);
    assert!(wanted.is_none() && report.contains("application"), "{report}");
}
