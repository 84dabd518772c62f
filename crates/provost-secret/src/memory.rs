//! Folders in memory.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::SecretValue;

/// What `statfs` calls tmpfs and ramfs.
///
/// Source: statfs(2).
const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];

/// A folder on a file system in memory, made when the first file comes and removed with the last one. Nobody but this
/// process's user comes into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryFolder(PathBuf);

/// Why there is no folder in memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MemoryError(String);

impl MemoryFolder {
    /// A folder with this name in `place`, which has to be in memory.
    pub fn within(place: &Path, name: &str) -> Result<Self, MemoryError> {
        check(place)?;
        Ok(Self(place.join(name)))
    }

    /// A folder with this name where systems have one in memory: in `/run/provost`, in `runtime_dir` (the user's own,
    /// `XDG_RUNTIME_DIR`), or in `/dev/shm`.
    pub fn find(name: &str, runtime_dir: Option<&Path>) -> Result<Self, MemoryError> {
        let of_user = format!("provost-{}-{name}", rustix::process::geteuid().as_raw());
        let places = [
            Some((PathBuf::from("/run/provost"), name)),
            runtime_dir.filter(|path| path.is_absolute()).map(|path| (path.join("provost"), name)),
            Some((PathBuf::from("/dev/shm"), of_user.as_str())),
        ];
        let mut problems = Vec::new();
        for (place, name) in places.into_iter().flatten() {
            match Self::within(&place, name) {
                Ok(folder) => return Ok(folder),
                Err(MemoryError(problem)) => problems.push(problem),
            }
        }
        Err(MemoryError(problems.join("; ")))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes files into a folder of its own in it, made if need be, and returns that. What is there already and the
    /// same stays as it is. Any user of a container that a file is mounted into may read it.
    pub fn put(&self, folder: &str, files: &[(&str, &SecretValue)]) -> io::Result<PathBuf> {
        let above = self.0.parent().unwrap_or(&self.0);
        DirBuilder::new().recursive(true).mode(0o755).create(above)?;
        private(&self.0)?;
        let folder = self.0.join(folder);
        private(&folder)?;
        for (name, value) in files {
            write(&folder, name, value)?;
        }
        Ok(folder)
    }

    /// Removes a folder in it. That there is none is no error.
    pub fn remove(&self, folder: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.0.join(folder)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let _ = fs::remove_dir(&self.0); // It stays as long as there is something in it.
        Ok(())
    }
}

/// Whether `path`, or what is to be made above it, is in memory and can be written to.
fn check(path: &Path) -> Result<(), MemoryError> {
    let problem = |what: String| MemoryError(format!("{} {what}", path.display()));
    let mut there = path;
    while let (false, Some(above)) = (there.exists(), there.parent()) {
        there = above;
    }
    let facts = rustix::fs::statfs(there).map_err(|error| problem(format!("cannot be looked at: {error}")))?;
    if !IN_MEMORY.contains(&facts.f_type) {
        return Err(problem("is not in memory (tmpfs)".to_owned()));
    }
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    let writable = rustix::fs::accessat(rustix::fs::CWD, there, access, rustix::fs::AtFlags::EACCESS);
    writable.map_err(|error| problem(format!("cannot be written to: {error}")))
}

/// Makes a folder for this user alone; one that is there must be this user's (in `/dev/shm` anybody could have made it).
fn private(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let facts = fs::symlink_metadata(path)?;
    let is_ours = facts.uid() == rustix::process::geteuid().as_raw() && facts.mode() & 0o077 == 0;
    match facts.is_dir() && is_ours {
        true => Ok(()),
        false => Err(io::Error::other(format!("{} is not a folder of this user alone", path.display()))),
    }
}

fn write(folder: &Path, name: &str, value: &SecretValue) -> io::Result<()> {
    let path = folder.join(name);
    if fs::read(&path).is_ok_and(|there| there == value.expose()) {
        return Ok(());
    }
    // Whole or not at all; a container that has the one before keeps that.
    let beside = folder.join(format!(".{name}"));
    let _ = fs::remove_file(&beside); // Of a write that was cut short.
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(&beside)?;
    file.write_all(value.expose())?;
    file.set_permissions(Permissions::from_mode(0o444))?;
    fs::rename(&beside, &path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, MemoryFolder) {
        let folder = tempfile::Builder::new().prefix("provost-test-").tempdir_in("/dev/shm").unwrap();
        let memory = MemoryFolder::within(folder.path(), "here").unwrap();
        (folder, memory)
    }

    fn value(text: &str) -> SecretValue {
        SecretValue::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a35_files_are_in_memory_and_nobody_else_comes_to_them() {
        let (_folder, memory) = place();
        let made = memory.put("c1", &[("db", &value("hunter2"))]).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(memory.path()), mode(&made), mode(&made.join("db"))), (0o700, 0o700, 0o444));
        assert_eq!(fs::read(made.join("db")).unwrap(), b"hunter2");
        let inode = || fs::metadata(made.join("db")).unwrap().ino();
        let before = inode();
        memory.put("c1", &[("db", &value("hunter2"))]).unwrap();
        assert_eq!(inode(), before, "what is the same stays");
        memory.put("c1", &[("db", &value("another"))]).unwrap();
        assert_eq!(fs::read(made.join("db")).unwrap(), b"another");
        memory.remove("c1").unwrap();
        memory.remove("c1").unwrap();
        assert!(!made.exists());
    }

    #[test]
    fn a35_a_disk_is_no_memory() {
        let error = MemoryFolder::within(Path::new("/"), "x").unwrap_err().to_string();
        assert!(error.contains("/ is not in memory (tmpfs)"), "{error}");
        let error = MemoryFolder::within(Path::new("/proc/nothing"), "x").unwrap_err().to_string();
        assert!(error.contains("not in memory"), "{error}");
    }

    #[test]
    fn a_folder_that_others_may_read_is_not_used() {
        let (_folder, memory) = place();
        fs::create_dir(memory.path()).unwrap();
        fs::set_permissions(memory.path(), Permissions::from_mode(0o755)).unwrap();
        let error = memory.put("c1", &[("db", &value("x"))]).unwrap_err().to_string();
        assert!(error.contains("not a folder of this user alone"), "{error}");
        let (folder, memory) = place();
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", memory.path()).unwrap();
        memory.put("c1", &[("db", &value("x"))]).unwrap_err();
    }

    #[test]
    fn one_is_found_and_goes_with_the_last_file() {
        let name = format!("test-{}", std::process::id());
        let memory = MemoryFolder::find(&name, None).unwrap();
        let made = memory.put("c1", &[("db", &value("x"))]).unwrap();
        assert!(made.starts_with(memory.path()) && memory.path().to_string_lossy().ends_with(&name));
        memory.remove("c1").unwrap();
        assert!(!memory.path().exists());
    }
}
