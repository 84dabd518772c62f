//! Layers: tar files that say what is different from what lies below, unpacked into folders that say it to the overlay
//! file system.
//!
//! Each layer is unpacked by itself, into an empty folder that nobody else writes to. So its folder depends on nothing
//! but its own content, and images share it.

mod attributes;
mod tree;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use provost_image::Digest;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, XattrFlags};
use tar::EntryType;

use crate::Refusal;
use crate::limits::Budget;
use crate::stream::{Meter, unpacked};
use crate::tarball::{Member, Tarball};
use tree::{Place, Seen, Tree};

/// What marks a file that is no more, before its name.
/// Source: OCI image specification 1.1, layer.md, "Whiteouts".
const WHITEOUT: &[u8] = b".wh.";
/// Names of aufs' own files, which some old layers hold; nothing of an image's.
const AUFS: &[u8] = b".wh..wh.";
/// What marks a folder with nothing of what lies below.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What this process may do, which decides how layers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Powers {
    /// Whether it may give files away. Where it may not, all files are its own.
    pub owners: bool,
    /// Whether it may set `trusted.` attributes. Where it may not, layers have `user.` ones.
    pub trusted: bool,
}

impl Powers {
    /// Tries it in `folder`.
    pub fn probe(folder: &Path) -> Self {
        let owners = rustix::process::geteuid().is_root() && has_others();
        let name = "trusted.overlay.opaque";
        let trusted = rustix::fs::setxattr(folder, name, b"n", XattrFlags::empty()).is_ok();
        if trusted {
            // It stays as it was found; `n` would mean nothing anyway.
            let _ = rustix::fs::removexattr(folder, name);
        }
        Self { owners, trusted }
    }

    fn opaque(self) -> &'static str {
        if self.trusted { "trusted.overlay.opaque" } else { "user.overlay.opaque" }
    }
}

/// Whether this process's user namespace has more than one user in it. Source: user_namespaces(7).
fn has_others() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let counts = map.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok());
    counts.sum::<u64>() != 1
}

/// Unpacks the layer in the file `blob` into the empty folder `into`, and returns its diff id: the digest of the layer
/// without its compression. An error comes with the path of the entry at which it happened.
pub(crate) fn unpack(
    blob: File,
    into: &Path,
    powers: Powers,
    budget: &mut Budget,
) -> Result<Digest, (String, Refusal)> {
    let start = |error: io::Error| (".".to_owned(), Refusal::from(error));
    let size = blob.metadata().map_err(start)?.len();
    let (compression, stream) = unpacked(blob).map_err(start)?;
    let mut layer = Layer::new(into, powers).map_err(|refusal| (".".to_owned(), refusal))?;
    let mut tarball = Tarball::new(Meter::new(stream, compression, size, budget));
    let mut entry = ".".to_owned();
    let mut all = || -> Result<(), Refusal> {
        while let Some(member) = tarball.next()? {
            entry = shown(&member.path);
            if !budget.spend_file() {
                return Err(Refusal::Many(budget.limits.files));
            }
            layer.entry(&member, &mut tarball, budget.limits.path)?;
        }
        Ok(())
    };
    all().map_err(|refusal| (entry.clone(), refusal))?;
    // The diff id is that of the whole file, whatever follows the last entry.
    let mut meter = tarball.into_rest();
    io::copy(&mut meter, &mut io::sink()).map_err(|error| (entry, error.into()))?;
    layer.hide()?;
    layer.tree.finish().map_err(|refusal| (".".to_owned(), refusal))?;
    let (digest, read) = meter.finish();
    budget.spend(read);
    Ok(digest)
}

