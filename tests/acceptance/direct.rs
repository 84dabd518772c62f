//! Provost without a container engine: the same manifests, hooks and promises on `engine: {direct: {}}`.

use std::fs;
use std::process::{Command, Stdio};

use provost_testkit::{Leash, engine, eventually, toolbox_archive, unique};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{PATIENCE, Server, Shop, evidence_volume, hook, options, parsed, seen, steps, with_toolbox};

/// The images that a server finds in a folder.
fn images() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("toolbox.tar"), &toolbox_archive().bytes).unwrap();
    folder
}

/// A server that runs its containers itself.
fn server(shop: &Shop, images: &TempDir) -> Server {
    let options = options().folder(&shop.path()).set("engine", json!({"direct": {}}));
    Server::start(options.set("images", json!(images.path())))
}

#[test]
fn governed_runs_need_no_engine() {
    let (shop, images) = (Shop::new(), images());
    let around = [
        hook("before", "run.starting", &["hook", "--allow", "--set-local", "n=7"]),
        hook("after", "run.finished", &["env", "PROVOST_LOCAL_N"]),
    ];
    shop.policy("shop", json!({"hooks": around}));
    shop.automation("report", json!({"args": ["echo", "hello"]}));
    shop.automation("broken", json!({"args": ["fail", "3"]}));
    let mut server = server(&shop, &images);
    server.has("broken");
    assert_eq!(server.json(&["status"])["engine"]["product"], "Provost direct");

    let run = server.finished("report");
    assert_eq!(run["outcome"], "Succeeded", "{run}");
    assert_eq!(steps(&run), ["run.starting-shop.before", "main.1", "run.finished-shop.after"]);
    assert_eq!(server.lines(&run, "main.1"), ["hello"]);
    assert_eq!(server.lines(&run, "run.finished-shop.after"), ["PROVOST_LOCAL_N=7"]);
    let failed = server.finished("broken");
    assert_eq!((&failed["outcome"], &failed["detail"]), (&json!("Failed"), &json!("exit 3")), "{failed}");
    assert_eq!(server.process.containers(), Vec::new(), "the engine that is there is not asked");

    server.until("no container is left", || {
        let left = fs::read_dir(server.process.state().join("engine/containers")).unwrap().count();
        (left == 0).then_some(())
    });
    assert_eq!(server.process.terminate().code(), Some(0));
}

#[test]
fn policy_gives_containers_users_that_are_nobody_on_the_server() {
    let (shop, images) = (Shop::new(), images());
    let mut after = hook("after", "run.finished", &["cat", "/proc/self/uid_map"]);
    after["userNamespace"] = json!(true);
    shop.policy("shop", json!({"enforce": {"userNamespace": true, "user": "7:7"}, "hooks": [after]}));
    shop.automation("report", json!({"args": ["cat", "/proc/self/uid_map"]}));
    let server = server(&shop, &images);
    server.has("report");
    let run = server.finished("report");
    assert_eq!(run["outcome"], "Succeeded", "{run}");
    for step in ["main.1", "run.finished-shop.after"] {
        let map: Vec<u64> = server.lines(&run, step)[0].split_whitespace().map(|word| word.parse().unwrap()).collect();
        assert!(map[0] == 0 && map[1] >= 524_288 && map[2] == 65_536, "{step}: {map:?}");
    }
}

#[test]
fn a_container_without_an_engine_outlives_the_server_and_is_adopted() {
    let (shop, images) = (Shop::new(), images());
    shop.automation("long", json!({"args": ["mark", seen("long"), "--sleep", "4"], "volumes": evidence_volume()}));
    let mut server = server(&shop, &images);
    server.has("long");
    let run = server.begun("long");
    server.until("the main container", || (!server.json(&["describe", &run])["mainAt"].is_null()).then_some(()));
    server.process.restart();
    let record = server.over(&run);
    assert_eq!((&record["outcome"], &record["attempts"]), (&json!("Succeeded"), &json!(1)), "{record}");
    let volume = format!("provost-{}-evidence", server.process.instance());
    let file = server.process.state().join("engine/volumes").join(volume).join("data/long");
    let marks: Vec<_> = fs::read_to_string(file).unwrap().lines().map(parsed).collect();
    assert_eq!(marks.len(), 2, "it ran once: {marks:?}");
    assert_eq!((&marks[0]["run"], &marks[1]["exit"]), (&json!(run), &json!(0)));
}

/// What is answered by HTTP at a port of this machine.
fn answer(port: u16) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

