//! Services: the rows of the runtime of many programs, and C4.

use std::time::Duration;

use provost_testkit::{Cli, ContainerView, EngineView, ServerOptions, TOOLBOX, toolbox_like};
use serde_json::{Value, json};

use crate::common::{Server, Shop, evidence_volume, hook, options, seen, server, with_toolbox};

/// A service of the toolbox that goes on until it is stopped.
fn going_on() -> Value {
    json!({"args": ["sleep", "86400"]})
}

fn with(mut spec: Value, more: Value) -> Value {
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    spec
}

fn add(shop: &Shop, name: &str, spec: Value) {
    shop.add("Service", name, with_toolbox(spec));
}

fn service(server: &Server, name: &str) -> Option<Value> {
    server.list(&["services"]).into_iter().find(|item| item["name"] == name)
}

/// Waits until the service is in this state; returns it.
#[track_caller]
fn until(server: &Server, name: &str, state: &str) -> Value {
    server.until(&format!("{name} being {state}"), || service(server, name).filter(|item| item["state"] == state))
}

/// The main containers of this service that run.
fn containers(server: &Server, name: &str) -> Vec<ContainerView> {
    let head = format!("{name}.");
    let is_its = |it: &ContainerView| {
        it.is_running && it.label("owner").starts_with(&head) && it.label("step").starts_with("main.")
    };
    server.process.containers().into_iter().filter(is_its).collect()
}

#[test]
fn d01_one_view_of_all_programs_with_the_last_exit_of_those_that_are_dead_or_restarting() {
    let shop = Shop::new();
    add(&shop, "up", going_on());
    add(&shop, "dead", json!({"args": ["fail", "3"]}));
    add(&shop, "again", json!({"args": ["fail", "4"], "restart": {"limit": 1, "backoff": "5m"}}));
    add(&shop, "once", json!({"args": ["echo", "done"]}));
    let server = server(&shop);
    let (up, dead, again) =
        (until(&server, "up", "up"), until(&server, "dead", "dead"), until(&server, "again", "restarting"));
    until(&server, "once", "ended");
    assert!(up["upSince"].is_string() && up["lastExit"].is_null());
    assert_eq!((&dead["lastExit"], &dead["detail"]), (&json!(3), &json!("exit 3; no restart is declared")));
    assert_eq!(again["lastExit"], 4);
    let table = server.ok(&["get", "services"]);
    for line in ["✓ up", "✗ dead", "! restarting", "■ ended"] {
        assert!(table.contains(line), "{table}");
    }
    let status = server.ok(&["status"]);
    assert!(status.contains("Service dead is dead: exit 3; no restart is declared"), "{status}");
    assert!(server.ok(&["describe", "dead"]).contains("exit 3; no restart is declared"));
    // They are no automations, and have no runs to ask for.
    assert_eq!(server.list(&["automations"]).len(), 0);
    let Cli { code, stderr, .. } = server.cli(&["run", "up"]);
    assert!(code != 0 && stderr.contains("up is a service"), "{stderr}");
}

#[test]
fn d03_services_start_in_the_order_in_which_they_need_each_other() {
    let shop = Shop::new();
    let needs = |name: &str| json!({"requires": {"services": [name]}});
    add(&shop, "a-web", with(going_on(), needs("m-app")));
    add(&shop, "m-app", with(going_on(), needs("z-db")));
    // Healthy once it has left its evidence.
    let ready = json!({"command": ["/toolbox", "cat", seen("ready")], "startTimeout": "60s"});
    let db = json!({"args": ["mark", seen("ready"), "--sleep", "86400"], "volumes": evidence_volume(), "healthCheck": ready});
    add(&shop, "z-db", db);
    let server = server(&shop);
    until(&server, "a-web", "up");
    let since = |name: &str| until(&server, name, "up")["upSince"].as_str().unwrap().to_owned();
    assert!(since("z-db") <= since("m-app") && since("m-app") <= since("a-web"));
    let healthy = server.events("service.healthy");
    assert_eq!(healthy[0]["automation"], "z-db");
    assert!(healthy[0]["at"].as_str().unwrap() <= since("m-app").as_str());
}

