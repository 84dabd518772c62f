//! Secrets: sealed in git, read by containers, found nowhere else.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use flate2::read::GzDecoder;
use provost_testkit::{Cli, TOOLBOX, unique};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Server, Shop, hook, options};

/// A shop, its server with the files of secrets in a folder of its own, and the server's key in the shop's list.
struct Vaulted {
    shop: Shop,
    server: Server,
    memory: TempDir,
}

impl Vaulted {
    fn new() -> Self {
        let shop = Shop::new();
        let memory = tempfile::Builder::new().prefix("pv-").tempdir_in("/dev/shm").unwrap();
        let config = options().folder(&shop.path()).set("runtimeDir", json!(memory.path())).log("trace");
        let server = Server::start(config);
        shop.write("recipients.txt", &server.ok(&["secret", "key"]));
        Self { shop, server, memory }
    }

    /// Seals `value` for those in the list, as a person would.
    fn set(&self, name: &str, value: &str) {
        let dir = self.shop.path();
        let mut command = self.server.process.command(["secret", "set", name, "--dir"]);
        let child = command.arg(dir).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        child.stdin.take().unwrap().write_all(format!("{value}\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The files that are in memory now.
    fn in_memory(&self) -> Vec<PathBuf> {
        files(self.memory.path())
    }

    /// All that anybody can ask the server, and all that it keeps.
    fn everything(&self, run: &str) -> Vec<(String, Vec<u8>)> {
        let ask = |args: &[&str]| (args.join(" "), self.server.ok(args).into_bytes());
        let mut found = vec![
            ask(&["logs", run]),
            ask(&["logs", run, "-o", "json"]),
            ask(&["describe", run, "-o", "json"]),
            ask(&["events", "--tail", "10000", "-o", "json"]),
            ask(&["get", "runs", "-o", "json"]),
            ask(&["status", "-o", "json"]),
            ("the server's log".to_owned(), self.server.process.log().into_bytes()),
        ];
        for path in files(&self.server.process.state()) {
            let bytes = fs::read(&path).unwrap_or_default();
            let mut unpacked = Vec::new();
            let _ = GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked); // Most are not packed.
            found.push((path.display().to_string(), [bytes, unpacked].concat()));
        }
        found
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// A value that is nowhere else in the world, with characters that encodings change.
fn canary() -> String {
    unique("cAnary/+\"ü?")
}

/// How a value may be written.
fn spellings(value: &str) -> Vec<String> {
    let json = Value::from(value).to_string();
    let within = BASE64_STANDARD.encode(format!("user:{value}"));
    vec![
        value.to_owned(),
        json[1..json.len() - 1].to_owned(),
        BASE64_STANDARD.encode(value),
        BASE64_URL_SAFE_NO_PAD.encode(value),
        // The middle depends on nothing but the value, which begins somewhere in the eighth character.
        within[8..within.len() - 4].to_owned(),
        hex::encode(value),
        // What is left of a value when only its first or second half is masked.
        value[..value.len() - 6].to_owned(),
        value[6..].to_owned(),
    ]
}

#[track_caller]
fn assert_nowhere(value: &str, places: &[(String, Vec<u8>)]) {
    for spelling in spellings(value) {
        let holds = |bytes: &[u8]| bytes.windows(spelling.len()).any(|window| window == spelling.as_bytes());
        let found: Vec<&str> =
            places.iter().filter(|(_, bytes)| holds(bytes)).map(|(place, _)| place.as_str()).collect();
        assert_eq!(found, Vec::<&str>::new(), "{spelling:?} is there");
    }
}

/// What the engine says of the one container of a run that is going on.
fn inspected(server: &Server, run: &str) -> Vec<u8> {
    let container = server.until("its container", || {
        server.process.containers().into_iter().find(|one| one.label("owner") == run && one.is_running)
    });
    server.process.engine().inspected(&container)
}

#[test]
fn a35_a_run_reads_a_password_that_is_found_nowhere_else() {
    let shop = Vaulted::new();
    let (server, canary) = (&shop.server, canary());
    shop.set("password", &canary);
    let secrets = json!([{"name": "password"}]);
    let after = hook("after", "run.finished", &["hook", "--get", "locals.leaked"]);
    shop.shop.automation(
        "leaker",
        json!({"args": ["leak", "/run/secrets/password", "--hold", "4"], "secrets": secrets, "hooks": [after]}),
    );
    server.has("leaker");
    let run = server.begun("leaker");
    assert_nowhere(&canary, &[("docker inspect".to_owned(), inspected(server, &run))]);
    let held = shop.in_memory();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(fs::read_to_string(&held[0]).unwrap(), canary);
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&held[0]), mode(held[0].parent().unwrap())), (0o444, 0o700), "nobody else comes to it");

    let record = server.over(&run);
    assert_eq!(record["outcome"], "Succeeded", "{record}");
    // That the masks are where the job wrote the value shows that it had it.
    let lines = server.lines(&record, "main.1");
    assert!(lines.contains(&"password=***".to_owned()) && lines.contains(&"***".to_owned()), "{lines:?}");
    assert!(lines.contains(&"error: login with *** failed".to_owned()), "{lines:?}");
    assert!(lines.contains(&"*** was split".to_owned()), "{lines:?}");
    assert!(
        lines.iter().any(|line| line.starts_with("Authorization: Basic dXNlc") && line.contains("***")),
        "{lines:?}"
    );
    let told = server.lines(&record, "run.finished-after");
    assert!(told.contains(&"locals.leaked = \"***\"".to_owned()), "{told:?}");
    server.until("the end of the file", || shop.in_memory().is_empty().then_some(()));
    assert_nowhere(&canary, &shop.everything(&run));
    let in_git: Vec<_> = files(&shop.shop.path())
        .into_iter()
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
        .collect();
    assert!(in_git.len() >= 3);
    assert_nowhere(&canary, &in_git);
}

#[test]
fn a35_a_variable_is_in_the_container_only_and_only_when_asked_for() {
    let shop = Vaulted::new();
    let (server, canary) = (&shop.server, canary());
    shop.set("password", &canary);
    let secrets = json!([{"name": "password", "env": "PGPASSWORD"}]);
    shop.shop.automation("job", json!({"args": ["env", "PGPASSWORD"], "secrets": secrets}));
    server.has("job");
    let record = server.finished("job");
    assert_eq!(server.lines(&record, "main.1"), ["PGPASSWORD=***"]);
    assert!(shop.in_memory().is_empty(), "there is no file where none was asked for");
    assert_nowhere(&canary, &shop.everything(record["run"].as_str().unwrap()));
    let effective = server.ok(&["explain", "job", "-o", "json"]);
    assert!(effective.contains("password as PGPASSWORD") && !effective.contains("BEGIN AGE"), "{effective}");
}

#[test]
fn d30_each_secret_lands_at_its_declared_path() {
    let shop = Vaulted::new();
    let server = &shop.server;
    let (first, second) = (canary(), canary());
    shop.set("first", &first);
    shop.set("second", &second);
    let cat = |name: &str, path: &str, secret: Value| {
        let mut hook = hook(name, "run.starting", &["cat", path]);
        hook["secrets"] = json!([secret]);
        hook
    };
    let hooks = [
        cat("by-name", "/run/secrets/first", json!({"name": "first"})),
        cat("by-path", "/etc/warehouse/key.json", json!({"name": "second", "file": "/etc/warehouse/key.json"})),
        cat("elsewhere", "/run/secrets/first", json!({"name": "second"})),
    ];
    let mut hooks = hooks.to_vec();
    hooks[2]["onError"] = json!("Ignore");
    shop.shop.plugin("warehouse", json!({"hooks": hooks}));
    let check = json!([{"name": "first", "file": "/secret"}]);
    shop.shop.automation("job", json!({"args": ["ro-check", "/secret/x"], "secrets": check}));
    server.has("job");
    let record = server.finished("job");
    let lines = |hook: &str| server.lines(&record, &format!("run.starting-warehouse.{hook}"));
    assert_eq!((lines("by-name"), lines("by-path")), (vec!["***".to_owned()], vec!["***".to_owned()]));
    let others = lines("elsewhere").concat();
    assert!(others.contains("No such file"), "a container has what it asks for, and nothing else: {others}");
    for value in [&first, &second] {
        assert_nowhere(value, &shop.everything(record["run"].as_str().unwrap()));
    }
}

#[test]
fn d31_a_secret_that_cannot_be_opened_ends_that_plugin_alone_and_is_named() {
    let shop = Vaulted::new();
    let server = &shop.server;
    let (ours, other) = (server.ok(&["secret", "key"]), Vaulted::new());
    shop.shop.write("recipients.txt", &other.server.ok(&["secret", "key"]));
    shop.set("foreign", &canary());
    shop.shop.write("recipients.txt", &ours);
    shop.set("own", &canary());
    let plugin = |secret: &str| {
        let mut hook = hook("look", "run.succeeded", &["cat", &format!("/run/secrets/{secret}")]);
        hook["secrets"] = json!([{"name": secret}]);
        json!({"hooks": [hook]})
    };
    shop.shop.plugin("broken", plugin("foreign")).plugin("sound", plugin("own"));
    shop.shop.automation("job", json!({"args": ["echo", "done"]}));
    server.has("job");
    let record = server.finished("job");
    assert_eq!(record["outcome"], "Succeeded", "{record}");
    let step = |name: &str| {
        let steps = record["steps"].as_array().unwrap().iter();
        steps.filter(|step| step["step"] == name).map(ToString::to_string).collect::<String>()
    };
    let broken = step("run.succeeded-broken.look");
    let parts = ["secret foreign cannot be opened", ours.trim(), "provost secret rekey"];
    assert!(parts.iter().all(|part| broken.contains(part)), "it names the secret, the key and the mend: {broken}");
    assert_eq!(server.lines(&record, "run.succeeded-sound.look"), ["***"]);

    // Whoever can open it mends it.
    shop.shop.write("recipients.txt", &ours);
    let identity = other.server.process.state().join("server.key");
    fs::remove_file(shop.shop.path().join("secrets/own.yaml")).unwrap();
    shop.shop.remove("Plugin", "sound");
    let dir = shop.shop.path();
    let args = ["secret", "rekey", "--dir", dir.to_str().unwrap(), "--identity", identity.to_str().unwrap()];
    server.ok(&args);
    server.until("the mend", || {
        let record = server.finished("job");
        (server.lines(&record, "run.succeeded-broken.look") == ["***"]).then_some(())
    });
}

#[test]
fn r8_what_a_service_answers_to_calls_is_masked() {
    let vaulted = Vaulted::new();
    let value = unique("cAnary");
    vaulted.set("pin", &format!("{value:?}"));
    vaulted.set("word", &value);
    let provides = json!([{"skill": "give.away", "command": ["/toolbox", "cat", "/run/secrets/pin"]},
        {"skill": "shout", "command": ["/toolbox", "fail", "3", value]}]);
    let spec = json!({"image": TOOLBOX, "args": ["sleep", "86400"], "provides": provides,
        "secrets": [{"name": "pin"}, {"name": "word"}]});
    vaulted.shop.add("Service", "rates", spec);
    let server = &vaulted.server;
    server.until("the service", || {
        server.list(&["services"]).iter().any(|service| service["state"] == "up").then_some(())
    });
    for skill in ["give.away", "shout"] {
        let Cli { stdout, stderr, .. } = server.cli(&["skill", "call", skill]);
        let said = format!("{stdout}{stderr}");
        assert!(!said.contains(&value) && said.contains("***"), "{said}");
    }
}
