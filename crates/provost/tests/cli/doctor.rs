//! What is wrong on a server, without a running one.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Ran, command, run, snapshot};

/// A server's folder: a configuration, and a shop with one automation.
fn server(config: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("server.yaml"), config.to_string()).unwrap();
    std::fs::create_dir(folder.path().join("shop")).unwrap();
    std::fs::write(
        folder.path().join("shop/job.yaml"),
        "apiVersion: provost/v1\nkind: Automation\nmetadata: {name: job}\nspec: {image: job}\n",
    )
    .unwrap();
    folder
}

fn doctor(folder: &Path, more: &[&str]) -> Ran {
    let mut command = command(&[&["doctor", "--config", "server.yaml"], more].concat());
    run({
        command.current_dir(folder);
        command
    })
}

/// A configuration whose engine is nowhere, so that no test depends on the machine's own.
fn config() -> Value {
    json!({
        "instance": "ber-1", "state": "state", "source": {"folder": {"path": "shop"}},
        "engine": {"docker": {"host": "unix:///nonexistent/docker.sock"}},
    })
}

/// The findings of one word.
fn about<'a>(answer: &'a Value, about: &str) -> Vec<&'a Value> {
    answer["findings"].as_array().unwrap().iter().filter(|finding| finding["about"] == about).collect()
}

#[test]
fn one_page_says_what_is_wrong_and_how_to_mend_it() {
    let folder = server(&config());
    let ran = doctor(folder.path(), &[]).exits(1);
    // Disks and clocks are those of the machine.
    let lines = ran.out.lines().filter(|line| !line.contains(" disk ") && !line.contains(" clock "));
    let place = folder.path().canonicalize().unwrap();
    let text = lines.collect::<Vec<_>>().join("\n").replace(place.to_str().unwrap(), "FOLDER");
    let text = text.replace(folder.path().to_str().unwrap(), "FOLDER");
    let text: Vec<&str> = text.lines().map(|line| line.split(", read in ").next().unwrap_or(line)).collect();
    let digest = text.iter().find_map(|line| line.split("is at ").nth(1)?.split(',').next()).unwrap_or("?").to_owned();
    snapshot("doctor", &(text.join("\n").replace(&digest, "REVISION") + "\n"));
    assert!(!folder.path().join("state").exists(), "nothing was made");
}

#[test]
fn json_has_the_same() {
    let folder = server(&config());
    let answer = doctor(folder.path(), &["-o", "json"]).exits(1).json();
    assert_eq!((&answer["problems"], about(&answer, "engine").len()), (&json!(1), 1), "{answer:#}");
    let engine = about(&answer, "engine")[0];
    assert_eq!(engine["level"], "problem");
    assert!(engine["what"].as_str().unwrap().contains("/nonexistent/docker.sock"), "{engine}");
    assert!(engine["mend"].as_str().unwrap().contains("docker.io"), "{engine}");
    assert_eq!(about(&answer, "source")[0]["level"], "ok");
    assert_eq!(about(&answer, "server")[0]["level"], "warning");
    doctor(folder.path(), &["-o", "csv"]).exits(2);
}

#[test]
fn several_things_are_told_at_once() {
    let mut config = config();
    config["state"] = json!("server.yaml");
    let folder = server(&config);
    std::fs::write(folder.path().join("shop/bad.yaml"), "apiVersion: provost/v1\nkind: Autmation\n").unwrap();
    std::fs::set_permissions(folder.path().join("server.yaml"), std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .unwrap();
    let answer = doctor(folder.path(), &["-o", "json"]).exits(1).json();
    for (word, words) in [
        ("engine", "no container engine answers"),
        ("state", "is no folder"),
        ("permissions", "may write"),
        ("source", "did you mean `Automation`"),
    ] {
        let told = about(&answer, word);
        assert!(
            told.iter().any(|it| it["level"] == "problem" && it["what"].as_str().unwrap().contains(words)),
            "{word}: {told:?}"
        );
    }
}

#[test]
fn a_wrong_configuration_is_a_finding_and_the_rest_is_looked_at() {
    let mut wrong = config();
    wrong["instence"] = json!("a");
    let answer = doctor(server(&wrong).path(), &["-o", "json"]).exits(1).json();
    let found = about(&answer, "configuration")[0];
    assert!(found["what"].as_str().unwrap().contains("unknown field `instence`"), "{found}");
    assert!(found["mend"].as_str().unwrap().contains("did you mean `instance`"), "{found}");
    assert!(!about(&answer, "engine").is_empty() && !about(&answer, "clock").is_empty());

    let mut unsigned = config();
    unsigned["signers"] = json!(["nobody"]);
    let answer = doctor(server(&unsigned).path(), &["-o", "json"]).exits(1).json();
    assert!(about(&answer, "configuration")[0]["what"].as_str().unwrap().contains("signers[0]"), "{answer:#}");
}

#[test]
fn channels_are_tried_without_a_notification() {
    let folder = server(&config());
    let channel = |name: &str, spec: Value| {
        let document = json!({"apiVersion": "provost/v1", "kind": "Channel", "metadata": {"name": name}, "spec": spec});
        std::fs::write(folder.path().join(format!("shop/{name}.yaml")), document.to_string()).unwrap();
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    channel("private", json!({"webhook": {"url": url}}));
    channel("keyless", json!({"webhook": {"url": "https://192.0.2.1/hook", "secret": "none"}}));
    channel("file", json!({"file": {"path": "a.jsonl"}}));
    let answer = doctor(folder.path(), &["-o", "json"]).exits(1).json();
    let told: Vec<&str> = about(&answer, "channels").iter().map(|it| it["what"].as_str().unwrap()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("keyless: ") && told[0].contains("key cannot be read"), "{told:?}");
    assert!(told[1].starts_with("private: ") && told[1].contains("allowPrivateAddresses"), "{told:?}");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody was connected to");
}
