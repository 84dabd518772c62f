//! Notifications: who hears of what, and what is in it.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::{
    common::{PATIENCE, Server, Shop, hook, options, server},
    receiver::Receiver,
};

/// A server whose webhooks may go to this machine.
pub fn reaching_server(shop: &Shop) -> Server {
    Server::start(options().folder(&shop.path()).set("webhooks", json!({"allowPrivateAddresses": true})))
}

/// A job that exits with its parameter `code`, 0 unless it is given, and says `done` before.
pub fn job() -> Value {
    let code = json!({"type": "integer", "default": 0});
    json!({"args": ["fail", "$(params.code)", "done"], "params": {"code": code}})
}

/// The lines of a file channel, each as JSON.
pub fn filed(server: &Server, path: &str) -> Vec<Value> {
    let text = fs::read_to_string(server.process.state().join("channels").join(path)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("a torn line: {line}"))).collect()
}

/// How often each moment was told of `automation`.
fn moments(receiver: &Receiver, automation: &str) -> BTreeMap<String, usize> {
    let mut moments = BTreeMap::new();
    for heard in receiver.heard().into_iter().filter(|heard| heard.body["subject"] == automation) {
        *moments.entry(heard.body["moment"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    moments
}

#[test]
fn a25_each_moment_notifies_without_a_change_to_automations() {
    let (receiver, shop) = (Receiver::new(), Shop::new());
    let mut spec = job();
    spec["retries"] = json!({"limit": 1, "backoff": "1s"});
    shop.automation("job", spec);
    shop.automation("idle", json!({"args": ["echo"], "schedule": {"every": "2s"}, "suspend": true}));
    let before = shop.read("automations/job.yaml");
    let server = reaching_server(&shop);
    server.has("job");
    assert_eq!(server.run("job"), 0);
    assert!(receiver.heard().is_empty(), "nobody has asked for notifications");

    let all = [
        "starting",
        "started",
        "success",
        "failure",
        "recovery",
        "retrying",
        "cancelled",
        "finished",
        "skipped",
        "stepFailure",
    ];
    let notify: serde_json::Map<_, _> = all.iter().map(|moment| ((*moment).to_owned(), json!(["ops"]))).collect();
    shop.channel("ops", json!({"webhook": {"url": receiver.url()}}));
    shop.policy("shop", json!({"notify": notify}));
    server.until("the policy", || (!server.list(&["policies"]).is_empty()).then_some(()));
    assert_eq!(shop.read("automations/job.yaml"), before);

    assert_eq!(server.run("job"), 0);
    assert_ne!(server.cli(&["run", "job", "--param", "code=3", "--wait"]).code, 0);
    assert_eq!(server.run("job"), 0);
    let expected = [
        ("starting", 3),
        ("started", 3),
        ("success", 2),
        ("failure", 1),
        ("retrying", 1),
        ("stepFailure", 2),
        ("recovery", 1),
        ("finished", 3),
    ];
    let expected: BTreeMap<_, _> = expected.iter().map(|(moment, count)| ((*moment).to_owned(), *count)).collect();
    let heard = provost_testkit::eventually(PATIENCE, || (moments(&receiver, "job") == expected).then_some(()));
    assert!(heard.is_some(), "{:?}", moments(&receiver, "job"));
    let failure = receiver.heard().into_iter().find(|heard| heard.body["moment"] == "failure").unwrap().body;
    assert_eq!(failure["data"]["exitCode"], 3, "{failure}");
    assert!(failure["data"]["logTail"].as_str().unwrap().contains("done"), "{failure}");
    assert!(failure["message"].as_str().unwrap().contains("exit 3"), "{failure}");
    assert!(failure["run"].as_str().unwrap().starts_with("job."), "{failure}");
    // A due time that started nothing is a moment too.
    server.until("a skip", || moments(&receiver, "idle").contains_key("skipped").then_some(()));
}

#[test]
fn a25_a_stopped_run_notifies_and_a_test_run_does_not() {
    let shop = Shop::new();
    shop.channel("ops", json!({"file": {"path": "ops.jsonl"}}));
    let notify = json!({"cancelled": ["ops"], "success": ["ops"]});
    shop.automation("slow", json!({"args": ["sleep", "300"], "notify": notify}));
    shop.automation("quick", json!({"args": ["echo"], "notify": notify}));
    let server = server(&shop);
    server.has("slow");
    assert_eq!(server.cli(&["run", "quick", "--testing", "--wait"]).code, 0);
    let run = server.json(&["run", "slow"])["run"].as_str().unwrap().to_owned();
    server.until("its start", || server.json(&["describe", &run])["phase"].eq("Main").then_some(()));
    server.ok(&["stop", &run, "--wait"]);
    let told = server.until("the notification", || Some(filed(&server, "ops.jsonl")).filter(|told| !told.is_empty()));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["moment"], &told[0]["run"]), (&json!("cancelled"), &json!(run)));
}

#[test]
fn a28_notifications_carry_the_standard_parameters() {
    let shop = Shop::new();
    shop.channel("ops", json!({"file": {"path": "ops.jsonl"}}));
    let mut spec = job();
    spec["notify"] = json!({"starting": ["ops"], "failure": ["ops"], "finished": ["ops"]});
    shop.automation("job", spec);
    let server = server(&shop);
    server.has("job");
    assert_ne!(server.cli(&["run", "job", "--param", "code=4", "--wait"]).code, 0);
    let told = server.until("notifications", || Some(filed(&server, "ops.jsonl")).filter(|told| told.len() == 3));
    for notice in &told {
        let standard = &notice["standard"];
        let kind = match notice["moment"].as_str().unwrap() {
            "starting" => "start",
            "failure" => "failure",
            _ => "end",
        };
        assert_eq!(standard["kind"], kind, "{notice}");
        assert_eq!(standard["process"], "provost", "{notice}");
        assert_eq!(standard["version"], env!("CARGO_PKG_VERSION"), "{notice}");
        assert_eq!(standard["testing"], false, "{notice}");
        assert_eq!(standard["task"], notice["run"], "{notice}");
        assert_eq!(standard["message"], notice["message"], "{notice}");
        assert!(standard["pid"].as_u64().unwrap() > 1, "{notice}");
        for text in [&standard["host"], &standard["user"], &notice["time"], &notice["message"]] {
            assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{notice}");
        }
        let has_failed = kind != "start";
        assert_eq!(standard["traceback"].as_str().unwrap().contains("done"), has_failed, "{notice}");
    }
}

#[test]
fn a37_another_receiver_needs_only_an_edit_of_the_channel() {
    let (receiver, shop) = (Receiver::new(), Shop::new());
    shop.channel("ops", json!({"webhook": {"url": receiver.url()}}));
    shop.policy("shop", json!({"notify": {"success": ["ops"]}}));
    shop.automation("job", json!({"args": ["echo"]}));
    let server = reaching_server(&shop);
    server.has("job");
    assert_eq!(server.run("job"), 0);
    server.until("the webhook", || receiver.heard().pop());

    let others = || ["policies/shop.yaml", "automations/job.yaml"].map(|path| shop.read(path));
    let before = others();
    shop.channel("ops", json!({"file": {"path": "ops.jsonl"}}));
    server.until("the edit", || server.list(&["channels"])[0]["kind"].eq("file").then_some(()));
    assert_eq!(server.run("job"), 0);
    let told = server.until("the file", || filed(&server, "ops.jsonl").pop());
    assert_eq!((&told["subject"], &told["channel"]), (&json!("job"), &json!("ops")));
    assert_eq!(receiver.heard().len(), 1, "the old receiver hears no more");
    assert_eq!(others(), before);
}

#[test]
fn a32_a_flagged_run_carries_testing_and_pages_nobody() {
    let (receiver, shop) = (Receiver::new(), Shop::new());
    shop.channel("ops", json!({"webhook": {"url": receiver.url()}}));
    shop.policy("shop", json!({"notify": {"failure": ["ops"], "success": ["ops"], "finished": ["ops"]}}));
    shop.automation("job", job());
    shop.automation("shows", json!({"args": ["env", "PROVOST_TESTING"]}));
    let server = reaching_server(&shop);
    server.has("shows");
    assert_eq!(server.cli(&["run", "shows", "--testing", "--wait"]).code, 0);
    let flagged = &server.list(&["runs", "shows"])[0];
    assert_eq!(flagged["testing"], true);
    assert_eq!(server.lines(flagged, "main.1"), ["PROVOST_TESTING=true"]);
    assert_ne!(server.cli(&["run", "job", "--testing", "--param", "code=3", "--wait"]).code, 0);
    // What is told in order shows that nothing was told before.
    assert_eq!(server.run("job"), 0);
    server.until("the page", || (moments(&receiver, "job").len() == 2).then_some(()));
    let told = BTreeMap::from([("finished".to_owned(), 1), ("success".to_owned(), 1)]);
    assert_eq!((moments(&receiver, "job"), moments(&receiver, "shows")), (told, BTreeMap::new()));
}

#[test]
fn a29_runs_and_their_steps_are_told_of_from_configuration_alone() {
    let (receiver, shop) = (Receiver::new(), Shop::new());
    shop.channel("ops", json!({"webhook": {"url": receiver.url()}}));
    let moments_of = ["started", "success", "failure", "finished", "stepFailure"];
    let notify: serde_json::Map<_, _> = moments_of.iter().map(|it| ((*it).to_owned(), json!(["ops"]))).collect();
    shop.policy("shop", json!({ "notify": notify }));
    let mut spec = job();
    // Below the run: one of its hooks fails where the run does not, else its main container.
    spec["hooks"] = json!([hook("tidy", "run.succeeded", &["fail", "7"])]);
    shop.automation("job", spec);
    let server = reaching_server(&shop);
    server.has("job");
    let mut expected = BTreeMap::new();
    for (code, outcome) in [(0, "success"), (3, "failure")] {
        let param = format!("code={code}");
        assert_eq!(server.cli(&["run", "job", "--param", &param, "--wait"]).code == 0, code == 0);
        let told = ["started", "stepFailure", outcome, "finished"];
        told.iter().for_each(|moment| *expected.entry((*moment).to_owned()).or_default() += 1);
        server.until(&format!("{expected:?}"), || (moments(&receiver, "job") == expected).then_some(()));
    }
}
