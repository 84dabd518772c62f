//! A branch of a git repository as a source.

mod accepted;
mod address;
mod command;
mod commit;
mod complaint;
mod names;
mod repository;
mod signers;
mod tree;

#[cfg(test)]
mod tests;

use std::path::Path;

use async_trait::async_trait;
use provost_controller::{Revision, Source, SourceError};
use provost_model::RevisionId;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::config::{ConfigProblem, GitConfig};
use crate::limits::{refused, unreachable};
use crate::poll::Poll;
use accepted::Accepted;
use address::Address;
use command::{Git, GitError};
use commit::Commit;
use names::{Branch, SubFolder};
use repository::{CommitId, Repository};

pub(crate) use signers::Signers;

/// A branch of a git repository, read with the `git` program and without a work tree: what is in the
/// repository is never written to disk as files, so links, hooks, filters and submodules have no effect.
///
/// Only the newest commit is fetched. When the server lists signers, the whole history of the branch is
/// (without a filter, since not every server has them): a signature vouches for a commit, not for its being
/// the newest, so a commit is accepted only when it follows the last accepted one.
pub struct GitSource {
    address: Address,
    branch: Branch,
    folder: SubFolder,
    signers: Signers,
    repository: Repository,
    accepted: Accepted,
    poll: Poll,
    /// The last revision that was read; also keeps two fetches from working in one repository.
    last: Mutex<Option<Revision>>,
}

