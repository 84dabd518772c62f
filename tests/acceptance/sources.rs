//! Manifests that are kept elsewhere: another git repository, a folder of the server. A21, D7–D11.

use std::fs;

use provost_testkit::TempShop;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Server, Shop, document, options, seen, with_toolbox, witness};
use crate::firing::fire;

/// A shop that refers to one source, `tools`.
fn shop(spec: Value) -> Shop {
    let shop = Shop::new();
    shop.automation("own", json!({"args": ["echo", "own"]})).add("Source", "tools", spec);
    shop
}

/// The manifest of an automation that a source brings.
fn bread(says: &str) -> String {
    document("Automation", "bread", with_toolbox(json!({"args": ["echo", says]})))
}

/// A server that lets sources be folders below `folders`, and repositories of this machine.
fn server(shop: &Shop, folders: &[&std::path::Path]) -> Server {
    Server::start(options().folder(&shop.path()).set("sources", json!({"folders": folders, "allowFile": true})))
}

/// What the automation `bread` says when it runs.
fn said(server: &Server) -> Vec<String> {
    let run = server.finished("bread");
    server.lines(&run, "main.1")
}

fn tools(server: &Server) -> Value {
    server.list(&["sources", "tools"]).remove(0)
}

/// Waits until this revision of the source is part of the revision in force.
fn in_force(server: &Server, revision: &str) {
    server.until(&format!("{revision} in force"), || (tools(server)["inForce"] == revision).then_some(()));
}

#[test]
fn d07_a_git_source_is_cloned_from_its_default_branch() {
    let git = TempShop::new();
    let plugin = json!({"hooks": [witness("index", "run.succeeded", "indexed", "yes")]});
    git.write("manifests/bread.yaml", &bread("fresh"));
    git.write("manifests/plugin.yaml", &document("Plugin", "index", with_toolbox(plugin)));
    git.git(&["checkout", "--quiet", "-b", "trunk"]);
    let commit = git.commit("Bake");
    let shop = shop(json!({"git": {"url": git.url(), "path": "manifests"}}));
    let server = server(&shop, &[]);
    server.has("bread");
    in_force(&server, &commit);
    assert_eq!(said(&server), ["fresh"]);
    assert_eq!(server.evidence("indexed"), ["yes"], "the plugin's hook ran: {}", seen("indexed"));
    let status = server.json(&["status"]);
    assert_eq!(status["waitingFor"], json!([]), "{status}");
}

#[test]
fn a21_a_bundle_of_plugins_applies_whole_or_not_at_all() {
    let git = TempShop::new();
    let plugin = |name: &str, says: &str| {
        let hook = json!({"name": "tell", "event": "orders.arrived", "args": ["echo", says]});
        document("Plugin", name, with_toolbox(json!({"hooks": [hook]})))
    };
    let push = |bundle: &[(&str, &str)], message: &str| {
        for (name, text) in bundle {
            git.write(&format!("{name}.yaml"), text);
        }
        git.commit(message)
    };
    push(&[("one", &plugin("one", "1")), ("two", &plugin("two", "1"))], "Two plugins");
    let shop = shop(json!({"git": {"url": git.url()}, "poll": "1s"}));
    let server = server(&shop, &[]);
    let names = |server: &Server| -> Vec<Value> {
        server.list(&["plugins"]).iter().map(|plugin| plugin["name"].clone()).collect()
    };
    server.until("the bundle", || (names(&server) == ["one", "two"]).then_some(()));
    let said = |server: &Server, plugin: &str| {
        let fired = fire(server, "orders.arrived", &json!({}));
        let step = format!("orders.arrived-{plugin}.tell");
        server.ok(&["logs", &format!("event/{}", fired.id), "--step", &step, "-o", "name"])
    };
    assert_eq!((said(&server, "one"), said(&server, "two")), ("1\n".to_owned(), "1\n".to_owned()));

    // One of three is wrong: not even those that are right take effect.
    let wrong = plugin("three", "2").replace("orders.arrived", "run.arrived");
    push(&[("one", &plugin("one", "2")), ("two", &plugin("two", "2")), ("three", &wrong)], "Three plugins, one wrong");
    let report = server.until("the refusal", || {
        let status = server.json(&["status"]);
        status["rejected"]["report"].as_str().map(str::to_owned)
    });
    assert!(report.contains("tools//three.yaml:") && report.contains("E0152"), "{report}");
    assert_eq!(names(&server), ["one", "two"]);
    assert_eq!((said(&server, "one"), said(&server, "two")), ("1\n".to_owned(), "1\n".to_owned()));

    push(&[("three", &plugin("three", "2"))], "Mended");
    server.until("the mended bundle", || (names(&server).len() == 3).then_some(()));
    for name in ["one", "two", "three"] {
        assert_eq!(said(&server, name), "2\n", "{name}");
    }
}

