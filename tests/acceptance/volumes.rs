//! Folders of automations and runs. A34.

use serde_json::{Value, json};

use crate::common::{Shop, server};
use crate::firing::with;

/// The four folders, each a volume of its own; what is to be new with each run is the run's.
fn folders() -> Value {
    let own = |name: &str, scope: &str| json!({"name": name, "path": format!("/own/{name}"), "scope": scope});
    json!([own("data", "Automation"), own("docs", "Automation"), own("logs", "Automation"), own("workspace", "Run")])
}

/// An automation that finds them, and leaves something in two of them at each run.
fn job() -> Value {
    let hook = |name: &str, event: &str, args: &[&str]| json!({"name": name, "event": event, "image": provost_testkit::TOOLBOX, "args": args, "volumes": folders(), "user": "0:0"});
    let hooks = [
        hook("begin", "run.starting", &["append", "/own/workspace/steps", "begin"]),
        hook("keep", "run.starting", &["append", "/own/data/runs", "run"]),
        hook("steps", "run.succeeded", &["cat", "/own/workspace/steps"]),
        hook("runs", "run.succeeded", &["cat", "/own/data/runs"]),
        hook("mounts", "run.succeeded", &["mounts"]),
    ];
    // A new volume belongs to root, unless the image has its folder.
    json!({"args": ["append", "/own/workspace/steps", "main"], "volumes": folders(), "user": "0:0", "hooks": hooks})
}

#[test]
fn a34_each_run_finds_its_own_four_folders_and_data_survives_the_next_run() {
    let shop = Shop::new();
    shop.policy("root", json!({"select": {"names": ["job", "other"]}, "allow": {"rootUser": true}}));
    shop.automation("job", job()).automation("other", job());
    let mut server = server(&shop);
    server.has("job");
    for (name, runs) in [("job", 1), ("job", 2), ("other", 1), ("job", 3)] {
        let run = server.finished(name);
        assert_eq!(run["outcome"], "Succeeded", "{run}");
        let said = |hook: &str| server.lines(&run, &format!("run.succeeded-{hook}"));
        assert_eq!(said("steps"), ["begin", "main"], "the workspace is new, and all steps share it");
        assert_eq!(said("runs"), vec!["run"; runs], "data is {name}'s own, and kept");
        let mounts = said("mounts");
        for folder in ["/own/data ", "/own/docs ", "/own/logs ", "/own/workspace "] {
            assert!(mounts.iter().any(|mount| mount.starts_with(folder)), "{folder}: {mounts:?}");
        }
        if runs == 2 {
            server.process.restart();
        }
    }
    let kept = ["job.data", "job.docs", "job.logs", "other.data", "other.docs", "other.logs"];
    server.until("the end of the workspaces", || {
        (server.process.engine().volumes(server.process.instance()) == kept).then_some(())
    });
}

#[test]
fn a34_a_policys_hook_sees_the_folder_of_the_automation_that_it_runs_around() {
    let shop = Shop::new();
    let data = json!([{"name": "data", "path": "/data", "scope": "Automation"}]);
    let archive = crate::common::hook("archive", "run.succeeded", &["cat", "/data/report"]);
    shop.policy("shop", json!({"hooks": [with(archive, &json!({"volumes": data}))]}));
    for name in ["one", "two"] {
        shop.automation(name, json!({"args": ["write", "/data/report", name], "volumes": data}));
    }
    let server = server(&shop);
    server.has("two");
    for name in ["one", "two"] {
        let run = server.finished(name);
        assert_eq!(server.lines(&run, "run.succeeded-shop.archive"), [name]);
    }
}
