//! The way of a commit: followed, planned, applied, refused, rolled back.

use provost_testkit::{Cli, TempShop};
use serde_json::{Value, json};

use crate::common::{Server, document, hook, options, place, steps, with_toolbox};

/// Writes an automation that prints these words.
fn write(git: &TempShop, name: &str, words: &str) {
    let spec = with_toolbox(json!({"args": ["echo", words]}));
    git.write(&place("Automation", name), &document("Automation", name, spec));
}

fn in_force(server: &Server) -> Value {
    server.json(&["status"])["revision"]["revision"].clone()
}

fn follows(server: &Server, commit: &str) {
    server.until(&format!("revision {commit}"), || (in_force(server) == commit).then_some(()));
}

/// What a new run of the automation prints.
fn printed(server: &Server, automation: &str) -> Vec<String> {
    let run = server.finished(automation);
    server.lines(&run, "main.1")
}

/// The plan, once it leads to this commit.
fn planned(server: &Server, commit: &str) -> Value {
    server.until("the plan", || {
        let Cli { code, stdout, .. } = server.cli(&["plan", "-o", "json"]);
        let plan: Value = serde_json::from_str(&stdout).ok()?;
        (code == 0 && plan["to"] == commit).then_some(plan)
    })
}

#[test]
fn a_commit_becomes_a_governed_run() {
    let git = TempShop::new();
    let policy = json!({"enforce": {"env": {"SHOP": "acme"}}, "hooks": [
        hook("announce", "run.starting", &["hook", "--set-local", "ticket=T-1"]),
        hook("praise", "run.succeeded", &["hook", "--get", "locals.ticket"]),
    ]});
    git.write(&place("Policy", "shop"), &document("Policy", "shop", policy));
    let spec = with_toolbox(json!({"schedule": {"every": "1s"}, "args": ["env", "SHOP", "PROVOST_LOCAL_TICKET"]}));
    git.write(&place("Automation", "hello"), &document("Automation", "hello", spec));
    let commit = git.commit("Open the shop");
    let server = Server::start(options().git(&git.url()));
    let run = server.until("a run", || server.list(&["runs", "hello", "--outcome", "succeeded"]).pop());
    assert_eq!((&run["revision"], &run["cause"]["kind"]), (&json!(commit), &json!("schedule")));
    let run = server.over(run["run"].as_str().unwrap());
    assert_eq!(steps(&run), ["run.starting-shop.announce", "main.1", "run.succeeded-shop.praise"]);
    assert_eq!(server.lines(&run, "main.1"), ["SHOP=acme", "PROVOST_LOCAL_TICKET=T-1"]);
    assert_eq!(server.lines(&run, "run.succeeded-shop.praise")[1], "locals.ticket = \"T-1\"");
}

