//! Projects as `init` and `new` make them: A14.

use std::fs;

use provost_testkit::Cli;

use crate::common::{Server, Shop, options, server, steps};

/// Runs a command that needs no server and must succeed.
fn done(server: &Server, args: &[&str]) {
    let Cli { code, stdout, stderr } = server.cli(args);
    assert_eq!(code, 0, "provost {args:?}\n{stdout}{stderr}");
}

#[test]
fn a14_new_policies_and_automations_validate_and_run_untouched() {
    let shop = Shop::new();
    let folder = shop.path().display().to_string();
    let server = server(&shop);
    done(&server, &["new", "policy", "house", "--dir", &folder]);
    done(&server, &["new", "automation", "greet", "--dir", &folder]);
    done(&server, &["new", "plugin", "parcels", "--dir", &folder]);
    done(&server, &["new", "channel", "duty", "--dir", &folder]);
    done(&server, &["validate", "--strict", &folder]);
    server.has("greet");
    let run = server.finished("greet");
    assert_eq!(run["outcome"], "Succeeded", "{run}");
    assert_eq!(server.lines(&run, "main.1"), ["hello from greet"]);
    let expected =
        ["run.starting-house.announce", "main.1", "run.finished-house.tell", "run.succeeded-parcels.on-success"];
    let mut steps = steps(&run);
    steps[2..].sort_unstable();
    assert_eq!(steps, expected);
}

#[test]
fn a14_a_new_project_validates_and_runs_untouched() {
    let parent = Shop::new();
    let folder = parent.path().join("shop");
    let path = folder.display().to_string();
    fs::create_dir(&folder).unwrap();
    let server = Server::start(options().folder(&folder));
    done(&server, &["init", &path]);
    done(&server, &["validate", "--strict", &path]);
    server.has("hello");
    assert_eq!(server.finished("hello")["outcome"], "Succeeded");
    // What is there is not overwritten.
    assert_ne!(server.cli(&["init", &path]).code, 0);
}
