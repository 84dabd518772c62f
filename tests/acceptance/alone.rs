//! One scheduler at a time: whoever has a state folder, or a name on an engine, has it alone for as long as it lives; what
//! it leaves half done is tidied up by the next one. D6, E19, E21.

use std::fs;
use std::time::{Duration, Instant};

use provost_testkit::Cli;
use serde_json::{Value, json};

use crate::common::{Server, Shop, evidence_volume, parsed, seen, server};

/// Starts a second server with the first one's configuration, with changes, which has to be refused.
#[track_caller]
fn refused(first: &Server, change: impl Fn(&mut Value)) -> Cli {
    let folder = tempfile::Builder::new().prefix("pv-second-").tempdir().unwrap();
    let mut config = parsed(&fs::read_to_string(first.process.config()).unwrap());
    config["socket"] = json!(folder.path().join("provost.sock"));
    change(&mut config);
    if config["state"].is_null() {
        config["state"] = json!(folder.path().join("state"));
    }
    let file = folder.path().join("server.yaml");
    fs::write(&file, config.to_string()).unwrap();
    let answer = first.cli(&["serve", "--config", &file.display().to_string()]);
    assert_eq!(answer.code, 1, "{answer:?}");
    answer
}

fn on_the_same_state(first: &Server) -> Cli {
    refused(first, |_| {})
}

fn of_the_same_name(first: &Server) -> Cli {
    refused(first, |config| config["state"] = json!(null))
}

/// The ids of the containers that run.
fn running(server: &Server) -> Vec<String> {
    let containers = server.process.containers().into_iter();
    containers.filter(|container| container.is_running).map(|container| container.id.clone()).collect()
}

fn sleeping(shop: &Shop) -> Server {
    shop.automation("sleep", json!({"args": ["sleep", "600"]}));
    let server = server(shop);
    server.has("sleep");
    server.begun("sleep");
    server.until("the container", || (running(&server).len() == 1).then_some(()));
    server
}

#[test]
fn d06_a_second_agent_is_refused_or_stays_apart() {
    let shop = Shop::new();
    let first = sleeping(&shop);
    let jobs = running(&first);
    let process = format!("process {}", first.process.id());

    let Cli { stderr, .. } = on_the_same_state(&first);
    for part in [&first.process.state().display().to_string(), &process, "a state folder of its own"] {
        assert!(stderr.contains(part), "{part:?} is not in\n{stderr}");
    }
    let Cli { stderr, .. } = of_the_same_name(&first);
    for part in [first.process.instance(), &process, "a name of its own"] {
        assert!(stderr.contains(part), "{part:?} is not in\n{stderr}");
    }
    // One with another name is welcome, and sees nothing of the first.
    let second = sleeping(&shop);
    assert_eq!(second.json(&["status"])["engine"]["containers"], 1);
    assert_eq!((running(&first), running(&second).len()), (jobs, 1));
    assert_ne!(running(&first), running(&second));
}

#[test]
fn e19_what_a_crashed_owner_left_is_cleaned_and_what_a_live_one_does_is_not() {
    let shop = Shop::new();
    let live = sleeping(&shop);
    let mut crashed = sleeping(&shop);
    let (jobs, orphans) = (running(&live), running(&crashed));
    crashed.process.kill9();
    // Made and never started, of a run that nobody knows.
    crashed.process.engine().litter(crashed.process.instance(), "gone.20200101T000000Z");
    assert_eq!(crashed.process.containers().len(), orphans.len() + 1);
    crashed.process.start();
    crashed.until("the clean-up", || (crashed.process.containers().len() == orphans.len()).then_some(()));
    assert_eq!(running(&crashed), orphans, "what the crashed one had begun goes on");
    // Whoever is refused cleans nothing.
    on_the_same_state(&live);
    of_the_same_name(&live);
    assert_eq!(running(&live), jobs);
}

#[test]
fn e21_two_schedulers_fire_a_time_point_once() {
    let shop = Shop::new();
    let tick = json!({"schedule": {"every": "1s"}, "args": ["mark", seen("ticks")], "volumes": evidence_volume()});
    shop.automation("tick", tick);
    let server = server(&shop);
    server.has("tick");
    let until = Instant::now() + Duration::from_secs(6);
    while Instant::now() < until {
        on_the_same_state(&server);
        of_the_same_name(&server);
    }
    server.until("some runs", || (server.evidence("ticks").len() >= 6).then_some(()));
    let marks = server.evidence("ticks").into_iter().map(|line| parsed(&line));
    let mut dues: Vec<String> =
        marks.filter(|mark| mark["mark"] == "start").map(|mark| mark["due"].as_str().unwrap().to_owned()).collect();
    let fired = dues.len();
    dues.sort_unstable();
    dues.dedup();
    assert_eq!(dues.len(), fired, "a time point fired twice: {dues:?}");
}
