//! What happens around Provost while containers run: it is killed, another instance is there, somebody removes a
//! container. A13 and the promises C4, C6, R3, R9. (What engines and machines do is in `tests/kill`.)

use provost_testkit::ContainerView;
use serde_json::{Value, json};

use crate::common::{Server, Shop, evidence_volume, hook, options, parsed, seen, server, steps};

/// The main container of a run, once it runs.
fn main_container(server: &Server, run: &str) -> ContainerView {
    server.until("the main container", || {
        let record = server.json(&["describe", run]);
        // The engine may say that it runs a moment before the server has heard so.
        let is_running = record["phase"] == "Main" && !record["mainAt"].is_null();
        let mut containers = server.process.containers().into_iter();
        let main = containers.find(|container| container.label("step") == "main.1" && container.is_running);
        main.filter(|_| is_running)
    })
}

/// Containers that run.
fn running(server: &Server) -> Vec<ContainerView> {
    server.process.containers().into_iter().filter(|container| container.is_running).collect()
}

#[test]
fn a_job_goes_on_while_the_server_is_killed_and_is_adopted_with_all_of_its_output() {
    let shop = Shop::new();
    shop.policy("shop", json!({"hooks": [hook("archive", "run.finished", &["hook"])]}));
    // A line at its start; then, long after the kill, one at its end.
    shop.automation("long", json!({"args": ["mark", seen("long"), "--sleep", "8"], "volumes": evidence_volume()}));
    shop.automation("talk", json!({"args": ["spam", "200000"]}));
    let mut server = server(&shop);
    server.has("long");
    let run = server.begun("long");
    let container = main_container(&server, &run);
    let talk = server.begun("talk");
    server.process.kill9();
    assert!(running(&server).contains(&container), "the container goes on by itself");
    server.process.start();
    assert!(server.process.containers().iter().any(|it| it.id == container.id), "the same container");

    let record = server.over(&run);
    assert_eq!((&record["outcome"], &record["attempts"]), (&json!("Succeeded"), &json!(1)), "{record}");
    assert_eq!(steps(&record), ["main.1", "run.finished-shop.archive"]);
    let marks: Vec<Value> = server.evidence("long").iter().map(|line| parsed(line)).collect();
    assert_eq!(marks.len(), 2, "it ran once: {marks:?}");
    assert_eq!((&marks[0]["run"], &marks[1]["exit"]), (&json!(run), &json!(0)));

    let record = server.over(&talk);
    assert_eq!(record["outcome"], "Succeeded", "{record}");
    let lines = server.lines(&record, "main.1");
    assert_eq!(lines.len(), 200_000, "each line once");
}

#[test]
fn a_server_that_ends_and_comes_back_after_the_job_ended_collects_it() {
    let shop = Shop::new();
    shop.automation(
        "job",
        json!({"args": ["mark", seen("job"), "--sleep", "3", "--exit", "7"], "volumes": evidence_volume()}),
    );
    let mut server = server(&shop);
    server.has("job");
    let run = server.begun("job");
    let container = main_container(&server, &run);
    server.process.kill9();
    let ended = provost_testkit::eventually(crate::common::PATIENCE, || {
        let here = server.process.containers();
        here.iter().any(|it| it.id == container.id && !it.is_running).then_some(())
    });
    assert!(ended.is_some());
    server.process.start();
    let record = server.over(&run);
    assert_eq!((&record["outcome"], &record["exit"]), (&json!("Failed"), &json!(7)), "{record}");
    assert_eq!(server.evidence("job").len(), 2);
}

#[test]
fn a13_two_instances_on_one_engine_never_touch_each_others_containers() {
    let shops = [Shop::new(), Shop::new()];
    for (shop, name) in shops.iter().zip(["left", "right"]) {
        shop.automation("same", json!({"args": ["sleep", "600"], "env": {"SIDE": name}}));
        shop.automation("tell", json!({"args": ["env", "SIDE"], "env": {"SIDE": name}}));
    }
    let mut left = server(&shops[0]);
    left.has("same");
    let left_run = left.begun("same");
    let left_container = main_container(&left, &left_run);
    let mut right = server(&shops[1]);
    right.has("same");
    let right_run = right.begun("same");
    let right_container = main_container(&right, &right_run);
    assert_ne!(left_container, right_container);

    // Neither a stop, nor a restart, nor the end of the one reaches the other.
    right.ok(&["stop", &right_run]);
    assert_eq!(right.over(&right_run)["outcome"], "Cancelled");
    left.process.restart();
    right.process.restart();
    assert_eq!(left.json(&["describe", &left_run])["phase"], "Main");
    let run = right.finished("tell");
    assert_eq!(right.lines(&run, "main.1"), ["SIDE=right"]);
    right.process.terminate();
    assert!(running(&left).contains(&left_container));
    assert_eq!(left.json(&["status"])["engine"]["containers"], left.process.containers().len());
}

#[test]
fn a_container_that_somebody_removes_is_lost_and_told_as_drift() {
    let shop = Shop::new();
    shop.policy("shop", json!({"hooks": [
        hook("note", "run.lost", &["hook", "--get", "data.outcome"]),
        {"name": "watch", "event": "drift.found", "image": provost_testkit::TOOLBOX, "args": ["mark", seen("drift")], "volumes": evidence_volume()},
    ]}));
    shop.automation("job", json!({"args": ["sleep", "600"]}));
    let server = Server::start(options().folder(&shop.path()));
    server.has("job");
    let run = server.begun("job");
    let container = main_container(&server, &run);
    server.process.engine().remove(&container);
    let record = server.over(&run);
    assert_eq!((&record["outcome"], &record["exit"]), (&json!("Lost"), &json!(null)), "{record}");
    assert!(record["detail"].as_str().unwrap().contains("removed"), "{record}");
    assert_eq!(steps(&record), ["main.1", "run.lost-shop.note"], "its hooks run all the same");
    let found = server.until("the drift", || server.events("drift.found").pop());
    assert!(found["message"].as_str().unwrap().contains("removed"), "{found}");
    server.until("the hook", || (server.evidence("drift").len() == 2).then_some(()));
}
