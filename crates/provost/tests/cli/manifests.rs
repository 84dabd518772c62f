//! `validate`, `explain`, `schema`, `simulate`: manifests without a server.

use std::path::Path;

use crate::support::{provost, provost_in, repository, snapshot};

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const GOOD: &str = "apiVersion: provost/v1\nkind: Automation\nmetadata: {name: nightly}\nspec: {schedule: \"0 2 * * *\", image: \"a:1\"}\n";
const BAD: &str = "apiVersion: provost/v1
kind: Automation
metadata: {name: bad}
spec: {schedule: {cron: \"0 2 * * *\", timeZone: Europe/Berln}, image: \"a:1\"}
---
apiVersion: provost/v1
kind: Automation
metadata: {name: worse}
spec: {image: \"a:1\", comand: [x]}
";

#[test]
fn good_manifests_exit_with_0() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "automations/nightly.yaml", GOOD);
    let ran = provost_in(folder.path(), &["validate"]).exits(0);
    assert_eq!(ran.out, "1 file: no errors, no warnings.\n");
}

#[test]
fn all_errors_come_at_once_and_exit_with_1() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "automations/bad.yaml", BAD);
    write(folder.path(), "automations/nightly.yaml", GOOD);
    let ran = provost_in(folder.path(), &["validate"]).exits(1);
    snapshot("validate", &ran.text());
    let json = provost_in(folder.path(), &["validate", "-o", "json"]).exits(1).json();
    assert_eq!((json["valid"].as_bool(), json["errors"].as_u64()), (Some(false), Some(2)));
    assert_eq!(json["diagnostics"][0]["file"], "automations/bad.yaml");
    assert_eq!(json["diagnostics"][0]["line"], 4);
}

#[test]
fn warnings_are_errors_with_strict_only() {
    let folder = tempfile::tempdir().unwrap();
    let text = GOOD.replace("\"0 2 * * *\"", "{cron: \"30 2 * * *\", timeZone: Europe/Berlin}");
    write(folder.path(), "a.yaml", &text);
    provost_in(folder.path(), &["validate"]).exits(0);
    provost_in(folder.path(), &["validate", "--strict"]).exits(1);
}

#[test]
fn where_nothing_is_there_is_nothing_valid() {
    let folder = tempfile::tempdir().unwrap();
    let ran = provost_in(folder.path(), &["validate"]).exits(5);
    assert!(ran.err.contains("provost init"), "{}", ran.err);
    provost_in(folder.path(), &["validate", "nowhere"]).exits(5);
}

#[test]
fn one_file_may_be_validated_alone() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "bad.yaml", BAD);
    write(folder.path(), "good.yaml", GOOD);
    provost_in(folder.path(), &["validate", "good.yaml"]).exits(0);
    let ran = provost_in(folder.path(), &["validate", "bad.yaml"]).exits(1);
    assert!(ran.out.contains("--> bad.yaml:4"), "{}", ran.out);
}

#[test]
fn a_servers_configuration_is_taken_into_account() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "shop/policy.yaml",
        "apiVersion: provost/v1\nkind: Policy\nmetadata: {name: p}\nspec: {limits: {timeout: 1h}}\n",
    );
    write(folder.path(), "server.yaml", "source: {folder: {path: shop}}\npolicyPaths: [policies]\n");
    provost_in(folder.path(), &["validate", "shop"]).exits(0);
    let ran = provost_in(folder.path(), &["validate", "shop", "--config", "server.yaml"]).exits(1);
    assert!(ran.out.contains("policies"), "{}", ran.out);
}

#[test]
fn the_example_shop_is_valid() {
    let shop = repository("manifests");
    provost(&["validate", shop.to_str().unwrap()]).exits(0);
}

