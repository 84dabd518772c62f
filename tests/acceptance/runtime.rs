//! Programs as the runtime sees them: names, empty configurations, loads that fail, invented events, late starts.
//! D2, D4, D5, D27, D41, C5, C6, E20, E23.

use serde_json::{Value, json};

use crate::common::{Server, Shop, document, hook, seen, server, steps, with_toolbox};

#[test]
fn d02_one_configuration_file_decides_what_runs_and_nothing_else_does() {
    let shops = ["one", "two"].map(|name| {
        let shop = Shop::new();
        shop.automation(name, json!({"args": ["echo", name]}));
        shop
    });
    let mut server = server(&shops[0]);
    server.has("one");
    let names = |server: &Server| -> Vec<Value> {
        server.list(&["automations"]).iter().map(|automation| automation["name"].clone()).collect()
    };
    assert_eq!(names(&server), ["one"]);
    let file = server.process.config();
    let first = std::fs::read_to_string(&file).unwrap();
    let second = first.replace(&shops[0].path().display().to_string(), &shops[1].path().display().to_string());
    for (text, expected) in [(&second, "two"), (&first, "one")] {
        server.process.terminate();
        std::fs::write(&file, text).unwrap();
        server.process.start();
        server.has(expected);
        assert_eq!(names(&server), [expected], "all of it, and nothing of the other");
    }
    // Neither the folder that it is started in, nor a variable that names another file, nor the user's own settings.
    server.process.terminate();
    let other = shops[1].path().join("server.yaml");
    std::fs::write(&other, &second).unwrap();
    let mut elsewhere = server.process.command(["serve", "--check", "--config"]);
    elsewhere.arg(&file).current_dir(shops[1].path()).env("PROVOST_CONFIG", &other);
    assert!(elsewhere.output().unwrap().status.success());
    let mut missing = server.process.command(["serve", "--check", "--config", "nowhere.yaml"]);
    missing.current_dir(shops[1].path()).env("PROVOST_CONFIG", &other);
    assert!(!missing.output().unwrap().status.success(), "another file is no way out");
    server.process.start();
    server.has("one");
    assert_eq!(names(&server), ["one"]);
}

#[test]
fn d27_a_program_without_its_kind_or_what_it_starts_is_refused() {
    let shop = Shop::new();
    let server = server(&shop);
    let refused = |file: &str, text: &str| {
        shop.write(file, text);
        let checked = server.cli(&["validate", &shop.path().display().to_string()]);
        let report = format!("{}{}", checked.stdout, checked.stderr);
        assert_eq!(checked.code, 1, "{report}");
        std::fs::remove_file(shop.path().join(file)).unwrap();
        report
    };
    // What kind of program it is.
    let whole = document("Service", "relay", with_toolbox(json!({"args": ["sleep", "600"]})));
    let report = refused("relay.yaml", &whole.replace("\"kind\": \"Service\",", ""));
    assert!(report.contains("`kind` is missing") && report.contains("relay.yaml:1"), "{report}");
    // What it starts: an image, of its own or of its plugin.
    for (kind, spec, what) in [
        ("Service", json!({"args": ["sleep", "600"]}), "`image` is missing in `spec`"),
        ("Automation", json!({"args": ["echo"]}), "`image` is missing in `spec`"),
        ("Plugin", json!({"hooks": [{"name": "go", "event": "run.failed"}]}), "hook `go` has no image"),
        ("Plugin", json!({"actions": [{"name": "Go", "application": "shop"}]}), "action `Go` has no image"),
        ("Plugin", json!({"prepare": {"command": ["install"]}}), "hook `prepare` has no image"),
        ("Plugin", with_toolbox(json!({"hooks": [{"name": "go"}]})), "`event` is missing"),
        ("Plugin", with_toolbox(json!({"actions": [{"application": "shop"}]})), "`name` is missing"),
    ] {
        let report = refused("broken.yaml", &document(kind, "broken", spec));
        assert!(report.contains(what) && report.contains("broken.yaml:"), "{what}: {report}");
    }
    assert_eq!(server.list(&["automations"]), [json!(null); 0]);
}

