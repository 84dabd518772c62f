//! The folder that a layer is unpacked into, and safe ways in it.
//!
//! A path is walked one name at a time, from an open folder to the next, and links are resolved here, never by the
//! kernel: so nothing that an archive holds leads out of the folder, whatever it made there before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;

use crate::Refusal;

/// How many links a path may go through, as in Linux.
const LINKS_MAX: usize = 40;
/// How deep folders may be: each level is an open file while a folder is taken away.
const DEPTH_MAX: usize = 128;
/// The mode of a folder that no entry describes, as engines choose it.
const IMPLIED: u32 = 0o755;

/// A folder that is being filled.
pub(crate) struct Tree {
    root: OwnedFd,
    /// The attribute that hides what lies below a folder.
    opaque: &'static str,
    /// Mode and time of each folder, by its path without links. They are set at the end: a folder may forbid to write
    /// into it, and writing into it changes its time.
    folders: BTreeMap<Vec<u8>, (u32, (i64, u32))>,
    /// The paths of folders with nothing of what lies below.
    hidden: BTreeSet<Vec<u8>>,
}

/// Where an entry goes: a name in a folder that is open.
pub(crate) struct Place {
    pub folder: OwnedFd,
    pub name: Vec<u8>,
    /// The whole path, without links.
    pub path: Vec<u8>,
}

/// What is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Nothing,
    Folder,
    Link,
    File,
}

/// Whether a walk makes the folders that are not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Make,
    Leave,
}

/// Where a walk has come to.
struct Step {
    folder: OwnedFd,
    path: Vec<u8>,
    depth: usize,
}

impl Place {
    pub fn seen(&self) -> Result<Seen, Refusal> {
        seen(&self.folder, &self.name)
    }

    /// A path for calls that take no folder; the kernel goes to the open folder directly.
    pub fn by_folder(&self) -> PathBuf {
        let folder = PathBuf::from(format!("/proc/self/fd/{}", self.folder.as_raw_fd()));
        folder.join(OsStr::from_bytes(&self.name))
    }
}

fn seen(folder: &OwnedFd, name: &[u8]) -> Result<Seen, Refusal> {
    let stat = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(Seen::Nothing),
        Err(error) => return Err(error.into()),
    };
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Seen::Folder,
        FileType::Symlink => Seen::Link,
        _ => Seen::File,
    })
}

fn open(folder: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty())
}

impl Tree {
    /// `root` is an empty folder that nobody else writes to.
    pub fn new(root: OwnedFd, opaque: &'static str) -> Self {
        Self { root, opaque, folders: BTreeMap::from([(Vec::new(), (IMPLIED, (0, 0)))]), hidden: BTreeSet::new() }
    }

    /// The root, as a place.
    pub fn root(&self) -> Result<Place, Refusal> {
        Ok(Place { folder: self.root.try_clone().map_err(Refusal::Disk)?, name: b".".to_vec(), path: Vec::new() })
    }

    /// Where `path` leads; folders on the way are made.
    pub fn place(&mut self, path: &[&[u8]]) -> Result<Place, Refusal> {
        self.find_or(path, Missing::Make)?.ok_or(Refusal::NoFolder)
    }

    /// Where `path` leads, if its folder is there.
    pub fn find(&mut self, path: &[&[u8]]) -> Result<Option<Place>, Refusal> {
        self.find_or(path, Missing::Leave)
    }

    fn find_or(&mut self, path: &[&[u8]], missing: Missing) -> Result<Option<Place>, Refusal> {
        let Some((name, folder)) = path.split_last() else { return self.root().map(Some) };
        let step = self.walk(folder, missing)?;
        let place = |step: Step| Place { path: below(&step.path, name), folder: step.folder, name: name.to_vec() };
        Ok(step.map(place))
    }

