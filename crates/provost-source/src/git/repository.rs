//! Our copy of the repository: bare, and disposable.

use std::ffi::OsStr;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

use provost_controller::SourceError;

use super::Trouble;
use super::address::Address;

use super::command::{Git, GitError};
use super::complaint::remote;
use super::names::Branch;
use crate::limits::{refused, unreachable};

/// Where the newest commit is kept in our copy; no branch of the other side can have this name.
const HEAD: &str = "refs/provost/head";
/// The repository's folder below the source's, which is git's working directory.
const PLACE: &str = "repository.git";
/// The option that names it.
pub(super) const GIT_DIR: &str = "--git-dir=repository.git";
/// The most that git may say where little is expected, in bytes.
const SHORT: u64 = 1024 * 1024;

/// The id of a commit: 40 hexadecimal digits, or 64 in a SHA-256 repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommitId(String);

impl CommitId {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fine = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fine.then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The header that holds the signature of such a commit.
    pub(super) fn signature_header(&self) -> &'static str {
        if self.0.len() == 40 { "gpgsig" } else { "gpgsig-sha256" }
    }

    fn object_format(&self) -> &'static str {
        if self.0.len() == 40 { "sha1" } else { "sha256" }
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A bare repository without hooks and templates.
pub(super) struct Repository {
    git: Git,
    /// Holds git's configuration, the file of the accepted revision, and the repository.
    home: PathBuf,
}

impl Repository {
    pub(super) fn new(git: Git, home: PathBuf) -> Self {
        Self { git, home }
    }

    /// Makes the folder and git's configuration.
    pub(super) async fn prepare(&self) -> Result<(), SourceError> {
        let made = tokio::fs::create_dir_all(&self.home).await.and_then(|()| self.git.write_config());
        made.map_err(|error| unreachable(format!("the folder `{}` cannot be made: {error}", self.home.display())))
    }

    /// Whether there is a copy.
    pub(super) fn is_there(&self) -> bool {
        self.place().is_dir()
    }

