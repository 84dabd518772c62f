//! Manifests that are kept elsewhere: what a revision refers to, and what was read of it.
//!
//! A file of a source has a path with an empty part, `NAME//FILE`: no path in a repository or folder has one, so nobody
//! can write a file that passes for another source's. [`LOCK`] stands beside them and says which commit of each source
//! they are, so that a revision that is kept holds all that it was made of.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Name;

/// The path of the file that holds a revision's [`SourceLock`], as JSON.
pub const LOCK: &str = "//sources.lock";

/// A reference to manifests that are kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReference {
    /// The name of the source.
    pub name: Name,
    /// Where they are kept.
    pub from: SourceFrom,
    /// How often that is looked at, in seconds.
    pub poll_s: u64,
}

/// Where manifests are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceFrom {
    /// A branch of a git repository.
    Git {
        /// Its address.
        url: String,
        /// Absent: the one that the repository calls its default.
        branch: Option<String>,
        /// The folder in the repository; absent: all of it.
        path: Option<String>,
    },
    /// A folder of the server.
    Folder {
        /// Its absolute path.
        path: String,
    },
}

impl fmt::Display for SourceFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Git { url, branch, path } => {
                write!(f, "git {url}")?;
                branch.iter().try_for_each(|branch| write!(f, " branch {branch}"))?;
                path.iter().try_for_each(|path| write!(f, " folder {path}"))
            }
            Self::Folder { path } => write!(f, "folder {path}"),
        }
    }
}

/// What was read of the sources that a revision refers to.
pub type SourceLock = BTreeMap<Name, LockedSource>;

/// What was read of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockedSource {
    /// Where from, for people.
    pub from: String,
    /// The commit, or the digest of the folder's manifests; absent when nothing could be had.
    pub revision: Option<String>,
    /// Why nothing could be had.
    pub trouble: Option<String>,
}

/// What is shown of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceSummary {
    /// Where its manifests are kept.
    pub from: String,
    /// The commit, or the digest of the folder's manifests.
    pub revision: String,
}

/// The path of `file` of the source `name` in a revision.
pub fn path_in_source(name: &Name, file: &str) -> String {
    format!("{name}//{file}")
}

/// The source that the file at `path` is of, and the file's path there; `None` for a file of the revision's own.
pub fn source_of(path: &str) -> Option<(&str, &str)> {
    path.split_once("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_paths() {
        let path = path_in_source(&Name::new("tools").unwrap(), "plugins/index.yaml");
        assert_eq!(source_of(&path), Some(("tools", "plugins/index.yaml")));
        assert_eq!(source_of("tools/plugins/index.yaml"), None);
        assert_eq!(source_of(LOCK), Some(("", "sources.lock")), "no source has an empty name");
    }
}
