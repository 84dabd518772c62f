//! Containers without Provost: each way of running the same program, from nothing but the kernel's own to engines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use provost_testkit::{
    Docker, Leash, TOOLBOX, engine, eventually, load_toolbox, toolbox_archive, toolbox_program, unique,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::table::{Table, percentile};

/// A way of running the toolbox's `echo`.
pub trait Bare: Sync {
    /// Runs it once, from nothing until nothing is left.
    fn run(&self);

    /// From the moment of starting them all to the start of each, in milliseconds, of containers that were made ahead.
    fn lags(&self, count: usize) -> Vec<f64>;

    /// The median of so many lives, one after another, in milliseconds.
    fn life(&self, rounds: usize) -> f64 {
        self.run();
        let mut lives: Vec<f64> = (0..rounds).map(|_| timed(|| self.run())).collect();
        percentile(&mut lives, 0.5)
    }

    /// How many lives end in a second, of so many at once, each so many times.
    fn rate(&self, at_once: usize, rounds: usize) -> f64 {
        let took = timed(|| {
            std::thread::scope(|scope| {
                for _ in 0..at_once {
                    scope.spawn(|| (0..rounds).for_each(|_| self.run()));
                }
            });
        });
        (at_once * rounds) as f64 * 1000.0 / took
    }
}

pub fn measure(table: &mut Table) {
    let process = Process.life(50);
    let podman = Podman::start();
    let mut ways: Vec<(&str, Box<dyn Bare>, usize)> = Vec::new();
    ways.extend(crun().map(|crun| ("crun", crun, 50)));
    ways.extend(
        podman
            .as_ref()
            .map(|podman| ("Podman's API", Box::new(Api { docker: podman.docker.clone(), init: false }) as _, 9)),
    );
    ways.push(("Docker's API", docker(), 9));
    ways.push(("docker run, as a crontab's line", Box::new(CommandLine), 5));
    for (name, way, rounds) in &ways {
        table.row(format!("{name}: a whole life"), "ms", way.life(*rounds), process, "fork and exec");
        let (rate, floor) = (way.rate(8, rounds / 4 + 1), Process.rate(8, 20));
        table.row(format!("{name}: lives a second, 8 at once"), "/s", rate, floor, "fork and exec");
    }
}

/// Docker's API.
pub fn docker() -> Box<dyn Bare> {
    load_toolbox(engine().host());
    Box::new(Api { docker: engine().docker(), init: true })
}

/// `crun` on a bundle of its own; nothing where it is not installed, or does not run.
pub fn crun() -> Option<Box<dyn Bare>> {
    let crun = Crun::new()?;
    let runs = crun.command(&["run"], &unique("bench")).status().is_ok_and(|status| status.success());
    runs.then(|| Box::new(crun) as _)
}

/// What is beneath every container: the program alone.
pub fn process() -> Box<dyn Bare> {
    Box::new(Process)
}

fn timed(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64() * 1000.0
}

fn succeed(command: &mut Command) {
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(done.as_ref().is_ok_and(|status| status.success()), "{command:?}: {done:?}");
}

/// The program alone.
struct Process;

impl Bare for Process {
    fn run(&self) {
        succeed(Command::new(toolbox_program()).args(["echo", "hello"]));
    }

    fn lags(&self, count: usize) -> Vec<f64> {
        let due = Instant::now();
        let begun = (0..count).map(|_| {
            let child = Command::new(toolbox_program()).arg("echo").stdout(Stdio::null()).spawn();
            (child.unwrap(), due.elapsed().as_secs_f64() * 1000.0)
        });
        let begun: Vec<_> = begun.collect();
        let ended = |(mut child, lag): (std::process::Child, f64)| child.wait().map(|_| lag).unwrap();
        begun.into_iter().map(ended).collect()
    }
}

/// An engine that speaks Docker's API.
struct Api {
    docker: Docker,
    /// Whether it has an init of its own for containers.
    init: bool,
}

impl Api {
    fn create(&self, name: &str) {
        let body = json!({
            "Image": TOOLBOX, "Cmd": ["echo", "hello"],
            "HostConfig": {"NetworkMode": "none", "Init": self.init, "ReadonlyRootfs": true, "CapDrop": ["ALL"]},
        });
        let reply = self.docker.http().post(&format!("/containers/create?name={name}"), &body).unwrap();
        assert!(reply.is_success(), "{}", reply.text());
    }

    fn start(&self, name: &str) {
        let reply = self.docker.http().post(&format!("/containers/{name}/start"), &json!({})).unwrap();
        assert!(reply.is_success(), "{}", reply.text());
    }
}