    /// Goes to a folder, name by name.
    fn walk(&mut self, path: &[&[u8]], missing: Missing) -> Result<Option<Step>, Refusal> {
        let mut names: VecDeque<Vec<u8>> = path.iter().map(|name| name.to_vec()).collect();
        let mut here = self.start()?;
        let mut links = 0;
        while let Some(name) = names.pop_front() {
            if name == b".." {
                here = self.up(&here)?;
                continue;
            }
            match open(&here.folder, &name) {
                Ok(folder) => here = here.into(folder, &name)?,
                Err(Errno::NOENT) if missing == Missing::Leave => return Ok(None),
                Err(Errno::NOENT) => here = self.make(here, &name)?,
                Err(Errno::NOTDIR | Errno::LOOP) => match seen(&here.folder, &name)? {
                    Seen::Link => {
                        links += 1;
                        if links > LINKS_MAX {
                            return Err(Refusal::LinkLoop);
                        }
                        let target = rustix::fs::readlinkat(&here.folder, name.as_slice(), Vec::new())?.into_bytes();
                        if target.starts_with(b"/") {
                            here = self.start()?;
                        }
                        let parts = target.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
                        parts.rev().for_each(|part| names.push_front(part.to_vec()));
                    }
                    _ => return Err(Refusal::NoFolder),
                },
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(here))
    }

    fn start(&self) -> Result<Step, Refusal> {
        Ok(Step { folder: self.root.try_clone().map_err(Refusal::Disk)?, path: Vec::new(), depth: 0 })
    }

    /// The folder above `step`, whose path has no links in it. There is none above the root.
    fn up(&self, step: &Step) -> Result<Step, Refusal> {
        if step.depth == 0 {
            return Err(Refusal::LinkOut);
        }
        let mut here = self.start()?;
        for name in step.path.split(|byte| *byte == b'/').take(step.depth - 1) {
            let folder = open(&here.folder, name)?;
            here = here.into(folder, name)?;
        }
        Ok(here)
    }

    /// Makes a folder that no entry has described yet.
    fn make(&mut self, step: Step, name: &[u8]) -> Result<Step, Refusal> {
        if step.depth >= DEPTH_MAX {
            return Err(Refusal::Deep(DEPTH_MAX));
        }
        rustix::fs::mkdirat(&step.folder, name, Mode::from_raw_mode(0o700))?;
        let folder = open(&step.folder, name)?;
        let step = step.into(folder, name)?;
        self.folders.insert(step.path.clone(), (IMPLIED, (0, 0)));
        Ok(step)
    }

    /// Makes room for an entry: a later one takes the place of an earlier one, and folders are merged.
    pub fn clear(&mut self, place: &Place, is_folder: bool) -> Result<(), Refusal> {
        match place.seen()? {
            Seen::Nothing => Ok(()),
            Seen::Folder if is_folder => Ok(()),
            Seen::Folder => {
                let inside = below(&place.path, b"");
                self.folders.retain(|path, _| *path != place.path && !path.starts_with(&inside));
                std::fs::remove_dir_all(place.by_folder()).map_err(Refusal::Disk)
            }
            Seen::Link | Seen::File => {
                Ok(rustix::fs::unlinkat(&place.folder, place.name.as_slice(), AtFlags::empty())?)
            }
        }
    }

    /// Makes the folder at `place`, if it is not there, and remembers what it is to be like.
    pub fn folder(&mut self, place: &Place, mode: u32, mtime: (i64, u32)) -> Result<(), Refusal> {
        if place.path.iter().filter(|byte| **byte == b'/').count() >= DEPTH_MAX {
            return Err(Refusal::Deep(DEPTH_MAX));
        }
        match rustix::fs::mkdirat(&place.folder, place.name.as_slice(), Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.folders.insert(place.path.clone(), (mode, mtime));
        Ok(())
    }

    /// Hides what lies below the folder `path`.
    pub fn hide_below(&mut self, path: &[&[u8]]) -> Result<(), Refusal> {
        let step = self.walk(path, Missing::Make)?.ok_or(Refusal::NoFolder)?;
        rustix::fs::fsetxattr(&step.folder, self.opaque, b"y", XattrFlags::empty())?;
        self.hidden.insert(step.path);
        Ok(())
    }

    /// Whether a folder above `place` hides what lies below it.
    pub fn is_hidden(&self, place: &Place) -> bool {
        let ends = place.path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
        ends.chain([0]).any(|end| self.hidden.contains(&place.path[..end]))
    }

    /// Gives the folders their modes and times, the deepest first.
    pub fn finish(&mut self) -> Result<(), Refusal> {
        for (path, (mode, mtime)) in std::mem::take(&mut self.folders).into_iter().rev() {
            let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).collect();
            let mut folder = self.root.try_clone().map_err(Refusal::Disk)?;
            for name in names {
                folder = open(&folder, name)?;
            }
            rustix::fs::fchmod(&folder, Mode::from_raw_mode(mode & 0o7777))?;
            rustix::fs::futimens(&folder, &timestamps(mtime))?;
        }
        Ok(())
    }
}

impl Step {
    fn into(self, folder: OwnedFd, name: &[u8]) -> Result<Self, Refusal> {
        let (path, depth) = (below(&self.path, name), self.depth + 1);
        if depth > DEPTH_MAX { Err(Refusal::Deep(DEPTH_MAX)) } else { Ok(Self { folder, path, depth }) }
    }
}

fn below(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

/// The same time for the last change and the last reading: when it was unpacked says nothing of a file.
pub(crate) fn timestamps((seconds, nanos): (i64, u32)) -> Timestamps {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanos.into() };
    Timestamps { last_access: time, last_modification: time }
}

impl From<io::ErrorKind> for Refusal {
    fn from(kind: io::ErrorKind) -> Self {
        io::Error::from(kind).into()
    }
}
