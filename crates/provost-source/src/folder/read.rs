//! Reading all manifests of a folder.

use std::fs::{self, DirEntry, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use provost_controller::{SourceError, SourceFile};

use crate::limits::{self, DEPTH_MAX, FILE_BYTES_MAX, Tally, is_manifest, refused};

/// The most entries of any kind that are looked at: a source at `/` is a mistake, and is told as one.
const ENTRIES_MAX: usize = 1_000_000;

/// Why a folder was not read.
pub(super) enum Trouble {
    /// It cannot be read as it is.
    Refused(SourceError),
    /// This file was there and is gone: someone is at work in the folder, so read it again.
    Vanished(String),
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        Self::Refused(error)
    }
}

/// Returns every manifest below `root`, in the order of paths.
pub(super) fn read(root: &Path) -> Result<Vec<SourceFile>, Trouble> {
    let mut walk = Walk::new(root)?;
    while let Some(folder) = walk.folders.pop() {
        walk.folder(&folder)?;
    }
    walk.manifests.sort();

    let mut tally = Tally::default();
    let mut files = Vec::with_capacity(walk.manifests.len());
    for (path, place) in walk.manifests {
        let bytes = content(&place, &path)?;
        tally.add(&path, bytes.len() as u64)?;
        files.push(SourceFile { path, bytes });
    }
    Ok(files)
}

/// A walk through the folders below a root.
struct Walk {
    /// The root without links, to tell what is within.
    root: PathBuf,
    /// Folders still to be looked into.
    folders: Vec<PathBuf>,
    /// Manifests found: the path relative to the root, and the file to open.
    manifests: Vec<(String, PathBuf)>,
    entries: usize,
}

impl Walk {
    fn new(path: &Path) -> Result<Self, SourceError> {
        let root = path.canonicalize().map_err(|error| match error.kind() {
            ErrorKind::NotFound => refused(format!("there is no folder `{}`; create it", path.display())),
            _ => unreadable(path, &error),
        })?;
        if root.is_dir() {
            Ok(Self { folders: vec![root.clone()], root, manifests: Vec::new(), entries: 0 })
        } else {
            Err(refused(format!("`{}` is not a folder; name the folder that the manifests are in", path.display())))
        }
    }

    fn folder(&mut self, folder: &Path) -> Result<(), Trouble> {
        for entry in fs::read_dir(folder).map_err(|error| self.broken(folder, &error))? {
            let entry = entry.map_err(|error| self.broken(folder, &error))?;
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                let why = format!("it has more than {ENTRIES_MAX} files and folders; point the source at a sub-folder");
                return Err(refused(why).into());
            }
            if !entry.file_name().as_bytes().starts_with(b".") {
                self.entry(&entry)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &DirEntry) -> Result<(), Trouble> {
        let place = entry.path();
        let kind = entry.file_type().map_err(|error| self.broken(&place, &error))?;
        if kind.is_dir() {
            return self.enter(place);
        }
        if kind.is_symlink() {
            return self.link(place);
        }
        match self.manifest(&place)? {
            Some(path) if kind.is_file() => self.manifests.push((path, place)),
            Some(path) => {
                return Err(refused(format!("`{path}` is not a file (a pipe, socket or device); remove it")).into());
            }
            None => {}
        }
        Ok(())
    }

    fn enter(&mut self, place: PathBuf) -> Result<(), Trouble> {
        let depth = self.relative(&place).components().count();
        if depth > DEPTH_MAX {
            let why = format!("`{}` is deeper than {DEPTH_MAX} folders; move it up", self.relative(&place).display());
            return Err(refused(why).into());
        }
        self.folders.push(place);
        Ok(())
    }

    /// Takes a link to a manifest within the root; leaves out a link to a folder within, whose content is
    /// read where it really is; refuses what leads out, lest a folder's automations vanish without a word
    /// when somebody moves it away and puts a link in its place.
    fn link(&mut self, place: PathBuf) -> Result<(), Trouble> {
        let shown = self.relative(&place).display().to_string();
        let manifest = self.manifest(&place)?;
        let target = match place.canonicalize() {
            Ok(target) => target,
            Err(_) if manifest.is_none() => return Ok(()),
            Err(error) => {
                return Err(refused(format!("the link `{shown}` leads nowhere ({error}); remove it or mend it")).into());
            }
        };
        let within = target.starts_with(&self.root);
        if !within && (manifest.is_some() || target.is_dir()) {
            let why = format!(
                "the link `{shown}` leads out of the folder, to `{}`; copy what it stands for into the folder, \
                 or hide it with a leading dot",
                target.display()
            );
            return Err(refused(why).into());
        }
        match manifest {
            Some(path) if target.is_file() => self.manifests.push((path, target)),
            Some(path) => {
                return Err(refused(format!("the link `{path}` does not lead to a file; remove it")).into());
            }
            None => {}
        }
        Ok(())
    }

    fn manifest(&self, place: &Path) -> Result<Option<String>, SourceError> {
        let relative = self.relative(place).as_os_str().as_bytes();
        if is_manifest(relative) { limits::manifest_path(relative) } else { Ok(None) }
    }

    fn relative<'a>(&self, place: &'a Path) -> &'a Path {
        place.strip_prefix(&self.root).unwrap_or(place)
    }

    fn broken(&self, place: &Path, error: &io::Error) -> Trouble {
        broken(place, &self.relative(place).display().to_string(), error)
    }
}

/// Reads one file, and not a byte more than the limit tells apart.
fn content(place: &Path, path: &str) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    File::open(place)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| broken(place, path, &error))?;
    Ok(bytes)
}

fn broken(place: &Path, shown: &str, error: &io::Error) -> Trouble {
    match error.kind() {
        ErrorKind::NotFound => Trouble::Vanished(shown.to_owned()),
        _ => Trouble::Refused(unreadable(place, error)),
    }
}

fn unreadable(place: &Path, error: &io::Error) -> SourceError {
    refused(format!("`{}` cannot be read ({error}); let the account that Provost runs as read it", place.display()))
}
