//! `provost doctor` on a machine where several things are broken at once, and on one where nothing is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::common::{Server, Shop, options, with_toolbox};

/// What `provost doctor` says of this server, and its exit code.
fn doctor(server: &Server) -> (i32, Value) {
    let config = server.process.config();
    let asked = server.cli(&["doctor", "--config", config.to_str().unwrap(), "-o", "json"]);
    let answer = serde_json::from_str(&asked.stdout).unwrap_or_else(|_| panic!("{}{}", asked.stdout, asked.stderr));
    (asked.code, answer)
}

/// What is said about one thing at one level, all of it in one text.
fn said(answer: &Value, level: &str, about: &str) -> String {
    let findings = answer["findings"].as_array().unwrap().iter();
    let told = findings.filter(|it| it["level"] == level && it["about"] == about);
    told.map(|it| format!("{} → {}\n", it["what"].as_str().unwrap(), it["mend"].as_str().unwrap_or("-"))).collect()
}

#[test]
fn doctor_says_what_is_broken_and_how_to_mend_it() {
    let shop = Shop::new();
    shop.automation("fine", json!({"args": ["echo", "hello"]}));
    let server = Server::start(options().folder(&shop.path()));
    server.has("fine");
    let (code, answer) = doctor(&server);
    assert_eq!((code, &answer["problems"]), (0, &json!(0)), "{answer:#}");
    assert!(said(&answer, "ok", "engine").contains("answers in"), "{answer:#}");
    assert!(said(&answer, "ok", "state").contains(&format!("held by process {}", server.process.id())), "{answer:#}");
    assert!(said(&answer, "ok", "images").contains("1 image can be had"), "{answer:#}");
    assert!(said(&answer, "ok", "source").contains("with 1 automation"), "{answer:#}");
    assert!(said(&answer, "ok", "server").contains(server.process.instance()), "{answer:#}");

    // A run that fails, one that waits, an image that is nowhere, a receiver that is nowhere, a paused revision.
    shop.automation("broken", json!({"args": ["exit", "3"]}));
    shop.automation("long", json!({"args": ["sleep", "600"], "locks": ["till"], "timeout": "20m"}));
    shop.automation("queued", json!({"args": ["echo", "x"], "locks": ["till"], "concurrencyPolicy": "Queue"}));
    shop.automation("nowhere", with_toolbox(json!({"image": "nowhere.invalid/none:1", "pullPolicy": "Never"})));
    shop.channel("ops", json!({"webhook": {"url": "http://127.0.0.1:9/hook"}}));
    server.has("nowhere");
    assert_eq!(server.finished("broken")["outcome"], "Failed");
    let long = server.begun("long");
    let waiting = server.begun("queued");
    server.until("a run that waits", || (server.json(&["describe", &waiting])["phase"] == "Queued").then_some(()));
    // A revision that is wrong, and a configuration that anybody may change.
    shop.write("bad.yaml", "apiVersion: provost/v1\nkind: Autmation\nmetadata: {name: x}\n");
    server.until("the refusal", || server.json(&["status"])["rejected"].is_object().then_some(()));
    fs::set_permissions(server.process.config(), fs::Permissions::from_mode(0o666)).unwrap();

    let (code, answer) = doctor(&server);
    assert_eq!(code, 1, "{answer:#}");
    assert!(said(&answer, "problem", "permissions").contains("chmod go-w"), "{answer:#}");
    let source = said(&answer, "problem", "source");
    assert!(source.contains("has 1 error") && source.contains("did you mean `Automation`?"), "{answer:#}");
    assert!(said(&answer, "problem", "server").contains("is refused (1 error)"), "{answer:#}");
    let runs = said(&answer, "warning", "runs");
    assert!(runs.contains(&format!("{waiting} waits: ")) && runs.contains("till"), "{answer:#}");
    assert!(runs.contains("1 automation did not succeed the last time: broken → provost logs broken"), "{answer:#}");

    // With the manifests mended, what they name is looked at.
    fs::remove_file(shop.path().join("bad.yaml")).unwrap();
    fs::set_permissions(server.process.config(), fs::Permissions::from_mode(0o600)).unwrap();
    let (code, answer) = doctor(&server);
    assert_eq!(code, 1, "{answer:#}");
    let image = said(&answer, "problem", "images");
    assert!(image.contains("does not have nowhere.invalid/none:1, which automation nowhere needs"), "{answer:#}");
    let channel = said(&answer, "problem", "channels");
    assert!(channel.contains("ops: webhook to 127.0.0.1") && channel.contains("allowPrivateAddresses"), "{answer:#}");
    server.ok(&["stop", &long]);
}
