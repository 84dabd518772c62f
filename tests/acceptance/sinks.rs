//! Ways that notifications go: signed webhooks, containers, files, and never two at once into one that cannot bear it.

use std::{collections::BTreeSet, fs};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    common::{Server, Shop, evidence_volume, options, seen, server, with_toolbox},
    notifications::filed,
    receiver::Receiver,
};

#[test]
fn a31_a_webhook_is_signed_so_that_its_receiver_can_check_it() {
    let (receiver, shop) = (Receiver::new(), Shop::new());
    let secrets = tempfile::tempdir().unwrap();
    fs::write(secrets.path().join("ops-hmac"), "wonderful\n").unwrap();
    shop.channel("ops", json!({"webhook": {"url": receiver.url(), "secret": "ops-hmac"}}));
    shop.automation("job", json!({"args": ["echo"], "notify": {"success": ["ops"]}}));
    let config = options().folder(&shop.path()).set("webhooks", json!({"allowPrivateAddresses": true}));
    let server = Server::start(config.set("secretsDir", json!(secrets.path())));
    server.has("job");
    assert_eq!(server.run("job"), 0);
    let heard = server.until("the notification", || receiver.heard().pop());
    let mut mac = Hmac::<Sha256>::new_from_slice(b"wonderful").unwrap();
    mac.update(heard.text.as_bytes());
    let expected = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    assert_eq!(heard.header("x-provost-signature"), Some(expected.as_str()), "{}", heard.head);
    assert_eq!(heard.header("content-type"), Some("application/json"));
    assert!(heard.head.starts_with("post /hooks/ops http/1.1"), "{}", heard.head);
    assert!(!server.process.log().contains("wonderful"), "the key is nowhere in the log");
}

#[test]
fn a31_a_webhook_to_this_machine_is_refused_unless_the_server_allows_it() {
    let (receiver, shop) = (Receiver::new(), Shop::new());
    shop.channel("ops", json!({"webhook": {"url": receiver.url()}, "failover": ["book"]}));
    shop.channel("book", json!({"file": {"path": "book.jsonl"}}));
    shop.automation("job", json!({"args": ["echo"], "notify": {"success": ["ops"]}}));
    let server = server(&shop);
    server.has("job");
    assert_eq!(server.run("job"), 0, "that nobody could be told does not change how it went");
    let failed = server.until("the refusal", || server.events("notice.failed").pop());
    let why = failed["data"]["why"].as_str().unwrap();
    assert!(why.contains("webhooks.allowPrivateAddresses"), "it says how to mend it: {why}");
    server.until("the failover", || Some(filed(&server, "book.jsonl")).filter(|told| !told.is_empty()));
    assert!(receiver.heard().is_empty(), "not even a connection with a request was made");
}

#[test]
fn a31_runs_at_once_never_write_one_file_at_once() {
    let shop = Shop::new();
    shop.channel("book", json!({"file": {"path": "ops/book.jsonl"}}));
    let notify = json!({"starting": ["book"], "started": ["book"], "success": ["book"], "finished": ["book"]});
    // A long text in each line, so that two writers would meet in the middle of one.
    shop.automation("job", json!({"args": ["spam", "400"], "concurrencyPolicy": "Allow", "notify": notify}));
    let server = server(&shop);
    server.has("job");
    for _ in 0..4 {
        server.ok(&["run", "job"]);
    }
    let told = server.until("16 lines", || Some(filed(&server, "ops/book.jsonl")).filter(|told| told.len() == 16));
    let ids: BTreeSet<&str> = told.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 16, "each once");
}

#[test]
fn a31_runs_at_once_never_write_to_one_command_channel_at_once() {
    let shop = Shop::new();
    let mut pager = with_toolbox(json!({"args": ["mark", seen("paged"), "--sleep", "1"]}));
    pager["volumes"] = evidence_volume();
    shop.channel("pager", json!({"command": pager}));
    let job = json!({"args": ["echo"], "notify": {"started": ["pager"], "success": ["pager"]}});
    for name in ["one", "two"] {
        shop.automation(name, job.clone());
    }
    let server = server(&shop);
    server.has("two");
    server.ok(&["run", "one"]);
    server.ok(&["run", "two"]);
    let lines = server.until("four pages", || Some(server.evidence("paged")).filter(|lines| lines.len() == 8));
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let marks: Vec<&str> = lines.iter().map(|line| line["mark"].as_str().unwrap()).collect();
    assert_eq!(marks, ["start", "end"].repeat(4), "one ends before the next begins");
    let by = |name: &str| lines.iter().filter(|line| line["automation"] == name).count();
    assert_eq!((by("one"), by("two")), (4, 4), "the container knows whom it is about: {lines:?}");
}
