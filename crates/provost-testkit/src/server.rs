//! The real `provost serve`, and its command line.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{ContainerView, EngineView, Http, Leash, eventually, unique};

/// How long a server may take to answer, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is to be started.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    binary: PathBuf,
    config: Value,
    engine: EngineView,
    log: Option<String>,
    environment: Vec<(String, String)>,
    user: Option<u32>,
}

impl ServerOptions {
    /// A server of this binary, `env!("CARGO_BIN_EXE_provost")`, on this engine, with an instance name of its own. The
    /// source must be given too.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>, engine: EngineView) -> Self {
        let config = match &engine {
            EngineView::Docker(docker) => json!({"engine": {"docker": {"host": docker.host()}}}),
            EngineView::Direct(direct) => {
                // Whoever is not root can run these tests too.
                let own = json!({"folder": direct.folder(), "rootless": true});
                json!({"engine": {"direct": own}, "images": direct.images()})
            }
        };
        let options = Self { binary: binary.into(), config, engine, log: None, environment: Vec::new(), user: None };
        options.set("instance", json!(unique("test")))
    }

    /// The engine that it will be on.
    #[must_use]
    pub fn engine(&self) -> &EngineView {
        &self.engine
    }

    /// Takes the manifests from a folder.
    #[must_use]
    pub fn folder(self, path: &Path) -> Self {
        self.set("source", json!({"folder": {"path": path}}))
    }

    /// Takes the manifests from branch `main` of a git repository, and looks for commits every second.
    #[must_use]
    pub fn git(self, url: &str) -> Self {
        self.set(
            "source",
            json!({"git": {"url": url, "branch": "main", "poll": "1s", "allowFile": url.starts_with("file:")}}),
        )
    }

    /// Keeps the state in this folder instead of one of its own; whoever made it removes it.
    #[must_use]
    pub fn state(self, path: &Path) -> Self {
        self.set("state", json!(path))
    }

    /// Sets a key of the server's configuration file.
    #[must_use]
    pub fn set(mut self, key: &str, value: Value) -> Self {
        self.config[key] = value;
        self
    }

    /// Lets it log from this level on: `debug`.
    #[must_use]
    pub fn log(mut self, level: &str) -> Self {
        self.log = Some(level.to_owned());
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs it as this user, which the machine need not know. Its commands are run as the user of the tests.
    #[must_use]
    pub fn user(mut self, uid: u32) -> Self {
        self.user = Some(uid);
        self
    }

    /// Starts it; returns when its control socket answers.
    ///
    /// # Panics
    /// If it does not, with its log.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> ServerUnderTest {
        let mut server = ServerUnderTest::prepare(self);
        server.start();
        server
    }
}

/// A running server with a state folder of its own, and its command line.
///
/// When it is dropped, or the test is killed, the server is killed; when it is dropped, its containers and its state
/// are removed too.
#[derive(Debug)]
pub struct ServerUnderTest {
    folder: TempDir,
    options: ServerOptions,
    running: Option<Leash>,
}

/// What a command of the command line did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cli {
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it printed to stdout.
    pub stdout: String,
    /// What it printed to stderr.
    pub stderr: String,
}

impl ServerUnderTest {
    fn prepare(options: ServerOptions) -> Self {
        let folder = tempfile::Builder::new().prefix("pv-").tempdir();
        let folder = folder.unwrap_or_else(|error| panic!("cannot make a folder for the server: {error}"));
        let mut server = Self { folder, options, running: None };
        for (key, value) in [("state", server.folder.path().join("state")), ("socket", server.socket())] {
            if server.options.config[key].is_null() {
                server.options.config[key] = json!(value);
            }
        }
        // JSON is YAML.
        fs::write(server.config(), format!("{:#}\n", server.options.config))
            .unwrap_or_else(|error| panic!("cannot write the server's configuration: {error}"));
        if let Some(uid) = server.options.user {
            server.give_to(uid).unwrap_or_else(|error| panic!("cannot give the server's folder away: {error}"));
        }
        server
    }

    /// Gives the folder to a user, with a program that this one finds wherever the other lies.
    fn give_to(&mut self, uid: u32) -> io::Result<()> {
        let program = self.folder.path().join("provost");
        fs::copy(&self.options.binary, &program)?;
        self.options.binary = program;
        for path in [self.folder.path().to_path_buf(), self.config()] {
            chown(path, Some(uid), Some(uid))?;
        }
        Ok(())
    }

    /// Starts the server, which must not be running; returns when its control socket answers.
    ///
    /// # Panics
    /// If it does not, with its log.
    #[track_caller]
    pub fn start(&mut self) {
        self.begin();
        self.answers();
    }