#[test]
fn d08_a_git_source_is_fetched_and_without_an_answer_the_old_copy_runs() {
    let git = TempShop::new();
    git.write("bread.yaml", &bread("fresh"));
    git.commit("Bake");
    let shop = shop(json!({"git": {"url": git.url()}, "poll": "1s"}));
    let mut server = server(&shop, &[]);
    server.has("bread");
    git.write("bread.yaml", &bread("fresher"));
    let commit = git.commit("Bake better");
    in_force(&server, &commit);
    assert_eq!(said(&server), ["fresher"]);

    let revision = server.json(&["status"])["revision"]["revision"].clone();
    let aside = git.path().with_extension("aside");
    fs::rename(git.path(), &aside).unwrap();
    let warned = |server: &Server| {
        server.until("the warning", || {
            let status = server.json(&["status"]);
            let why = status["waitingFor"][0].as_str()?.to_owned();
            why.starts_with("Source tools: ").then_some(why)
        })
    };
    let why = warned(&server);
    assert!(
        why.contains(&format!("its copy {} of ", &commit[..12])) && why.contains(" ago is used meanwhile"),
        "{why}"
    );
    assert!(tools(&server)["ageS"].is_u64() && tools(&server)["trouble"].is_string());
    let doctor = server.cli(&["doctor"]);
    assert!(doctor.stdout.contains("Source tools: "), "{}", doctor.stdout);
    assert_eq!(said(&server), ["fresher"]);

    // A restart does not need it either.
    server.process.restart();
    warned(&server);
    assert_eq!(said(&server), ["fresher"]);
    assert_eq!(server.json(&["status"])["revision"]["revision"], revision, "it is the same revision");

    fs::rename(&aside, git.path()).unwrap();
    server.until("the end of the warning", || (server.json(&["status"])["waitingFor"] == json!([])).then_some(()));
}

#[test]
fn d08_what_was_never_had_refuses_the_revision_and_the_last_good_one_stays() {
    let git = TempShop::new();
    git.write("bread.yaml", &bread("fresh"));
    git.commit("Bake");
    let shop = Shop::new();
    shop.automation("own", json!({"args": ["echo", "own"]}));
    let server = server(&shop, &[]);
    server.has("own");
    let aside = git.path().with_extension("aside");
    fs::rename(git.path(), &aside).unwrap();
    shop.automation("more", json!({"args": ["echo", "more"]}));
    shop.add("Source", "tools", json!({"git": {"url": git.url()}, "poll": "1s"}));
    let report = server.until("the refusal", || {
        let status = server.json(&["status"]);
        status["rejected"]["report"].as_str().filter(|report| report.contains("E0181")).map(str::to_owned)
    });
    assert!(report.contains("sources/tools.yaml:") && report.contains("source `tools`"), "{report}");
    assert!(server.list(&["automations"]).iter().all(|automation| automation["name"] != "more"));
    assert_eq!(server.run("own"), 0);
    fs::rename(&aside, git.path()).unwrap();
    server.has("bread");
    server.has("more");
}

