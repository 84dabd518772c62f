//! Git repositories that tests change and serve.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tempfile::{NamedTempFile, TempDir};

use crate::{Leash, eventually, free_port};

/// The time of the first commit, 2026-01-01T00:00:00Z; each further one is a second later.
const FIRST_COMMIT_S: u64 = 1_767_225_600;

/// A git repository in a temporary folder, on branch `main`.
///
/// The same steps give the same commit ids: author, times and settings are fixed, and the user's are not read.
#[derive(Debug)]
pub struct TempShop {
    folder: TempDir,
    commits: AtomicU64,
}

impl TempShop {
    /// An empty repository.
    ///
    /// # Panics
    /// If git does not work.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "making a repository is no default")]
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("cannot make a temporary folder: {error}"));
        let shop = Self { folder, commits: AtomicU64::new(0) };
        shop.git(&["init", "--quiet", "--initial-branch=main"]);
        shop
    }

    /// The work tree.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The repository as a `file://` URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    /// Writes a file, with the folders above it.
    ///
    /// # Panics
    /// If it cannot be written.
    #[track_caller]
    pub fn write(&self, path: &str, text: &str) -> &Self {
        let file = self.path().join(path);
        let made = file.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&file, text)).unwrap_or_else(|error| panic!("cannot write {path}: {error}"));
        self
    }

    /// Removes a file.
    ///
    /// # Panics
    /// If it is not there.
    #[track_caller]
    pub fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.path().join(path)).unwrap_or_else(|error| panic!("cannot remove {path}: {error}"));
        self
    }

    /// Commits all that is in the work tree; returns the commit's id, 40 hexadecimal digits.
    ///
    /// # Panics
    /// If git refuses.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.record(&["commit", "--quiet", "--allow-empty", "--message", message])
    }

    /// Replaces the last commit by one with all that is in the work tree; returns its id.
    ///
    /// # Panics
    /// If git refuses.
    #[track_caller]
    pub fn amend(&self, message: &str) -> String {
        self.record(&["commit", "--quiet", "--allow-empty", "--amend", "--message", message])
    }

    /// Replaces the whole history by a single commit with all that is in the work tree; returns its id.
    ///
    /// # Panics
    /// If git refuses.
    #[track_caller]
    pub fn rewrite_history(&self, message: &str) -> String {
        self.git(&["checkout", "--quiet", "--orphan", "rewritten"]);
        self.commit(message);
        self.git(&["branch", "--quiet", "--force", "--move", "rewritten", "main"]);
        self.head()
    }

    /// The id of the last commit.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[track_caller]
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the work tree; returns what it prints, trimmed.
    ///
    /// # Panics
    /// If it fails, with what it says.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let date = format!("@{} +0000", FIRST_COMMIT_S + self.commits.load(Ordering::Relaxed));
        let output = git()
            .args(args)
            .current_dir(self.path())
            .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
            .output()
            .unwrap_or_else(|error| panic!("cannot run git: {error}"));
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?} fails: {complaint}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Serves the repository on 127.0.0.1.
    ///
    /// # Panics
    /// If `git daemon` does not start.
    #[must_use]
    #[track_caller]
    pub fn serve(&self) -> GitServer {
        // A port that was free may be taken by the time that the server asks for it.
        (0..10).find_map(|_| GitServer::start(self.path(), free_port())).expect("git daemon should start")
    }

    #[track_caller]
    fn record(&self, args: &[&str]) -> String {
        self.git(&["add", "--all"]);
        self.git(args);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.head()
    }
}

/// git without anybody's settings.
fn git() -> Command {
    without_settings(Command::new("git"))
}

fn without_settings(mut command: Command) -> Command {
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    command.envs([
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "Shop"),
        ("GIT_AUTHOR_EMAIL", "shop@example.org"),
        ("GIT_COMMITTER_NAME", "Shop"),
        ("GIT_COMMITTER_EMAIL", "shop@example.org"),
    ]);
    command
}

/// A repository on 127.0.0.1, over git's own protocol, until it is dropped.
#[derive(Debug)]
pub struct GitServer {
    daemon: Leash,
    port: u16,
}

impl GitServer {
    /// Starts one; `None` if the port is taken.
    fn start(folder: &Path, port: u16) -> Option<Self> {
        let programs = git().arg("--exec-path").output().expect("git should run").stdout;
        // Not `git daemon`, which would be a child of the child, and stay behind.
        let program = Path::new(String::from_utf8_lossy(&programs).trim()).join("git-daemon");
        let mut daemon = without_settings(Command::new(program));
        let log = NamedTempFile::new().expect("a temporary file can be made");
        daemon
            .args(["--export-all", "--reuseaddr", "--verbose", "--listen=127.0.0.1"])
            .arg(format!("--port={port}"))
            .arg(format!("--base-path={}", folder.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.reopen().expect("a temporary file can be opened"));
        let mut daemon = Leash::start(&mut daemon).unwrap_or_else(|error| panic!("cannot run git daemon: {error}"));
        // Its own word, and not a connection: somebody else may be answering at the port that it did not get.
        let up = eventually(Duration::from_secs(20), || match daemon.ended() {
            Ok(None) => {
                let log = fs::read_to_string(log.path()).unwrap_or_default();
                log.contains("Ready to rumble").then_some(true)
            }
            _ => Some(false),
        });
        (up == Some(true)).then_some(Self { daemon, port })
    }

    /// Its URL, `git://127.0.0.1:PORT/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("git://127.0.0.1:{}/", self.port)
    }

    /// The server's process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.daemon.id()
    }
}
