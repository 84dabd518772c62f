//! Runs the binary, and compares what it says with what it said before.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The time that it is for every command.
pub const NOW: &str = "2026-11-20T17:35:00Z";

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it printed to standard output.
    pub out: String,
    /// What it printed to standard error.
    pub err: String,
}

/// The binary with a clean environment: nothing of the user's own settings, UTC, no colours, a fixed time.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
    command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", "/nonexistent").env("TZ", "UTC").env("NO_COLOR", "1").env("PROVOST_NOW", NOW);
    command.stdin(Stdio::null());
    command
}

/// Runs `provost ARGS`.
pub fn provost(args: &[&str]) -> Ran {
    run(command(args))
}

/// Runs `provost ARGS` in `folder`.
pub fn provost_in(folder: &Path, args: &[&str]) -> Ran {
    let mut command = command(args);
    command.current_dir(folder);
    run(command)
}

/// Runs `command` to its end.
pub fn run(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// All of it as one text.
    pub fn text(&self) -> String {
        let part = |name: &str, text: &str| {
            if text.is_empty() { String::new() } else { format!("--- {name}\n{text}") }
        };
        format!("exit {}\n{}{}", self.code, part("stdout", &self.out), part("stderr", &self.err))
    }

    /// The same, if it ended with `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.text());
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// Compares `text` with the file `snapshots/NAME.txt`. With `UPDATE_SNAPSHOTS=1` it is written instead.
#[track_caller]
pub fn snapshot(name: &str, text: &str) {
    let path = here("tests/cli/snapshots").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text,
        known,
        "{} differs; UPDATE_SNAPSHOTS=1 cargo test -p provost --test cli accepts it",
        path.display()
    );
}

/// A path in this crate.
pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A path in the repository.
pub fn repository(path: &str) -> PathBuf {
    here("../..").join(path)
}
