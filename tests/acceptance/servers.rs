//! One revision on several servers, each with its own values. A12.

use provost_testkit::TempShop;
use serde_json::{Value, json};

use crate::common::{Server, document, options, place, with_toolbox};

fn start(git: &TempShop, tier: &str) -> Server {
    let server = Server::start(options().git(&git.url()).set("labels", json!({"tier": tier})));
    server.has("report");
    server
}

/// What `report` prints there, and where `explain` says that its memory comes from.
fn values(server: &Server) -> (Vec<String>, Value) {
    let run = server.finished("report");
    let explained = server.json(&["explain", "report"]);
    let items = explained["items"].as_array().unwrap();
    let memory = items.iter().find(|item| item["path"] == "spec.resources.memory").cloned();
    (server.lines(&run, "main.1"), memory.unwrap_or_default())
}

#[test]
fn a12_two_servers_run_one_revision_with_their_own_values() {
    let git = TempShop::new();
    let policy = |tier: &str, warehouse: &str, memory: &str| {
        json!({
            "select": {"servers": {"tier": tier}},
            "enforce": {"env": {"WAREHOUSE": warehouse}},
            "defaults": {"resources": {"memory": memory}},
        })
    };
    for (tier, warehouse, memory) in [("prod", "wh.example.org", "128Mi"), ("test", "wh-test.example.org", "64Mi")] {
        git.write(&place("Policy", tier), &document("Policy", tier, policy(tier, warehouse, memory)));
    }
    let spec = with_toolbox(json!({"args": ["env", "WAREHOUSE"]}));
    git.write(&place("Automation", "report"), &document("Automation", "report", spec));
    let commit = git.commit("One shop, two servers");

    let (prod, test) = (start(&git, "prod"), start(&git, "test"));
    for server in [&prod, &test] {
        assert_eq!(server.json(&["status"])["revision"]["revision"], commit);
    }
    for (server, tier, warehouse) in [(&prod, "prod", "wh.example.org"), (&test, "test", "wh-test.example.org")] {
        let (printed, memory) = values(server);
        assert_eq!(printed, [format!("WAREHOUSE={warehouse}")]);
        assert!(memory.to_string().contains(&place("Policy", tier)), "{memory}");
    }
    assert_ne!(values(&prod).1["value"], values(&test).1["value"]);
}
