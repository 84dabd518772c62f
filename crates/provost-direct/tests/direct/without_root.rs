//! What needs no root, without root: these same tests, in a process of another user that enters a user namespace.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Command, Output};

use provost_testkit::toolbox_program;

use crate::rig::shim;

/// A user that the machine need not know.
const USER: u32 = 54_321;
/// What rests on control groups or on networks. What a container's devices are is found out there by `find`, which takes
/// what is mounted on a file for that file.
const OF_ROOT: &[&str] = &[
    "network::",
    "own_users::",
    "isolation::processes_memory_and_processors_are_limited",
    "isolation::devices_are_those_of_every_container_and_no_others",
    "outliving::what_an_engine_took_away_that_was_killed_then_the_next_one_takes",
    "running_out_of_memory_is_seen",
    "without_root::",
];
/// Becomes that user, after the commands in `$0`.
const BECOME: &str = "eval \"$0\" && exec setpriv --reuid 54321 --regid 54321 --clear-groups \"$@\"";
/// Gives the user a name and ranges of ids, for this process and those that it starts.
const GIVE_RANGES: &str = "cat /etc/passwd >passwd && echo ada:x:54321:54321::/:/bin/sh >>passwd && \
    echo ada:300000:65536 >ranges && mount --bind passwd /etc/passwd && mount --bind ranges /etc/subuid && \
    mount --bind ranges /etc/subgid";

/// Runs the tests as that user.
fn tests_of_user(prepare: &str) -> Output {
    // With all that they need, since the user may not look into everybody's folders.
    let home = tempfile::tempdir().unwrap();
    let own = home.path().join("own");
    let copied = |name: &str, from: &Path| {
        let to = home.path().join(name);
        fs::copy(from, &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
        to
    };
    let (tests, program) = (copied("tests", &std::env::current_exe().unwrap()), copied("shim", &shim().program));
    let toolbox = copied("toolbox", &toolbox_program());
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(&own).unwrap();
    chown(&own, Some(USER), Some(USER)).unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", BECOME, prepare])
        .arg(&program)
        .arg("enter")
        .arg(own.join("engine"))
        .arg(tests);
    command.arg("--test-threads=2").args(OF_ROOT.iter().flat_map(|name| ["--skip", name]));
    command.current_dir(home.path()).env("TMPDIR", &own).env("HOME", &own);
    command
        .env("PROVOST_TEST_IMAGES", own.join("images"))
        .env("PROVOST_TEST_SHIM", program)
        .env("PROVOST_TOOLBOX", toolbox);
    command.output().unwrap()
}

fn all_pass(output: &Output) {
    let [said, complained] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{said}{complained}");
    let passed = said.lines().filter(|line| line.ends_with("... ok")).count();
    assert!(passed > 40, "only {passed} tests: {said}");
}

#[test]
fn a_user_without_ranges_of_ids_has_the_same_containers() {
    all_pass(&tests_of_user("true"));
}

#[test]
fn a_user_with_ranges_of_ids_has_the_same_containers() {
    all_pass(&tests_of_user(GIVE_RANGES));
}
