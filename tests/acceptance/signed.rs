//! A server that lists signers applies only what one of them signed, with OpenPGP or SSH, and says why not.

use std::path::Path;

use provost_testkit::TempShop;
use serde_json::{Value, json};

use crate::common::{Server, options};

/// A repository with commits that real tools signed; `fixtures/README.md` says which.
fn shop() -> TempShop {
    let shop = TempShop::new();
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/acceptance/fixtures/signed.bundle");
    shop.git(&["fetch", "--quiet", bundle.to_str().unwrap(), "refs/heads/*:refs/heads/*"]);
    shop
}

/// Makes this commit the newest of `main`; returns its id.
fn push(shop: &TempShop, branch: &str) -> String {
    shop.git(&["update-ref", "refs/heads/main", &format!("refs/heads/{branch}")]);
    shop.git(&["rev-parse", "refs/heads/main"])
}

/// A server that follows `shop` and believes Ann's OpenPGP key and Bob's SSH key.
fn guarded(shop: &TempShop) -> Server {
    let signers = json!([include_str!("fixtures/ann.asc"), include_str!("fixtures/bob.pub").trim()]);
    Server::start(options().git(&shop.url()).set("signers", signers))
}

fn names(server: &Server) -> Vec<String> {
    let automations = server.list(&["automations"]);
    automations.iter().map(|automation| automation["name"].as_str().unwrap().to_owned()).collect()
}

/// Waits until this commit is in force, and nothing is left to be said against it.
fn applied(server: &Server, commit: &str) {
    server.until(&format!("revision {commit}"), || {
        let status = server.json(&["status"]);
        let is_calm = status["waitingFor"].as_array().is_some_and(Vec::is_empty);
        (status["revision"]["revision"] == commit && is_calm).then_some(())
    });
}

/// Waits until this commit is refused; returns what the history says of it.
fn refused(server: &Server, commit: &str) -> String {
    let entry: Value = server.until(&format!("the refusal of {commit}"), || {
        let history = server.json(&["history"]);
        let entries = history["items"].as_array()?;
        entries.iter().find(|it| it["result"] == "rejected" && it["revision"] == commit).cloned()
    });
    let report = entry["report"].as_str().unwrap().to_owned();
    let status = server.ok(&["status"]);
    assert!(status.contains(report.trim_end()), "the status tells the same: {status}");
    report
}

#[test]
fn a_server_with_signers_applies_only_what_they_signed_and_says_why_not() {
    let shop = shop();
    let by_gpg = push(&shop, "gpg");
    let server = guarded(&shop);
    applied(&server, &by_gpg);
    assert_eq!(names(&server), ["bread"]);

    let unsigned = push(&shop, "unsigned");
    let why = refused(&server, &unsigned);
    assert!(why.contains(&format!("revision {unsigned} is not accepted: it is not signed; sign it (`git commit")));
    assert_eq!(names(&server), ["bread"], "the last good one stays in force");

    // A signed commit vouches for all that it stands on.
    let by_ssh = push(&shop, "ssh");
    applied(&server, &by_ssh);
    assert_eq!(names(&server), ["bread", "milk", "tea"]);

    let why = refused(&server, &push(&shop, "foreign"));
    assert!(why.contains("the OpenPGP key that signed it (") && why.contains("is not listed under `signers`"), "{why}");
    let why = refused(&server, &push(&shop, "tampered"));
    assert!(why.contains("it was changed after Ann Example <ann@example.org> signed it"), "{why}");
    let plan = server.cli(&["plan"]);
    assert_eq!(plan.code, 1, "{}{}", plan.stdout, plan.stderr);
    assert!(plan.stderr.contains("it was changed after Ann"), "{}", plan.stderr);

    // What was signed once is no licence to go back.
    let why = refused(&server, &push(&shop, "gpg"));
    assert!(why.contains("does not follow"), "{why}");
    assert_eq!(names(&server), ["bread", "milk", "tea"]);

    push(&shop, "ssh");
    applied(&server, &by_ssh);
}
