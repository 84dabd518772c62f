//! The process itself: frozen for longer than a due time may wait, ended with fifty runs going on, started twice.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{Server, Shop, options, server};
use crate::evidence::{Sightings, job};
use crate::ledger::{Ledger, check_output};

/// Longer than a due time is served as if on time (30 s).
const FROZEN: Duration = Duration::from_secs(38);

#[test]
fn d1_a_process_that_is_frozen_finds_out_what_it_missed() {
    let shop = Shop::new();
    shop.automation("tick", job(Some("2s"), &[], json!({})));
    shop.automation("long", job(None, &["--sleep", "60", "--lines", "300"], json!({})));
    let server = server(&shop);
    server.has("long");
    let long = server.begun("long");
    server.until("a first run", || server.list(&["runs", "tick", "--outcome", "succeeded"]).pop());
    server.until("the long job", || (server.json(&["describe", &long])["phase"] == "Main").then_some(()));
    let mut sightings = Sightings::default();
    sightings.look(&server);
    server.process.pause();
    sleep(FROZEN);
    server.process.resume();
    let missed = server.until("what it missed", || {
        let outcomes = server.list(&["outcomes", "tick", "--limit", "1000"]);
        outcomes.into_iter().find(|outcome| outcome["verdict"] == "missed")
    });
    assert_eq!(missed["reason"], "down", "{missed}");
    sightings.look(&server);
    let record = server.over(&long);
    let ledger = Ledger::settled(&server, &["tick", "long"]);
    ledger.check_due_times("tick", 2);
    ledger.check_runs();
    assert_eq!(record["outcome"], "Succeeded", "{record}");
    check_output(&server, &record, 300);
}

#[test]
fn a2_an_end_with_fifty_runs_going_on_comes_soon_and_loses_none() {
    const RUNS: usize = 50;
    let shop = Shop::new();
    shop.automation("job", job(None, &["--sleep", "45"], json!({"concurrencyPolicy": "Allow"})));
    let mut server = Server::start(options().folder(&shop.path()).set("shutdownGrace", json!("2s")));
    server.has("job");
    for _ in 0..RUNS {
        server.begun("job");
    }
    // Some run, some are being made, some wait: that is when the end comes.
    server.until("some of them", || (server.process.containers().len() > RUNS / 2).then_some(()));
    let asked = Instant::now();
    let ended = server.process.terminate();
    let took = asked.elapsed();
    assert_eq!(ended.code(), Some(0), "{}", server.process.log());
    assert!(took < Duration::from_secs(12), "grace 2 s, and the end took {took:?}");
    let mut sightings = Sightings::default();
    sightings.look(&server);
    server.process.start();
    let ledger = Ledger::settled(&server, &["job"]);
    sightings.look(&server);
    assert_eq!(ledger.runs.len(), RUNS);
    ledger.check_runs();
    for run in ledger.runs.values() {
        assert_eq!(run["outcome"], "Succeeded", "{run}");
    }
}
