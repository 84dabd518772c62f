//! The image on a real engine: what its program is, may do and says there.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::{fs, os::unix::fs::PermissionsExt as _, time::Instant};

use provost_testkit::{Docker, Finished, TOOLBOX, engine, load_toolbox};
use serde_json::{Value, json};
use tempfile::TempDir;

fn docker() -> Docker {
    load_toolbox(engine().host());
    engine().docker()
}

/// Runs a container without a network and with these host settings.
fn run(args: &[&str], host: Value) -> Finished {
    docker().run(TOOLBOX, args, &json!({"HostConfig": with_no_network(host)}))
}

fn with_no_network(mut host: Value) -> Value {
    host["NetworkMode"] = json!("none");
    host
}

fn stdout(args: &[&str], host: Value) -> String {
    let finished = run(args, host);
    assert_eq!((finished.code, finished.stderr.as_str()), (0, ""), "{args:?}");
    finished.stdout
}

#[test]
fn it_runs_as_nobody() {
    assert_eq!(stdout(&["id"], json!({})).split(" groups").next().unwrap(), "uid=65532 gid=65532");
}

#[test]
fn it_sees_its_hardening() {
    let hard = json!({"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"], "ReadonlyRootfs": true});
    assert_eq!(stdout(&["caps"], hard.clone()), "CapEff=0000000000000000 NoNewPrivs=1 Seccomp=2\n");
    assert_eq!(stdout(&["ro-check", "/data"], hard.clone()), "/data is read-only\n");
    let mounts = stdout(&["mounts"], hard);
    let root = mounts.lines().find(|line| line.starts_with("/ ")).unwrap();
    assert!(root.split([' ', ',']).any(|option| option == "ro"), "{root}");
    assert_eq!(stdout(&["ro-check", "/"], json!({})), "/ is denied\n");
    let open = run(&["ro-check", "/data"], json!({}));
    assert_eq!((open.code, open.stdout.as_str()), (1, "/data is writable\n"));
    assert_eq!(stdout(&["net"], json!({})), "lo\n");
}

#[test]
fn exit_codes_and_both_streams_come_out() {
    let finished = run(&["fail", "42", "sorry"], json!({}));
    assert_eq!(finished, Finished { code: 42, stdout: String::new(), stderr: "sorry\n".to_owned() });
    assert_eq!(run(&["nonsense"], json!({})).code, 2);
}

/// Stops a container within `grace_s`; returns its exit code and whether it needed the whole time.
fn stop(command: &[&str], grace_s: u64, host: Value) -> (i64, bool) {
    let docker = docker();
    let id = docker.start(TOOLBOX, command, &json!({"HostConfig": with_no_network(host)}));
    let started = Instant::now();
    docker.http().post(&format!("/containers/{id}/stop?t={grace_s}"), &Value::Null).unwrap();
    let whole = started.elapsed().as_secs() >= grace_s;
    let code = docker.wait(&id).code;
    docker.remove(&id);
    (code, whole)
}

#[test]
fn sigterm_ends_it_with_and_without_an_init() {
    for init in [false, true] {
        for command in [&["sleep", "600"][..], &["mark", "/data/evidence", "--sleep", "600"]] {
            assert_eq!(stop(command, 60, json!({"Init": init})), (143, false), "{command:?}, init: {init}");
        }
    }
}

#[test]
fn stubborn_is_killed() {
    assert_eq!(stop(&["stubborn", "600"], 1, json!({})), (137, true));
}

#[test]
fn limits_are_met() {
    let memory = run(&["memory", "64"], json!({"Memory": 32 << 20, "MemorySwap": 32 << 20}));
    assert_eq!(memory.code, 137, "{memory:?}");
    assert_eq!(stdout(&["memory", "8"], json!({"Memory": 32 << 20})), "holding 8 MB\n");
    let forks = run(&["fork-bomb", "64"], json!({"PidsLimit": 8}));
    assert!(forks.code == 1 && forks.stderr.contains("of 64 children"), "{forks:?}");
    assert_eq!(stdout(&["fork-bomb", "4"], json!({})), "started 4 children\n");
}

#[test]
fn a_new_volume_on_data_is_writable() {
    let docker = docker();
    let volume = provost_testkit::unique("toolbox");
    let host = json!({"Binds": [format!("{volume}:/data")]});
    assert_eq!(run(&["write", "/data/x", "kept"], host.clone()).code, 0);
    assert_eq!(stdout(&["cat", "/data/x"], host), "kept\n");
    assert!(docker.http().delete(&format!("/volumes/{volume}")).unwrap().is_success());
}

#[test]
fn a_hook_reads_its_event_and_answers() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o777)).unwrap();
    let event = json!({"event": "run.starting", "subject": "nightly", "locals": {"seen": 1}});
    fs::write(folder.path().join("event.json"), event.to_string()).unwrap();

    let host = json!({"Binds": [format!("{}:/provost", folder.path().display())], "ReadonlyRootfs": true});
    let args = ["hook", "--get", "locals.seen", "--set-local", "artifact=/x", "--deny", "frozen", "--exit", "3"];
    let finished = run(&args, host);
    let printed = "event run.starting of nightly\nlocals.seen = 1\n".to_owned();
    assert_eq!(finished, Finished { code: 3, stdout: printed, stderr: String::new() });
    let written = |name| fs::read_to_string(out.join(name)).unwrap();
    assert_eq!(written("locals.json"), r#"{"artifact":"/x"}"#);
    assert_eq!(written("reply.json"), r#"{"allow":false,"reason":"frozen"}"#);
}
