//! Where a container's files are.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::network::Attachment;
use crate::record::Made;

/// What was asked for.
pub(crate) const MADE: &str = "container.json";
/// The container is complete and waits for its start. Before that, nobody is shown it.
pub(crate) const READY: &str = "ready";
/// How it is connected to its network, as long as it is.
const NETWORK: &str = "network.json";
/// Held by the shim, and by whoever starts it, as long as one of them lives.
pub(crate) const LOCK: &str = "shim.lock";
/// Where the shim listens.
pub(crate) const SOCKET: &str = "shim.sock";
/// What the shim says when it cannot go on.
const COMPLAINTS: &str = "shim.err";
/// Output, the newest of it.
pub(crate) const LOG: &str = "log";
/// Output from before the log was turned over.
pub(crate) const OLD_LOG: &str = "log.1";

/// The folder of one container.
///
/// A shim works in it by relative paths, so that it goes on when the folder of the whole engine is moved.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    folder: PathBuf,
}

impl Place {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The OCI bundle: `config.json`, and where the root is mounted.
    pub(crate) fn bundle(&self) -> PathBuf {
        self.path("bundle")
    }

    /// Where the runtime keeps what it knows.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.path("runtime")
    }

    /// Where the user namespace is found, of one that has its own.
    pub(crate) fn users(&self) -> PathBuf {
        self.path("users")
    }

    /// Where what is mounted into it of the machine is found, with users of its own.
    pub(crate) fn bound(&self, index: usize) -> PathBuf {
        self.path("bound").join(index.to_string())
    }

    /// The same for the folders of its image.
    pub(crate) fn layer(&self, index: usize) -> PathBuf {
        self.path("layers").join(index.to_string())
    }

    pub(crate) fn complaints(&self) -> PathBuf {
        self.path(COMPLAINTS)
    }

    /// What was asked for; nothing where no container is.
    pub(crate) fn made(&self) -> io::Result<Option<Made>> {
        self.read(MADE)
    }

    pub(crate) fn set_made(&self, made: &Made) -> io::Result<()> {
        self.write(MADE, made)
    }

    /// Whether it is complete. A loss of power may take the word for that, but not what was started after it.
    pub(crate) fn is_ready(&self) -> bool {
        self.path(READY).exists() || self.progress().is_ok_and(|progress| progress.started.is_some())
    }

    pub(crate) fn set_ready(&self) -> io::Result<()> {
        File::create(self.path(READY)).map(drop)
    }

    pub(crate) fn network(&self) -> io::Result<Option<Attachment>> {
        self.read(NETWORK)
    }

    /// Not durable: what connects a container does not outlive the machine either.
    pub(crate) fn set_network(&self, attachment: &Attachment) -> io::Result<()> {
        self.write(NETWORK, attachment)
    }

    pub(crate) fn forget_network(&self) -> io::Result<()> {
        fs::remove_file(self.path(NETWORK))
    }

    /// Takes the lock for a shim that is to be started with it: there is no moment at which an engine that is killed
    /// leaves a shim behind that nobody sees.
    pub(crate) fn lock(&self) -> io::Result<File> {
        let lock = File::create(self.path(LOCK))?;
        // Whoever just looks whether it is held is waited for.
        flock(&lock, FlockOperation::LockExclusive)?;
        Ok(lock)
    }

    /// Whether its shim lives. The kernel lets go of the lock when the last who has it has ended, in whatever way: the
    /// shim, or the container's first process, which ends with it.
    pub(crate) fn has_shim(&self) -> bool {
        let Ok(lock) = File::open(self.path(LOCK)) else {
            return false;
        };
        flock(&lock, FlockOperation::NonBlockingLockShared).is_err()
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match fs::read(self.path(name)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        replace(&self.path(name), &self.path(&format!("{name}.new")), value)
    }
}

/// Replaces a file as a whole, by way of `draft` in the same folder: who reads it sees the old one or the new one.
pub(crate) fn replace(path: &Path, draft: &Path, value: &impl Serialize) -> io::Result<()> {
    fs::write(draft, serde_json::to_vec(value)?)?;
    fs::rename(draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_lock_there_is_no_shim() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path().to_path_buf());
        assert!(!place.has_shim());
        let lock = place.lock().unwrap();
        assert!(place.has_shim());
        drop(lock);
        assert!(!place.has_shim());
    }
}
