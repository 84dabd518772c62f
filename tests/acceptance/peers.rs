//! Plugins and skills on several servers. B25, B26, D17, D19, D33 and D34.

use std::fs;

use provost_testkit::{Cli, TempShop};
use serde_json::{Value, json};

use crate::common::{Server, Shop, document, options, parsed, place, with_toolbox};
use crate::skills::{called, calling, refused, skill, until_skills};

/// A server of this name that follows the repository.
fn host(git: &TempShop, name: &str) -> Server {
    Server::start(options().git(&git.url()).set("labels", json!({"host": name})))
}

/// Commits a plugin which is for this host; for all, if none is named.
fn commit(git: &TempShop, host: Option<&str>) -> String {
    let select = host.map_or(json!({}), |host| json!({"select": {"servers": {"host": host}}}));
    let spec = with_toolbox(json!({"skills": [skill("stock", &["answer"])], "instances": {"main": select}}));
    git.write(&place("Plugin", "shop"), &document("Plugin", "shop", spec));
    git.commit(&format!("for {host:?}"))
}

#[track_caller]
fn until_at(server: &Server, commit: &str) {
    server.ok(&["apply"]);
    server.until("the commit", || (server.json(&["status"])["revision"]["revision"] == commit).then_some(()));
}

#[test]
fn d17_one_manifest_runs_on_the_host_that_it_names() {
    let git = TempShop::new();
    let first = commit(&git, Some("b"));
    let (a, b) = (host(&git, "a"), host(&git, "b"));
    until_at(&a, &first);
    until_skills(&b, &["stock"]);
    assert_eq!(called(&b, "stock", &json!({"n": 1})), json!({"n": 1}));
    until_skills(&a, &[]);
    let second = commit(&git, Some("a"));
    until_at(&a, &second);
    until_at(&b, &second);
    assert_eq!(called(&a, "stock", &json!({"n": 2})), json!({"n": 2}));
    until_skills(&b, &[]);
}

#[test]
fn d33_without_a_host_it_is_for_the_server_that_reads_it() {
    let git = TempShop::new();
    commit(&git, None);
    for name in ["a", "b"] {
        let server = host(&git, name);
        until_skills(&server, &["stock"]);
        assert_eq!(called(&server, "stock", &json!({"on": name})), json!({"on": name}));
    }
}

/// A server that others may ask, and what they have to know of it: the address, the fingerprint and a file with a token.
fn provider(shop: &Shop, skills: &[&str]) -> (Server, Value) {
    let server = Server::start(options().folder(&shop.path()).set("listen", json!({"address": "127.0.0.1:0"})));
    until_skills(&server, skills);
    let peer = peer(&server, shop, skills);
    (server, peer)
}

fn peer(server: &Server, shop: &Shop, skills: &[&str]) -> Value {
    let listen = server.json(&["status"])["listen"].clone();
    let file = shop.path().join("kiel.token");
    fs::write(&file, server.ok(&["token", "create", "kiel", "--scope", "run"])).unwrap();
    json!({
        "address": format!("https://{}", listen["address"].as_str().unwrap()),
        "fingerprint": listen["fingerprint"],
        "tokenFile": file,
        "skills": skills,
    })
}

