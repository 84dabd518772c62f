//! A real server without an engine: everything that can be seen and asked while nothing can run.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{Ran, command, run};

const NIGHTLY: &str = "apiVersion: provost/v1\nkind: Automation\nmetadata: {name: nightly, labels: {team: a}}\nspec: {schedule: \"0 2 1 1 *\", image: \"a:1\"}\n";
const CHANNEL: &str = "apiVersion: provost/v1\nkind: Channel\nmetadata: {name: ops}\nspec: {file: {path: ops.jsonl}}\n";

/// A server with a folder of its own; killed when it is dropped.
struct Server {
    folder: TempDir,
    process: std::process::Child,
}

impl Server {
    /// Starts one; returns when it answers and has applied its first revision.
    fn start(extra: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("pv-").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("shop")).unwrap();
        std::fs::write(path("shop/nightly.yaml"), NIGHTLY).unwrap();
        std::fs::write(path("shop/ops.yaml"), CHANNEL).unwrap();
        let config = format!(
            "instance: cli-test\nstate: state\nsource: {{folder: {{path: shop}}}}\nengine: {{docker: {{host: \"unix://{}\"}}}}\n{extra}",
            path("none.sock").display()
        );
        std::fs::write(path("server.yaml"), config).unwrap();
        let mut serve = command(&["serve", "--config"]);
        let log = std::fs::File::create(path("log")).unwrap();
        serve.arg(path("server.yaml")).env_remove("PROVOST_NOW").stderr(log);
        let process = serve.spawn().unwrap();
        let server = Self { folder, process };
        server.until("it answers", || server.cli(&["status"]).code == 0);
        if extra.contains("apply: Manual") {
            server.cli(&["apply"]).exits(0);
        }
        server.until("a revision is in force", || server.cli(&["get", "automations", "-o", "name"]).out == "nightly\n");
        server
    }

    fn cli(&self, args: &[&str]) -> Ran {
        let mut command = command(args);
        command.env_remove("PROVOST_NOW").env("PROVOST_SOCKET", self.folder.path().join("state/provost.sock"));
        run(command)
    }

    fn shop(&self, name: &str) -> PathBuf {
        self.folder.path().join("shop").join(name)
    }

    #[track_caller]
    fn until(&self, what: &str, mut true_now: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !true_now() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < end, "not within a minute: {what}\n{log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_server_tells_how_it_is_and_why() {
    let server = Server::start("");
    let status = server.cli(&["status"]).exits(0).out;
    assert!(status.contains("cli-test") && status.contains("none.sock"), "{status}");
    let json = server.cli(&["status", "-o", "json"]).exits(0).json();
    assert_eq!((json["instance"].as_str(), json["counts"]["automations"].as_u64()), (Some("cli-test"), Some(1)));
    assert!(!json["waitingFor"].as_array().unwrap().is_empty(), "it says why it is not as it should be: {json}");
}

#[test]
fn every_kind_is_listed_in_every_format() {
    let server = Server::start("");
    for kind in ["automations", "runs", "outcomes", "channels", "plugins", "policies", "upcoming", "revisions"] {
        for format in ["table", "wide", "name", "csv"] {
            server.cli(&["get", kind, "-o", format]).exits(0);
        }
        let json = server.cli(&["get", kind, "-o", "json"]).exits(0).json();
        assert!(json["items"].is_array(), "{kind}");
    }
    let csv = server.cli(&["get", "automations", "-o", "csv"]).exits(0).out;
    assert!(csv.starts_with("name,state,last,next,late,last 8,"), "{csv}");
    assert_eq!(server.cli(&["get", "automations", "-l", "team=a", "-o", "name"]).exits(0).out, "nightly\n");
    assert_eq!(server.cli(&["get", "automations", "-l", "team=b", "-o", "name"]).exits(0).out, "");
    server.cli(&["get", "automations", "--since", "1h"]).exits(2);
}

#[test]
fn what_is_not_there_exits_with_5() {
    let server = Server::start("");
    let ran = server.cli(&["get", "automations", "nihgtly"]).exits(5);
    assert!(ran.err.contains("did you mean \"nightly\"?"), "{}", ran.err);
    server.cli(&["describe", "nothing"]).exits(5);
    server.cli(&["run", "nothing"]).exits(5);
    server.cli(&["stop", "nightly.20200101T000000Z"]).exits(5);
    server.cli(&["stop", "nightly"]).exits(2);
}

#[test]
fn explain_and_describe_ask_the_server() {
    let server = Server::start("");
    let described = server.cli(&["describe", "nightly"]).exits(0).out;
    assert!(described.contains("0 2 1 1 *") && described.contains("a:1"), "{described}");
    let explained = server.cli(&["explain", "nightly"]).exits(0).out;
    let image = explained.lines().find(|line| line.starts_with("spec.image")).unwrap();
    assert!(image.contains("automation") && image.contains("nightly.yaml:4"), "{explained}");
}

