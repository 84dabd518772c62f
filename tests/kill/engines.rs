//! The engine goes away and comes back, with its containers and without. R9.

use provost_testkit::{Engine, EngineView, ServerOptions};
use serde_json::{Value, json};

use crate::common::{Server, Shop};
use crate::evidence::{Sightings, job};
use crate::ledger::{Ledger, check_output};

fn server(engine: &Engine, shop: &Shop) -> Server {
    let options = ServerOptions::new(env!("CARGO_BIN_EXE_provost"), EngineView::of(engine));
    let server = Server::start(options.folder(&shop.path()));
    server.has("tick");
    server
}

fn shop() -> Shop {
    let shop = Shop::new();
    shop.automation("tick", job(Some("2s"), &[], json!({})));
    shop.automation("long", job(None, &["--sleep", "3600"], json!({})));
    shop.automation("talk", job(None, &["--sleep", "20", "--lines", "200"], json!({})));
    shop.automation("brief", job(None, &["--sleep", "6"], json!({})));
    shop
}

/// Starts a run; returns its id once its main container runs.
fn running(server: &Server, automation: &str) -> String {
    let run = server.begun(automation);
    server.until("the main container", || {
        let containers = server.process.containers();
        containers.iter().any(|container| container.label("owner") == run && container.is_running).then_some(())
    });
    run
}

fn is_told(server: &Server) -> String {
    server.until("the trouble", || server.json(&["status"])["engine"]["trouble"].as_str().map(str::to_owned))
}

/// What the reconciler and the engine say of what is going on, and the log.
fn what_stands(server: &Server) -> String {
    let open = server.list(&["runs", "--limit", "1000"]).into_iter().filter(|run| run["endedAt"].is_null());
    let open: Vec<Value> = open.map(|run| server.json(&["describe", run["id"].as_str().unwrap()])).collect();
    let log = server.process.log();
    format!("{}\n{:#}\n{:#?}\n{log}", server.json(&["status"]), json!(open), server.process.containers())
}

/// Waits until due times have runs again.
fn goes_on(server: &Server) {
    let succeeded = || server.list(&["runs", "tick", "--outcome", "succeeded", "--limit", "1000"]).len();
    let before = succeeded();
    // An engine that has just come back may sit on a call: it is given up, and tried again, after two minutes.
    let patience = std::time::Duration::from_secs(240);
    let again = provost_testkit::eventually(patience, || (succeeded() > before + 1).then_some(()));
    assert!(again.is_some(), "no runs as before\n{}", what_stands(server));
    assert_eq!(server.json(&["status"])["engine"]["trouble"], json!(null));
}

#[test]
fn r9_an_engine_that_stops_and_comes_back_loses_no_run_and_invents_no_outcome() {
    let engine = Engine::start();
    let shop = shop();
    let server = server(&engine, &shop);
    let run = running(&server, "long");
    engine.stop();
    let trouble = is_told(&server);
    assert!(trouble.contains("docker.sock"), "it says which engine: {trouble}");
    assert_eq!(server.json(&["describe", &run])["endedAt"], json!(null), "nobody knows yet");
    engine.start_again();
    // Stopping the engine ended its containers; what their exit codes were, it does not say.
    let record = server.over(&run);
    assert_ne!(record["outcome"], "Succeeded", "{record}");
    goes_on(&server);
    let ledger = Ledger::settled(&server, &["tick", "long"]);
    ledger.check_due_times("tick", 2);
    let twice = ledger.evidence.starts.values().filter(|count| **count > 1).count();
    assert_eq!(twice, 0, "{:?}", ledger.evidence);
}

#[test]
fn r9_with_live_restore_jobs_go_on_without_their_engine() {
    let engine = Engine::start_with(&["--live-restore"]);
    let shop = shop();
    let server = server(&engine, &shop);
    let talk = running(&server, "talk");
    let brief = running(&server, "brief");
    let mut sightings = Sightings::default();
    sightings.look(&server);
    engine.stop();
    is_told(&server);
    // One ends while the engine is away, and one does not.
    std::thread::sleep(std::time::Duration::from_secs(8));
    engine.start_again();
    sightings.look(&server);
    let record = server.over(&talk);
    assert_eq!((&record["outcome"], &record["attempts"]), (&json!("Succeeded"), &json!(1)), "{record}");
    check_output(&server, &record, 200);
    let record = server.over(&brief);
    let outcome = record["outcome"].as_str().unwrap();
    // Which of the two depends on whether the engine's own keeper of processes lived on: never `Failed`.
    assert!(["Lost", "Succeeded"].contains(&outcome), "{record}");
    goes_on(&server);
    let ledger = Ledger::settled(&server, &["tick", "talk", "brief"]);
    ledger.check_due_times("tick", 2);
    ledger.check_runs();
}
