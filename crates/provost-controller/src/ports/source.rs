//! Where manifests come from.

use async_trait::async_trait;
use jiff::Timestamp;
use provost_model::RevisionId;

/// A source of manifests: a git branch, or a folder.
#[async_trait]
pub trait Source: Send + Sync {
    /// What people call it: `git https://… branch main`, `folder /srv/shop`.
    fn describe(&self) -> String;

    /// Returns the newest revision with all of its files.
    ///
    /// An unreadable source is an error, never an empty revision (C2).
    async fn fetch(&self) -> Result<Revision, SourceError>;

    /// Returns when it is worth fetching again: the poll interval has passed, or a file was saved.
    ///
    /// It only wakes; what it saw never decides (C1). Cancel-safe.
    async fn changed(&self);
}

/// One revision of a source: everything that was committed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The commit; for a folder, `folder-` and the digest of its files.
    pub id: RevisionId,
    /// Who made it; empty for a folder.
    pub author: String,
    /// The first line of its message; empty for a folder.
    pub subject: String,
    /// When it was made; for a folder, absent.
    pub at: Option<Timestamp>,
    /// Who signed it: the comment of the signer's key, when the server lists signers.
    pub signer: Option<String>,
    /// Every manifest file, in the order of paths.
    pub files: Vec<SourceFile>,
}

/// One file of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the source's folder, with `/`.
    pub path: String,
    /// Its content, unread.
    pub bytes: Vec<u8>,
}

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be reached at the moment; trying again may help.
    #[error("the source cannot be reached: {0}")]
    Unreachable(String),
    /// It was reached and refused: a bad address, a missing branch or folder, a limit.
    #[error("the source was refused: {0}")]
    Refused(String),
    /// The revision is not signed by any signer that the server lists.
    #[error("revision {revision} is not accepted: {why}")]
    Unsigned {
        /// The commit.
        revision: String,
        /// What is wrong with its signature, and the mend.
        why: String,
    },
}
