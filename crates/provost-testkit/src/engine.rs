//! A real Docker Engine for tests.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
};

use crate::{Docker, workspace};

/// Where an engine for all tests is, if somebody has started one: `unix:///path`.
const GIVEN: &str = "PROVOST_TEST_DOCKER_HOST";

/// The engine that the tests of this process share: the one that `PROVOST_TEST_DOCKER_HOST` names, or one of its own,
/// which is started by the first caller and ends with the process.
///
/// # Panics
/// If there is none and none can be started.
#[must_use]
pub fn engine() -> &'static Engine {
    static SHARED: OnceLock<Engine> = OnceLock::new();
    SHARED.get_or_init(|| match env::var(GIVEN) {
        Ok(host) if !host.is_empty() => Engine::at(host),
        _ => Engine::start(),
    })
}

/// A running engine.
///
/// One that was started here ends when it is dropped, and also when this process ends in any other way: `scripts/engine`
/// reads from a pipe and tidies up when that closes. Its containers have networks of their own, among themselves: they
/// reach neither this machine's loopback nor the world.
#[derive(Debug)]
pub struct Engine {
    host: String,
    script: Option<Mutex<Script>>,
}

/// The conversation with `scripts/engine`.
#[derive(Debug)]
struct Script {
    child: Child,
    words: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Engine {
    /// An engine that somebody else runs.
    #[must_use]
    pub fn at(host: impl Into<String>) -> Self {
        Self { host: host.into(), script: None }
    }

    /// Starts one of its own, with an empty store and a network of its own; returns when it answers.
    ///
    /// # Panics
    /// If it does not start, with its last words. It needs root, or `sudo` without a password.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with options of the daemon, such as `--live-restore`.
    ///
    /// # Panics
    /// As [`Engine::start`].
    #[must_use]
    pub fn start_with(options: &[&str]) -> Self {
        let folder = short_folder();
        let mut child = command()
            .arg(&folder)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run scripts/engine: {error}"));
        let words = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let mut script = Script { child, words, answers };
        script.expect("ready");
        Self { host: format!("unix://{}/docker.sock", folder.display()), script: Some(Mutex::new(script)) }
    }

    /// Its address, `unix:///path/docker.sock`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its API.
    #[must_use]
    pub fn docker(&self) -> Docker {
        Docker::at(&self.host)
    }

    /// Ends the daemon in good order; it ends its containers.
    pub fn stop(&self) {
        self.say("stop", "stopped");
    }

    /// Kills the daemon and its containerd; the containers go on.
    pub fn kill(&self) {
        self.say("kill", "stopped");
    }

    /// Starts the daemon again after [`Engine::stop`] or [`Engine::kill`].
    pub fn start_again(&self) {
        self.say("start", "ready");
    }

    /// Freezes the daemon: connections are made, and nothing is answered.
    pub fn pause(&self) {
        self.say("pause", "paused");
    }

    /// Lets a frozen daemon go on.
    pub fn resume(&self) {
        self.say("resume", "ready");
    }

    /// Only engines of one's own can be treated like that.
    fn say(&self, word: &str, answer: &str) {
        let script = self.script.as_ref().expect("an engine that was not started by this test is left alone");
        script.lock().unwrap_or_else(PoisonError::into_inner).say(word, answer);
    }
}

impl Script {
    fn say(&mut self, word: &str, answer: &str) {
        let words = self.words.as_mut().expect("the pipe is open until the engine is dropped");
        writeln!(words, "{word}").unwrap_or_else(|error| panic!("scripts/engine is gone: {error}"));
        self.expect(answer);
    }

    fn expect(&mut self, answer: &str) {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        assert!(read.is_ok() && line.trim() == answer, "scripts/engine says {line:?} instead of {answer:?}");
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.words.take());
        let _ = self.child.wait();
    }
}

/// `scripts/engine`, as root. The group of the socket is ours, so that we may use it.
fn command() -> Command {
    let script = workspace().join("scripts/engine");
    if rustix::process::geteuid().is_root() {
        return Command::new(script);
    }
    let mut sudo = Command::new("sudo");
    let group = rustix::process::getegid().as_raw();
    sudo.args(["-n", &format!("PROVOST_ENGINE_GROUP={group}")]).arg(script);
    sudo
}

/// A new folder whose path leaves room for a socket; the script removes it.
fn short_folder() -> PathBuf {
    let usual = env::temp_dir();
    let parent = if usual.as_os_str().len() > 60 { PathBuf::from("/tmp") } else { usual };
    let folder = tempfile::Builder::new().prefix("pv-engine-").tempdir_in(parent);
    folder.unwrap_or_else(|error| panic!("cannot make a folder for the engine: {error}")).keep()
}