#[test]
fn d04_a_duplicate_name_is_refused_with_both_places() {
    let shop = Shop::new();
    shop.automation("job", json!({"args": ["echo", "hi"]}));
    let server = server(&shop);
    server.has("job");
    let second = document("Automation", "job", with_toolbox(json!({"args": ["echo", "other"]})));
    shop.write("more/other.yaml", &second);
    let checked = server.cli(&["validate", &shop.path().display().to_string()]);
    let report = format!("{}{}", checked.stdout, checked.stderr);
    assert_eq!(checked.code, 1, "{report}");
    for part in ["E0131", "automations/job.yaml", "more/other.yaml"] {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
    server.until("the refusal", || server.json(&["status"])["rejected"].is_object().then_some(()));
    // One name may be used once a kind.
    shop.write("more/other.yaml", &document("Policy", "job", json!({})));
    server.until("the policy", || server.list(&["policies"]).pop());
}

#[test]
fn d05_an_empty_configuration_idles_healthy() {
    let shop = Shop::new();
    let mut server = server(&shop);
    let status = server.until("the startup", || {
        let status = server.json(&["status"]);
        (status["startup"] == "passed").then_some(status)
    });
    assert_eq!(status["counts"]["automations"], 0);
    assert_eq!(status["waitingFor"], json!([]));
    assert_eq!(status["rejected"], json!(null));
    assert_eq!(status["wakeAt"], json!(null), "it has nothing to wake up for");
    assert!(server.ok(&["status"]).contains("✓ ok"));
    assert!(server.process.is_running());
    assert_eq!(server.process.containers(), Vec::new());
    // And it is of use as soon as there is something to do.
    shop.automation("job", json!({"args": ["echo", "hi"]}));
    server.has("job");
    assert_eq!(server.run("job"), 0);
}

#[test]
fn d41_one_that_cannot_be_loaded_keeps_no_other_from_starting() {
    let shop = Shop::new();
    let nowhere = json!({"schedule": {"every": "1s"}, "image": "provost/nowhere:1", "pullPolicy": "Never"});
    shop.automation("a-broken", nowhere);
    shop.automation(
        "b-hook-missing",
        json!({"schedule": {"every": "1s"}, "args": ["echo", "hi"], "hooks": [
            {"event": "run.starting", "image": "provost/nowhere:1", "pullPolicy": "Never"}
        ]}),
    );
    shop.automation("c-good", json!({"schedule": {"every": "1s"}, "args": ["echo", "hi"]}));
    let server = server(&shop);
    let good = server.until("the good one", || server.list(&["runs", "c-good", "--outcome", "succeeded"]).pop());
    assert_eq!(good["exit"], 0);
    let broken = server.until("the broken one", || server.list(&["runs", "a-broken", "--outcome", "failed"]).pop());
    assert!(broken["detail"].as_str().unwrap().contains("provost/nowhere:1"), "{broken}");
    let refused =
        server.until("the other one", || server.list(&["runs", "b-hook-missing", "--outcome", "failed"]).pop());
    assert!(refused["detail"].as_str().unwrap().contains("hook"), "{refused}");
}

#[test]
fn c05_an_event_invented_in_a_manifest_fires() {
    let shop = Shop::new();
    let mut store = json!({"name": "store", "event": "orders.arrived", "args": ["hook", "--get", "data.order", "--mark", seen("orders")]});
    store["volumes"] = crate::common::evidence_volume();
    shop.plugin("warehouse", json!({"hooks": [store]}));
    shop.automation(
        "pack",
        json!({
            "args": ["echo", "order", "$(params.order)"],
            "params": {"order": {"type": "integer"}},
            "triggers": [{"event": "orders.arrived", "when": "data.order > 10"}],
        }),
    );
    let server = server(&shop);
    server.has("pack");
    let event = server.ok(&["fire", "orders.arrived", "--data", r#"{"order": 17}"#]);
    let run = server.until("the triggered run", || server.list(&["runs", "pack", "--outcome", "succeeded"]).pop());
    assert_eq!(run["cause"]["event"], "orders.arrived");
    assert_eq!(server.lines(&run, "main.1"), ["order 17"]);
    assert_eq!(server.evidence("orders").len(), 1);
    let hook_said = server.ok(&["logs", &format!("event/{}", event.trim()), "-o", "name"]);
    assert!(hook_said.contains("data.order = 17"), "{hook_said}");
    // The condition is part of the binding.
    server.ok(&["fire", "orders.arrived", "--data", r#"{"order": 3}"#]);
    server.until("the second hook", || (server.evidence("orders").len() == 2).then_some(()));
    assert_eq!(server.list(&["runs", "pack"]).len(), 1);
}

#[test]
fn c06_an_event_that_nothing_is_bound_to_is_recorded_and_does_nothing() {
    let shop = Shop::new();
    shop.policy("shop", json!({"hooks": [hook("other", "orders.gone", &["hook"])]}));
    shop.automation("job", json!({"args": ["echo", "hi"]}));
    let server = server(&shop);
    server.has("job");
    let event = server.ok(&["fire", "orders.arrived", "--data", r#"{"order": 17}"#]);
    let recorded = server.until("the record", || server.events("orders.arrived").pop());
    assert_eq!(recorded["event"], event.trim());
    assert_eq!(recorded["data"]["data"], json!({"order": 17}));
    let handled = server.until("its end", || {
        let handled = server.events("event.handled");
        handled.into_iter().find(|handled| handled["event"] == event.trim())
    });
    assert!(handled["seq"].as_u64() > recorded["seq"].as_u64());
    assert_eq!(server.events("step.started"), [json!(null); 0]);
    assert_eq!(server.list(&["runs"]), [json!(null); 0]);
    assert_eq!(server.process.containers(), Vec::new());
}

/// In Provost's words the window is `startDeadline`, and `dropped_out_of_window` is an outcome with the reason `deadline`:
/// `skipped` if it was just late, `missed` if nobody was there for long. The defaults there and here: window 900 to 1800 s —
/// none; least interval 3600 s — none, since `concurrencyPolicy: Forbid` keeps runs from piling up; poll 15 s — none, the
/// server sleeps until the next due time; 5 logs kept — `history`; concurrency 0 (no cap) — no `limits.runsAtOnce`.
#[test]
fn e20_a_start_later_than_the_window_is_recorded_and_not_made_up_for() {
    let shop = Shop::new();
    let spec = |deadline: Option<&str>| {
        let mut spec = json!({"schedule": {"every": "2s"}, "catchUp": "All", "args": ["echo", "hi"]});
        if let Some(deadline) = deadline {
            spec["startDeadline"] = json!(deadline);
        }
        spec
    };
    shop.automation("strict", spec(Some("1s"))).automation("patient", spec(None));
    let mut server = server(&shop);
    server.has("strict");
    server.until("a run of each", || {
        let has_run = |name: &str| !server.list(&["runs", name, "--outcome", "succeeded"]).is_empty();
        (has_run("strict") && has_run("patient")).then_some(())
    });
    server.process.kill9();
    // Due times have to pass while nobody is there.
    std::thread::sleep(std::time::Duration::from_secs(7));
    server.process.start();
    let missed = server.until("what was missed", || {
        let outcomes = server.list(&["outcomes", "strict", "--limit", "1000"]);
        outcomes.into_iter().find(|outcome| outcome["reason"] == "deadline")
    });
    assert_eq!(missed["run"], json!(null), "{missed}");
    // Without a window, all that was missed is made up for.
    let count = server.until("the runs that are made up for", || {
        let outcomes = server.list(&["outcomes", "patient", "--limit", "1000"]);
        let late = outcomes.iter().filter(|outcome| outcome["verdict"] == "ran").count();
        (late >= 4).then_some(late)
    });
    assert!(count >= 4);
    let outcomes = server.list(&["outcomes", "patient", "--limit", "1000"]);
    assert!(outcomes.iter().all(|outcome| outcome["verdict"] != "missed"), "{outcomes:?}");
    let explained = server.json(&["explain", "patient"]);
    let told = |path: &str| explained["items"].as_array().unwrap().iter().any(|item| item["path"] == path);
    assert!(!told("spec.startDeadline") && told("spec.concurrencyPolicy"));
    let run = server.list(&["runs", "strict", "--outcome", "succeeded"]).pop().unwrap();
    let run = server.json(&["describe", run["run"].as_str().unwrap()]);
    assert_eq!(steps(&run), ["main.1"]);
}

#[test]
fn e23_nothing_fires_while_it_is_suspended_or_paused() {
    let shop = Shop::new();
    let spec = |suspend: bool| {
        let mark = json!(["mark", seen("marks")]);
        json!({"schedule": {"every": "1s"}, "suspend": suspend, "args": mark, "volumes": crate::common::evidence_volume()})
    };
    shop.automation("suspended", spec(true)).automation("paused", spec(false));
    let server = server(&shop);
    server.has("paused");
    let fired = |name: &str| {
        let marks = server.evidence("marks").into_iter().map(|line| crate::common::parsed(&line));
        marks.filter(|mark| mark["automation"] == name && mark["mark"] == "start").count()
    };
    let skipped = |name: &str| {
        let outcomes = server.list(&["outcomes", name, "--limit", "1000"]);
        outcomes.iter().filter(|outcome| outcome["reason"] == "suspended").count()
    };
    server.until("a first run", || (fired("paused") > 0).then_some(()));
    server.ok(&["pause", "paused", "--reason", "stocktaking"]);
    // What was accepted before the pause goes on.
    server.until("rest", || {
        let runs = server.list(&["runs", "paused", "--limit", "1000"]);
        runs.iter().all(|run| !run["endedAt"].is_null()).then_some(())
    });
    let (before, already) = (fired("paused"), skipped("paused"));
    server.until("due times that are skipped", || {
        (skipped("suspended") >= 4 && skipped("paused") >= already + 4).then_some(())
    });
    assert_eq!((fired("suspended"), fired("paused")), (0, before));

    server.ok(&["resume", "paused"]);
    shop.automation("suspended", spec(false));
    server.until("runs of both", || (fired("suspended") > 0 && fired("paused") > before).then_some(()));
}
