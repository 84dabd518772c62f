//! What the command line says of itself.

use std::io::Read as _;
use std::process::Stdio;

use crate::support::{command, provost, snapshot};

/// Every command, as `provost help` lists them.
fn commands() -> Vec<String> {
    let help = provost(&["help"]).exits(0).out;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    listed
        .filter_map(|line| {
            line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()).map(str::to_owned)
        })
        .collect()
}

#[test]
fn bare_it_says_twelve_lines_and_two_examples() {
    let ran = provost(&[]).exits(0);
    snapshot("bare", &ran.text());
    assert_eq!(ran.out.lines().filter(|line| !line.is_empty()).count(), 11);
}

#[test]
fn every_command_explains_itself() {
    let commands = commands();
    assert!(commands.len() > 25, "{commands:?}");
    let mut all = provost(&["help"]).exits(0).out;
    for name in &commands {
        let flag = provost(&[name, "--help"]).exits(0).out;
        assert_eq!(provost(&["help", name]).exits(0).out, flag, "help {name} and {name} --help differ");
        all += &format!("\n═══ {name}\n{flag}");
    }
    snapshot("help", &all);
}

#[test]
fn topics_are_explained() {
    let topics = ["exit-codes", "output", "server", "time", "environment"];
    let text: String =
        topics.iter().map(|topic| format!("═══ {topic}\n{}\n", provost(&["help", topic]).exits(0).out)).collect();
    snapshot("topics", &text);
}

#[test]
fn an_unknown_word_gets_what_was_meant() {
    let ran = provost(&["schedul"]).exits(2);
    assert!(ran.err.contains("schedule"), "{}", ran.err);
    let ran = provost(&["help", "exit-code"]).exits(2);
    assert!(ran.err.contains("provost help exit-codes"), "{}", ran.err);
    let ran = provost(&["get", "automatons"]).exits(2);
    assert!(ran.err.contains("automations"), "{}", ran.err);
    let ran = provost(&["version", "--outptu", "json"]).exits(2);
    assert!(ran.err.contains("--output"), "{}", ran.err);
}

#[test]
fn version_tells_the_zones_too() {
    let version = provost(&["version", "-o", "json"]).exits(0).json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert!(version["zoneDatabase"].as_str().is_some_and(|zones| zones.starts_with("20")), "{version}");
    assert!(provost(&["version"]).exits(0).out.contains("time zones 20"));
}

#[test]
fn completion_is_made_for_every_shell() {
    for (shell, mark) in [("bash", "complete -F"), ("zsh", "#compdef provost"), ("fish", "complete -c provost")] {
        let script = provost(&["completion", shell]).exits(0).out;
        assert!(script.contains(mark) && script.contains("rollback"), "{shell}");
    }
}

#[test]
fn man_pages_are_made_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    provost(&["man", "--write", folder.path().to_str().unwrap()]).exits(0);
    for name in commands() {
        let page = std::fs::read_to_string(folder.path().join(format!("provost-{name}.1"))).unwrap();
        assert!(page.contains(".TH PROVOST-") && page.contains("SYNOPSIS"), "{name}");
    }
    assert!(provost(&["man"]).exits(0).out.contains(".TH PROVOST 1"));
}

#[test]
fn colours_are_for_whoever_wants_them() {
    let coloured = |args: &[&str], clean: &str| {
        let mut command = command(args);
        command.env_remove(clean);
        String::from_utf8(command.output().unwrap().stdout).unwrap().contains('\u{1b}')
    };
    let topic = ["help", "exit-codes"];
    assert!(!coloured(&topic, "NO_COLOR"), "a pipe gets none");
    assert!(coloured(&["help", "exit-codes", "--color", "always"], ""), "unless asked for");
    let mut forced = command(&topic);
    forced.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
    assert!(String::from_utf8(forced.output().unwrap().stdout).unwrap().contains('\u{1b}'));
}

#[test]
fn a_closed_pipe_is_quiet() {
    let mut command = command(&["schedule", "--count", "100000", "* * * * *"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = [0; 16];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
