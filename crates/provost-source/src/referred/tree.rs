//! All that is in a folder, links followed.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use provost_controller::SourceError;
use sha2::{Digest as _, Sha256};

use crate::limits::{DEPTH_MAX, TOTAL_BYTES_MAX, refused, unreachable};

/// The most files and folders that are copied.
const ENTRIES_MAX: usize = 20_000;

/// The bits of a mode that are kept: who may read, write and run it; never what would give its owner's rights away.
const MODE_KEPT: u32 = 0o777;

/// A file or folder.
pub(super) struct Entry {
    /// Its path below the root.
    pub(super) path: PathBuf,
    /// Where it really is.
    pub(super) place: PathBuf,
    pub(super) mode: u32,
    pub(super) is_folder: bool,
}

/// Returns all files and folders below `root`, in the order of paths; hidden ones are left out.
///
/// Links to files, and to folders beside the root, are followed as far as `bounds` reaches, and what leads out of there is
/// refused; links to folders within the root are left out, since their content is there already. Both are given without
/// links in them.
pub(super) fn walk(root: &Path, bounds: &Path) -> Result<Vec<Entry>, SourceError> {
    let mut walk =
        Walk { root, bounds, entries: Vec::new(), folders: vec![(PathBuf::new(), root.to_owned())], bytes: 0 };
    while let Some((path, place)) = walk.folders.pop() {
        walk.folder(&path, &place)?;
    }
    walk.entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.entries)
}

struct Walk<'a> {
    root: &'a Path,
    bounds: &'a Path,
    entries: Vec<Entry>,
    /// Still to be looked into.
    folders: Vec<(PathBuf, PathBuf)>,
    bytes: u64,
}

impl Walk<'_> {
    fn folder(&mut self, path: &Path, place: &Path) -> Result<(), SourceError> {
        for entry in fs::read_dir(place).map_err(|error| unreadable(place, &error))? {
            let entry = entry.map_err(|error| unreadable(place, &error))?;
            if entry.file_name().as_bytes().starts_with(b".") {
                continue;
            }
            let path = path.join(entry.file_name());
            let kind = entry.file_type().map_err(|error| unreadable(place, &error))?;
            if let Some(place) =
                if kind.is_symlink() { self.followed(&path, &entry.path())? } else { Some(entry.path()) }
            {
                self.take(path, place)?;
            }
        }
        Ok(())
    }

    /// Where a link leads to; nowhere is no error, there is nothing to copy.
    fn followed(&self, path: &Path, link: &Path) -> Result<Option<PathBuf>, SourceError> {
        let Ok(target) = link.canonicalize() else { return Ok(None) };
        if !target.starts_with(self.bounds) {
            return Err(refused(format!(
                "the link `{}` leads out of what may be copied, to `{}`; put what it stands for in its place",
                path.display(),
                target.display()
            )));
        }
        let is_there_already = target.is_dir() && target.starts_with(self.root);
        Ok((!is_there_already).then_some(target))
    }

    fn take(&mut self, path: PathBuf, place: PathBuf) -> Result<(), SourceError> {
        let data = fs::metadata(&place).map_err(|error| unreadable(&place, &error))?;
        if !data.is_file() && !data.is_dir() {
            return Ok(()); // A pipe, socket or device.
        }
        self.count(&path, &data)?;
        let mode = data.permissions().mode() & MODE_KEPT;
        if data.is_dir() {
            self.folders.push((path.clone(), place.clone()));
        }
        // The copy of a folder can be written into, or nothing could be put there.
        let mode = if data.is_dir() { mode | 0o700 } else { mode };
        self.entries.push(Entry { path, place, mode, is_folder: data.is_dir() });
        Ok(())
    }

    fn count(&mut self, path: &Path, data: &Metadata) -> Result<(), SourceError> {
        self.bytes = self.bytes.saturating_add(if data.is_file() { data.len() } else { 0 });
        let too_much = if self.entries.len() >= ENTRIES_MAX {
            format!("it has more than {ENTRIES_MAX} files and folders")
        } else if self.bytes > TOTAL_BYTES_MAX {
            format!("its files have more than {} MiB together", TOTAL_BYTES_MAX / 1024 / 1024)
        } else if path.components().count() > DEPTH_MAX {
            format!("`{}` is deeper than {DEPTH_MAX} folders", path.display())
        } else {
            return Ok(());
        };
        Err(refused(format!("{too_much}; name a smaller folder")))
    }
}

/// A digest over paths, modes and contents; lengths come first, so that nothing can move from one into the next.
pub(super) fn digest(entries: &[Entry]) -> Result<String, SourceError> {
    let mut hash = Sha256::new();
    for entry in entries {
        let path = entry.path.as_os_str().as_bytes();
        hash.update((path.len() as u64).to_be_bytes());
        hash.update(path);
        hash.update(entry.mode.to_be_bytes());
        hash.update([u8::from(entry.is_folder)]);
        if !entry.is_folder {
            content(entry, &mut hash).map_err(|error| unreadable(&entry.place, &error))?;
        }
    }
    Ok(hex::encode(hash.finalize()))
}

fn content(entry: &Entry, hash: &mut Sha256) -> io::Result<()> {
    let mut own = Sha256::new();
    let mut file = File::open(&entry.place)?.take(TOTAL_BYTES_MAX);
    let mut part = vec![0; 64 * 1024];
    loop {
        match file.read(&mut part)? {
            0 => break,
            read => own.update(&part[..read]),
        }
    }
    hash.update(own.finalize());
    Ok(())
}

fn unreadable(place: &Path, error: &io::Error) -> SourceError {
    unreachable(format!("`{}` cannot be read: {error}", place.display()))
}