/// A folder that may be copied, with the source `tools` in it.
fn plugins(says: &str) -> TempDir {
    let folder = tempfile::Builder::new().prefix("pv-plugins-").tempdir().unwrap();
    fs::create_dir(folder.path().join("tools")).unwrap();
    fs::write(folder.path().join("tools/bread.yaml"), bread(says)).unwrap();
    folder
}

fn folder_source(plugins: &TempDir) -> Value {
    json!({"folder": plugins.path().join("tools"), "poll": "1s"})
}

#[test]
fn d09_a_folder_is_copied_and_the_original_is_not_used() {
    let plugins = plugins("fresh");
    fs::rename(plugins.path().join("tools/bread.yaml"), plugins.path().join("bread.yaml")).unwrap();
    std::os::unix::fs::symlink("../bread.yaml", plugins.path().join("tools/bread.yaml")).unwrap();
    let shop = shop(folder_source(&plugins));
    let mut server = server(&shop, &[plugins.path()]);
    server.has("bread");
    plugins.close().unwrap();
    assert_eq!(said(&server), ["fresh"]);
    server.process.restart();
    assert_eq!(said(&server), ["fresh"]);
    assert_eq!(server.json(&["status"])["waitingFor"], json!([]), "nothing is missed");
}

#[test]
fn d10_d11_a_copy_is_not_overwritten_until_it_is_reset_or_removed() {
    let plugins = plugins("fresh");
    let shop = shop(folder_source(&plugins));
    let server = server(&shop, &[plugins.path()]);
    server.has("bread");
    let change = |says: &str| {
        fs::write(plugins.path().join("tools/bread.yaml"), bread(says)).unwrap();
        server.until("the warning", || {
            let status = server.ok(&["status"]);
            status.contains("has changed since it was copied; `provost reset tools` takes").then_some(())
        });
    };
    let wait_for = |says: &str| {
        server.until(says, || (said(&server) == [says]).then_some(()));
        server.until("calm", || (server.json(&["status"])["waitingFor"] == json!([])).then_some(()));
    };
    change("fresher");
    assert_eq!(said(&server), ["fresh"], "the copy is used");
    server.ok(&["reset", "tools"]);
    wait_for("fresher");

    change("freshest");
    fs::remove_dir_all(server.process.state().join("sources/tools")).unwrap();
    wait_for("freshest");

    let unknown = server.cli(&["reset", "tols"]);
    assert_eq!(unknown.code, 5, "{}", unknown.stderr);
    // Going back needs no copy: a revision holds all that it was made of.
    server.ok(&["rollback"]);
    assert_eq!(said(&server), ["fresher"]);
}

#[test]
fn a_source_brings_policies_only_where_policies_may_be_and_no_further_sources() {
    let plugins = plugins("fresh");
    let tools = plugins.path().join("tools");
    fs::write(tools.join("policy.yaml"), document("Policy", "theirs", json!({}))).unwrap();
    let shop = shop(folder_source(&plugins));
    let config = json!({"folders": [plugins.path()], "allowFile": true});
    let options = options().folder(&shop.path()).set("sources", config).set("policyPaths", json!(["policies"]));
    let server = Server::start(options);
    let refused = |code: &str| {
        server.until(code, || {
            let report = server.json(&["status"])["rejected"]["report"].as_str()?.to_owned();
            report.contains(code).then_some(report)
        })
    };
    let report = refused("E0133");
    assert!(report.contains("tools//policy.yaml:"), "the place names the source: {report}");
    let mut trusted = folder_source(&plugins);
    trusted["policies"] = json!(true);
    shop.remove("Source", "tools").write("policies/tools.yaml", &document("Source", "tools", trusted));
    server.has("bread");
    fs::write(tools.join("policy.yaml"), document("Source", "more", json!({"folder": tools}))).unwrap();
    server.ok(&["reset", "tools"]);
    refused("E0180");
}
