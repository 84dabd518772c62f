//! Configuration: the server's file, and which server a command talks to.

use crate::support::{command, provost, provost_in, run, snapshot};

#[test]
fn a_wrong_server_configuration_is_told_with_line_and_mend() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, text: &str| {
        std::fs::write(folder.path().join("server.yaml"), text).unwrap();
        snapshot(name, &provost_in(folder.path(), &["serve", "--config", "server.yaml"]).exits(2).text());
    };
    check("config-unknown-key", "source: {folder: {path: shop}}\ninstence: a\n");
    check("config-wrong-type", "source: {folder: {path: shop}}\nallowEmpty: perhaps\n");
    check("config-no-source", "instance: a\n");
    check("config-bad-duration", "source: {folder: {path: shop}}\nshutdownGrace: soon\n");
    check(
        "config-two-sources",
        "source: {folder: {path: shop}, git: {url: \"https://git.example.org/shop.git\"}}\nstate: state\n",
    );
}

#[test]
fn a_configuration_is_checked_without_starting_anything() {
    let folder = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        std::fs::write(folder.path().join("server.yaml"), text).unwrap();
        provost_in(folder.path(), &["serve", "--check", "--config", "server.yaml"])
    };
    let good = "state: state\nsource: {git: {url: \"https://git.example.org/shop.git\"}}\nsigners: [";
    check(&format!("{good}]\n")).exits(0);
    assert!(!folder.path().join("state").exists(), "nothing was made");
    // Each of these is found by another part: the file's keys, the source, the signers.
    for (text, expected) in [
        ("instence: a\n", "instence"),
        ("source: {folder: {path: a}, git: {url: \"https://b/c\"}}\n", "a folder and a git repository"),
        (&format!("{good}nobody]\n"), "signers[0]"),
    ] {
        let ran = check(text).exits(2);
        assert!(ran.err.contains(expected), "{}", ran.err);
    }
}

#[test]
fn a_missing_configuration_is_not_found() {
    let ran = provost(&["serve", "--config", "/nonexistent/server.yaml"]).exits(5);
    assert!(ran.err.contains("/nonexistent/server.yaml"), "{}", ran.err);
}

#[test]
fn where_no_server_answers_the_exit_code_is_5() {
    let folder = tempfile::tempdir().unwrap();
    for args in [["get", "runs"], ["describe", "nightly"], ["run", "nightly"], ["logs", "nightly"]] {
        let mut command = command(&args);
        command.current_dir(folder.path()).env("PROVOST_SOCKET", folder.path().join("none.sock"));
        let ran = run(command).exits(5);
        assert!(ran.err.contains("none.sock") && ran.err.contains("help: "), "{}", ran.err);
    }
}

#[test]
fn the_socket_is_said_by_flag_then_variable_then_folder_then_file() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    std::fs::create_dir_all(home.join("provost")).unwrap();
    std::fs::write(home.join("provost/config.yaml"), "socket: /from/file.sock\n").unwrap();
    std::fs::create_dir(folder.path().join(".provost")).unwrap();
    let asked = |args: &[&str], variable: Option<&str>| {
        let mut command = command(&[&["status"], args].concat());
        command.current_dir(folder.path()).env("XDG_CONFIG_HOME", &home);
        command.envs(variable.map(|value| ("PROVOST_SOCKET", value)));
        run(command).exits(5).err
    };
    assert!(asked(&[], None).contains("/from/file.sock"));
    std::fs::write(folder.path().join(".provost/provost.sock"), "").unwrap();
    assert!(asked(&[], None).contains(".provost/provost.sock"));
    assert!(asked(&[], Some("/from/variable.sock")).contains("/from/variable.sock"));
    assert!(asked(&["--socket", "/from/flag.sock"], Some("/from/variable.sock")).contains("/from/flag.sock"));
}

#[test]
fn a_wrong_user_file_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("provost")).unwrap();
    std::fs::write(folder.path().join("provost/config.yaml"), "sockett: /x\n").unwrap();
    let mut command = command(&["status"]);
    command.current_dir(folder.path()).env("XDG_CONFIG_HOME", folder.path());
    let ran = run(command).exits(2);
    assert!(ran.err.contains("did you mean `socket`?"), "{}", ran.err);
}
