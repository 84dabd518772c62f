//! Writing so that a crash leaves the old or the new, and nothing between.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::FlockOperation;

use crate::StoreError;

/// The right to change a store, which one process at a time has; given back when this is dropped, or the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until nobody else has it.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let open = || File::options().create(true).truncate(false).write(true).open(path);
        let file = open().map_err(StoreError::disk("open", path))?;
        let lock = || loop {
            match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
                Err(rustix::io::Errno::INTR) => {}
                done => return done.map_err(io::Error::from),
            }
        };
        lock().map_err(StoreError::disk("lock", path))?;
        Ok(Self { _file: file })
    }
}

/// Writes `bytes` to `path` by way of `draft`, which is on the same disk.
pub(crate) fn replace(path: &Path, draft: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let write = || {
        let mut file = File::create(draft)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(StoreError::disk("write", draft))?;
    fs::rename(draft, path).map_err(StoreError::disk("write", path))?;
    sync_folder(path.parent().unwrap_or(path))
}

/// Makes durable which names a folder has.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(StoreError::disk("write", path))
}

/// Makes everything durable that was written to the disk of `path`.
pub(crate) fn sync_all(path: &Path) -> Result<(), StoreError> {
    let sync = || rustix::fs::syncfs(File::open(path)?).map_err(io::Error::from);
    sync().map_err(StoreError::disk("write", path))
}

pub(crate) fn make_folder(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(StoreError::disk("make", path))
}

/// Takes a folder away, with what is in it; whether one was there.
pub(crate) fn remove_folder(path: &Path) -> Result<bool, StoreError> {
    let removed = match fs::remove_dir_all(path) {
        // A folder of an image's may forbid its owner to write, who is only asked where he is not root.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path).and_then(|()| fs::remove_dir_all(path))
        }
        done => done,
    };
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::disk("remove", path)(error)),
    }
}

/// Allows the owner to change what is in a folder.
fn open_up(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

/// The content of a file, or nothing if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::disk("read", path)(error)),
    }
}
