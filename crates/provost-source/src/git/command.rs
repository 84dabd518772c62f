//! Running `git` in an environment where it can do nothing but what it was asked for.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader, sink};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::address::Address;

/// What git and ssh may know of the server's environment: where programs, keys and certificates are.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
];
/// The most that is kept of what git complains about, in bytes.
const COMPLAINT_MAX: u64 = 64 * 1024;
/// How long git has to clean up after itself when its time is over.
const GRACE: Duration = Duration::from_secs(2);

/// Why a git command brought nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum GitError {
    /// There is no `git` on the search path.
    #[error("the program `git` is not installed; install it (`apt-get install git`)")]
    Missing,
    /// Starting it, or talking with it, failed.
    #[error("talking with git failed: {0}")]
    Talk(#[from] io::Error),
    /// It took longer than it may and was ended, with all that it had started.
    #[error("git did not finish within {} s; raise `timeout` if the repository is that large", .0.as_secs())]
    Timeout(Duration),
    /// It said more than it may.
    #[error("git said more than {0} bytes")]
    TooMuch(u64),
    /// It said something that no git says.
    #[error("git answered something unexpected: {0}")]
    Unexpected(String),
    /// It ended with this code (absent when a signal ended it) and this complaint.
    #[error("{complaint}")]
    Failed {
        /// The exit code.
        code: Option<i32>,
        /// What it wrote to standard error, without control characters.
        complaint: String,
    },
}

/// How to run git for one source.
pub(super) struct Git {
    /// The source's folder: the working directory, which is not a repository.
    home: PathBuf,
    protocol: &'static str,
    ssh: String,
    timeout: Duration,
}

impl Git {
    pub(super) fn new(home: &Path, address: &Address, ssh: String, timeout: Duration) -> Self {
        Self { home: home.to_owned(), protocol: address.protocol(), ssh, timeout }
    }

    /// Writes the configuration that stands in for the system's and the account's.
    ///
    /// A file, and not options of each command, because git hides those from the program that it starts to
    /// serve a `file` address; that one would then refuse the repository of another account.
    pub(super) fn write_config(&self) -> io::Result<()> {
        std::fs::write(self.config(), CONFIGURATION)
    }

    fn config(&self) -> PathBuf {
        self.home.join("gitconfig")
    }

    /// Runs git with `args` and returns what it says, at most `limit` bytes.
    pub(super) async fn run(&self, args: &[&str], limit: u64) -> Result<Vec<u8>, GitError> {
        self.converse(args, async |_, mut output| {
            let mut said = Vec::new();
            (&mut output).take(limit + 1).read_to_end(&mut said).await?;
            if said.len() as u64 > limit { Err(GitError::TooMuch(limit)) } else { Ok(said) }
        })
        .await
    }

    /// Runs git with `args` while `talk` writes to and reads from it.
    ///
    /// When the time is over, or when the caller drops this future, git is ended with all that it has
    /// started, such as ssh.
    pub(super) async fn converse<T, F>(
        &self,
        args: &[&str],
        talk: impl FnOnce(ChildStdin, BufReader<ChildStdout>) -> F,
    ) -> Result<T, GitError>
    where
        F: Future<Output = Result<T, GitError>>,
    {
        let mut child = self.command(args).spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if self.home.is_dir() => GitError::Missing,
            _ => GitError::Talk(error),
        })?;
        let mut group = Group::led_by(&child);
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(GitError::Talk(io::ErrorKind::BrokenPipe.into()));
        };
        let work = async {
            let (said, complaint) = tokio::join!(talk(input, BufReader::new(output)), complaint(errors));
            (said, complaint, child.wait().await)
        };
        let Ok((said, complaint, status)) = timeout(self.timeout, work).await else {
            group.end(&mut child).await;
            return Err(GitError::Timeout(self.timeout));
        };
        group.ended();
        match (status?, said) {
            (_, Err(error @ (GitError::TooMuch(_) | GitError::Unexpected(_)))) => Err(error),
            (status, said) if status.success() => said,
            (status, _) => Err(GitError::Failed { code: status.code(), complaint }),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(args).current_dir(&self.home).env_clear();
        command.envs(PASSED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", self.config())
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_LITERAL_PATHSPECS", "1")
            // The one protocol of the address; a redirection or a submodule cannot lead to another.
            .env("GIT_ALLOW_PROTOCOL", self.protocol)
            .env("GIT_SSH_COMMAND", &self.ssh)
            .env("GIT_SSH_VARIANT", "ssh")
            .env("LC_ALL", "C");
        if let Some(above) = self.home.parent() {
            // Without this, git would look for a repository in the folders above.
            command.env("GIT_CEILING_DIRECTORIES", above);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
    }
}

/// No hooks, no helpers, no background work; objects are checked on arrival.
const CONFIGURATION: &str = "\
# Written by Provost at every fetch; changes are lost.
[core]
\thooksPath = /dev/null
\tfsmonitor = false
\tfsync = committed
[credential]
\thelper =
[fetch]
\trecurseSubmodules = false
\twriteCommitGraph = false
[transfer]
\tfsckObjects = true
\tbundleURI = false
[gc]
\tauto = 1000
\tautoPackLimit = 20
\tautoDetach = false
\tpruneExpire = now
[maintenance]
\tauto = false
[safe]
\tdirectory = *
";

/// Reads everything, so that git never waits for us, and returns the lines that matter of its beginning.
async fn complaint(mut errors: impl AsyncRead + Unpin) -> String {
    let mut bytes = Vec::new();
    // What cannot be read is no complaint; the exit code still tells that git failed.
    let _ = (&mut errors).take(COMPLAINT_MAX).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut errors, &mut sink()).await;
    summary(&String::from_utf8_lossy(&bytes))
}

/// What git says on every failure of the other side, whatever the reason.
const NOISE: &[&str] = &[
    "hint: ",
    "warning: ",
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
];

/// The complaint on one line of at most 600 characters, without what it says every time.
///
/// Lines without a `fatal:` are kept: those of ssh and of the network have none.
fn summary(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let told: Vec<&str> = lines.filter(|line| !NOISE.iter().any(|noise| line.starts_with(noise))).collect();
    let clean: String = told.join("; ").chars().filter(|c| !c.is_control()).take(600).collect();
    if clean.is_empty() { "git failed without saying why".to_owned() } else { clean }
}

/// The process group of a running git: itself and all that it has started.
struct Group(Option<Pid>);

impl Group {
    fn led_by(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)))
    }

    /// Everything ended by itself, and the number may soon be another's.
    fn ended(&mut self) {
        self.0 = None;
    }

    /// Lets git remove its lock files, then makes an end.
    async fn end(&mut self, child: &mut Child) {
        self.signal(Signal::TERM);
        let _ = timeout(GRACE, child.wait()).await;
        self.signal(Signal::KILL);
        self.0 = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            // A group without members is the aim, not an error.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_short_and_clean() {
        assert_eq!(summary("warning: x\nfatal: no \x1b[31mway\nhint: y\n"), "fatal: no [31mway");
        assert_eq!(summary("remote: nope\nfatal: end"), "remote: nope; fatal: end");
        let ssh = "ssh: connect to host h port 22: Connection refused\r\nfatal: Could not read from remote repository.\n\n\
                   Please make sure you have the correct access rights\nand the repository exists.\n";
        assert_eq!(summary(ssh), "ssh: connect to host h port 22: Connection refused");
        assert_eq!(summary(""), "git failed without saying why");
        assert_eq!(summary(&format!("fatal: {}", "x".repeat(5000))).len(), 600);
    }
}