#[test]
fn a_plan_is_what_apply_does_and_is_refused_when_the_world_has_moved() {
    let git = TempShop::new();
    write(&git, "hello", "one");
    let first = git.commit("One");
    let server = Server::start(options().git(&git.url()).set("apply", json!("Manual")));
    let plan = planned(&server, &first);
    assert_eq!(in_force(&server), json!(null));
    server.ok(&["apply", "--plan", plan["id"].as_str().unwrap()]);
    assert_eq!(in_force(&server), first);
    assert_eq!(printed(&server, "hello"), ["one"]);
    assert_eq!(server.cli(&["plan", "--exit-code"]).code, 0);

    write(&git, "hello", "two");
    write(&git, "bye", "bye");
    let second = git.commit("Two");
    let plan = planned(&server, &second);
    let id = plan["id"].as_str().unwrap();
    assert_eq!(server.cli(&["plan", "--exit-code"]).code, 3);
    let text = server.ok(&["plan"]);
    for part in ["+ Automation/bye", "~ Automation/hello", "spec.args", "1 to add, 1 to change, 0 to remove"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_eq!(in_force(&server), first, "planning changes nothing");

    write(&git, "bye", "farewell");
    let third = git.commit("Three");
    let refused = server.cli(&["apply", "--plan", id]);
    assert_eq!(refused.code, 1, "{}{}", refused.stdout, refused.stderr);
    assert!(refused.stderr.contains("out of date") && refused.stderr.contains("provost plan"), "{}", refused.stderr);
    assert_eq!(in_force(&server), first);

    let plan = planned(&server, &third);
    let applied = server.json(&["apply", "--plan", plan["id"].as_str().unwrap()]);
    assert_eq!(applied["changes"], plan["changes"]);
    assert_eq!(in_force(&server), third);
    assert_eq!((printed(&server, "hello"), printed(&server, "bye")), (vec!["two".into()], vec!["farewell".into()]));
}

#[test]
fn a_bad_commit_is_refused_whole_and_the_last_good_one_stays_across_a_restart() {
    let git = TempShop::new();
    write(&git, "hello", "good");
    let policy = json!({"hooks": [hook("alarm", "revision.rejected", &["hook", "--get", "data.errors"])]});
    git.write(&place("Policy", "shop"), &document("Policy", "shop", policy));
    let good = git.commit("Good");
    let mut server = Server::start(options().git(&git.url()));
    follows(&server, &good);

    // One error beside two changes that would be fine.
    write(&git, "hello", "changed");
    write(&git, "another", "new");
    git.write(
        "automations/bad.yaml",
        &document("Automation", "bad", json!({"image": "provost/toolbox:0.1.0", "timeot": "1m"})),
    );
    let bad = git.commit("Bad");
    let told = server.until("the refusal", || {
        let rejected = server.json(&["status"])["rejected"].clone();
        (rejected["revision"] == bad).then_some(rejected)
    });
    let report = told["report"].as_str().unwrap();
    for part in ["E0120", "automations/bad.yaml", "timeot", "timeout"] {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
    server.until("the hook", || server.events("revision.rejected").pop());
    let unchanged = |server: &Server| {
        assert_eq!(in_force(server), good);
        assert_eq!(printed(server, "hello"), ["good"]);
        assert_eq!(server.list(&["automations"]).len(), 1);
    };
    unchanged(&server);
    server.process.restart();
    unchanged(&server);
    server.until("the refusal, still told", || (server.json(&["status"])["rejected"]["revision"] == bad).then_some(()));
    let history = server.json(&["history"])["items"].clone();
    let results: Vec<&Value> = history.as_array().unwrap().iter().map(|item| &item["result"]).collect();
    assert_eq!(results, ["rejected", "applied"], "told once, also after the restart");

    git.remove("automations/bad.yaml");
    follows(&server, &git.commit("Mended"));
    assert_eq!(printed(&server, "hello"), ["changed"]);
    assert_eq!(server.json(&["status"])["rejected"], json!(null));
}

#[test]
fn a_revision_is_rolled_back_and_stays_so_until_somebody_applies() {
    let git = TempShop::new();
    write(&git, "hello", "one");
    let first = git.commit("One");
    let mut server = Server::start(options().git(&git.url()));
    follows(&server, &first);
    write(&git, "hello", "two");
    let second = git.commit("Two");
    follows(&server, &second);
    assert_eq!(printed(&server, "hello"), ["two"]);

    server.ok(&["rollback"]);
    assert_eq!(in_force(&server), first);
    assert_eq!(printed(&server, "hello"), ["one"]);
    // A newer commit does not undo it, and neither does a restart.
    write(&git, "hello", "three");
    let third = git.commit("Three");
    server.until("the newer commit", || (server.json(&["status"])["source"]["waiting"] == third).then_some(()));
    server.process.restart();
    server.until("the newer commit again", || (server.json(&["status"])["source"]["waiting"] == third).then_some(()));
    assert_eq!(in_force(&server), first);
    assert_eq!(server.json(&["status"])["pinned"], first);
    server.ok(&["apply"]);
    assert_eq!((in_force(&server), printed(&server, "hello")), (json!(third), vec!["three".to_owned()]));
    // To a named one, by its beginning.
    server.ok(&["rollback", &second[..10]]);
    assert_eq!(printed(&server, "hello"), ["two"]);
    assert_ne!(server.cli(&["rollback", "0123456789"]).code, 0);
}
