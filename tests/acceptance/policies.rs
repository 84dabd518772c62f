//! Policies: written once, in force for automations that know nothing of them. A4 to A9, A23.

use provost_testkit::{EngineView, TOOLBOX, TempShop, toolbox_like, unique};
use serde_json::{Value, json};

use crate::common::{
    Server, Shop, document, evidence_volume, hook, options, parsed, place, seen, server, steps, with_toolbox,
};
use crate::firing::with;

/// A policy that hands each automation this name of the shop.
fn calling_it(name: &str) -> Value {
    json!({"enforce": {"env": {"SHOP": name}}})
}

/// A git repository with one policy and three automations that print what the policy hands them.
fn three_jobs() -> TempShop {
    let shop = TempShop::new();
    shop.write(&place("Policy", "shop"), &document("Policy", "shop", calling_it("acme")));
    for name in ["bread", "milk", "tea"] {
        let spec = with_toolbox(json!({"args": ["env", "SHOP"]}));
        shop.write(&place("Automation", name), &document("Automation", name, spec));
    }
    shop.commit("Open the shop");
    shop
}

/// What the automation's own container printed in a new run.
fn printed(server: &Server, automation: &str) -> Vec<String> {
    let run = server.finished(automation);
    assert_eq!(run["outcome"], "Succeeded", "{run}");
    server.lines(&run, "main.1")
}

/// Waits until this revision of git is in force.
fn follows(server: &Server, commit: &str) {
    server.until(&format!("revision {commit}"), || {
        (server.json(&["status"])["revision"]["revision"] == commit).then_some(())
    });
}

/// An image with a program that needs no arguments, until it is dropped.
struct Image {
    engine: EngineView,
    reference: String,
}

impl Image {
    /// The toolbox, which greets when nothing else is said.
    fn greeting() -> Self {
        let (engine, name) = (EngineView::shared(), unique("greeting"));
        let archive = toolbox_like(|recipe| {
            recipe.name = format!("provost/{name}");
            recipe.command = vec!["echo".to_owned(), "good morning".to_owned()];
        });
        engine.offer(&name, &archive);
        Self { engine, reference: TOOLBOX.replace("toolbox", &name) }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.engine.forget(&self.reference);
    }
}

#[test]
fn a04_name_image_and_schedule_are_all_that_an_author_has_to_say() {
    let (shop, host) = (Shop::new(), options());
    let image = Image::greeting();
    let text = "apiVersion: provost/v1\nkind: Automation\nmetadata: {name: hello}\nspec: {schedule: {every: 1s}, image: \"IMAGE\"}\n";
    shop.write("hello.yaml", &text.replace("IMAGE", &image.reference));
    let server = Server::start(host.folder(&shop.path()));
    let checked = server.cli(&["validate", "--strict", &shop.path().display().to_string()]);
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
    let run = server.until("a run", || server.list(&["runs", "--outcome", "succeeded"]).pop());
    assert_eq!((&run["automation"], &run["cause"]["kind"]), (&json!("hello"), &json!("schedule")));
    assert_eq!(server.lines(&run, "main.1"), ["good morning"]);
}

#[test]
fn a05_an_automation_is_ignorant_of_policy() {
    let shop = Shop::new();
    shop.policy("shop", calling_it("acme"));
    shop.automation("job", json!({"args": ["env", "SHOP"]}));
    let before = shop.read("automations/job.yaml");
    let server = server(&shop);
    server.has("job");
    assert_eq!(printed(&server, "job"), ["SHOP=acme"]);

    let mut changed = calling_it("bakery");
    changed["hooks"] = json!([hook("announce", "run.starting", &["hook"])]);
    shop.policy("shop", changed);
    server.until("the new policy", || (server.events("revision.applied").len() == 2).then_some(()));
    let run = server.finished("job");
    assert_eq!(steps(&run), ["run.starting-shop.announce", "main.1"]);
    assert_eq!(server.lines(&run, "main.1"), ["SHOP=bakery"]);
    assert_eq!(shop.read("automations/job.yaml"), before);
    assert!(!before.contains("SHOP=") && !before.contains("policy"), "{before}");
}