#[test]
fn a_service_without_an_engine_is_asked_by_http_published_and_found_by_its_name() {
    let (shop, images) = (Shop::new(), images());
    let port = 30_000 + u16::try_from(std::process::id() % 2_000).unwrap();
    let web = |text: &str| {
        let health = json!({"http": {"port": 80}, "interval": "1s", "startTimeout": "60s"});
        with_toolbox(json!({"args": ["serve", "80", text], "ports": [format!("{port}:80")], "healthCheck": health}))
    };
    shop.add("Service", "web", web("first"));
    shop.automation("asks", json!({"args": ["get", "web:80"], "network": "Shared"}));
    shop.automation("alone", json!({"args": ["get", "web:80"]}));
    let server = server(&shop, &images);
    let is_up = || server.list(&["services"]).iter().any(|item| item["name"] == "web" && item["state"] == "up");
    server.until("web being up", || is_up().then_some(()));
    assert_eq!(answer(port).as_deref(), Some("first"));
    let run = server.finished("asks");
    assert_eq!(
        (&run["outcome"], server.lines(&run, "main.1")),
        (&json!("Succeeded"), vec!["first".to_owned()]),
        "{run}"
    );
    assert_eq!(server.finished("alone")["outcome"], "Failed", "it has no network");

    // Another one takes over the port, which both cannot have at once.
    shop.add("Service", "web", web("second"));
    server.until("the second answering", || (answer(port).as_deref() == Some("second")).then_some(()));
    server.until("web being up", || is_up().then_some(()));
    let run = server.finished("asks");
    assert_eq!(server.lines(&run, "main.1"), ["second"]);
    server.ok(&["stop", "web", "--wait", "--timeout", "60s"]);
    server.until("the port being free", || std::net::TcpListener::bind(("127.0.0.1", port)).ok().map(drop));
    server.until("no container being left", || {
        let left = fs::read_dir(server.process.state().join("engine/containers")).unwrap().count();
        (left == 0).then_some(())
    });
    assert!(!server.process.state().join("engine/networks/Shared/state.json").exists(), "its network is gone");
}

/// Where no engine has its socket, whatever this machine has.
const WITHOUT_ENGINE: &str = "mount -t tmpfs none /run && exec \"$0\" dev \"$1\" --images \"$2\"";

#[test]
fn trying_things_out_needs_nothing_installed() {
    let (shop, images) = (Shop::new(), images());
    shop.automation("report", json!({"args": ["echo", "hello"]}));
    let mut dev = Command::new("unshare");
    dev.args(["--mount", "sh", "-c", WITHOUT_ENGINE, env!("CARGO_BIN_EXE_provost")])
        .arg(shop.path())
        .arg(images.path());
    dev.env_remove("DOCKER_HOST")
        .env_remove("XDG_RUNTIME_DIR")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut dev = Leash::start(&mut dev).unwrap();
    // In the folder, where the server of `provost dev` is found by itself.
    let provost = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
        command.args(args).current_dir(shop.path()).env_remove("PROVOST_SOCKET").env_remove("PROVOST_SERVER");
        command.output().unwrap()
    };
    let done = eventually(PATIENCE, || provost(&["run", "report", "--wait"]).status.success().then_some(()));
    assert!(done.is_some(), "no run succeeds");
    let status: Value = serde_json::from_slice(&provost(&["status", "-o", "json"]).stdout).unwrap();
    assert_eq!(status["engine"]["product"], "Provost direct");
    dev.terminate();
    let ended = eventually(PATIENCE, || dev.ended().unwrap()).expect("it ends");
    assert!(ended.success(), "{ended}");
    assert_eq!(
        fs::read_dir(shop.path().join(".provost/engine/containers")).unwrap().count(),
        0,
        "it leaves nothing behind"
    );
}

/// A server, where no engine has its socket.
const SERVING_WITHOUT_ENGINE: &str = "mount -t tmpfs none /run && exec \"$0\" serve --config \"$1\"";

#[test]
fn a_server_that_names_no_engine_keeps_the_first_that_it_has_found() {
    let (shop, images, home) = (Shop::new(), images(), tempfile::tempdir().unwrap());
    shop.automation("report", json!({"args": ["echo", "hello"]}));
    let (config, socket) = (home.path().join("server.yaml"), home.path().join("socket"));
    let text = json!({"instance": unique("first"), "state": home.path().join("state"), "socket": socket,
        "images": images.path(), "source": {"folder": {"path": shop.path()}}});
    fs::write(&config, text.to_string()).unwrap();
    let product = || {
        let asked = Command::new(env!("CARGO_BIN_EXE_provost"))
            .args(["status", "-o", "json"])
            .env("PROVOST_SOCKET", &socket)
            .output();
        let status: Value = serde_json::from_slice(&asked.unwrap().stdout).ok()?;
        status["engine"]["product"].as_str().map(str::to_owned)
    };
    let is_direct = |command: &mut Command| {
        let mut server =
            Leash::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())).unwrap();
        assert_eq!(eventually(PATIENCE, product).as_deref(), Some("Provost direct"));
        server.terminate();
        assert!(eventually(PATIENCE, || server.ended().unwrap()).is_some_and(|ended| ended.success()));
    };
    let mut alone = Command::new("unshare");
    alone.args(["--mount", "sh", "-c", SERVING_WITHOUT_ENGINE, env!("CARGO_BIN_EXE_provost")]).arg(&config);
    is_direct(alone.env_remove("DOCKER_HOST").env_remove("XDG_RUNTIME_DIR"));
    assert_eq!(fs::read_to_string(home.path().join("state/engine.kind")).unwrap(), "direct\n");
    // Another one is there now, which would have been the first choice.
    let mut later = Command::new(env!("CARGO_BIN_EXE_provost"));
    is_direct(later.args(["serve", "--config"]).arg(&config).env("DOCKER_HOST", engine().host()));
}
