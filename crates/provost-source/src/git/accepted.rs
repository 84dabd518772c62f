//! The last revision that was accepted from a signed source.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use provost_controller::SourceError;

use super::repository::CommitId;
use crate::limits::{refused, unreachable};

/// A file that holds one commit id. It is not part of the copy of the repository, so that the copy can be
/// thrown away without forgetting what was accepted.
pub(super) struct Accepted(PathBuf);

impl Accepted {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the last accepted commit, or `None` before the first. A file that cannot be read is an error:
    /// to go on without it would accept any old commit.
    pub(super) async fn get(&self) -> Result<Option<CommitId>, SourceError> {
        let text = match tokio::fs::read_to_string(&self.0).await {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(unreachable(format!("`{}` cannot be read: {error}", self.0.display())));
            }
        };
        CommitId::parse(text.trim()).map(Some).ok_or_else(|| {
            let path = self.0.display();
            refused(format!(
                "`{path}` is damaged; write the id of the last good commit into it, or remove it to accept any"
            ))
        })
    }

    /// Remembers `id`, durably.
    pub(super) async fn set(&self, id: &CommitId) -> Result<(), SourceError> {
        if self.get().await?.as_ref() == Some(id) {
            return Ok(());
        }
        let (path, text) = (self.0.clone(), format!("{id}\n"));
        let written = tokio::task::spawn_blocking(move || write(&path, &text)).await;
        written
            .map_err(io::Error::other)
            .and_then(|written| written)
            .map_err(|error| unreachable(format!("`{}` cannot be written: {error}", self.0.display())))
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
