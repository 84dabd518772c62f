//! The engine that tests start for themselves, and that it leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use provost_testkit::{Engine, TOOLBOX, engine, eventually, load_toolbox, toolbox_archive};
use serde_json::json;

const LONG: Duration = Duration::from_secs(60);

/// The folder of an engine.
fn folder(engine: &str) -> PathBuf {
    Path::new(engine.strip_prefix("unix://").unwrap()).parent().unwrap().to_path_buf()
}

/// What an engine in this folder has left behind: its folder, processes, mounts and control groups.
fn remains(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let path = folder.to_str().unwrap();
    if folder.exists() {
        found.push(format!("folder {path}"));
    }
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains(path) {
            found.push(format!("process {}", process.path().display()));
        }
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    found.extend(mounts.lines().filter(|mount| mount.contains(path)).map(|mount| format!("mount {mount}")));
    let name = format!("provost{}", path.replace('/', "-"));
    found.extend(folders_named(&name, Path::new("/sys/fs/cgroup"), 3));
    found
}

fn folders_named(name: &str, below: &Path, depth: u32) -> Vec<String> {
    let folders = fs::read_dir(below).into_iter().flatten().flatten();
    folders
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .flat_map(|entry| match entry.file_name() == name {
            true => vec![format!("control group {}", entry.path().display())],
            false if depth > 0 => folders_named(name, &entry.path(), depth - 1),
            false => Vec::new(),
        })
        .collect()
}

#[test]
fn it_runs_containers_and_leaves_nothing_behind() {
    let engine = Engine::start();
    let (docker, folder) = (engine.docker(), folder(engine.host()));
    load_toolbox(engine.host());
    assert!(!remains(&folder).is_empty(), "the search for remains finds a running engine");

    let finished = docker.run(TOOLBOX, &["echo", "hello"], &json!({"HostConfig": {"NetworkMode": "none"}}));
    assert_eq!((finished.code, finished.stdout.as_str()), (0, "hello\n"));
    // One that would not end by itself, with a network.
    docker.start(TOOLBOX, &["stubborn", "600"], &json!({}));

    drop(engine);
    assert_eq!(remains(&folder), Vec::<String>::new());
}

#[test]
fn it_leaves_nothing_behind_when_its_owner_is_killed() {
    let mut owner = Command::new(env::current_exe().unwrap())
        .args(["--exact", "owner_of_an_engine", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines().map_while(Result::ok);
    let host = lines.into_iter().find_map(|line| Some(line.split_once("engine at ")?.1.to_owned())).unwrap();
    let folder = folder(&host);
    assert!(!remains(&folder).is_empty());

    owner.kill().unwrap();
    owner.wait().unwrap();
    let gone = eventually(LONG, || remains(&folder).is_empty().then_some(()));
    assert!(gone.is_some(), "left behind: {:?}", remains(&folder));
}

#[test]
#[ignore = "is killed by it_leaves_nothing_behind_when_its_owner_is_killed"]
#[expect(clippy::print_stdout, reason = "that test reads it")]
fn owner_of_an_engine() {
    let engine = Engine::start();
    load_toolbox(engine.host());
    engine.docker().start(TOOLBOX, &["stubborn", "600"], &json!({}));
    println!("engine at {}", engine.host());
    std::thread::sleep(10 * LONG);
}

#[test]
fn its_daemon_can_be_taken_away_and_given_back() {
    let engine = Engine::start();
    let docker = engine.docker();
    load_toolbox(engine.host());
    let id = docker.start(TOOLBOX, &["sleep", "600"], &json!({"HostConfig": {"NetworkMode": "none"}}));
    let running = || docker.container(&id).unwrap()["State"]["Running"].as_bool().unwrap();
    assert!(docker.answers() && running());

    engine.stop();
    assert!(!docker.answers());
    engine.start_again();
    assert!(docker.answers() && !running(), "a daemon that ends in good order ends its containers");

    engine.kill();
    assert!(!docker.answers());
    engine.start_again();
    assert!(docker.answers());

    engine.pause();
    let impatient = docker.http().clone().with_timeout(Duration::from_millis(300));
    assert!(impatient.get("/_ping").is_err(), "a frozen daemon answers nothing");
    engine.resume();
    assert!(docker.answers());
}

#[test]
fn the_shared_engine_is_one() {
    assert_eq!(engine().host(), engine().host());
    assert!(engine().docker().answers());
}

#[test]
fn a_loaded_image_has_the_id_that_packing_promised() {
    let docker = engine().docker();
    assert_eq!(load_toolbox(engine().host()), TOOLBOX);
    let image = docker.image(TOOLBOX).unwrap();
    assert_eq!(image["Id"], toolbox_archive().config_digest.to_string());
    assert_eq!(image["Config"]["User"], "65532:65532");
    assert_eq!(image["Config"]["Entrypoint"], json!(["/toolbox"]));
    assert_eq!(docker.image("provost/nothing:0"), None);
}

#[test]
fn containers_are_found_by_label_and_swept() {
    let docker = engine().docker();
    load_toolbox(engine().host());
    let label = provost_testkit::unique("sweep");
    let labelled = json!({"Labels": {label.as_str(): "1"}, "HostConfig": {"NetworkMode": "none"}});
    docker.start(TOOLBOX, &["sleep", "600"], &labelled);
    docker.start(TOOLBOX, &["echo"], &labelled);
    assert_eq!(docker.labelled(&label).len(), 2);
    docker.sweep(&label);
    assert_eq!(docker.labelled(&label).len(), 0);
}
