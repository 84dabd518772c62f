//! Where something is kept, for errors that say so.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use provost_controller::StoreError;

/// A file or folder that errors name.
#[derive(Clone, Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// It cannot be written to, because of `why`.
    pub fn write(&self, why: impl Display) -> StoreError {
        StoreError::Write { place: self.0.display().to_string(), why: why.to_string() }
    }

    /// It cannot be read, because of `why`.
    pub fn read(&self, why: impl Display) -> StoreError {
        StoreError::Read { place: self.0.display().to_string(), why: why.to_string() }
    }
}

/// Writes the entries of `folder` itself to the disk: a file that was made or renamed in it is then found after a power
/// cut.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}