/// A path as an error shows it.
fn shown(path: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(path).chars().take(200).collect();
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// A layer that is being unpacked.
struct Layer {
    tree: Tree,
    powers: Powers,
    /// The paths of entries that hide what lies below.
    whiteouts: Vec<Vec<u8>>,
}

impl Layer {
    fn new(into: &Path, powers: Powers) -> Result<Self, Refusal> {
        let root = rustix::fs::openat(CWD, into, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { tree: Tree::new(root, powers.opaque()), powers, whiteouts: Vec::new() })
    }

    fn entry(&mut self, member: &Member, content: &mut impl Read, longest: usize) -> Result<(), Refusal> {
        let path = parts(&member.path, longest)?;
        let Some((name, _)) = path.split_last() else { return self.root(member) };
        if let Some(gone) = name.strip_prefix(WHITEOUT) {
            if matches!(gone, b"" | b"." | b"..") {
                return Err(Refusal::Path);
            }
            if *name == OPAQUE || !name.starts_with(AUFS) {
                self.whiteouts.push(member.path.clone());
            }
            return Ok(());
        }
        let kind = member.kind;
        match kind {
            EntryType::Char | EntryType::Block => return Err(Refusal::Device),
            EntryType::GNUSparse => return Err(Refusal::Sparse),
            EntryType::Link => return self.hard_link(&path, &member.link, longest),
            EntryType::Regular
            | EntryType::Continuous
            | EntryType::Directory
            | EntryType::Symlink
            | EntryType::Fifo => {}
            _ => return Err(Refusal::Kind(char::from(kind.as_byte()))),
        }
        let place = self.tree.place(&path)?;
        self.tree.clear(&place, kind == EntryType::Directory)?;
        match kind {
            EntryType::Directory => self.tree.folder(&place, member.mode, member.mtime)?,
            EntryType::Symlink => rustix::fs::symlinkat(member.link.as_slice(), &place.folder, place.name.as_slice())?,
            EntryType::Fifo => {
                let mode = Mode::from_raw_mode(0o600);
                rustix::fs::mknodat(&place.folder, place.name.as_slice(), FileType::Fifo, mode, 0)?;
            }
            _ => file(&place, content)?,
        }
        attributes::apply(&place, member, self.powers)
    }

    /// The image's own root: `./`.
    fn root(&mut self, member: &Member) -> Result<(), Refusal> {
        if member.kind != EntryType::Directory {
            return Err(Refusal::Root);
        }
        let place = self.tree.root()?;
        self.tree.folder(&place, member.mode, member.mtime)?;
        attributes::apply(&place, member, self.powers)
    }

    /// What is to be hidden, once everything is there that the layer has itself, whatever the order in the archive; from
    /// the top, as what is in a folder that is no more need not be hidden. An error comes with the path.
    fn hide(&mut self) -> Result<(), (String, Refusal)> {
        let mut whiteouts = std::mem::take(&mut self.whiteouts);
        let depth = |path: &[u8]| path.iter().filter(|byte| **byte == b'/').count();
        whiteouts.sort_by_key(|path| (depth(path), !path.ends_with(OPAQUE)));
        for path in whiteouts {
            match self.whiteout(&path) {
                // The layer has a file there, or nothing: what lay below is hidden with its folder.
                Ok(()) | Err(Refusal::NoFolder) => {}
                Err(refusal) => return Err((shown(&path), refusal)),
            }
        }
        Ok(())
    }

    /// A file is no more: the overlay file system has a character device 0:0 there. A folder of this layer's own that
    /// replaces one from below is opaque instead.
    fn whiteout(&mut self, path: &[u8]) -> Result<(), Refusal> {
        let path = parts(path, path.len())?;
        let (name, folder) = path.split_last().ok_or(Refusal::Root)?;
        if *name == OPAQUE {
            return self.tree.hide_below(folder);
        }
        let gone = [folder, &[&name[WHITEOUT.len()..]]].concat();
        let place = self.tree.place(&gone)?;
        match place.seen()? {
            // The kernel would show its name: it looks for whiteouts only where layers meet.
            Seen::Nothing if self.tree.is_hidden(&place) => Ok(()),
            Seen::Nothing => {
                let mode = Mode::empty();
                Ok(rustix::fs::mknodat(&place.folder, place.name.as_slice(), FileType::CharacterDevice, mode, 0)?)
            }
            Seen::Folder => self.tree.hide_below(&gone),
            Seen::Link | Seen::File => Ok(()),
        }
    }

    /// A second name of a file. The first one lies in the same layer, as every layer is whole by itself.
    fn hard_link(&mut self, path: &[&[u8]], link: &[u8], longest: usize) -> Result<(), Refusal> {
        let none = || Refusal::HardLink(shown(link));
        // Names of the same image, so that its root is what a leading slash means.
        let first = parts(link.strip_prefix(b"/").unwrap_or(link), longest)?;
        let Some(first) = self.tree.find(&first)? else { return Err(none()) };
        if !matches!(first.seen()?, Seen::File | Seen::Link) {
            return Err(none());
        }
        let place = self.tree.place(path)?;
        if place.path == first.path {
            return Ok(());
        }
        self.tree.clear(&place, false)?;
        let (from, to) = (first.name.as_slice(), place.name.as_slice());
        Ok(rustix::fs::linkat(&first.folder, from, &place.folder, to, AtFlags::empty())?)
    }
}

/// The names that a path is made of. One that begins at the root, or climbs, is refused.
fn parts(path: &[u8], longest: usize) -> Result<Vec<&[u8]>, Refusal> {
    if path.len() > longest {
        return Err(Refusal::Long(longest));
    }
    let parts: Vec<_> = path.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
    let is_bad = path.starts_with(b"/") || path.is_empty() || path.contains(&0) || parts.contains(&b"..".as_slice());
    if is_bad { Err(Refusal::Path) } else { Ok(parts) }
}

fn file(place: &Place, content: &mut impl Read) -> Result<(), Refusal> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&place.folder, place.name.as_slice(), flags, Mode::from_raw_mode(0o600))?;
    let mut file = File::from(file);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match content.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        // The disk's errors are told from the archive's.
        io::Write::write_all(&mut file, &buffer[..read]).map_err(Refusal::Disk)?;
    }
}
