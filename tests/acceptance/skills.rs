//! Skills: calls that containers offer each other. Rows D12 to D26, D37 and D39, as far as they are about one server.

use std::process::Command;
use std::time::{Duration, Instant};

use provost_testkit::{Cli, TOOLBOX};
use serde_json::{Value, json};

use crate::common::{Server, Shop, document, parsed, server, steps};

/// A plugin's skill of the toolbox.
pub fn skill(name: &str, args: &[&str]) -> Value {
    json!({"name": name, "image": TOOLBOX, "args": args})
}

/// The arguments with which a container calls a skill.
pub fn calling(name: &str, data: &Value) -> [String; 4] {
    let body = json!({"data": data}).to_string();
    ["ask".to_owned(), "POST".to_owned(), format!("/v1/skills/{name}"), body]
}

/// The result of a call from the command line, which has to succeed.
#[track_caller]
pub fn called(server: &Server, name: &str, data: &Value) -> Value {
    parsed(server.ok(&["skill", "call", name, "--data", &data.to_string()]).trim())
}

/// The error of a call that has to fail: its kind and message.
#[track_caller]
pub fn refused(server: &Server, name: &str) -> (String, String) {
    let answer = server.process.http().post(&format!("/v1/skills/{name}"), &json!({})).unwrap();
    assert_eq!(answer.status, 502, "{}", answer.text());
    let error = answer.json()["error"].clone();
    let text = |key: &str| error[key].as_str().unwrap().to_owned();
    (text("kind"), text("message"))
}

/// Waits until skills of these names, and no others, can be called.
#[track_caller]
pub fn until_skills(server: &Server, names: &[&str]) {
    server.until("the skills", || {
        let skills = server.json(&["skill", "ls"]);
        let known: Vec<&str> = skills["items"].as_array()?.iter().filter_map(|skill| skill["name"].as_str()).collect();
        (known == names).then_some(())
    });
}

#[test]
fn d12_what_is_not_listed_cannot_be_called() {
    let shop = Shop::new();
    shop.plugin("bank", json!({"skills": [skill("fx.rate", &["answer"])]}));
    let server = server(&shop);
    until_skills(&server, &["fx.rate"]);
    let data = json!({"of": "EUR", "to": ["USD", 1.5, null]});
    assert_eq!(called(&server, "fx.rate", &data), data);
    let Cli { code, stderr, .. } = server.cli(&["skill", "call", "fx.secret"]);
    assert!(code == 5 && stderr.contains("nobody provides the skill fx.secret"), "{code} {stderr}");
    // A container that declares nothing has nobody to ask; one that declares one skill cannot call another.
    shop.plugin("bank", json!({"skills": [skill("fx.rate", &["answer"]), skill("fx.other", &["answer"])]}));
    shop.automation("silent", json!({"args": calling("fx.rate", &json!({}))}));
    shop.automation("asks", json!({"args": calling("fx.other", &json!({})), "requires": {"skills": ["fx.rate"]}}));
    server.has("asks");
    let silent = server.finished("silent");
    assert!(server.lines(&silent, "main.1").concat().contains("may ask the server for nothing"));
    let asks = server.finished("asks");
    let answer = parsed(&server.lines(&asks, "main.1").concat());
    assert_eq!((&answer["status"], &answer["code"]), (&json!(403), &json!("denied")), "{answer}");
}

#[test]
fn d13_a_provider_that_stays_running_is_ended_and_the_call_refused() {
    let shop = Shop::new();
    let mut stays = skill("slow.one", &["sleep", "86400"]);
    stays["timeout"] = json!("2s");
    stays["gracePeriod"] = json!("1s");
    shop.plugin("daemon", json!({"skills": [stays]}));
    let server = server(&shop);
    until_skills(&server, &["slow.one"]);
    assert_eq!(refused(&server, "slow.one").0, "Timeout");
    server.until("its container being gone", || server.process.containers().is_empty().then_some(()));
}

