//! The part of the server configuration that says where manifests come from.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use provost_controller::Source;
use serde::Deserialize;

use crate::git::Signers;
use crate::{FolderSource, GitSource, duration};

/// A source of manifests; exactly one of the two is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceConfig {
    /// A folder of this machine, watched.
    pub folder: Option<FolderConfig>,
    /// A branch of a git repository, polled.
    pub git: Option<GitConfig>,
}

/// A folder of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FolderConfig {
    /// The folder; every `*.yaml` and `*.yml` below it is a manifest, hidden ones left out.
    pub path: PathBuf,
}

/// A branch of a git repository.
///
/// Credentials are those of the account that the server runs as: its SSH keys or agent for `ssh`, its
/// `~/.netrc` for `https`. They are never part of the address, which other users of the machine can see.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GitConfig {
    /// `https://host/shop.git`, `ssh://git@host/shop.git`, `git@host:shop.git`, or with
    /// [`allow_file`](Self::allow_file) `file:///srv/shop.git`.
    pub url: String,
    /// The branch; `main` when left out.
    #[serde(default = "main")]
    pub branch: String,
    /// The folder in the repository that holds the manifests; the whole repository when left out.
    #[serde(default = "dot")]
    pub path: String,
    /// How often the branch is looked at, such as `30s` (the default); 1s to 24h.
    #[serde(default = "poll", deserialize_with = "duration::deserialize")]
    pub poll: Duration,
    /// How long one git command may take, such as `60s` (the default); 1s to 24h.
    #[serde(default = "timeout", deserialize_with = "duration::deserialize")]
    pub timeout: Duration,
    /// Whether a `file://` address is allowed; it is not by default.
    #[serde(default)]
    pub allow_file: bool,
    /// The file with the keys of the SSH servers; the account's own `known_hosts` when left out.
    pub known_hosts: Option<PathBuf>,
}

impl GitConfig {
    /// The branch `main` of the repository at `url`, with every other key at its default.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            branch: main(),
            path: dot(),
            poll: poll(),
            timeout: timeout(),
            allow_file: false,
            known_hosts: None,
        }
    }
}

fn main() -> String {
    "main".to_owned()
}

fn dot() -> String {
    ".".to_owned()
}

fn poll() -> Duration {
    Duration::from_secs(30)
}

fn timeout() -> Duration {
    Duration::from_secs(60)
}

/// What sources that manifests refer to may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SourcesConfig {
    /// Folders of this machine that may be copied, with all below them; none by default.
    pub folders: Vec<PathBuf>,
    /// Whether a `file://` address is allowed; it is not by default.
    pub allow_file: bool,
    /// The file with the keys of the SSH servers; the account's own `known_hosts` when left out.
    pub known_hosts: Option<PathBuf>,
}

/// What is wrong with the configuration of a source, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}; {mend}")]
pub struct ConfigProblem {
    /// The key, below the configuration of the source: `git.url`. `signers[1]` is a key of its own.
    pub key: String,
    /// What is wrong with its value.
    pub what: String,
    /// What to write instead.
    pub mend: String,
}

impl ConfigProblem {
    pub(crate) fn new(key: impl Into<String>, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { key: key.into(), what: what.into(), mend: mend.into() }
    }
}

/// Opens the source that `config` describes, without reading it yet.
///
/// `signers` are SSH public keys in the form of `authorized_keys`, and armoured OpenPGP public keys; when there are
/// any, only revisions that one of them signed are accepted, and only such as follow the last accepted one. `state_dir` is a folder
/// that belongs to the server; a git source keeps its bare repository and the last accepted revision there.
pub fn open(config: &SourceConfig, signers: &[String], state_dir: &Path) -> Result<Arc<dyn Source>, ConfigProblem> {
    let signers = Signers::parse(signers)?;
    match (&config.folder, &config.git) {
        (Some(folder), None) if signers.is_empty() => Ok(Arc::new(FolderSource::open(folder)?)),
        (Some(_), None) => Err(ConfigProblem::new(
            "signers",
            "a folder carries no signatures, so nothing in it could be accepted",
            "use a git source, or list no signers",
        )),
        (None, Some(git)) => Ok(Arc::new(GitSource::open(git, signers, state_dir)?)),
        (Some(_), Some(_)) => Err(ConfigProblem::new(
            "source",
            "it names a folder and a git repository",
            "keep one of `folder` and `git`",
        )),
        (None, None) => {
            Err(ConfigProblem::new("source", "it is empty", "write `folder: {path: …}` or `git: {url: …}`"))
        }
    }
}