    /// Starts the server, which must not be running, and does not wait for it.
    ///
    /// # Panics
    /// If the process cannot be started.
    #[track_caller]
    pub fn begin(&mut self) {
        assert!(self.running.is_none(), "the server is running already");
        self.running = Some(self.launch().unwrap_or_else(|error| panic!("cannot start the server: {error}")));
    }

    /// Waits until the control socket of the server that was begun answers.
    ///
    /// # Panics
    /// If it does not, with its log.
    #[track_caller]
    pub fn answers(&mut self) {
        let http = self.http();
        let server = self.running.as_mut().expect("the server should be running");
        let up = eventually(PATIENCE, || match server.ended() {
            Ok(None) => http.get("/").ok().map(|_| Ok(())),
            ended => Some(Err(ended)),
        });
        match up {
            Some(Ok(())) => {}
            Some(Err(ended)) => {
                self.running = None;
                panic!("the server ended at its start ({ended:?}):\n{}", self.log())
            }
            None => panic!("the server does not answer:\n{}", self.log()),
        }
    }

    /// Freezes the process, with SIGSTOP.
    #[track_caller]
    pub fn pause(&self) {
        self.running.as_ref().expect("the server should be running").signal(Signal::STOP);
    }

    /// Lets a frozen process go on.
    #[track_caller]
    pub fn resume(&self) {
        self.running.as_ref().expect("the server should be running").signal(Signal::CONT);
    }

    fn launch(&self) -> io::Result<Leash> {
        let log: File = OpenOptions::new().append(true).create(true).open(self.log_file())?;
        let mut command = self.command(["serve", "--config"]);
        let level = self.options.log.iter().flat_map(|level| ["--log", level]);
        command.envs(self.options.environment.iter().map(|(name, value)| (name, value)));
        if let Some(uid) = self.options.user {
            command.uid(uid).gid(uid);
        }
        command.arg(self.config()).args(level).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Leash::start(&mut command)
    }

    /// Kills it, as a crash would: SIGKILL.
    #[track_caller]
    pub fn kill9(&mut self) {
        drop(self.running.take().expect("the server should be running"));
    }

    /// Asks it to end with SIGTERM and waits until it has; returns how it ended.
    ///
    /// # Panics
    /// If it does not end, with its log.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        let mut server = self.running.take().expect("the server should be running");
        server.terminate();
        let ended = eventually(PATIENCE, || server.ended().ok().flatten());
        ended.unwrap_or_else(|| panic!("the server does not end:\n{}", self.log()))
    }

    /// Kills it and starts it again on the same state.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill9();
        self.start();
    }

    /// Its process id.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.running.as_ref().expect("the server runs").id()
    }

    /// Whether the process is there.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.running.as_mut().is_some_and(|server| matches!(server.ended(), Ok(None)))
    }

    /// Runs a command of the command line against this server.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    #[track_caller]
    pub fn cli<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Cli {
        let output = self.command(args).stdin(Stdio::null()).output();
        let output = output.unwrap_or_else(|error| panic!("cannot run the command: {error}"));
        Cli {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The binary with these arguments and the environment that its commands find this server by: no colours, UTC, and
    /// nothing of the user's own settings.
    #[must_use]
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.options.binary);
        command.args(args).env("PROVOST_SOCKET", self.socket()).env("NO_COLOR", "1").env("TZ", "UTC");
        command.env("HOME", self.folder.path()).env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        for name in ["DOCKER_HOST", "PROVOST_CONTEXT", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command
    }

    /// The control socket's HTTP interface.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::new(self.socket())
    }

    /// All that the server has logged so far, over all of its starts.
    #[must_use]
    pub fn log(&self) -> String {
        let log = fs::read(self.log_file()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The instance's name.
    #[must_use]
    pub fn instance(&self) -> &str {
        self.options.config["instance"].as_str().unwrap_or_default()
    }

    /// The engine that it is on.
    #[must_use]
    pub fn engine(&self) -> &EngineView {
        &self.options.engine
    }

    /// The instance's containers, as the engine shows them.
    #[must_use]
    #[track_caller]
    pub fn containers(&self) -> Vec<ContainerView> {
        self.engine().containers(self.instance())
    }

    /// The lines of a file of one of the instance's volumes; none if it is not there.
    #[must_use]
    #[track_caller]
    pub fn lines(&self, volume: &str, file: &str) -> Vec<String> {
        self.engine().lines(self.instance(), volume, file)
    }

    /// The state folder.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        PathBuf::from(self.options.config["state"].as_str().unwrap_or_default())
    }

    /// The control socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("provost.sock")
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("server.yaml")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for ServerUnderTest {
    fn drop(&mut self) {
        drop(self.running.take());
        self.engine().sweep(self.instance());
    }
}
