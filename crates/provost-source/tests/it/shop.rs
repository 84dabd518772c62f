//! A git repository for a test, and a source that reads it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use provost_controller::{Revision, Source, SourceError};
use provost_source::{GitConfig, SourceConfig, open};
use tempfile::TempDir;

/// A repository with a work tree at `shop`, and the state folder of a server at `state`.
pub struct Shop {
    folder: TempDir,
}

impl Shop {
    /// A repository without commits.
    pub fn empty() -> Self {
        Self::with(&[])
    }

    /// A repository with one commit: `shop.yaml` holds `a: 1`.
    pub fn new() -> Self {
        let shop = Self::empty();
        shop.commit("shop.yaml", "a: 1\n");
        shop
    }

    /// A repository without commits, made with these options.
    pub fn with(options: &[&str]) -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(shop.path()).unwrap();
        shop.git(&[&["init", "--quiet", "--initial-branch=main"], options].concat());
        shop
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The folder of the only git source in the state folder.
    pub fn home(&self) -> PathBuf {
        let mut homes = std::fs::read_dir(self.state()).unwrap();
        let home = homes.next().unwrap().unwrap().path();
        assert!(homes.next().is_none(), "more than one source");
        home
    }

    /// Writes a file without committing it.
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Writes a file and commits everything; returns the commit.
    pub fn commit(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> String {
        self.write(path, content);
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message=Change the shop\n\nAt length."]);
        self.head()
    }

    /// Commits an entry that a work tree could not hold; returns the commit.
    pub fn commit_entry(&self, mode: &str, id: &str, path: impl AsRef<OsStr>) -> String {
        let mut info = std::ffi::OsString::from(format!("{mode},{id},"));
        info.push(path);
        self.run(&[OsStr::new("update-index"), OsStr::new("--add"), OsStr::new("--cacheinfo"), &info], b"");
        self.git(&["commit", "--quiet", "--message=Something odd"]);
        self.head()
    }

    /// Stores `content` as a blob; returns its id.
    pub fn blob(&self, content: &[u8]) -> String {
        self.object("blob", content)
    }

    /// Stores an object; returns its id.
    pub fn object(&self, kind: &str, content: &[u8]) -> String {
        self.run(&["hash-object", "-t", kind, "-w", "--stdin"], content)
    }

    /// Stores a tree of these entries (`100644 blob ID<tab>NAME`, a line each), whatever they are called; returns its id.
    pub fn tree(&self, entries: &str) -> String {
        self.run(&["mktree"], entries.as_bytes())
    }

    /// Commits a tree that no index could hold.
    pub fn commit_tree(&self, tree: &str) {
        let commit = self.git(&["commit-tree", "-p", "HEAD", "-m", "Something odd", tree]);
        self.git(&["update-ref", "refs/heads/main", &commit]);
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the work tree and expects it to succeed; returns what it says.
    pub fn git(&self, args: &[&str]) -> String {
        self.run(args, b"")
    }

    fn run<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> String {
        let mut child = Command::new("git")
            .args(args)
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ann Example")
            .env("GIT_AUTHOR_EMAIL", "ann@example.org")
            .env("GIT_AUTHOR_DATE", "1763500000 +0100")
            .env("GIT_COMMITTER_NAME", "Bob")
            .env("GIT_COMMITTER_EMAIL", "bob@example.org")
            .env("GIT_COMMITTER_DATE", "1763600000 +0100")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    pub fn config(&self) -> GitConfig {
        GitConfig { allow_file: true, ..GitConfig::new(self.url()) }
    }

    /// A source for `main`, as after a start of the server.
    pub fn source(&self) -> Arc<dyn Source> {
        self.source_with(self.config(), &[])
    }

    pub fn source_with(&self, config: GitConfig, signers: &[String]) -> Arc<dyn Source> {
        let config = SourceConfig { git: Some(config), folder: None };
        open(&config, signers, &self.state()).unwrap()
    }
}

/// The files of a revision as text.
pub fn texts(revision: &Revision) -> Vec<(&str, &str)> {
    revision.files.iter().map(|file| (&*file.path, std::str::from_utf8(&file.bytes).unwrap())).collect()
}

/// The reason for which the source refuses.
pub async fn refusal(source: &Arc<dyn Source>) -> String {
    match source.fetch().await.unwrap_err() {
        SourceError::Refused(why) => why,
        other => panic!("not a refusal: {other}"),
    }
}

/// The reason for which the source does not accept a revision.
pub async fn unsigned(source: &Arc<dyn Source>) -> (String, String) {
    match source.fetch().await.unwrap_err() {
        SourceError::Unsigned { revision, why } => (revision, why),
        other => panic!("not about a signature: {other}"),
    }
}