#[test]
fn a8_explain_prints_each_value_and_the_scope_that_set_it() {
    let shop = repository("manifests");
    let ran = provost(&["explain", "daily-report", "-f", shop.to_str().unwrap()]).exits(0);
    snapshot("explain-automation", &ran.text());
    let items = provost(&["explain", "daily-report", "-f", shop.to_str().unwrap(), "-o", "json"]).exits(0).json();
    let timeout = items["items"].as_array().unwrap().iter().find(|item| item["path"] == "spec.timeout").unwrap();
    assert_eq!((timeout["value"].as_str(), timeout["scope"].as_str()), (Some("5m"), Some("automation")));
}

#[test]
fn explain_knows_codes_fields_and_keys() {
    snapshot("explain-code", &provost(&["explain", "E0142"]).exits(0).text());
    assert_eq!(provost(&["explain", "e0142"]).exits(0).out, provost(&["explain", "E0142"]).out);
    snapshot("explain-field", &provost(&["explain", "spec.retries"]).exits(0).text());
    assert_eq!(
        provost(&["explain", "automation.spec.retries"]).exits(0).out,
        provost(&["explain", "spec.retries"]).out
    );
    snapshot("explain-server", &provost(&["explain", "server"]).exits(0).text());
    assert!(provost(&["explain", "server.source.git.url"]).exits(0).out.starts_with("source.git\n"));
}

#[test]
fn explain_says_what_was_meant() {
    provost(&["explain", "E9999"]).exits(5);
    assert!(provost(&["explain", "spec.tiemout"]).exits(5).err.contains("timeout"));
    assert!(provost(&["explain", "server.aply"]).exits(5).err.contains("server.apply"));
    let shop = repository("manifests");
    assert!(provost(&["explain", "hartbeat", "-f", shop.to_str().unwrap()]).exits(5).err.contains("heartbeat"));
}

#[test]
fn schemas_are_printed_and_written() {
    let schema = provost(&["schema", "automation"]).exits(0).json();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    let folder = tempfile::tempdir().unwrap();
    let ran = provost(&["schema", "--write", folder.path().to_str().unwrap()]).exits(0);
    assert!(ran.err.contains("# yaml-language-server: $schema="), "{}", ran.err);
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "automation.json",
            "channel.json",
            "manifest.json",
            "openapi.json",
            "plugin.json",
            "policy.json",
            "secret.json",
            "service.json",
            "source.json"
        ]
    );
    assert!(provost(&["schema", "server"]).exits(5).err.contains("automation"));
}

#[test]
fn simulate_plays_the_example_shop() {
    let shop = repository("manifests");
    let args = [
        "simulate",
        shop.to_str().unwrap(),
        "--from",
        "2026-11-20T01:00:00Z",
        "--for",
        "1h",
        "--run-for",
        "2s",
        "-o",
        "json",
    ];
    let report = provost(&args).exits(0).json();
    let runs = |name: &str| {
        let items = report["items"].as_array().unwrap();
        items.iter().find(|item| item["automation"] == name).unwrap()["runs"]["Succeeded"].as_u64()
    };
    assert_eq!(runs("daily-report"), Some(1));
    assert_eq!(runs("heartbeat"), Some(359), "the last one is not over yet");
    assert_eq!(runs("extract"), runs("load"), "each success of extract starts load");
}

#[test]
fn simulate_fails_and_goes_down_as_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.yaml", &GOOD.replace("\"0 2 * * *\"", "\"0 * * * *\""));
    let args = [
        "simulate",
        "--from",
        "2026-11-20T00:30:00Z",
        "--for",
        "1d",
        "--fail-every",
        "nightly=2",
        "--down",
        "10h+5h",
        "-o",
        "json",
    ];
    let report = provost_in(folder.path(), &args).exits(0).json();
    let nightly = &report["items"][0];
    assert!(nightly["runs"]["Failed"].as_u64().unwrap() >= 8, "{nightly}");
    assert_eq!(
        nightly["missed"]["down"].as_u64(),
        Some(4),
        "five due times while down, the last is made up for: {nightly}"
    );
    provost_in(folder.path(), &["simulate", "--fail-every", "nightli=2"]).exits(2);
}
