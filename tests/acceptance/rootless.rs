//! Provost without a container engine and without root.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use provost_testkit::{Leash, eventually, toolbox_archive};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{PATIENCE, Server, Shop, hook, options, steps, with_toolbox};

/// A user that the machine need not know.
const USER: u32 = 54_321;

/// A shop that everybody may read, and a folder of images.
fn shop() -> (Shop, TempDir) {
    let (shop, images) = (Shop::new(), tempfile::tempdir().unwrap());
    fs::write(images.path().join("toolbox.tar"), &toolbox_archive().bytes).unwrap();
    for folder in [&shop.path(), images.path()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    (shop, images)
}

fn server(shop: &Shop, images: &Path) -> Server {
    let options = options().folder(&shop.path()).set("engine", json!({"direct": {"rootless": true}}));
    Server::start(options.set("images", json!(images)).user(USER))
}

#[test]
fn governed_runs_need_no_root() {
    let (shop, images) = shop();
    let before = hook("before", "run.starting", &["hook", "--allow", "--set-local", "n=7"]);
    shop.policy("shop", json!({"hooks": [before]}));
    shop.automation("report", json!({"args": ["id"], "user": "1234:5678"}));
    shop.automation("connected", json!({"args": ["echo"], "network": "Shared"}));
    let server = server(&shop, images.path());
    server.has("report");

    let run = server.finished("report");
    assert_eq!(run["outcome"], "Succeeded", "{run}");
    assert_eq!(steps(&run), ["run.starting-shop.before", "main.1"]);
    assert_eq!(server.lines(&run, "main.1"), ["uid=1234 gid=5678 groups="]);
    let refused = server.finished("connected");
    assert_ne!(refused["outcome"], "Succeeded", "{refused}");
    assert!(refused.to_string().contains("Provost has to be root"), "{refused}");

    let mut doctor = server.process.command(["doctor", "-o", "json", "--config"]);
    let doctor = doctor.arg(server.process.config()).uid(USER).gid(USER).output().unwrap();
    let found: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let said = found["findings"].to_string();
    assert!(said.contains("Provost is not root: limits of memory") && said.contains("one user to give"), "{said}");
}

#[test]
fn a_service_without_root_is_reached_into_by_the_server_that_comes_back() {
    let (shop, images) = shop();
    let health = json!({"command": ["/toolbox", "id"], "interval": "1s", "failures": 1});
    shop.add("Service", "web", with_toolbox(json!({"args": ["sleep", "600"], "healthCheck": health})));
    let mut server = server(&shop, images.path());
    let web = |server: &Server| server.list(&["services"]).into_iter().find(|item| item["name"] == "web");
    let is_up = |server: &Server| web(server).filter(|web| web["state"] == "up");
    let before = server.until("web being up", || is_up(&server));
    server.process.restart();
    // It is asked how it is, some times.
    std::thread::sleep(std::time::Duration::from_secs(4));
    let after = server.until("web being up", || is_up(&server));
    assert_eq!(after["since"], before["since"], "it is the same one: {after}");
    server.ok(&["stop", "web", "--wait", "--timeout", "60s"]);
    let containers = server.process.state().join("engine/containers");
    server.until("no container being left", || (fs::read_dir(&containers).unwrap().count() == 0).then_some(()));
}

/// Where no engine has its socket, whatever this machine has; and then as a user of no name.
const WITHOUT_ENGINE_OR_ROOT: &str = "mount -t tmpfs none /run && \
    exec setpriv --reuid 54321 --regid 54321 --clear-groups \"$0\" dev \"$1\" --images \"$2\"";

#[test]
fn trying_things_out_needs_no_root() {
    let (shop, images) = shop();
    let program = images.path().join("provost");
    fs::copy(env!("CARGO_BIN_EXE_provost"), &program).unwrap();
    chown(shop.path(), Some(USER), Some(USER)).unwrap();
    shop.automation("report", json!({"args": ["echo", "hello"]}));
    let mut dev = Command::new("unshare");
    dev.args(["--mount", "sh", "-c", WITHOUT_ENGINE_OR_ROOT]).args([&program, &shop.path()]).arg(images.path());
    dev.env("HOME", shop.path()).env_remove("DOCKER_HOST").env_remove("XDG_RUNTIME_DIR");
    dev.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut dev = Leash::start(&mut dev).unwrap();
    let provost = |args: &[&str]| {
        let mut command = Command::new(&program);
        command.args(args).current_dir(shop.path()).env_remove("PROVOST_SOCKET").env_remove("PROVOST_SERVER");
        command.output().unwrap()
    };
    let done = eventually(PATIENCE, || provost(&["run", "report", "--wait"]).status.success().then_some(()));
    assert!(done.is_some(), "no run succeeds");
    dev.terminate();
    assert!(eventually(PATIENCE, || dev.ended().unwrap()).is_some_and(|ended| ended.success()));
    let left = |part| fs::read_dir(shop.path().join(".provost/engine").join(part)).unwrap().count();
    assert_eq!((left("containers"), left("trash")), (0, 0), "it leaves nothing that its user could not remove");
}
