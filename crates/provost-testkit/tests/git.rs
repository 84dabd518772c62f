//! Repositories that tests change and serve.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::process::Command;

use provost_testkit::TempShop;

/// The commit at the head of `main` as a client of this URL sees it.
fn remote_head(url: &str) -> Option<String> {
    let output = Command::new("git").args(["ls-remote", url, "refs/heads/main"]).output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    line.split_whitespace().next().map(str::to_owned)
}

#[test]
fn the_same_steps_give_the_same_commits() {
    let make = || {
        let shop = TempShop::new();
        shop.write("automations/a.yaml", "one\n").commit("first");
        shop.write("automations/a.yaml", "two\n").commit("second")
    };
    assert_eq!(make(), make());
}

#[test]
fn clients_see_commits_over_both_urls() {
    let shop = TempShop::new();
    let first = shop.write("a", "1").commit("first");
    let server = shop.serve();
    for url in [shop.url(), server.url()] {
        assert_eq!(remote_head(&url).as_ref(), Some(&first), "{url}");
    }
    let second = shop.write("b", "2").commit("second");
    assert_ne!(first, second);
    assert_eq!(remote_head(&server.url()), Some(second));

    let url = server.url();
    drop(server);
    assert_eq!(remote_head(&url), None, "a dropped server is gone");
}

#[test]
fn history_can_be_changed() {
    let shop = TempShop::new();
    let first = shop.write("a", "1").commit("first");
    shop.write("a", "2").commit("second");
    let amended = shop.write("a", "3").amend("second, amended");
    assert_eq!(shop.git(&["rev-list", "--count", "HEAD"]), "2");
    assert_eq!(shop.git(&["rev-parse", "HEAD^"]), first);

    let rewritten = shop.remove("a").write("b", "4").rewrite_history("all anew");
    assert_ne!(rewritten, amended);
    assert_eq!(shop.git(&["rev-list", "--count", "main"]), "1");
    assert_eq!(shop.git(&["ls-tree", "--name-only", "main"]), "b");
}
