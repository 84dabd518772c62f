//! Where a container's files are, and how they are written so that they outlive a loss of power.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, fcntl_lock};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::network::Attachment;
use crate::record::{Ended, Made, Started};

/// What was asked for.
const MADE: &str = "container.json";
/// The container is complete and waits for its start. Before that, nobody is shown it.
pub(crate) const READY: &str = "ready";
/// It was started.
pub(crate) const STARTED: &str = "started.json";
/// It has ended.
pub(crate) const ENDED: &str = "ended.json";
/// How it is connected to its network, as long as it is.
const NETWORK: &str = "network.json";
/// Held by the shim as long as it lives.
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

    pub(crate) fn complaints(&self) -> PathBuf {
        self.path(COMPLAINTS)
    }

    /// What was asked for; nothing where no container is.
    pub(crate) fn made(&self) -> io::Result<Option<Made>> {
        self.read(MADE)
    }

    pub(crate) fn set_made(&self, made: &Made) -> io::Result<()> {
        self.write(MADE, made, false)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.path(READY).exists()
    }

    pub(crate) fn set_ready(&self) -> io::Result<()> {
        File::create(self.path(READY)).map(drop)
    }

    pub(crate) fn started(&self) -> io::Result<Option<Started>> {
        self.read(STARTED)
    }

    /// Durable before anything runs: what has run is never taken for something that has not (D2).
    pub(crate) fn set_started(&self, started: &Started) -> io::Result<()> {
        self.write(STARTED, started, true)
    }

    pub(crate) fn ended(&self) -> io::Result<Option<Ended>> {
        self.read(ENDED)
    }

    /// Durable before anybody is told (R9).
    pub(crate) fn set_ended(&self, ended: &Ended) -> io::Result<()> {
        self.write(ENDED, ended, true)
    }

    pub(crate) fn network(&self) -> io::Result<Option<Attachment>> {
        self.read(NETWORK)
    }

    /// Not durable: what connects a container does not outlive the machine either.
    pub(crate) fn set_network(&self, attachment: &Attachment) -> io::Result<()> {
        self.write(NETWORK, attachment, false)
    }

    pub(crate) fn forget_network(&self) -> io::Result<()> {
        fs::remove_file(self.path(NETWORK))
    }

    /// Whether its shim lives. The kernel lets go of the lock of a process that has ended, in whatever way.
    pub(crate) fn has_shim(&self) -> bool {
        let Ok(lock) = File::open(self.path(LOCK)) else {
            return false;
        };
        fcntl_lock(&lock, FlockOperation::NonBlockingLockShared).is_err()
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match fs::read(self.path(name)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces a file as a whole: who reads it sees the old one or the new one.
    fn write(&self, name: &str, value: &impl Serialize, is_durable: bool) -> io::Result<()> {
        let new = self.path(&format!("{name}.new"));
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        if is_durable {
            file.sync_data()?;
        }
        fs::rename(new, self.path(name))?;
        if is_durable { File::open(&self.folder)?.sync_all() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_was_not_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path().to_path_buf());
        assert!(place.made().unwrap().is_none() && place.ended().unwrap().is_none() && !place.is_ready());
        let ended = Ended { code: 3, out_of_memory: true, at: jiff::Timestamp::UNIX_EPOCH, error: None };
        place.set_ended(&ended).unwrap();
        assert_eq!(place.ended().unwrap(), Some(ended));
        fs::write(place.path(ENDED), "{").unwrap();
        assert!(place.ended().is_err(), "a damaged file is no absent one");
    }

    #[test]
    fn without_a_lock_there_is_no_shim() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path().to_path_buf());
        assert!(!place.has_shim());
        File::create(place.path(LOCK)).unwrap();
        assert!(!place.has_shim());
    }
}