#[test]
fn a06_a_manifest_that_sets_what_policy_owns_is_refused_with_the_field() {
    let shop = Shop::new();
    shop.policy("shop", json!({"enforce": {"user": "1000:1000", "env": {"SHOP": "acme"}}}));
    shop.automation("job", json!({"args": ["id"], "user": "1:1"}));
    let server = server(&shop);
    let checked = server.cli(&["validate", &shop.path().display().to_string()]);
    let report = format!("{}{}", checked.stdout, checked.stderr);
    assert_eq!(checked.code, 1);
    for part in ["E0160", "user", "automations/job.yaml", "policies/shop.yaml"] {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
    // The running server says the same, and runs nothing of it.
    let told = server.until("the refusal", || {
        let rejected = server.json(&["status"])["rejected"]["report"].clone();
        rejected.as_str().map(str::to_owned)
    });
    assert!(told.contains("E0160"), "{told}");
    assert_eq!(server.list(&["automations"]), [json!(null); 0]);
    // Saying the same as the policy is no contradiction.
    shop.automation("job", json!({"args": ["id"], "user": "1000:1000"}));
    server.has("job");
    let run = server.finished("job");
    assert!(server.lines(&run, "main.1").join(" ").contains("1000"));
}

#[test]
fn a07_one_commit_to_the_policy_changes_every_automation() {
    let git = three_jobs();
    let server = Server::start(options().git(&git.url()));
    follows(&server, &git.head());
    assert_eq!(printed(&server, "milk"), ["SHOP=acme"]);

    git.write("policies/shop.yaml", &document("Policy", "shop", calling_it("bakery")));
    let commit = git.commit("Call it a bakery");
    assert_eq!(git.git(&["show", "--name-only", "--format=", "HEAD"]), "policies/shop.yaml");
    follows(&server, &commit);
    for name in ["bread", "milk", "tea"] {
        assert_eq!(printed(&server, name), ["SHOP=bakery"], "{name}");
    }
}

#[test]
fn a08_explain_tells_each_effective_value_and_the_scope_that_set_it() {
    let shop = Shop::new();
    shop.policy("shop", json!({"defaults": {"timeout": "1h", "retries": 2}, "enforce": {"user": "1000:1000"}}));
    shop.automation("job", json!({"args": ["id"], "retries": 1}));
    let server = server(&shop);
    server.has("job");
    let explained = server.json(&["explain", "job"]);
    let told = |path: &str| {
        let items = explained["items"].as_array().unwrap();
        let item = items.iter().find(|item| item["path"] == path).unwrap_or_else(|| panic!("{path} is not told"));
        ["value", "scope", "document"].map(|key| item[key].as_str().unwrap().to_owned())
    };
    assert_eq!(told("spec.gracePeriod"), ["10s", "built-in", "built-in default"]);
    assert_eq!(told("spec.timeout"), ["1h", "policy default", "Policy/shop"]);
    assert_eq!(told("spec.retries.limit"), ["1", "automation", "Automation/job"]);
    assert_eq!(told("spec.user"), ["1000:1000", "policy enforced", "Policy/shop"]);
    // The same offline, with the file and line of each.
    let text = server.ok(&["explain", "job", "-f", &shop.path().display().to_string()]);
    for part in ["policies/shop.yaml:", "automations/job.yaml:", "built-in"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a09_two_policies_of_equal_order_that_differ_are_refused_naming_both() {
    let shop = Shop::new();
    let ordered = |order: i64, name: &str| {
        let mut spec = calling_it(name);
        spec["order"] = json!(order);
        spec
    };
    shop.policy("shop", ordered(100, "acme")).policy("branch", ordered(100, "bakery"));
    shop.automation("job", json!({"args": ["env", "SHOP"]}));
    let server = server(&shop);
    let checked = server.cli(&["validate", &shop.path().display().to_string()]);
    let report = format!("{}{}", checked.stdout, checked.stderr);
    assert_eq!(checked.code, 1, "{report}");
    for part in ["E0161", "shop", "branch", "policies/shop.yaml", "policies/branch.yaml"] {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
    // With different orders they compose, and the higher decides.
    shop.policy("branch", ordered(200, "bakery"));
    server.has("job");
    assert_eq!(printed(&server, "job"), ["SHOP=bakery"]);
}

#[test]
fn a23_one_container_is_asked_every_question_and_without_it_the_defaults_hold() {
    let shop = Shop::new();
    let decide = |words: &[&str]| {
        let file = seen("asked");
        let args = [&["hook", "--mark", &file][..], words].concat();
        json!({"decide": {"image": TOOLBOX, "args": args, "volumes": evidence_volume()}})
    };
    shop.policy("shop", decide(&["--allow"])).automation("job", json!({"args": ["echo", "hi"]}));
    shop.add("Service", "relay", with_toolbox(json!({"args": ["sleep", "600"], "gracePeriod": "1s"})));
    let mut server = server(&shop);
    server.has("job");
    let job = server.finished("job");
    assert_eq!((steps(&job), &job["outcome"]), (vec!["run.starting-shop.decide", "main.1"], &json!("Succeeded")));
    let up = |server: &Server| server.list(&["services"]).iter().any(|service| service["state"] == "up");
    server.until("the service", || up(&server).then_some(()));
    let asked = |server: &Server| {
        let marks = server.evidence("asked").into_iter().map(|line| parsed(&line));
        let mut steps: Vec<String> = marks.map(|mark| mark["step"].as_str().unwrap().to_owned()).collect();
        steps.sort();
        steps.dedup();
        steps
    };
    let questions = ["run.starting", "server.startup", "service.starting"].map(|event| format!("{event}-shop.decide"));
    assert_eq!(asked(&server), questions);

    // What it says no to does not begin, with its reason: a run, and at the next start anything at all.
    shop.policy("shop", with(decide(&["--deny", "not before Monday"]), &json!({"select": {"names": ["job"]}})));
    server.until("the policy", || (server.events("revision.applied").len() == 2).then_some(()));
    let refused = server.finished("job");
    assert_eq!(steps(&refused), ["run.starting-shop.decide"]);
    assert!(refused["detail"].as_str().unwrap().contains("not before Monday"), "{refused}");
    server.process.restart();
    server.until("the reason", || {
        let status = server.json(&["status"]);
        status["startupRefused"].as_str().filter(|why| why.contains("not before Monday")).map(|_| ())
    });
    let refused = server.cli(&["run", "job"]);
    assert!(refused.code != 0 && refused.stderr.contains("not before Monday"), "{refused:?}");

    // Without it everything may begin.
    shop.remove("Policy", "shop");
    server.until("the end of the refusal", || (server.json(&["status"])["startup"] == "passed").then_some(()));
    let job = server.finished("job");
    assert_eq!((steps(&job), &job["outcome"]), (vec!["main.1"], &json!("Succeeded")));
}
