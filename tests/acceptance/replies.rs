//! Receivers that answer, and receivers that cannot be reached.

use serde_json::{Value, json};

use crate::{
    common::{Server, Shop, evidence_volume, seen, with_toolbox},
    notifications::{filed, job, reaching_server},
    receiver::{Answer, Receiver},
};

/// A job that leaves evidence, and asks `gate` before it starts.
fn gated(gate: &str) -> Value {
    json!({"args": ["mark", seen("ran")], "volumes": evidence_volume(), "notify": {"starting": [gate]}})
}

/// Runs `automation` to its end; returns its record.
fn ran(server: &Server, automation: &str) -> Value {
    let _ = server.run(automation);
    server.list(&["runs", automation]).into_iter().next().unwrap()
}

#[test]
fn a26_a_receivers_reply_allows_or_denies_a_run() {
    let (receiver, shop) = (Receiver::new(), Shop::new());
    let reply = json!({"timeout": "60s", "default": "Allow"});
    shop.channel("gate", json!({"webhook": {"url": receiver.url()}, "reply": reply}));
    shop.automation("job", gated("gate"));
    let server = reaching_server(&shop);
    server.has("job");

    receiver.answers(Answer::Say(200, json!({"allow": false, "reason": "release night"}).to_string()));
    let denied = ran(&server, "job");
    assert_eq!(denied["outcome"], "Cancelled", "{denied}");
    assert!(denied["detail"].as_str().unwrap().contains("release night"), "{denied}");
    assert!(server.evidence("ran").is_empty(), "its container never started");
    let asked = receiver.heard();
    assert_eq!(asked.len(), 1, "asked once, and not told as well");
    assert_eq!((&asked[0].body["event"], &asked[0].body["subject"]), (&json!("run.starting"), &json!("job")));
    assert_eq!(asked[0].body["data"]["run"], denied["run"]);

    receiver.answers(Answer::Say(200, json!({"allow": true}).to_string()));
    let allowed = ran(&server, "job");
    assert_eq!(allowed["outcome"], "Succeeded", "{allowed}");
    assert_eq!(server.evidence("ran").len(), 2);
}

#[test]
fn a26_silence_takes_the_declared_default() {
    let (receiver, shop) = (Receiver::new(), Shop::new());
    receiver.answers(Answer::Silence);
    for (gate, default) in [("lenient", "Allow"), ("strict", "Deny")] {
        let reply = json!({"timeout": "1s", "default": default});
        shop.channel(gate, json!({"webhook": {"url": receiver.url()}, "reply": reply}));
        shop.automation(&format!("{gate}-job"), gated(gate));
    }
    let server = reaching_server(&shop);
    server.has("strict-job");
    let denied = ran(&server, "strict-job");
    assert_eq!(denied["outcome"], "Cancelled", "{denied}");
    assert!(denied["detail"].as_str().unwrap().contains("no answer within 1 s"), "{denied}");
    assert!(server.evidence("ran").is_empty());
    let allowed = ran(&server, "lenient-job");
    assert_eq!(allowed["outcome"], "Succeeded", "{allowed}");
    assert_eq!(receiver.heard().len(), 2);
}

#[test]
fn a26_a_receiver_in_a_container_replies_too() {
    let shop = Shop::new();
    let reply = json!({"timeout": "60s", "default": "Allow"});
    let gate = with_toolbox(json!({"args": ["hook", "--deny", "not on Fridays"]}));
    shop.channel("gate", json!({"command": gate, "reply": reply}));
    shop.automation("job", gated("gate"));
    let server = reaching_server(&shop);
    server.has("job");
    let denied = ran(&server, "job");
    assert_eq!(denied["outcome"], "Cancelled", "{denied}");
    assert!(denied["detail"].as_str().unwrap().contains("not on Fridays"), "{denied}");
    assert!(server.evidence("ran").is_empty());
}

#[test]
fn a27_a_receiver_that_was_offline_hears_later_and_a_local_handler_at_once() {
    let (mut receiver, shop) = (Receiver::offline(), Shop::new());
    shop.channel("pager", json!({"webhook": {"url": receiver.url()}, "failover": ["local"]}));
    let mut local = with_toolbox(json!({"args": ["mark", seen("local")]}));
    local["volumes"] = evidence_volume();
    shop.channel("local", json!({"command": local}));
    let mut spec = job();
    spec["notify"] = json!({"failure": ["pager"]});
    shop.automation("job", spec);
    let mut server = reaching_server(&shop);
    server.has("job");
    assert_ne!(server.cli(&["run", "job", "--param", "code=3", "--wait"]).code, 0);
    let handled = server.until("the local handler", || Some(server.evidence("local")).filter(|lines| lines.len() == 2));
    assert!(handled[0].contains("\"automation\":\"job\""), "{handled:?}");
    // A command channel is told at least once: what is not recorded yet would be done again.
    let undelivered = |channel: &str| server.list(&["channels", channel])[0]["undelivered"].clone();
    server.until("the record of that", || (undelivered("local") == 0).then_some(()));
    let waiting = server.list(&["channels", "pager"]);
    assert_eq!(waiting[0]["undelivered"], 1, "it is kept, and seen to be: {waiting:?}");

    // What was missed outlives the server.
    server.process.restart();
    receiver.start();
    let late = server.until("the missed notification", || receiver.heard().pop());
    assert_eq!((&late.body["moment"], &late.body["subject"]), (&json!("failure"), &json!("job")));
    assert_eq!((&late.body["data"]["exitCode"], &late.body["insteadOf"]), (&json!(3), &Value::Null));
    server.until("an empty outbox", || server.list(&["channels", "pager"])[0]["undelivered"].eq(&0).then_some(()));
    assert_eq!(receiver.heard().len(), 1, "it hears once");
    assert_eq!(server.evidence("local").len(), 2, "and the local handler is not called again");
}

#[test]
fn a30_a_failed_notifier_triggers_the_next_with_the_original_arguments() {
    let (receiver, shop) = (Receiver::new(), Shop::new());
    receiver.answers(Answer::Say(503, "later".to_owned()));
    shop.channel("first", json!({"webhook": {"url": receiver.url()}, "failover": ["second", "third", "fourth"]}));
    shop.channel("second", json!({"command": with_toolbox(json!({"args": ["fail", "1", "no"]}))}));
    shop.channel("third", json!({"file": {"path": "third.jsonl"}}));
    shop.channel("fourth", json!({"file": {"path": "fourth.jsonl"}}));
    let mut spec = job();
    spec["notify"] = json!({"failure": ["first"]});
    shop.automation("job", spec);
    let server = reaching_server(&shop);
    server.has("job");
    assert_ne!(server.cli(&["run", "job", "--param", "code=3", "--wait"]).code, 0);
    let told = server.until("the third", || filed(&server, "third.jsonl").pop());
    let original = receiver.heard().remove(0).body;
    for key in ["event", "moment", "time", "subject", "run", "message", "data", "standard"] {
        assert_eq!(told[key], original[key], "{key}");
    }
    assert_eq!((&told["channel"], &told["insteadOf"]), (&json!("third"), &json!("first")));
    // The first that takes it ends the chain.
    server.until("the end of the chain", || {
        let given_up = server.events("notice.givenUp").len() == 1;
        (given_up && server.events("notice.delivered").len() == 1).then_some(())
    });
    assert_eq!(filed(&server, "third.jsonl").len(), 1);
    assert!(filed(&server, "fourth.jsonl").is_empty());
}
