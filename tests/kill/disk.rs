//! A disk without room: nothing starts that cannot be recorded, it is said why, and nothing is lost.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use provost_testkit::{Engine, EngineView, ServerOptions};
use serde_json::json;

use crate::common::{Server, Shop};
use crate::evidence::job;
use crate::ledger::Ledger;

/// A small disk of its own, in memory; unmounted when it is dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("pv-disk-").tempdir().unwrap();
        let disk = Self(folder);
        // Whoever starts the server must be able to write to it.
        let options = format!("size=12m,uid={}", rustix::process::getuid().as_raw());
        disk.run(&["mount", "-t", "tmpfs", "-o", &options, "tmpfs"]);
        disk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs a command on it as root.
    fn run(&self, words: &[&str]) {
        let mut command = Command::new("sudo");
        command.arg("-n");
        if rustix::process::geteuid().is_root() {
            command = Command::new("env");
        }
        let done = command.args(words).arg(self.path()).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file = File::options().append(true).create(true).open(self.ballast()).unwrap();
        for size in [1 << 16, 1 << 10, 1] {
            while file.write(&vec![0; size]).is_ok_and(|written| written > 0) {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whatever still has a file open there goes first.
        self.run(&["umount", "-l"]);
    }
}

#[test]
fn r2_a_full_disk_loses_nothing_and_is_told() {
    let disk = Disk::new();
    // After the mount, so that it is in the engine's sight.
    let engine = Engine::start();
    let shop = Shop::new();
    shop.automation("tick", job(Some("2s"), &[], json!({"catchUp": "All"})));
    let state = disk.path().join("state");
    let options = ServerOptions::new(env!("CARGO_BIN_EXE_provost"), EngineView::of(&engine));
    let server = Server::start(options.folder(&shop.path()).state(&state));
    server.has("tick");
    server.until("a first run", || server.list(&["runs", "tick", "--outcome", "succeeded"]).pop());

    disk.fill();
    let told = server.until("the trouble", || {
        disk.fill(); // What was freed meanwhile is taken again.
        let waiting = server.json(&["status"])["waitingFor"].clone();
        let waiting = waiting.as_array().unwrap().iter().filter_map(|line| line.as_str().map(str::to_owned));
        waiting.into_iter().find(|line| line.contains("cannot be written"))
    });
    assert!(told.contains("provost.db") && told.contains("full"), "it says what and why: {told}");
    let refused = server.cli(&["run", "tick"]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("cannot be written"), "{}", refused.stderr);
    let starts = crate::evidence::Evidence::of(&server).mains();
    std::thread::sleep(std::time::Duration::from_secs(6));
    assert!(crate::evidence::Evidence::of(&server).mains() <= starts + 1, "what cannot be recorded does not start");

    disk.free();
    server.until("calm", || (server.json(&["status"])["waitingFor"] == json!([])).then_some(()));
    let before = server.list(&["runs", "tick", "--outcome", "succeeded", "--limit", "1000"]).len();
    server.until("runs as before", || {
        let now = server.list(&["runs", "tick", "--outcome", "succeeded", "--limit", "1000"]).len();
        (now > before + 1).then_some(())
    });
    let ledger = Ledger::settled(&server, &["tick"]);
    ledger.check_due_times("tick", 2);
    ledger.check_runs();
}