impl Bare for Api {
    fn run(&self) {
        let name = unique("bench");
        self.create(&name);
        self.start(&name);
        let _finished = self.docker.wait(&name);
        self.docker.remove(&name);
    }

    fn lags(&self, count: usize) -> Vec<f64> {
        let names: Vec<String> = (0..count).map(|_| unique("bench")).collect();
        names.iter().for_each(|name| self.create(name));
        let due = Timestamp::now();
        std::thread::scope(|scope| names.iter().for_each(|name| drop(scope.spawn(|| self.start(name)))));
        let started = |name: &String| {
            let state = self.docker.container(name).unwrap()["State"]["StartedAt"].clone();
            state.as_str().unwrap().parse::<Timestamp>().unwrap().duration_since(due).as_secs_f64() * 1000.0
        };
        let lags = names.iter().map(started).collect();
        names.iter().for_each(|name| self.docker.remove(name));
        lags
    }
}

/// Docker's command line.
struct CommandLine;

impl Bare for CommandLine {
    fn run(&self) {
        let args = ["run", "--rm", "--network", "none", "--init", "--read-only", "--cap-drop", "ALL", TOOLBOX, "echo"];
        succeed(Command::new("docker").args(["--host", engine().host()]).args(args));
    }

    fn lags(&self, _count: usize) -> Vec<f64> {
        Vec::new()
    }
}

/// An OCI runtime, without anything that keeps output or ends.
struct Crun {
    _home: TempDir,
    bundle: PathBuf,
}

impl Crun {
    fn new() -> Option<Self> {
        let home = tempfile::tempdir().unwrap();
        let bundle = home.path().join("bundle");
        fs::create_dir_all(bundle.join("rootfs")).unwrap();
        fs::copy(toolbox_program(), bundle.join("rootfs/toolbox")).unwrap();
        Command::new("crun").args(["spec", "--bundle"]).arg(&bundle).status().ok()?;
        let path = bundle.join("config.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        config["process"]["args"] = json!(["/toolbox", "echo", "hello"]);
        config["process"]["terminal"] = json!(false);
        fs::write(&path, config.to_string()).unwrap();
        Some(Self { _home: home, bundle })
    }

    fn command(&self, args: &[&str], id: &str) -> Command {
        let mut command = Command::new("crun");
        command.arg("--cgroup-manager=cgroupfs").args(args);
        if ["run", "create"].contains(&args[0]) {
            command.arg("--bundle").arg(&self.bundle);
        }
        command.arg(id).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn call(&self, args: &[&str], id: &str) {
        succeed(&mut self.command(args, id));
    }
}

impl Bare for Crun {
    fn run(&self) {
        self.call(&["run"], &unique("bench"));
    }

    fn lags(&self, count: usize) -> Vec<f64> {
        let ids: Vec<String> = (0..count).map(|_| unique("bench")).collect();
        ids.iter().for_each(|id| self.call(&["create"], id));
        let due = Instant::now();
        let lags = std::thread::scope(|scope| {
            let start = |id| {
                scope.spawn(move || {
                    self.call(&["start"], id);
                    due.elapsed().as_secs_f64() * 1000.0
                })
            };
            let starting: Vec<_> = ids.iter().map(String::as_str).map(start).collect();
            starting.into_iter().map(|one| one.join().unwrap()).collect()
        });
        ids.iter().for_each(|id| self.call(&["delete", "--force"], id));
        lags
    }
}

/// A Podman that answers as long as this is there.
struct Podman {
    _home: TempDir,
    _service: Leash,
    docker: Docker,
}

impl Podman {
    /// Nothing where it is not installed, or does not answer.
    fn start() -> Option<Self> {
        let home = tempfile::tempdir().unwrap();
        let socket = home.path().join("podman.sock");
        let folder = |name: &str| home.path().join(name);
        let mut command = Command::new("podman");
        command.arg("--root").arg(folder("root")).arg("--runroot").arg(folder("run")).arg("--cgroup-manager=cgroupfs");
        command.args(["system", "service", "--time", "0"]).arg(format!("unix://{}", socket.display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let service = Leash::start(&mut command).ok()?;
        let docker = Docker::at(&format!("unix://{}", socket.display()));
        eventually(Duration::from_secs(30), || (Path::exists(&socket) && docker.answers()).then_some(()))?;
        docker.load(toolbox_archive());
        Some(Self { _home: home, _service: service, docker })
    }
}
