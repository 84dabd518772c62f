//! The archive itself.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use provost_hook::Problem;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// What was packed.
#[derive(Debug)]
pub struct Packed {
    /// How many regular files.
    pub files: u64,
    /// The size of the archive.
    pub bytes: u64,
    /// The checksum of the archive, in hexadecimal.
    pub sha256: String,
}

/// Packs all that is in `folder` into the gzipped tar file `path`.
///
/// The same content gives the same bytes: entries are sorted, and the archive holds the time of each file and no other
/// time. Links are stored as links. Sockets, pipes and devices are left out. The archive appears whole or not at all.
/// Errors: what cannot be read or written, by name.
pub fn pack(folder: &Path, path: &Path) -> Result<Packed, Problem> {
    let part = path.with_extension("part");
    let packed = write(folder, &part).and_then(|packed| {
        fs::rename(&part, path).map_err(|error| Problem::at("write", path, &error))?;
        Ok(packed)
    });
    if packed.is_err() {
        // It may not even be there; the error that matters is the first one.
        let _ = fs::remove_file(&part);
    }
    packed
}

fn write(folder: &Path, part: &Path) -> Result<Packed, Problem> {
    let at_part = |error: io::Error| Problem::at("write", part, &error);
    let file = File::create(part).map_err(at_part)?;
    let sink = Counted { file, hash: Sha256::new(), bytes: 0 };
    let mut tar = Builder::new(GzBuilder::new().mtime(0).write(sink, Compression::default()));
    let files = add_folder(&mut tar, folder, Path::new(""))?;
    let sink = tar.into_inner().and_then(GzEncoder::finish).map_err(at_part)?;
    sink.file.sync_all().map_err(at_part)?;
    Ok(Packed { files, bytes: sink.bytes, sha256: hex::encode(sink.hash.finalize()) })
}

/// Adds what is in `folder`, whose place in the archive is `inside`; returns the number of regular files.
fn add_folder(tar: &mut Builder<impl Write>, folder: &Path, inside: &Path) -> Result<u64, Problem> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let mut names: Vec<_> =
        entries.map_err(|error| Problem::at("read", folder, &error))?.iter().map(fs::DirEntry::file_name).collect();
    names.sort();
    let mut files = 0;
    for name in names {
        let (path, inside) = (folder.join(&name), inside.join(&name));
        files += add(tar, &path, &inside)?;
    }
    Ok(files)
}

fn add(tar: &mut Builder<impl Write>, path: &Path, inside: &Path) -> Result<u64, Problem> {
    let failed = |error: io::Error| Problem::at("pack", path, &error);
    let facts = fs::symlink_metadata(path).map_err(failed)?;
    let mut header = Header::new_gnu();
    header.set_metadata_in_mode(&facts, tar::HeaderMode::Complete);
    // They differ from one file system to the next and say nothing.
    header.set_device_major(0).and_then(|()| header.set_device_minor(0)).map_err(failed)?;
    if facts.is_dir() {
        header.set_entry_type(EntryType::Directory);
        header.set_size(0);
        tar.append_data(&mut header, inside, io::empty()).map_err(failed)?;
        return add_folder(tar, path, inside);
    }
    if facts.is_symlink() {
        let target: PathBuf = fs::read_link(path).map_err(failed)?;
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, inside, target).map_err(failed)?;
        return Ok(0);
    }
    if !facts.is_file() {
        return Ok(0);
    }
    // A file that grows meanwhile is taken at the size that the header says.
    let file = File::open(path).map_err(failed)?;
    tar.append_data(&mut header, inside, file.take(facts.len())).map_err(failed)?;
    Ok(1)
}

/// A file that knows the size and the checksum of what was written.
struct Counted {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("data/sub")).unwrap();
        fs::write(folder.path().join("data/sub/b"), "bb").unwrap();
        fs::write(folder.path().join("data/a"), "a").unwrap();
        symlink("/etc/passwd", folder.path().join("data/link")).unwrap();
        folder
    }

    #[test]
    fn everything_is_packed_sorted_and_links_stay_links() {
        let folder = folder();
        let path = folder.path().join("x.tar.gz");
        let packed = pack(&folder.path().join("data"), &path).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!((packed.files, packed.bytes), (2, bytes.len() as u64));
        assert_eq!(packed.sha256, hex::encode(Sha256::digest(&bytes)));
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let names: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.path().unwrap().display().to_string(), entry.header().entry_type())
            })
            .collect();
        let expected = [
            ("a", EntryType::Regular),
            ("link", EntryType::Symlink),
            ("sub", EntryType::Directory),
            ("sub/b", EntryType::Regular),
        ];
        assert_eq!(names, expected.map(|(name, kind)| (name.to_owned(), kind)));
    }

    #[test]
    fn the_same_content_gives_the_same_bytes() {
        let folder = folder();
        let pack = |name: &str| pack(&folder.path().join("data"), &folder.path().join(name)).unwrap().sha256;
        assert_eq!(pack("1.tar.gz"), pack("2.tar.gz"));
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let folder = folder();
        let problem = pack(&folder.path().join("none"), &folder.path().join("x.tar.gz")).unwrap_err();
        assert!(problem.message.starts_with("cannot read "), "{}", problem.message);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only data/ is there");
    }
}
