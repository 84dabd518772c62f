//! What the way through Provost adds to what the engine itself needs: start lag and runs a second.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use provost_testkit::{Docker, ServerOptions, TOOLBOX, engine, eventually, load_toolbox, unique};
use serde_json::{Value, json};

use crate::table::{Table, percentile};

pub fn measure(table: &mut Table) {
    load_toolbox(engine().host());
    for count in [1, 20] {
        let mut lags = governed_lags(count);
        let mut floor = bare_lags(count);
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            let (lag, bare) = (percentile(&mut lags, share), percentile(&mut floor, share));
            let what = format!("start lag {name}, {count} due at once");
            table.row(what, "ms", lag, bare, "the same containers, made ahead, started on the bare engine");
        }
    }
    table.row(
        "a run with two hooks, one after the other",
        "ms",
        governed_run(),
        3.0 * bare_life(),
        "three container lives on the bare engine",
    );
}

fn manifests(count: usize, schedule: &str) -> tempfile::TempDir {
    let shop = tempfile::tempdir().unwrap();
    for index in 0..count {
        let manifest = json!({
            "apiVersion": "provost/v1", "kind": "Automation", "metadata": {"name": format!("job-{index}")},
            "spec": {"schedule": schedule, "image": TOOLBOX, "args": ["echo", "hello"]},
        });
        std::fs::write(shop.path().join(format!("job-{index}.yaml")), manifest.to_string()).unwrap();
    }
    shop
}

/// From the due time to the main container's start, in milliseconds, of `count` automations that are due each minute.
fn governed_lags(count: usize) -> Vec<f64> {
    let shop = manifests(count, "* * * * *");
    let server = ServerOptions::new(env!("CARGO_BIN_EXE_provost"), engine().host()).folder(shop.path()).start();
    let runs = || serde_json::from_str::<Value>(&server.cli(["get", "runs", "-o", "json"]).stdout).ok();
    let lags = || {
        let runs = runs()?;
        let lags: Vec<f64> = runs["items"].as_array()?.iter().filter_map(lag).collect();
        (lags.len() >= count).then_some(lags)
    };
    eventually(Duration::from_secs(180), lags).unwrap_or_else(|| panic!("{}", server.log()))
}

fn lag(run: &Value) -> Option<f64> {
    let instant = |key: &str| run[key].as_str()?.parse::<Timestamp>().ok();
    Some(instant("mainAt")?.duration_since(instant("due")?).as_secs_f64() * 1000.0)
}

/// From the decision to start to the container's start, in milliseconds, of `count` containers that were made ahead.
fn bare_lags(count: usize) -> Vec<f64> {
    let label = unique("bench");
    let docker = engine().docker();
    let names: Vec<String> = (0..count).map(|index| format!("{label}-{index}")).collect();
    names.iter().for_each(|name| create(&docker, name, &label));
    let due = Timestamp::now();
    std::thread::scope(|scope| {
        for name in &names {
            scope.spawn(move || {
                engine().docker().http().post(&format!("/containers/{name}/start"), &json!({})).unwrap()
            });
        }
    });
    let lags = names.iter().map(|name| {
        let started =
            docker.container(name).unwrap()["State"]["StartedAt"].as_str().unwrap().parse::<Timestamp>().unwrap();
        started.duration_since(due).as_secs_f64() * 1000.0
    });
    let lags = lags.collect();
    docker.sweep(&format!("bench={label}"));
    lags
}

fn create(docker: &Docker, name: &str, label: &str) {
    let body = json!({
        "Image": TOOLBOX, "Cmd": ["echo", "hello"], "Labels": {"bench": label},
        "HostConfig": {"NetworkMode": "none", "Init": true, "ReadonlyRootfs": true, "CapDrop": ["ALL"]},
    });
    let reply = docker.http().post(&format!("/containers/create?name={name}"), &body).unwrap();
    assert!(reply.is_success(), "{}", reply.text());
}

/// The whole life of one container on the bare engine, in milliseconds.
fn bare_life() -> f64 {
    let docker = engine().docker();
    let label = unique("bench");
    let mut lives: Vec<f64> = (0..5)
        .map(|index| {
            let name = format!("{label}-{index}");
            let begun = Instant::now();
            create(&docker, &name, &label);
            docker.http().post(&format!("/containers/{name}/start"), &json!({})).unwrap();
            let _finished = docker.wait(&name);
            docker.remove(&name);
            begun.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    percentile(&mut lives, 0.5)
}

/// A run with a before-hook and an after-hook, from its acceptance to its end, in milliseconds.
fn governed_run() -> f64 {
    let shop = manifests(1, "0 0 29 2 *");
    let hook =
        |event: &str| json!({"name": event.replace('.', "-"), "event": event, "image": TOOLBOX, "args": ["hook"]});
    let policy = json!({
        "apiVersion": "provost/v1", "kind": "Policy", "metadata": {"name": "shop"},
        "spec": {"hooks": [hook("run.starting"), hook("run.finished")]},
    });
    std::fs::write(shop.path().join("policy.yaml"), policy.to_string()).unwrap();
    let server = ServerOptions::new(env!("CARGO_BIN_EXE_provost"), engine().host()).folder(shop.path()).start();
    eventually(Duration::from_secs(60), || (server.cli(["run", "job-0", "--wait"]).code == 0).then_some(())).unwrap();
    for _ in 0..4 {
        assert_eq!(server.cli(["run", "job-0", "--wait"]).code, 0);
    }
    let runs: Value = serde_json::from_str(&server.cli(["get", "runs", "-o", "json"]).stdout).unwrap();
    let took = |run: &Value| {
        let instant = |key: &str| run[key].as_str()?.parse::<Timestamp>().ok();
        Some(instant("endedAt")?.duration_since(instant("acceptedAt")?).as_secs_f64() * 1000.0)
    };
    let mut took: Vec<f64> = runs["items"].as_array().unwrap().iter().filter_map(took).collect();
    percentile(&mut took, 0.5)
}
