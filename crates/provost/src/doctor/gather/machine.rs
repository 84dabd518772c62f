//! Files and folders of this machine.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use crate::config::ServerConfig;
use crate::doctor::evidence::{Space, StateFolder, There};

/// The mode of what is at `path`, links followed.
pub(super) fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|facts| facts.permissions().mode())
}

/// The folders that are the server's alone, as far as they are there.
pub(super) fn private(config: &ServerConfig) -> Vec<(PathBuf, u32)> {
    let folders = [&config.state, &config.secrets].into_iter();
    folders.filter_map(|folder| Some((folder.clone(), mode(folder)?))).collect()
}

/// What is at the place of the state folder.
pub(super) fn state(path: &Path) -> StateFolder {
    let there = match fs::metadata(path) {
        Ok(facts) if facts.is_dir() => There::Folder { is_writable: access(path, Access::WRITE_OK).is_ok() },
        Ok(_) => There::Other,
        Err(_) => There::Nothing {
            can_be_made: existing(path).is_some_and(|above| above.is_dir() && access(above, Access::WRITE_OK).is_ok()),
        },
    };
    StateFolder { path: path.to_owned(), there, space: space(path), holder: holder(&path.join("lock")) }
}

/// The disk that `path` is on, or will be.
pub(super) fn space(path: &Path) -> Option<Space> {
    let disk = statvfs(existing(path)?).ok()?;
    Some(Space {
        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        total_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
        free_files: disk.f_favail,
        total_files: disk.f_files,
    })
}

fn existing(path: &Path) -> Option<&Path> {
    path.ancestors().find(|above| above.exists())
}

/// The process that has locked the file at `path`, as the kernel tells it: asking with a lock of our own could keep a
/// server from starting at that moment.
fn holder(path: &Path) -> Option<u32> {
    let inode = fs::metadata(path).ok()?.ino();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| holder_of(line, inode))
}

/// The process of a line such as `1: FLOCK  ADVISORY  WRITE 4711 fe:00:131074 0 EOF`.
fn holder_of(line: &str, inode: u64) -> Option<u32> {
    let mut words = line.split_whitespace().skip(1);
    let (kind, pid, file) = (words.next()?, words.nth(2)?, words.next()?);
    let of = file.rsplit(':').next()?.parse::<u64>().ok()?;
    (kind == "FLOCK" && of == inode).then(|| pid.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_lock_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let file = fs::File::create(&path).unwrap();
        assert_eq!(holder(&path), None);
        file.lock().unwrap();
        assert_eq!(holder(&path), Some(std::process::id()));
        drop(file);
        assert_eq!(holder(&path), None);
    }

    #[test]
    fn other_locks_are_not_taken_for_it() {
        assert_eq!(holder_of("1: FLOCK  ADVISORY  WRITE 4711 fe:00:131074 0 EOF", 131_074), Some(4711));
        for line in [
            "1: POSIX  ADVISORY  WRITE 4711 fe:00:131074 0 EOF",
            "1: -> FLOCK  ADVISORY  WRITE 1 fe:00:131074 0 EOF",
            "",
        ] {
            assert_eq!(holder_of(line, 131_074), None, "{line}");
        }
        assert_eq!(holder_of("1: FLOCK  ADVISORY  WRITE 4711 fe:00:131075 0 EOF", 131_074), None);
    }

    #[test]
    fn a_folder_is_told_from_what_is_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(state(folder.path()).there, There::Folder { is_writable: true });
        assert_eq!(state(&folder.path().join("file")).there, There::Other);
        let new = state(&folder.path().join("new/er"));
        assert_eq!(new.there, There::Nothing { can_be_made: true });
        assert!(new.space.is_some_and(|space| space.total_bytes > 0), "of the disk that it will be on");
        assert_eq!(state(&folder.path().join("file/below")).there, There::Nothing { can_be_made: false });
    }
}