#[test]
fn a_pause_has_a_reason_and_an_end() {
    let server = Server::start("");
    server.cli(&["pause", "nightly", "--until", "2h", "--reason", "stock-taking"]).exits(0);
    let described = server.cli(&["describe", "nightly"]).exits(0).out;
    assert!(described.contains("paused") && described.contains("stock-taking"), "{described}");
    let ran = server.cli(&["resume", "nightly"]).exits(0);
    assert!(ran.err.contains("next: provost get automations nightly"), "{}", ran.err);
    assert!(!server.cli(&["describe", "nightly"]).exits(0).out.contains("stock-taking"));
}

#[test]
fn c3_a_plan_is_what_is_applied() {
    let server = Server::start("apply: Manual\n");
    // `Manual`: what is saved waits.
    std::fs::write(server.shop("nightly.yaml"), NIGHTLY.replace("a:1", "a:2")).unwrap();
    let plan = server.cli(&["plan", "--exit-code"]).exits(3);
    assert!(plan.out.contains("a:1 → a:2"), "{}", plan.out);
    let id = server.cli(&["plan", "-o", "name"]).exits(0).out.trim().to_owned();
    assert!(plan.err.contains(&id), "{}", plan.err);
    std::fs::write(server.shop("nightly.yaml"), NIGHTLY.replace("a:1", "a:3")).unwrap();
    server.cli(&["apply", "--plan", &id]).exits(1);
    let id = server.cli(&["plan", "-o", "name"]).exits(0).out.trim().to_owned();
    server.cli(&["apply", "--plan", &id]).exits(0);
    assert!(server.cli(&["describe", "nightly"]).exits(0).out.contains("a:3"));
    server.cli(&["plan", "--exit-code"]).exits(0);
    server.cli(&["rollback"]).exits(0);
    assert!(server.cli(&["describe", "nightly"]).exits(0).out.contains("a:1"));
    let history = server.cli(&["history", "-o", "json"]).exits(0).json();
    assert!(history["items"].as_array().unwrap().len() >= 3, "{history}");
}

#[test]
fn c2_a_bad_revision_is_refused_with_its_diagnostics() {
    let server = Server::start("");
    std::fs::write(server.shop("bad.yaml"), NIGHTLY.replace("nightly", "bad").replace("image", "imagee")).unwrap();
    let ran = server.cli(&["plan"]).exits(1);
    assert!(ran.err.starts_with("error[E0"), "{}", ran.err);
    assert!(ran.err.contains("bad.yaml:4") && ran.err.contains("did you mean `image`?"), "{}", ran.err);
    assert_eq!(server.cli(&["get", "automations", "-o", "name"]).exits(0).out, "nightly\n");
}

#[test]
fn an_event_is_accepted_and_listed() {
    let server = Server::start("");
    let fired = server.cli(&["fire", "orders.arrived", "--data", "{\"count\": 3}"]).exits(0).out;
    assert!(fired.starts_with('e'), "{fired}");
    server
        .until("the event is listed", || server.cli(&["events", "-o", "json"]).exits(0).out.contains("orders.arrived"));
    server.cli(&["fire", "orders.arrived", "--data", "[1]"]).exits(2);
}

#[test]
fn a_run_that_cannot_start_is_waited_for_in_vain() {
    let server = Server::start("");
    let ran = server.cli(&["run", "nightly", "--wait", "--timeout", "1s"]).exits(124);
    assert!(ran.err.contains("is not over yet"), "{}", ran.err);
    let run = server.cli(&["get", "runs", "nightly", "-o", "name"]).exits(0).out.trim().to_owned();
    server.cli(&["stop", &run]).exits(0);
}

#[test]
fn two_servers_never_share_a_state() {
    let server = Server::start("");
    let mut second = command(&["serve", "--config"]);
    second.arg(server.folder.path().join("server.yaml")).env_remove("PROVOST_NOW");
    let ran = run(second).exits(1);
    assert!(ran.err.contains(&server.process.id().to_string()), "{}", ran.err);
    server.cli(&["status"]).exits(0);
}

#[test]
fn asked_to_end_it_ends_well_and_takes_its_socket_along() {
    let mut server = Server::start("shutdownGrace: 0s\n");
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.process.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = server.process.wait().unwrap();
    assert_eq!(ended.code(), Some(0));
    assert!(!server.folder.path().join("state/provost.sock").exists());
    server.cli(&["status"]).exits(5);
}
