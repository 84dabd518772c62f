//! What opens secrets, and hands them to containers.

use std::path::PathBuf;

use provost_model::{ContainerName, Name, SecretUse};
use secrecy::SecretString;

use crate::Masks;

/// Opens secrets right before a container is made or started, and keeps the files with them in memory. Its methods
/// read and write files: they are called where blocking is allowed.
pub trait Vault: Send + Sync {
    /// Opens `secrets` for `container`: files are put into memory, variables are returned. What is there already stays
    /// as it is, so that a container that was made ahead finds its files again, also after the machine was started anew.
    fn hand_out(&self, container: &ContainerName, secrets: &[SecretUse]) -> Result<HandedOut, VaultError>;

    /// Removes the files of `container`. That there are none is no error.
    fn take_back(&self, container: &ContainerName) -> std::io::Result<()>;

    /// What must not be seen of `secrets`: their values, and what they look like encoded.
    fn masks(&self, secrets: &[SecretUse]) -> Result<Masks, VaultError>;
}

/// What one container gets.
#[derive(Clone, Debug, Default)]
pub struct HandedOut {
    /// Files in memory, to be mounted read-only.
    pub files: Vec<SecretFile>,
    /// Variables with their values.
    pub env: Vec<(String, SecretString)>,
}

/// A file in memory with the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFile {
    /// Where it is on the host.
    pub source: PathBuf,
    /// Where the container sees it.
    pub path: String,
}

/// Why a container cannot get its secrets: what, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// A secret cannot be opened with this server's key.
    #[error("secret {secret} cannot be opened: {why}; {mend}")]
    Closed {
        /// Which.
        secret: Name,
        /// What is wrong.
        why: String,
        /// How to mend it.
        mend: String,
    },
    /// There is no place in memory for the files, or it cannot be written.
    #[error("secret {secret} cannot be put into memory: {why}; {mend}")]
    NoPlace {
        /// Which.
        secret: Name,
        /// What is wrong.
        why: String,
        /// How to mend it.
        mend: String,
    },
}
