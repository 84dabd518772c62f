//! The lock on a state folder: one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use provost_controller::StoreError;

use crate::place::Place;

/// Held as long as it lives; the system frees it however the process ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes `<folder>/lock` and writes this process's id into it.
    ///
    /// Errors: [`StoreError::InUse`], naming the process that has it.
    pub fn take(folder: &Path) -> Result<Self, StoreError> {
        let place = Place::new(folder.join("lock"));
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(place.path())
            .map_err(|e| place.write(e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(folder, &mut file)),
            Err(TryLockError::Error(error)) => return Err(place.write(error)),
        }
        sign(&mut file).map_err(|e| place.write(e))?;
        Ok(Self { _file: file })
    }
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn in_use(folder: &Path, file: &mut File) -> StoreError {
    let mut pid = String::new();
    // Whoever holds the lock may not have signed yet; the lock counts all the same.
    let _ = file.take(32).read_to_string(&mut pid);
    let holder = match pid.trim() {
        "" => "another process".to_owned(),
        pid => format!("process {pid}"),
    };
    StoreError::InUse { place: folder.display().to_string(), holder }
}
