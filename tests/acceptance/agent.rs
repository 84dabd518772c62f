//! The agent itself: how it ends, and what it costs while nothing happens. D36, D44.

use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{Server, Shop, evidence_volume, options, parsed, seen};
use crate::common::{hook, server};

/// A shutdown hook that leaves evidence, and ends with this code.
fn goodbye(name: &str, code: &str) -> Value {
    let mut hook = hook(name, "server.shutdown", &["mark", &seen("goodbyes"), "--exit", code]);
    hook["volumes"] = evidence_volume();
    hook
}

#[test]
fn d36_each_clean_up_is_called_once_at_the_end_and_one_that_fails_blocks_no_other() {
    let shop = Shop::new();
    shop.policy("shop", json!({"hooks": [goodbye("first", "0"), goodbye("fails", "3"), goodbye("last", "0")]}));
    shop.plugin("tills", json!({"hooks": [goodbye("lock", "0")]}));
    let mut server = server(&shop);
    server.until("the hooks", || (!server.list(&["plugins"]).is_empty()).then_some(()));
    server.until("the startup", || (server.json(&["status"])["startup"] == "passed").then_some(()));
    assert_eq!(server.evidence("goodbyes"), [""; 0], "nobody has been asked yet");
    let ended = server.process.terminate();
    assert_eq!(ended.code(), Some(0), "{}", server.process.log());
    let mut called: BTreeMap<String, usize> = BTreeMap::new();
    for mark in server.evidence("goodbyes").iter().map(|line| parsed(line)).filter(|mark| mark["mark"] == "end") {
        *called.entry(mark["step"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let expected = ["shop.fails", "shop.first", "shop.last", "tills.lock"];
    assert_eq!(called, expected.map(|hook| (format!("server.shutdown-{hook}"), 1)).into());
    assert_eq!(server.process.containers(), Vec::new(), "it leaves nothing behind");
    server.process.start();
    let failed = server.until("the record", || {
        let ended = server.events("step.ended");
        ended.into_iter().find(|event| event["data"]["step"] == "server.shutdown-shop.fails")
    });
    assert!(failed["message"].as_str().unwrap().contains('3'), "{failed}");
}

/// The processor time that a process has used. proc(5): fields 14 and 15 of `stat`, in ticks of 10 ms.
fn used(server: &Server) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", server.process.id())).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

#[test]
fn d44_with_fifty_programs_up_the_agent_idles() {
    const PROGRAMS: usize = 50;
    let shop = Shop::new();
    shop.automation("program", json!({"args": ["sleep", "3600"], "concurrencyPolicy": "Allow"}));
    let server = Server::start(options().folder(&shop.path()));
    server.has("program");
    for _ in 0..PROGRAMS {
        server.begun("program");
    }
    server.until("all of them", || {
        let runs = server.list(&["runs", "program", "--limit", "1000"]);
        (runs.iter().filter(|run| !run["mainAt"].is_null()).count() == PROGRAMS).then_some(())
    });
    sleep(Duration::from_secs(3)); // Whatever their starts have set going comes to rest.
    let (before, since) = (used(&server), Instant::now());
    sleep(Duration::from_secs(10));
    let share = (used(&server) - before).as_secs_f64() / since.elapsed().as_secs_f64();
    assert!(share < 0.02, "it takes {:.1} % of a processor", share * 100.0);
}