/// Why a revision was not read from the repository on this machine.
enum Trouble {
    /// The source is at fault, or whoever committed to it.
    Source(SourceError),
    /// Our own copy of the repository is: it can be made anew.
    Copy(GitError),
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl GitSource {
    /// Checks the configuration; neither the network nor the disk is touched before the first fetch.
    pub(crate) fn open(config: &GitConfig, signers: Signers, state_dir: &Path) -> Result<Self, ConfigProblem> {
        let address = Address::parse(&config.url, config.allow_file).map_err(|wrong| wrong.at("git.url"))?;
        let branch = Branch::parse(&config.branch).map_err(|wrong| wrong.at("git.branch"))?;
        Self::at(address, branch, config, signers, state_dir)
    }

    /// The same for the branch that the repository calls its default; the one that `config` names is left alone.
    pub(crate) fn open_default(config: &GitConfig, signers: Signers, state_dir: &Path) -> Result<Self, ConfigProblem> {
        let address = Address::parse(&config.url, config.allow_file).map_err(|wrong| wrong.at("git.url"))?;
        Self::at(address, Branch::DEFAULT, config, signers, state_dir)
    }

    fn at(
        address: Address,
        branch: Branch,
        config: &GitConfig,
        signers: Signers,
        state_dir: &Path,
    ) -> Result<Self, ConfigProblem> {
        let folder = SubFolder::parse(&config.path).map_err(|wrong| wrong.at("git.path"))?;
        let ssh = address::ssh_command(config.known_hosts.as_deref()).map_err(|wrong| wrong.at("git.knownHosts"))?;
        let state_dir = std::path::absolute(state_dir).map_err(|error| {
            let mend = "name a folder that belongs to the server";
            ConfigProblem::new("state folder", format!("it has no path ({error})"), mend)
        })?;
        let home = state_dir.join(format!("git-{}", key(&address, &branch)));
        let git = Git::new(&home, &address, ssh, config.timeout);
        Ok(Self {
            accepted: Accepted::new(home.join("accepted")),
            repository: Repository::new(git, home),
            poll: Poll::new(config.poll),
            last: Mutex::new(None),
            address,
            branch,
            folder,
            signers,
        })
    }

    async fn newest(&self, last: Option<&Revision>) -> Result<Revision, SourceError> {
        self.repository.prepare().await?;
        let tip = self.repository.tip(&self.address, &self.branch).await?;
        if let Some(last) = last.filter(|last| last.id.as_str() == tip.as_str()) {
            return Ok(last.clone());
        }
        match self.read(&tip).await {
            Err(Trouble::Copy(error)) => {
                tracing::warn!(%error, "the copy of the git repository is damaged; it is made anew");
                self.repository.discard().await?;
                self.read(&tip).await.map_err(|trouble| match trouble {
                    Trouble::Source(error) => error,
                    Trouble::Copy(error) => unreachable(format!("its copy on this machine cannot be read: {error}")),
                })
            }
            Err(Trouble::Source(error)) => Err(error),
            Ok(revision) => Ok(revision),
        }
    }

    async fn read(&self, tip: &CommitId) -> Result<Revision, Trouble> {
        let whole_history = !self.signers.is_empty();
        let id = self.repository.bring(&self.address, &self.branch, tip, whole_history).await?;
        self.revision(id).await
    }

    /// Whether there is a copy on this machine.
    pub(crate) fn is_copied(&self) -> bool {
        self.repository.is_there()
    }

    /// Throws the copy away, if it is there, and not what is known of what was accepted; the next fetch makes it anew.
    pub(crate) async fn discard(&self) -> Result<(), SourceError> {
        let mut last = self.last.lock().await;
        *last = None;
        self.repository.discard().await
    }

    /// Returns what the copy on this machine holds, without asking the other side: the last accepted commit, or where
    /// revisions need no signature, the last one that was fetched.
    pub(crate) async fn copied(&self) -> Option<Revision> {
        let _last = self.last.lock().await;
        self.repository.prepare().await.ok().filter(|()| self.is_copied())?;
        let id = if self.signers.is_empty() {
            self.repository.head().await.ok()??
        } else {
            self.accepted.get().await.ok()??
        };
        self.revision(id).await.ok()
    }

    /// Reads a commit that is in the copy.
    async fn revision(&self, id: CommitId) -> Result<Revision, Trouble> {
        let whole_history = !self.signers.is_empty();
        let raw = self.repository.commit(&id).await?;
        let signer = if whole_history { Some(self.admit(&id, &raw).await?) } else { None };
        let files = tree::read(&self.repository, &id, &self.folder).await?;
        if whole_history {
            self.accepted.set(&id).await?;
        }
        let Commit { author, subject, at } = Commit::parse(&raw);
        let id = RevisionId::parse(id.as_str()).map_err(|error| refused(error.to_string()))?;
        Ok(Revision { id, author, subject, at, signer, files })
    }

    /// Returns who signed the commit, when one of the signers did and it follows the last accepted one.
    async fn admit(&self, id: &CommitId, raw: &[u8]) -> Result<String, Trouble> {
        let unsigned = |why: String| SourceError::Unsigned { revision: id.to_string(), why };
        let signer = self.signers.verify(raw, id.signature_header()).map_err(unsigned)?;
        if let Some(last) = self.accepted.get().await?
            && !self.repository.follows(id, &last).await?
        {
            return Err(unsigned(format!(
                "it is signed, but does not follow {last}, the last accepted revision, so it may be an old one that \
                 somebody put back; commit on top of {last}, or, if the history was rewritten on purpose, remove \
                 `{}`",
                self.accepted.path().display()
            ))
            .into());
        }
        Ok(signer)
    }
}

/// Returns who of `signers` signed a raw commit, or why none did.
#[cfg(fuzzing)]
pub fn verify_commit(signers: &[String], raw: &[u8]) -> Result<String, String> {
    Signers::parse(signers).map_err(|problem| problem.to_string())?.verify(raw, "gpgsig")
}

#[async_trait]
impl Source for GitSource {
    fn describe(&self) -> String {
        format!("git {} branch {}{}", self.address, self.branch, self.folder.described())
    }

    async fn fetch(&self) -> Result<Revision, SourceError> {
        let mut last = self.last.lock().await;
        let newest = self.newest(last.as_ref()).await;
        self.poll.restart();
        let newest = newest?;
        if last.as_ref().is_none_or(|last| last.id != newest.id) {
            *last = Some(newest.clone());
        }
        Ok(newest)
    }

    async fn changed(&self) {
        self.poll.due().await;
    }
}

/// Names the folder of a branch of a repository: what was accepted of one says nothing about another.
fn key(address: &Address, branch: &Branch) -> String {
    let digest = Sha256::digest(format!("{address}\n{branch}"));
    hex::encode(digest)[..12].to_owned()
}