#[test]
fn d25_stdout_and_stderr_are_in_the_central_log_with_who_wrote_them() {
    let shop = Shop::new();
    // Its first attempt writes to stderr, the second to stdout.
    add(&shop, "both", json!({"args": ["flaky", "1"], "restart": {"limit": 1, "backoff": "1s"}}));
    add(&shop, "other", json!({"args": ["echo", "other"]}));
    let told = json!({"name": "told", "event": "service.exited", "args": ["fail", "0", "hook"]});
    shop.add("Plugin", "ear", with_toolbox(json!({"hooks": [told]})));
    let server = server(&shop);
    for name in ["both", "other"] {
        until(&server, name, "ended");
    }
    let lines = |name: &str| -> Vec<[String; 4]> {
        let text = server.ok(&["logs", name, "-o", "json"]);
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| ["run", "step", "stream", "text"].map(|key| line[key].as_str().unwrap().to_owned())).collect()
    };
    let both = lines("both");
    assert!(both.iter().all(|[run, ..]| run.starts_with("both.")), "{both:?}");
    let said = |wanted: &str| {
        let mine = both.iter().filter(|[_, step, ..]| step == wanted);
        mine.map(|[_, _, stream, text]| format!("{stream}: {text}")).collect::<Vec<_>>()
    };
    assert!(said("main.1").iter().all(|line| line.starts_with("stderr: ")) && !said("main.1").is_empty(), "{both:?}");
    assert_eq!(said("main.2"), ["stdout: attempt 2 succeeds after 1 that failed"]);
    assert_eq!(said("service.exited-ear.told"), ["stderr: hook"]);
    let other = lines("other");
    assert!(other[0][0].starts_with("other."), "{other:?}");
    assert_eq!(other[0][1..], ["main.1", "stdout", "other"]);
}

