//! Writing so that a crash leaves the old or the new, and nothing between.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

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

/// A file that is being downloaded, and that nobody else downloads until it is released.
#[derive(Debug)]
pub(crate) struct Partial {
    pub file: File,
    pub path: PathBuf,
}

impl Partial {
    /// Opens it where another download left it, and waits for one that goes on.
    pub fn open(path: PathBuf) -> Result<Self, StoreError> {
        let open = || loop {
            let file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
            rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
            // Whoever had it may have made a blob of it, which is not to be written to.
            if same_file(&file, &path)? {
                return Ok(file);
            }
        };
        let file = open().map_err(StoreError::disk("open", &path))?;
        Ok(Self { file, path })
    }

    /// Lets others go on with it. Where it is whole, they only read it.
    pub fn release(&self) -> Result<(), StoreError> {
        let unlocked = rustix::fs::flock(&self.file, FlockOperation::Unlock).map_err(io::Error::from);
        unlocked.map_err(StoreError::disk("unlock", &self.path))
    }

    /// Whether it is still where it was opened.
    pub fn is_there(&self) -> Result<bool, StoreError> {
        same_file(&self.file, &self.path).map_err(StoreError::disk("read", &self.path))
    }

    /// Takes it away, unless it is being downloaded.
    pub fn remove_idle(path: &Path) -> io::Result<()> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if same_file(&file, path)? => fs::remove_file(path),
            Ok(()) | Err(rustix::io::Errno::WOULDBLOCK) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether `path` still leads to the file that was opened there.
fn same_file(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
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
