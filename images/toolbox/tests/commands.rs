//! The commands as a shell sees them.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::{fs, path::Path, process::Command, time::Duration};

use provost_testkit::{Leash, eventually};
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_provost-toolbox");

/// Runs the toolbox with variables; returns exit code, stdout and stderr.
fn run_with(variables: &[(&str, &str)], args: &[&str]) -> (i32, String, String) {
    let output = Command::new(PROGRAM).args(args).env_clear().envs(variables.iter().copied()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn run(args: &[&str]) -> (i32, String, String) {
    run_with(&[], args)
}

/// Checks exit code and stdout; stderr must be empty.
#[track_caller]
fn check(args: &[&str], code: i32, stdout: &str) {
    assert_eq!(run(args), (code, stdout.to_owned(), String::new()), "{args:?}");
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

/// The lines of an evidence file; empty if it is not there.
fn evidence(file: &str) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn printing() {
    check(&["echo", "hello", "world"], 0, "hello world\n");
    check(&["spam", "3"], 0, "line 1 of 3\nline 2 of 3\nline 3 of 3\n");
    check(&["long-line", "100000"], 0, &("x".repeat(100_000) + "\n"));
    let variables = [("B", "2"), ("A", "1")];
    assert_eq!(run_with(&variables, &["env"]).1, "A=1\nB=2\n");
    assert_eq!(run_with(&variables, &["env", "B"]).1, "B=2\n");
    assert_eq!(run(&["env", "B"]), (1, String::new(), "B is not set\n".to_owned()));
}

#[test]
fn serving_and_asking() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut server = Command::new(PROGRAM);
    let _server = Leash::start(server.args(["serve", &port, "good", "day"])).unwrap();
    let place = format!("127.0.0.1:{port}");
    let answered = || (run(&["get", &place]) == (0, "good day\n".to_owned(), String::new())).then_some(());
    eventually(Duration::from_secs(20), answered).unwrap();
    assert_eq!(run(&["get", "no.such.invalid:1"]).0, 1);
}

#[test]
fn failing() {
    assert_eq!(run(&["fail", "7", "no", "luck"]), (7, String::new(), "no luck\n".to_owned()));
    let flaky = |attempt| run_with(&[("PROVOST_ATTEMPT", attempt)], &["flaky", "2"]).0;
    assert_eq!(["1", "2", "3", "x"].map(flaky), [1, 1, 0, 2]);
    assert_eq!(run(&["flaky", "1"]).0, 1, "without the variable it is the first attempt");
    assert_eq!(run(&["flaky", "0"]).0, 0);
}

#[test]
fn wrong_usage_is_exit_2_with_a_reason() {
    for args in [
        &[][..],
        &["nonsense"],
        &["sleep"],
        &["sleep", "soon"],
        &["sleep", "-1"],
        &["sleep", "1", "2"],
        &["fail", "256"],
        &["mark", "f", "--nonsense"],
        &["hook", "--nonsense"],
        &["report", "--limit", "few"],
    ] {
        let (code, stdout, stderr) = run(args);
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}");
        assert!(!stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn help_lists_every_command_that_the_readme_lists() {
    let help = run(&["help"]).1;
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for line in help.lines() {
        let name = line.split(' ').next().unwrap();
        assert!(readme.contains(&format!("`{name}")), "the README does not list `{name}`");
    }
    assert_eq!(help.lines().count(), 31);
}

#[test]
fn files() {
    let folder = TempDir::new().unwrap();
    let file = path(&folder, "file");
    check(&["write", &file, "a", "b"], 0, "");
    check(&["append", &file, "c"], 0, "");
    check(&["cat", &file], 0, "a b\nc\n");
    check(&["write", &file, "d"], 0, "");
    check(&["cat", &file], 0, "d\n");
    let here = path(&folder, "");
    check(&["ro-check", &here], 1, &format!("{here} is writable\n"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the probe is removed");
    assert_eq!(run(&["cat", &path(&folder, "none")]).0, 1);
}

#[test]
fn the_name_that_it_is_called_by_is_a_command_too() {
    let folder = TempDir::new().unwrap();
    let link = folder.path().join("echo");
    std::os::unix::fs::symlink(PROGRAM, &link).unwrap();
    let output = Command::new(link).args(["a", "b"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "a b\n");
}

#[test]
fn marks_are_evidence_of_start_and_end() {
    let folder = TempDir::new().unwrap();
    let file = path(&folder, "evidence");
    let variables = [("PROVOST_DUE", "2026-11-20T01:00:00Z"), ("PROVOST_RUN", "r1"), ("PROVOST_ATTEMPT", "2")];
    assert_eq!(run_with(&variables, &["mark", &file, "--sleep", "0.05", "--exit", "3"]).0, 3);
    let marks = evidence(&file);
    for mark in &marks {
        assert_eq!([&mark["due"], &mark["run"], &mark["attempt"]], ["2026-11-20T01:00:00Z", "r1", "2"]);
    }
    assert_eq!([&marks[0]["mark"], &marks[1]["mark"]], ["start", "end"]);
    assert_eq!(marks[1]["exit"], 3);
    let time = |mark: &Value| mark["time_ms"].as_u64().unwrap();
    assert!(time(&marks[1]) >= time(&marks[0]) + 50);
}

#[test]
fn a_mark_prints_its_lines_in_between() {
    let folder = TempDir::new().unwrap();
    let file = path(&folder, "evidence");
    let (code, stdout, _) = run(&["mark", &file, "--sleep", "0.05", "--lines", "3"]);
    assert_eq!((code, stdout.as_str()), (0, "line 1\nline 2\nline 3\n"));
    let time = |mark: &Value| mark["time_ms"].as_u64().unwrap();
    assert!(time(&evidence(&file)[1]) >= time(&evidence(&file)[0]) + 48);
}

#[test]
fn a_terminated_mark_says_so() {
    let folder = TempDir::new().unwrap();
    let file = path(&folder, "evidence");
    let mut marking = Leash::start(Command::new(PROGRAM).args(["mark", &file, "--sleep", "600"])).unwrap();
    let wait = Duration::from_secs(20);
    eventually(wait, || (evidence(&file).len() == 1).then_some(())).unwrap();
    marking.terminate();
    let ended = eventually(wait, || marking.ended().unwrap()).unwrap();
    assert_eq!(ended.code(), Some(143));
    let marks = evidence(&file);
    assert_eq!((&marks[1]["mark"], &marks[1]["exit"]), (&"end".into(), &143.into()));
}

#[test]
fn the_shop_reports_what_it_is_asked_for() {
    let (code, stdout, _) = run(&["report", "--since", "monday", "--limit", "2"]);
    assert_eq!((code, stdout.lines().count()), (0, 3));
    assert!(stdout.starts_with("takings since monday\n"), "{stdout}");
}
