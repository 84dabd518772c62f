//! One source that is referred to, and what is known of its copy.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use provost_controller::{Revision, Source as _, SourceCopy, SourceError, SourceFile};
use provost_model::{LockedSource, SourceFrom, SourceReference};
use tokio::time::Instant;

use super::Terms;
use super::folder::FolderCopy;
use crate::config::GitConfig;
use crate::git::{GitSource, Signers};
use crate::limits::refused;

/// After a look that failed, the next one waits this many times as long as it took besides `poll`: one that hangs until its
/// time is over must not hold up the server's own source each time.
const REST: u32 = 4;

/// A source that is referred to.
pub(super) struct Copied {
    reference: SourceReference,
    reader: Result<Reader, String>,
    next: Instant,
    found: Option<Found>,
    /// Why the last look brought nothing, or what there is to be said of what it brought.
    trouble: Option<String>,
    has_failed: bool,
}

/// What is in a copy.
pub(super) struct Found {
    /// The commit, or the digest of the manifests.
    pub(super) revision: String,
    pub(super) files: Vec<SourceFile>,
    /// When it was fetched or copied.
    pub(super) at: Option<Timestamp>,
}

enum Reader {
    Git { source: Box<GitSource>, fetched: PathBuf },
    Folder(FolderCopy),
}

impl Copied {
    /// Opens a source without touching network or disk.
    pub(super) fn open(reference: SourceReference, terms: &Terms) -> Self {
        let reader = Reader::open(&reference, terms);
        Self { reference, reader, next: Instant::now(), found: None, trouble: None, has_failed: false }
    }

    pub(super) fn reference(&self) -> &SourceReference {
        &self.reference
    }

    /// When it is to be looked at again.
    pub(super) fn next_look(&self) -> Instant {
        self.next
    }

    /// Whether it is time to look, or the copy is gone.
    pub(super) fn is_due(&self) -> bool {
        let is_gone = !self.has_failed && !self.is_there();
        self.next <= Instant::now() || is_gone
    }

    fn is_there(&self) -> bool {
        match &self.reader {
            Ok(Reader::Git { source, .. }) => source.is_copied(),
            Ok(Reader::Folder(folder)) => folder.is_copied(),
            Err(_) => false,
        }
    }

    /// Looks whether there is something new; what was had before stays when there is no answer.
    pub(super) async fn look(&mut self) {
        let began = Instant::now();
        let looked = match &self.reader {
            Ok(reader) => reader.newest().await,
            Err(why) => Err(refused(why.clone())),
        };
        self.has_failed = looked.is_err();
        let mut rest = Duration::ZERO;
        let trouble = match looked {
            Ok((found, notice)) => {
                self.found = Some(found);
                notice
            }
            Err(error) => {
                rest = began.elapsed() * REST;
                if let (None, Ok(reader)) = (&self.found, &self.reader) {
                    self.found = reader.copied().await;
                }
                Some(error.to_string())
            }
        };
        if let Some(trouble) = trouble.as_ref().filter(|trouble| self.trouble.as_ref() != Some(trouble)) {
            tracing::warn!(source = %self.reference.name, copied = self.found.is_some(), "{trouble}");
        }
        self.trouble = trouble;
        self.next = Instant::now() + Duration::from_secs(self.reference.poll_s) + rest;
    }

    /// Throws the copy away. What was read of it is still used until a new one has been made.
    pub(super) async fn discard(&mut self) -> Result<(), SourceError> {
        self.next = Instant::now();
        match &self.reader {
            Ok(Reader::Git { source, .. }) => source.discard().await,
            Ok(Reader::Folder(folder)) => folder.discard().await,
            Err(_) => Ok(()),
        }
    }

    pub(super) fn files(&self) -> &[SourceFile] {
        self.found.as_ref().map_or(&[], |found| &found.files)
    }

    /// What was read, for the lock. What is wrong while there is a copy is no part of it: the revision is the same.
    pub(super) fn locked(&self) -> LockedSource {
        let revision = self.found.as_ref().map(|found| found.revision.clone());
        let trouble = if revision.is_some() { None } else { self.trouble.clone() };
        LockedSource { from: self.reference.from.to_string(), revision, trouble }
    }

    pub(super) fn status(&self) -> SourceCopy {
        SourceCopy {
            name: self.reference.name.clone(),
            from: self.reference.from.to_string(),
            revision: self.found.as_ref().map(|found| found.revision.clone()),
            fetched_at: self.found.as_ref().and_then(|found| found.at),
            trouble: self.trouble.clone(),
        }
    }
}

impl Reader {
    fn open(reference: &SourceReference, terms: &Terms) -> Result<Self, String> {
        let home = terms.home.join(reference.name.as_str());
        match &reference.from {
            SourceFrom::Git { url, branch, path } => {
                let mut config = GitConfig::new(url.as_str());
                config.allow_file = terms.config.allow_file;
                config.known_hosts.clone_from(&terms.config.known_hosts);
                config.timeout = terms.timeout;
                config.path = path.clone().unwrap_or(config.path);
                let signers = Signers::parse(&terms.signers).map_err(|problem| problem.to_string())?;
                let opened = match branch {
                    Some(branch) => {
                        config.branch.clone_from(branch);
                        GitSource::open(&config, signers, &home)
                    }
                    None => GitSource::open_default(&config, signers, &home),
                };
                let source = opened.map_err(|problem| problem.to_string())?;
                Ok(Self::Git { source: Box::new(source), fetched: home.join("fetched") })
            }
            SourceFrom::Folder { .. } if !terms.signers.is_empty() => {
                Err("a folder carries no signatures, and this server takes only what its `signers` signed".to_owned())
            }
            SourceFrom::Folder { path } => {
                Ok(Self::Folder(FolderCopy::new(reference.name.clone(), path.into(), &terms.config.folders, &home)))
            }
        }
    }

    /// Returns the newest there is, and what there is to be said of it.
    async fn newest(&self) -> Result<(Found, Option<String>), SourceError> {
        match self {
            Self::Git { source, fetched } => {
                if !source.is_copied() {
                    source.discard().await?; // Somebody removed it, so it is to be made anew.
                }
                let revision = source.fetch().await?;
                let now = Timestamp::now();
                if let Err(error) = tokio::fs::write(fetched, now.to_string()).await {
                    tracing::debug!(%error, "when it was fetched is not remembered beyond the next start");
                }
                Ok((found(revision, Some(now)), None))
            }
            Self::Folder(folder) => folder.newest().await,
        }
    }

    /// Returns what the copy on this machine holds, without asking where it came from.
    async fn copied(&self) -> Option<Found> {
        match self {
            Self::Git { source, fetched } => Some(found(source.copied().await?, remembered(fetched).await)),
            // A folder's copy is what is read in any case.
            Self::Folder(_) => None,
        }
    }
}

fn found(revision: Revision, at: Option<Timestamp>) -> Found {
    Found { revision: revision.id.to_string(), files: revision.files, at }
}

async fn remembered(path: &Path) -> Option<Timestamp> {
    tokio::fs::read_to_string(path).await.ok()?.trim().parse().ok()
}
