//! The copy of a folder of this machine.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use provost_controller::SourceError;
use provost_model::Name;
use serde::{Deserialize, Serialize};

use super::copied::Found;
use super::tree::{self, Entry};
use crate::folder::{digest, read_settled};
use crate::limits::{refused, unreachable};

/// A copy that is made once, and again only when somebody says so.
#[derive(Clone)]
pub(super) struct FolderCopy {
    name: Name,
    original: PathBuf,
    /// Folders that may be copied, with all below them.
    allowed: Arc<[PathBuf]>,
    home: PathBuf,
}

/// What is remembered beside a copy.
#[derive(Serialize, Deserialize)]
struct Stamp {
    from: PathBuf,
    at: Timestamp,
    /// Of the original, when it was copied.
    digest: String,
}

impl FolderCopy {
    pub(super) fn new(name: Name, original: PathBuf, allowed: &[PathBuf], home: &Path) -> Self {
        Self { name, original, allowed: allowed.into(), home: home.to_owned() }
    }

    pub(super) fn is_copied(&self) -> bool {
        self.place().is_dir()
    }

    /// Throws the copy away.
    pub(super) async fn discard(&self) -> Result<(), SourceError> {
        let own = self.clone();
        in_background(move || own.remove(&own.place())).await
    }

    /// Returns what is in the copy, which is made if it is not there; and that the original is another one by now.
    pub(super) async fn newest(&self) -> Result<(Found, Option<String>), SourceError> {
        let own = self.clone();
        in_background(move || own.read()).await
    }

    fn read(&self) -> Result<(Found, Option<String>), SourceError> {
        let stamp = match self.stamp().filter(|stamp| self.is_copied() && stamp.from == self.original) {
            Some(stamp) => stamp,
            None => self.make()?,
        };
        let files = read_settled(&self.place())?;
        let revision = format!("folder-{}", &digest(&files)[..12]);
        // That the original is gone does not matter: nothing is read there.
        let now = self.entries().and_then(|entries| tree::digest(&entries)).ok();
        let notice = now.filter(|now| *now != stamp.digest).map(|_| {
            let (original, name) = (self.original.display(), &self.name);
            format!("`{original}` has changed since it was copied; `provost reset {name}` takes what is there now")
        });
        Ok((Found { revision, files, at: Some(stamp.at) }, notice))
    }

    /// Copies the original beside its place, and puts it there when it is whole.
    fn make(&self) -> Result<Stamp, SourceError> {
        let new = self.home.join("copy.new");
        self.remove(&new)?;
        let entries = self.entries()?;
        fs::create_dir_all(&self.home).and_then(|()| copy(&entries, &new)).map_err(|error| self.failed(&error))?;
        // Of the copy, not of the original: that may have changed meanwhile, which is then told.
        let digest = tree::digest(&tree::walk(&new, &new)?)?;
        let stamp = Stamp { from: self.original.clone(), at: Timestamp::now(), digest };
        self.remove(&self.place())?;
        let text = serde_json::to_string(&stamp).map_err(|error| refused(error.to_string()))?;
        fs::write(self.home.join("copied.json"), text)
            .and_then(|()| fs::rename(&new, self.place()))
            .map_err(|error| self.failed(&error))?;
        tracing::info!(source = %self.name, folder = %self.original.display(), files = entries.len(), "the folder was copied");
        Ok(stamp)
    }

    /// All that is in the original, if it may be copied.
    fn entries(&self) -> Result<Vec<Entry>, SourceError> {
        let original = self.original.display();
        let root = self.original.canonicalize().map_err(|error| match error.kind() {
            ErrorKind::NotFound => refused(format!("there is no folder `{original}` on this server; create it")),
            _ => unreachable(format!("`{original}` cannot be read: {error}")),
        })?;
        let allowed = self.allowed.iter().filter_map(|allowed| allowed.canonicalize().ok());
        match allowed.into_iter().find(|allowed| root.starts_with(allowed)) {
            Some(bounds) => tree::walk(&root, &bounds),
            None => Err(refused(format!(
                "this server copies no folder `{original}`; list it under `sources.folders` in the server's configuration"
            ))),
        }
    }

    fn stamp(&self) -> Option<Stamp> {
        serde_json::from_slice(&fs::read(self.home.join("copied.json")).ok()?).ok()
    }

    fn place(&self) -> PathBuf {
        self.home.join("copy")
    }

    fn remove(&self, folder: &Path) -> Result<(), SourceError> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.failed(&error)),
            _ => Ok(()),
        }
    }

    fn failed(&self, error: &io::Error) -> SourceError {
        unreachable(format!("its copy in `{}` cannot be written: {error}", self.home.display()))
    }
}

/// Copies `entries` into the folder `to`, which is not there yet. Folders come before what is in them.
fn copy(entries: &[Entry], to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in entries {
        let place = to.join(&entry.path);
        if entry.is_folder {
            fs::create_dir(&place)?;
        } else {
            fs::copy(&entry.place, &place)?;
        }
        fs::set_permissions(&place, Permissions::from_mode(entry.mode))?;
    }
    Ok(())
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(unreachable(format!("copying it was broken off: {error}"))))
}