#[test]
fn d24_any_image_runs_unchanged_and_what_it_writes_is_kept() {
    let shop = Shop::new();
    add(&shop, "both", json!({"args": ["fail", "1", "to stderr"], "restart": {"limit": 1, "backoff": "1s"}}));
    let server = server(&shop);
    let dead = until(&server, "both", "dead");
    assert_eq!(dead["lastExit"], 1);
    let lines: Vec<Value> =
        server.ok(&["logs", "both", "-o", "json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let steps: Vec<&str> = lines.iter().map(|line| line["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["main.1", "main.2"]);
    assert!(lines.iter().all(|line| line["stream"] == "stderr" && line["text"] == "to stderr"), "{lines:?}");
    assert!(lines.iter().all(|line| line["run"].as_str().unwrap().starts_with("both.")));
}

#[test]
fn d32_exactly_n_restarts_happen_and_absent_means_none() {
    let shop = Shop::new();
    let leaves = |file: &str| json!({"args": ["mark", seen(file), "--exit", "7"], "volumes": evidence_volume()});
    add(&shop, "three", with(leaves("three"), json!({"restart": {"limit": 3, "backoff": "1s", "maxBackoff": "1s"}})));
    add(&shop, "none", leaves("none"));
    let mut server = server(&shop);
    let dead = until(&server, "three", "dead");
    assert_eq!(dead["detail"], "exit 7; restarted 3 times, and not again");
    until(&server, "none", "dead");
    let starts = |server: &Server, file| server.evidence(file).iter().filter(|line| line.contains("start")).count();
    assert_eq!((starts(&server, "three"), starts(&server, "none")), (4, 1));
    // Neither a kill nor a new start of the reconciler tries it again; a person does.
    server.process.kill9();
    server.process.start();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!((starts(&server, "three"), starts(&server, "none")), (4, 1));
    let asked = server.cli(&["start", "none", "--wait", "--timeout", "60s"]);
    assert!(matches!(asked.code, 0 | 1), "it may be seen up for a moment: {}{}", asked.stdout, asked.stderr);
    server.until("its second start", || (starts(&server, "none") == 2).then_some(()));
    until(&server, "none", "dead");
    assert_eq!(starts(&server, "none"), 2);
}

#[test]
fn d36_each_clean_up_is_called_once_on_stop_and_one_that_fails_blocks_no_other() {
    let shop = Shop::new();
    let witness = |name: &str| crate::common::witness(name, "service.exited", "clean-up", name);
    let hooks = json!([witness("first"), hook("broken", "service.exited", &["fail", "1"]), witness("last")]);
    add(&shop, "relay", with(going_on(), json!({"hooks": hooks, "gracePeriod": "2s"})));
    let server = server(&shop);
    until(&server, "relay", "up");
    server.ok(&["stop", "relay", "--wait", "--timeout", "60s"]);
    assert_eq!(server.evidence("clean-up"), ["last", "first"]);
    assert_eq!(containers(&server, "relay"), Vec::new());
}

#[test]
fn c04_drift_is_found_by_the_engines_events_and_put_right() {
    let shop = Shop::new();
    add(&shop, "relay", with(going_on(), json!({"restart": {"backoff": "1s"}})));
    let server = server(&shop);
    until(&server, "relay", "up");
    for times in 1..=2 {
        let [container] = containers(&server, "relay").try_into().unwrap();
        server.process.engine().remove(&container);
        let other = server.until("another container", || {
            let now = containers(&server, "relay");
            (now.len() == 1 && now[0] != container).then(|| now[0].clone())
        });
        assert_ne!(other.name, container.name);
        until(&server, "relay", "up");
        assert_eq!((server.events("drift.found").len(), server.events("drift.corrected").len()), (times, times));
    }
}

#[test]
fn c04_what_an_operator_stopped_stays_stopped_and_says_so() {
    let shop = Shop::new();
    add(&shop, "relay", going_on());
    let mut server = server(&shop);
    until(&server, "relay", "up");
    server.ok(&["stop", "relay", "--wait", "--timeout", "60s"]);
    server.process.kill9();
    server.process.start();
    add(&shop, "relay", with(going_on(), json!({"env": {"VERSION": "2"}})));
    add(&shop, "other", going_on());
    until(&server, "other", "up");
    let stopped = until(&server, "relay", "stopped");
    assert!(stopped["detail"].as_str().unwrap().starts_with("by "), "{stopped}");
    assert!(server.ok(&["status"]).contains("stays so until `provost start relay`"));
    assert_eq!(containers(&server, "relay"), Vec::new());
    server.ok(&["start", "relay", "--wait", "--timeout", "60s"]);
    assert_eq!(containers(&server, "relay").len(), 1);
}

#[test]
fn c05_a_killed_reconciler_takes_its_services_over_as_they_run() {
    let shop = Shop::new();
    add(&shop, "relay", going_on());
    let mut server = server(&shop);
    let before = until(&server, "relay", "up");
    let running = containers(&server, "relay");
    server.process.kill9();
    server.process.start();
    let after = until(&server, "relay", "up");
    assert_eq!((&before["run"], &before["upSince"]), (&after["run"], &after["upSince"]));
    assert_eq!(containers(&server, "relay"), running);
    server.process.terminate();
    server.process.start();
    until(&server, "relay", "up");
    assert_eq!(containers(&server, "relay"), running, "a shutdown leaves it running, too");
}

#[test]
fn d38_d42_a_reload_takes_new_code_and_halts_no_dependant() {
    let shop = Shop::new();
    let version = |text: &str| with(going_on(), json!({"env": {"VERSION": text}}));
    add(&shop, "db", version("1"));
    add(&shop, "web", with(going_on(), json!({"requires": {"services": ["db"]}})));
    let server = server(&shop);
    let web = until(&server, "web", "up");
    let db = until(&server, "db", "up");
    add(&shop, "db", version("2"));
    let new = server.until("the new container", || {
        let now = service(&server, "db")?;
        (now["run"] != db["run"] && now["state"] == "up" && containers(&server, "db").len() == 1).then_some(now)
    });
    assert_ne!(new["upSince"], db["upSince"]);
    let old = server.json(&["describe", db["run"].as_str().unwrap()]);
    assert!(new["upSince"].as_str() <= old["endedAt"].as_str(), "the new one starts before the old one goes");
    assert_eq!(until(&server, "web", "up")["upSince"], web["upSince"]);
    // One is added and one is removed, and nobody else notices.
    add(&shop, "more", going_on());
    until(&server, "more", "up");
    shop.remove("Service", "db");
    shop.add("Service", "web", with_toolbox(going_on()));
    server.until("db being gone", || service(&server, "db").is_none().then_some(()));
    server.until("its container being gone", || containers(&server, "db").is_empty().then_some(()));
    assert_eq!(until(&server, "web", "up")["upSince"], web["upSince"]);
}

#[test]
fn d40_d41_what_is_missing_is_named_and_all_others_start() {
    let shop = Shop::new();
    add(&shop, "db", json!({"image": "provost/not-there:1", "pullPolicy": "Never"}));
    add(&shop, "web", with(going_on(), json!({"requires": {"services": ["db"]}})));
    add(&shop, "other", going_on());
    let server = server(&shop);
    until(&server, "other", "up");
    let dead = until(&server, "db", "dead");
    assert!(dead["detail"].as_str().unwrap().contains("provost/not-there:1"), "{dead}");
    let waits = until(&server, "web", "waiting");
    assert_eq!(waits["detail"], "for service db, which has ended");
    assert!(server.ok(&["status"]).contains("Service web waits for service db, which has ended."));
    // One that no manifest declares is named before anything changes.
    add(&shop, "web", with(going_on(), json!({"requires": {"services": ["dbb"]}})));
    let Cli { code, stdout, stderr } = server.cli(&["validate", shop.path().to_str().unwrap()]);
    let said = format!("{stdout}{stderr}");
    assert!(code == 1 && said.contains("E0170") && said.contains("did you mean `db`"), "{said}");
}

#[test]
fn d42_a_restart_takes_no_new_code() {
    let (shop, options) = (Shop::new(), options());
    // The direct engine takes no image anew that it has; that a container keeps its image is a test of its own.
    let Some(docker) = options.engine().docker().cloned() else { return };
    let reference = TOOLBOX.replace("toolbox", "moving");
    let version = |label: &str| {
        docker.load(&toolbox_like(|recipe| {
            recipe.name = "provost/moving".to_owned();
            recipe.labels.insert("version".to_owned(), label.to_owned());
        }));
    };
    version("one");
    let spec = json!({"image": reference, "pullPolicy": "Never", "args": ["sleep", "86400"],
        "restart": {"limit": 3, "backoff": "1s"}});
    shop.add("Service", "relay", spec);
    let server = Server::start(options.folder(&shop.path()));
    until(&server, "relay", "up");
    let image = |server: &Server| {
        let container = containers(server, "relay").pop()?;
        Some(docker.container(&container.id)?["Image"].as_str()?.to_owned())
    };
    let before = image(&server).unwrap();
    // Another image takes over the name; the container fails.
    version("two");
    let container = containers(&server, "relay").pop().unwrap();
    assert!(docker.http().post(&format!("/containers/{}/kill", container.id), &json!({})).unwrap().is_success());
    server.until("a restart", || {
        let now = service(&server, "relay")?;
        (now["restarts"] == 1 && now["state"] == "up").then_some(())
    });
    assert_eq!(image(&server).unwrap(), before);
    server.ok(&["stop", "relay", "--wait", "--timeout", "60s"]);
    server.ok(&["start", "relay", "--wait", "--timeout", "60s"]);
    assert_ne!(image(&server).unwrap(), before, "a new start takes what the name means by now");
    server.process.engine().forget(&reference);
}

#[test]
fn d43_a_launch_that_hangs_is_told_as_dead() {
    let shop = Shop::new();
    let check = json!({"command": ["/toolbox", "cat", "/not-there"], "startTimeout": "3s", "interval": "1s"});
    add(&shop, "hangs", with(going_on(), json!({"healthCheck": check, "gracePeriod": "1s"})));
    let server = server(&shop);
    let dead = until(&server, "hangs", "dead");
    let why = dead["detail"].as_str().unwrap();
    assert!(why.starts_with("unhealthy: not healthy within 3s of its start: exit 1"), "{why}");
}

#[test]
fn d32_ill_health_is_mended_by_a_restart() {
    let shop = Shop::new();
    // The check says no in the first container, and yes in the second.
    let check = json!({"command": ["/toolbox", "flaky", "1"], "interval": "1s", "startTimeout": "2s"});
    let spec = json!({"healthCheck": check, "gracePeriod": "1s", "restart": {"limit": 2, "backoff": "1s"}});
    add(&shop, "relay", with(going_on(), spec));
    let server = server(&shop);
    let up = until(&server, "relay", "up");
    assert_eq!((&up["restarts"], &up["restartsMax"]), (&json!(1), &json!(2)));
    let names = |name: &str| server.events(name).len();
    assert_eq!((names("service.unhealthy"), names("service.restarting"), names("service.healthy")), (1, 1, 1));
}

#[test]
fn d44_fifty_services_at_rest_cost_next_to_nothing() {
    let shop = Shop::new();
    for number in 0..50 {
        let small = json!({"resources": {"memory": "16Mi", "cpu": "0.1", "pids": 16}});
        add(&shop, &format!("s{number:02}"), with(going_on(), small));
    }
    let options = ServerOptions::new(env!("CARGO_BIN_EXE_provost"), EngineView::apart());
    let server = Server::start(options.folder(&shop.path()));
    server.until("fifty services", || {
        let up = server.json(&["status"])["counts"]["servicesUp"].as_u64();
        (up == Some(50)).then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    let pid = server.process.id();
    let before = cpu_ticks(pid);
    std::thread::sleep(Duration::from_secs(20));
    let ticks = cpu_ticks(pid) - before;
    assert!(ticks <= 20, "{ticks} hundredths of a second in 20 s is more than 1 % of a core");
}

/// Processor time of a process, in hundredths of a second.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