#[test]
fn d19_a_program_calls_what_another_server_provides_as_if_it_were_there() {
    let berlin = Shop::new();
    let own = skill("stock.error", &["answer", "--error", "NoSuchShelf", "there is no shelf 9"]);
    berlin.plugin("shop", json!({"skills": [skill("stock.level", &["answer"]), own]}));
    let (provider, peer) = provider(&berlin, &["stock.error", "stock.level"]);

    let kiel = Shop::new();
    let asks = json!({"args": calling("stock.level", &json!({"shelf": 3})), "requires": {"skills": ["stock.level"]}});
    kiel.automation("asks", asks);
    let mut configured = json!({ "berlin": peer });
    let server = Server::start(options().folder(&kiel.path()).set("peers", configured.clone()));
    server.has("asks");
    let answer = || server.lines(&server.finished("asks"), "main.1").concat();
    assert_eq!(answer(), r#"{"result":{"shelf":3}}"#);
    // It ran where it is provided, and its log is there.
    let calls = provider.events("skill.stock.level");
    assert!(!calls.is_empty() && server.events("skill.stock.level").is_empty(), "{calls:?}");
    // Listed with who provides it, and an error crosses by kind and message.
    until_skills(&server, &["stock.error", "stock.level"]);
    let listed = server.ok(&["skill", "ls"]);
    assert!(listed.contains("peers.berlin") && listed.contains("peer"), "{listed}");
    assert_eq!(refused(&server, "stock.error"), ("NoSuchShelf".to_owned(), "there is no shelf 9".to_owned()));
    // A third server that has it from this one would be answered by nobody: nothing goes round in circles.
    let passed = server.process.http().post("/v1/skills/stock.level", &json!({"own": true})).unwrap();
    assert!(passed.status == 404 && passed.text().contains("berlin provides it"), "{}", passed.text());
    // With the configuration, `validate` knows of it.
    let file = kiel.path().join("server.txt");
    configured["berlin"]["skills"] = json!(["stock.other"]);
    fs::write(&file, json!({"source": {"folder": {"path": kiel.path()}}, "peers": configured}).to_string()).unwrap();
    let validate = |args: &[&str]| {
        let path = kiel.path().display().to_string();
        let Cli { code, stdout, stderr } = server.cli(&[&["validate", path.as_str()], args].concat());
        (code, format!("{stdout}{stderr}"))
    };
    let (code, said) = validate(&["--config", file.to_str().unwrap()]);
    assert!(
        code == 1 && said.contains("nobody provides the skill `stock.level`") && said.contains("stock.other"),
        "{said}"
    );
    // The other one going away is an answer, at once.
    drop(provider);
    let answer = parsed(&answer());
    assert_eq!(answer["error"]["kind"], "Unavailable", "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().starts_with("peer berlin: no server answers"), "{answer}");
}

#[test]
fn d34_a_program_is_launched_by_its_arguments_or_by_the_entry_point_of_its_image() {
    let shop = Shop::new();
    let launch = |name: &str, more: Value| {
        let mut spec = with_toolbox(more);
        spec["provides"] = json!([{"skill": name, "command": ["/toolbox", "cat", "/dev/stdin"]}]);
        shop.add("Service", name, spec);
    };
    launch("by-list", json!({"command": ["/toolbox", "sleep"], "args": ["86400"]}));
    launch("by-entry", json!({"args": ["sleep", "86400"]}));
    let server = crate::common::server(&shop);
    for name in ["by-list", "by-entry"] {
        server.until("the service", || {
            let services = server.list(&["services"]);
            services.iter().any(|service| service["name"] == name && service["state"] == "up").then_some(())
        });
        assert_eq!(called(&server, name, &json!({"from": name})), json!({"from": name}));
    }
}

/// Plugins for the operator's work on servers: a program, and the removal of a folder of the shop's data.
fn operations(shop: &Shop) {
    let volumes = json!([{"name": "shop-data", "path": "/data"}]);
    let mut delete = skill("fs.delete-directory", &["delete-directory", "/data"]);
    delete["volumes"] = volumes.clone();
    shop.plugin("operations", json!({"skills": [skill("os.run", &["run"]), delete]}));
    shop.automation("fill", json!({"args": ["write", "/data/old/note", "x"], "volumes": volumes}));
}

/// Two servers and one that is away; the first knows the others. The shops are kept, since they hold the tokens.
fn fleet() -> (Server, Server, [Shop; 2]) {
    let skills = ["fs.delete-directory", "os.run"];
    let (berlin, kiel) = (Shop::new(), Shop::new());
    operations(&berlin);
    operations(&kiel);
    let (other, peer) = provider(&berlin, &skills);
    let mut away = peer.clone();
    away["address"] = json!("https://127.0.0.1:9");
    let peers = json!({"berlin": peer, "away": away});
    let server = Server::start(options().folder(&kiel.path()).set("peers", peers));
    until_skills(&server, &skills);
    (server, other, [berlin, kiel])
}

/// What each server answers to a call, and the exit code of the command.
fn on(server: &Server, skill: &str, data: &Value, more: &[&str]) -> (i32, Value) {
    let data = data.to_string();
    let Cli { code, stdout, stderr } =
        server.cli(&[&["skill", "call", skill, "--data", &data, "-o", "json"], more].concat());
    assert!(!stdout.is_empty(), "{stderr}");
    (code, parsed(&stdout)["servers"].clone())
}

#[test]
fn b26_a_command_on_several_servers_reports_output_and_exit_status_of_each() {
    let (server, _other, _shops) = fleet();
    let own = server.process.instance().to_owned();
    let both = format!("{own},berlin");
    let failing = json!({"argv": ["/toolbox", "fail", "3", "no disk"]});
    let (code, answers) = on(&server, "os.run", &failing, &["--servers", &both]);
    assert_eq!(code, 0, "{answers}");
    for name in [own.as_str(), "berlin"] {
        assert_eq!(answers[name]["result"], json!({"exitCode": 3, "stdout": "", "stderr": "no disk\n"}), "{answers}");
    }
    // An unknown server is named before anything is done.
    let Cli { code, stderr, .. } = server.cli(&["skill", "call", "os.run", "--servers", "berlin,kiel"]);
    assert!(
        code == 2 && stderr.contains("kiel is not known to provide os.run") && stderr.contains("away, berlin"),
        "{stderr}"
    );
}

#[test]
fn b25_an_operation_acts_and_reports_on_each_of_a_mixed_list_of_servers() {
    let (server, other, _shops) = fleet();
    let own = server.process.instance().to_owned();
    for server in [&server, &other] {
        server.has("fill");
        assert_eq!(server.run("fill"), 0);
    }
    let path = |path: &str| json!({ "path": path });
    let (code, answers) = on(&server, "fs.delete-directory", &path("../old"), &["--servers", &own]);
    assert_eq!((code, &answers[&own]["error"]["kind"]), (1, &json!("BadCall")), "{answers}");
    let (code, answers) = on(&server, "fs.delete-directory", &path("old"), &["--everywhere"]);
    assert_eq!(code, 6, "one of them has failed: {answers}");
    for name in [own.as_str(), "berlin"] {
        assert_eq!(answers[name]["result"], json!({"deleted": "old", "os": "linux"}), "{answers}");
    }
    assert_eq!(answers["away"]["error"]["kind"], "Unavailable", "{answers}");
    // Each had a volume of its own, and both are empty now.
    let (code, answers) = on(&server, "fs.delete-directory", &path("old"), &["--everywhere"]);
    let kinds: Vec<&str> =
        answers.as_object().unwrap().values().map(|it| it["error"]["kind"].as_str().unwrap()).collect();
    assert_eq!((code, kinds), (1, vec!["Unavailable", "NotDeleted", "NotDeleted"]), "{answers}");
}