#[test]
fn d14_d22_a_call_runs_and_logs_where_its_provider_is() {
    let shop = Shop::new();
    shop.plugin("bank", json!({"skills": [skill("fx.rate", &["answer"])]}));
    shop.automation(
        "asks",
        json!({"args": calling("fx.rate", &json!({"of": "EUR"})), "requires": {"skills": ["fx.rate"]}}),
    );
    let server = server(&shop);
    server.has("asks");
    until_skills(&server, &["fx.rate"]);
    let run = server.finished("asks");
    assert_eq!(run["outcome"], "Succeeded", "{run}");
    assert_eq!(server.lines(&run, "main.1").concat(), r#"{"result":{"of":"EUR"}}"#);
    let handled =
        server.events("event.handled").into_iter().find(|event| event["message"].to_string().contains("skill.fx.rate"));
    let all = server.ok(&["events", "--tail", "10000", "-o", "json"]);
    let step = all.lines().map(parsed).find(|event| event["data"]["step"].to_string().contains("skill.fx.rate"));
    let event = handled.or(step).unwrap_or_else(|| panic!("{all}"))["event"].as_str().unwrap().to_owned();
    let lines = server.process.http().get(&format!("/v1/events/{event}/logs")).unwrap().text();
    let line = parsed(lines.lines().next().unwrap());
    assert_eq!(line["text"], r#"asked for {"of":"EUR"}"#);
    assert_eq!(line["step"], "skill.fx.rate-bank.fx-rate", "its line carries the plugin's name");
}

#[test]
fn d15_a_shared_service_calls_another_by_name() {
    let shop = Shop::new();
    let rate = calling("fx.rate", &json!({"of": "EUR"}));
    let words: Vec<&str> = ["ask", "--result"].into_iter().chain(rate[1..].iter().map(String::as_str)).collect();
    shop.plugin("bank", json!({"skills": [skill("fx.rate", &["answer"])]}));
    shop.plugin("desk", json!({"skills": [skill("desk.quote", &words)], "requires": {"skills": ["fx.rate"]}}));
    let server = server(&shop);
    until_skills(&server, &["desk.quote", "fx.rate"]);
    assert_eq!(called(&server, "desk.quote", &json!({})), json!({"of": "EUR"}));
}

#[test]
fn d16_a_call_of_what_is_not_loaded_fails_clearly_and_at_once() {
    let shop = Shop::new();
    shop.plugin("bank", json!({"enabled": false, "skills": [skill("fx.rate", &["answer"])]}));
    shop.automation("asks", json!({"args": calling("fx.rate", &json!({})), "requires": {"skills": ["fx.rate"]}}));
    let server = server(&shop);
    server.has("asks");
    let run = server.finished("asks");
    assert_eq!(run["outcome"], "Failed");
    assert!(server.lines(&run, "main.1").concat().contains("nobody provides the skill fx.rate"));
    // That nobody at all declares it is told before anything changes.
    shop.write(
        "automations/asks.yaml",
        &document("Automation", "asks", json!({"image": TOOLBOX, "requires": {"skills": ["fx.rat"]}})),
    );
    let Cli { code, stdout, stderr } = server.cli(&["validate", shop.path().to_str().unwrap()]);
    let said = format!("{stdout}{stderr}");
    assert!(code == 1 && said.contains("E0173") && said.contains("did you mean `fx.rate`"), "{said}");
}

#[test]
fn d18_a_long_running_program_also_offers_calls() {
    let shop = Shop::new();
    let provides = json!([{"skill": "fx.rate", "command": ["/toolbox", "cat", "/dev/stdin"], "params": {"of": {"type": "string"}}},
        {"skill": "fx.broken", "command": ["/toolbox", "fail", "3", "no such currency"]}]);
    shop.add("Service", "rates", json!({"image": TOOLBOX, "args": ["sleep", "86400"], "provides": provides}));
    let server = server(&shop);
    until_skills(&server, &["fx.broken", "fx.rate"]);
    server.until("the service", || (server.list(&["services"])[0]["state"] == "up").then_some(()));
    assert_eq!(called(&server, "fx.rate", &json!({"of": "EUR"})), json!({"of": "EUR"}));
    assert_eq!(refused(&server, "fx.broken"), ("Failed".to_owned(), "exit 3: no such currency".to_owned()));
    let wrong = server.process.http().post("/v1/skills/fx.rate", &json!({"data": {"of": 5}})).unwrap();
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    server.ok(&["stop", "rates", "--wait", "--timeout", "60s"]);
    let right = json!({"data": {"of": "EUR"}});
    let begun = Instant::now();
    let down = server.process.http().post("/v1/skills/fx.rate", &right).unwrap();
    assert_eq!(down.json()["error"]["message"], "service rates is stopped", "{}", down.text());
    assert!(begun.elapsed() < Duration::from_secs(20), "it is not waited for");
}

#[test]
fn d20_a_constant_is_a_call_too() {
    let shop = Shop::new();
    shop.plugin("law", json!({"skills": [{"name": "vat", "value": {"de": 0.19}, "description": "rates of tax"}]}));
    shop.automation("asks", json!({"args": calling("vat", &json!({})), "requires": {"skills": ["vat"]}}));
    let server = server(&shop);
    server.has("asks");
    until_skills(&server, &["vat"]);
    let run = server.finished("asks");
    assert_eq!(server.lines(&run, "main.1").concat(), r#"{"result":{"de":0.19}}"#);
}

#[test]
fn d21_what_is_no_result_is_an_error_of_which_kind_and_message_cross() {
    let shop = Shop::new();
    let skills = [
        skill("bad.result", &["write", "/provost/out/result.json", "{"]),
        skill("own.error", &["answer", "--error", "UnknownCurrency", "there is no XYZ"]),
        skill("plain.failure", &["fail", "3", "it broke"]),
    ];
    shop.plugin("bank", json!({ "skills": skills }));
    shop.automation("asks", json!({"args": calling("own.error", &json!({})), "requires": {"skills": ["own.error"]}}));
    let server = server(&shop);
    server.has("asks");
    until_skills(&server, &["bad.result", "own.error", "plain.failure"]);
    assert_eq!(refused(&server, "bad.result").0, "BadResult");
    assert_eq!(refused(&server, "own.error"), ("UnknownCurrency".to_owned(), "there is no XYZ".to_owned()));
    assert_eq!(refused(&server, "plain.failure"), ("Failed".to_owned(), "exit 3: it broke".to_owned()));
    let run = server.finished("asks");
    let answer = parsed(&server.lines(&run, "main.1").concat());
    assert_eq!(answer["error"], json!({"kind": "UnknownCurrency", "message": "there is no XYZ"}));
}

#[test]
fn d23_what_a_call_returns_finds_nothing_of_its_provider() {
    let shop = Shop::new();
    // A program as a result. Where it is made, there is a socket to ask at; where it is run, there is none.
    let skills = json!([
        {"name": "base", "value": 1.08},
        skill("works.here", &["env", "PROVOST_SOCKET"]),
        skill("program", &["answer"]),
    ]);
    shop.plugin("bank", json!({"skills": skills, "requires": {"skills": ["base"]}}));
    let server = server(&shop);
    until_skills(&server, &["base", "program", "works.here"]);
    assert_eq!(called(&server, "works.here", &json!({})), json!(null));
    let program = called(&server, "program", &json!({"args": ["env", "PROVOST_SOCKET"]}));
    shop.automation("elsewhere", json!({"args": program["args"]}));
    server.has("elsewhere");
    let run = server.finished("elsewhere");
    assert_eq!(run["outcome"], "Failed");
    let said = server.lines(&run, "main.1").concat();
    assert!(said.contains("PROVOST_SOCKET is not set"), "{said}");
}

#[test]
fn d26_another_language_reads_shared_data_by_http() {
    let shop = Shop::new();
    shop.plugin("law", json!({"skills": [{"name": "vat", "value": 0.19}]}));
    let server = server(&shop);
    until_skills(&server, &["vat"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/acceptance/clients/shared_data.py");
    let output = Command::new("python3").arg(script).arg(server.process.http().socket()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(parsed(text.trim()), json!({"vat": 0.19, "shared": {"from": "python"}}));
}

#[test]
fn d37_a_skill_is_called_by_hand_on_a_server_of_its_own() {
    let shop = Shop::new();
    shop.plugin("bank", json!({"skills": [skill("fx.rate", &["answer"])]}));
    let server = server(&shop);
    until_skills(&server, &["fx.rate"]);
    let listed = server.ok(&["skill", "ls"]);
    assert!(listed.contains("fx.rate") && listed.contains("Plugin/bank") && listed.contains("container"), "{listed}");
    assert_eq!(called(&server, "fx.rate", &json!({"n": 1})), json!({"n": 1}));
    // Asked twice with one id, one container is made and both get its answer.
    let twice = ["skill", "call", "fx.rate", "--data", r#"{"n": 2}"#, "--request", "once"];
    assert_eq!((server.ok(&twice).trim(), server.ok(&twice).trim()), (r#"{"n":2}"#, r#"{"n":2}"#));
    let Cli { code, stderr, .. } = server.cli(&["skill", "call", "fx.rate", "--data", "[1]"]);
    assert!(code == 2 && stderr.contains("--data is no JSON object"), "{stderr}");
}

#[test]
fn d39_calls_go_on_after_a_provider_was_replaced_by_another() {
    let shop = Shop::new();
    shop.plugin("bank", json!({"skills": [skill("fx.rate", &["answer"])]}));
    shop.automation(
        "asks",
        json!({"args": calling("fx.rate", &json!({"of": "EUR"})), "requires": {"skills": ["fx.rate"]}}),
    );
    let server = server(&shop);
    server.has("asks");
    until_skills(&server, &["fx.rate"]);
    let answer = |run: &Value| server.lines(run, "main.1").concat();
    assert_eq!(answer(&server.finished("asks")), r#"{"result":{"of":"EUR"}}"#);
    // Two providers at once would be a question of luck: that is refused.
    shop.plugin("other", json!({"skills": [{"name": "fx.rate", "value": 1.08}]}));
    let Cli { code, stdout, stderr } = server.cli(&["validate", shop.path().to_str().unwrap()]);
    let said = format!("{stdout}{stderr}");
    assert!(code == 1 && said.contains("Plugin/bank and Plugin/other both provide the skill `fx.rate`"), "{said}");
    shop.remove("Plugin", "bank");
    server.until("the other provider", || {
        let skills = server.json(&["skill", "ls"]);
        (skills["items"][0]["provider"] == "Plugin/other").then_some(())
    });
    let run = server.finished("asks");
    assert_eq!(answer(&run), r#"{"result":1.08}"#);
    assert_eq!(steps(&run), ["main.1"]);
}