    /// Throws the copy away; the next [`bring`](Self::bring) makes it anew.
    pub(super) async fn discard(&self) -> Result<(), SourceError> {
        match tokio::fs::remove_dir_all(self.place()).await {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(unreachable(format!("`{}` is damaged and cannot be removed: {error}", self.place().display())))
            }
            _ => Ok(()),
        }
    }

    /// Asks the other side for the newest commit of the branch.
    pub(super) async fn tip(&self, address: &Address, branch: &Branch) -> Result<CommitId, SourceError> {
        let reference = branch.reference();
        let args = ["ls-remote", "--", address.as_str(), &reference];
        let listing = self.git.run(&args, SHORT).await.map_err(|error| remote(address, error))?;
        match references(&listing).find(|(_, name)| *name == reference) {
            Some((id, _)) => {
                CommitId::parse(id).ok_or_else(|| refused(format!("{address} answered {id:?} for a commit")))
            }
            None => Err(self.branch_missing(address, branch).await),
        }
    }

    async fn branch_missing(&self, address: &Address, branch: &Branch) -> SourceError {
        let listing = match self.git.run(&["ls-remote", "--heads", "--", address.as_str()], SHORT).await {
            Ok(listing) => listing,
            Err(GitError::TooMuch(_)) => {
                return refused(format!("{address} has no branch `{branch}`; push it, or name another one"));
            }
            Err(error) => return remote(address, error),
        };
        let others: Vec<&str> =
            references(&listing).filter_map(|(_, name)| name.strip_prefix("refs/heads/")).take(5).collect();
        refused(if others.is_empty() {
            format!("{address} is empty; push a commit to its branch `{branch}`")
        } else {
            format!("{address} has no branch `{branch}`; push it, or name one that is there: {}", others.join(", "))
        })
    }

    /// Brings the branch into our copy, with its history or without, unless it is there already; returns
    /// its commit, which may by now be a newer one than `tip`.
    pub(super) async fn bring(
        &self,
        address: &Address,
        branch: &Branch,
        tip: &CommitId,
        whole_history: bool,
    ) -> Result<CommitId, Trouble> {
        self.make(tip).await?;
        let incomplete = whole_history && self.is_shallow();
        let known = self.head().await?;
        if known.as_ref() == Some(tip) && !incomplete {
            return Ok(tip.clone());
        }
        let refspec = format!("+{}:{HEAD}", branch.reference());
        let mut args =
            vec![GIT_DIR, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"];
        args.extend(match (whole_history, incomplete) {
            (false, _) => Some("--depth=1"),
            (true, true) => Some("--unshallow"),
            (true, false) => None,
        });
        args.extend(["--", address.as_str(), &refspec]);
        self.git.run(&args, SHORT).await.map_err(|error| match error {
            // The other side has just answered, so our copy may be to blame; a new one will tell.
            GitError::Failed { .. } if known.is_some() => Trouble::Copy(error),
            error => Trouble::Source(remote(address, error)),
        })?;
        self.tidy().await;
        let id = self.head().await?;
        id.ok_or_else(|| Trouble::Copy(GitError::Unexpected("nothing was fetched".to_owned())))
    }

    /// The raw commit.
    pub(super) async fn commit(&self, id: &CommitId) -> Result<Vec<u8>, Trouble> {
        self.run(&["cat-file", "commit", id.as_str()], SHORT).await.map_err(|error| match error {
            GitError::TooMuch(limit) => {
                Trouble::Source(refused(format!("commit {id} itself has more than {limit} bytes")))
            }
            error => Trouble::Copy(error),
        })
    }

    /// Whether `old` is `new` or an ancestor of it. The history must have been brought.
    pub(super) async fn follows(&self, new: &CommitId, old: &CommitId) -> Result<bool, Trouble> {
        // `old` may be unknown by now: rewritten away, and thrown away with the copy.
        let known = self.run(&["cat-file", "-e", &format!("{old}^{{commit}}")], SHORT).await;
        if matches!(known, Err(GitError::Failed { .. })) {
            return Ok(false);
        }
        match self.run(&["merge-base", "--is-ancestor", old.as_str(), new.as_str()], SHORT).await {
            Ok(_) => Ok(true),
            Err(GitError::Failed { code: Some(1), .. }) => Ok(false),
            Err(error) => Err(Trouble::Copy(error)),
        }
    }

    /// Runs git in the repository.
    pub(super) async fn run(&self, args: &[&str], limit: u64) -> Result<Vec<u8>, GitError> {
        self.git.run(&[&[GIT_DIR], args].concat(), limit).await
    }

    /// How to talk with git; in the repository, with the option [`GIT_DIR`].
    pub(super) fn git(&self) -> &Git {
        &self.git
    }

    /// The commit that was brought last.
    pub(super) async fn head(&self) -> Result<Option<CommitId>, Trouble> {
        match self.run(&["rev-parse", "--verify", "--quiet", &format!("{HEAD}^{{commit}}")], SHORT).await {
            Ok(said) => Ok(CommitId::parse(String::from_utf8_lossy(&said).trim())),
            Err(GitError::Failed { code: Some(1), .. }) => Ok(None),
            Err(error) => Err(Trouble::Copy(error)),
        }
    }

    /// Makes the repository, or clears up in it after a git that was killed.
    async fn make(&self, tip: &CommitId) -> Result<(), Trouble> {
        self.remove_locks();
        let format = format!("--object-format={}", tip.object_format());
        // Harmless on a repository that is there; refuses one of another format, which is then made anew.
        let made = self.git.run(&["init", "--quiet", "--bare", "--template=", &format, PLACE], SHORT).await;
        made.map(drop).map_err(|error| match error {
            GitError::Missing => Trouble::Source(refused(error.to_string())),
            error => Trouble::Copy(error),
        })
    }

    /// A git that is killed leaves its lock files behind, and every later one would stop at them. Nobody
    /// else works here: one process holds the state folder, and one fetch at a time its repository.
    fn remove_locks(&self) {
        for folder in [self.place(), self.place().join("refs/provost"), self.place().join("objects/info")] {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()).filter(|path| path.extension() == Some(OsStr::new("lock"))) {
                tracing::info!(file = %path.display(), "removing what a killed git left behind");
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// Lets git pack what it has and drop what is no longer needed, when there is enough of it.
    async fn tidy(&self) {
        if let Err(error) = self.run(&["gc", "--auto", "--quiet"], SHORT).await {
            tracing::warn!(%error, "tidying up the copy of the git repository failed; it is tried again later");
        }
    }

    fn is_shallow(&self) -> bool {
        std::fs::metadata(self.place().join("shallow")).is_ok_and(|file| file.len() > 0)
    }

    fn place(&self) -> PathBuf {
        self.home.join(PLACE)
    }
}

/// The lines of `ls-remote`: an id and the name of a reference.
fn references(listing: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    listing.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()?.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_hexadecimal() {
        assert!(CommitId::parse(&"a1".repeat(20)).is_some());
        assert_eq!(CommitId::parse(&"a1".repeat(32)).unwrap().signature_header(), "gpgsig-sha256");
        for bad in ["", "main", "--help", &"A1".repeat(20), &"a1".repeat(21), &"g1".repeat(20)] {
            assert_eq!(CommitId::parse(bad), None, "{bad}");
        }
    }
}
