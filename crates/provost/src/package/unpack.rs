//! Where a package's files come from: a folder, or an archive here or at a URL.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use provost_image::{Files, PackedFile};

use crate::exit::Failure;

/// The most that an archive may hold once it is unpacked, in bytes.
const SIZE_MAX: u64 = 256 << 20;
/// The most files.
const COUNT_MAX: usize = 10_000;

/// Every file below `folder`, without hidden ones and without following links.
pub fn folder(folder: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    let mut rest = vec![folder.to_owned()];
    while let Some(next) = rest.pop() {
        for entry in std::fs::read_dir(&next)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if kind.is_dir() {
                rest.push(path);
            } else if kind.is_file() {
                let name = path.strip_prefix(folder).map_err(io::Error::other)?.to_string_lossy().into_owned();
                files.insert(name, PackedFile { executable: is_executable(&path)?, bytes: std::fs::read(&path)? });
            }
        }
    }
    Ok(files)
}

fn is_executable(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o111 != 0)
}

/// Every file of an archive: `from` is a path within `folder`, or a URL.
pub fn archive(folder: &Path, from: &str) -> Result<Files, Failure> {
    let failed = |error: io::Error| Failure::no(format!("{from} cannot be unpacked: {error}"));
    let bytes = if from.starts_with("https://") || from.starts_with("http://") {
        fetch(from)?
    } else {
        let path = folder.join(from);
        std::fs::read(&path)
            .map_err(|error| Failure::not_found(format!("{} cannot be read: {error}", path.display())))?
    };
    // What it is, its first bytes say: names of downloads lie.
    match bytes.as_slice() {
        [0x50, 0x4b, ..] => zip(&bytes).map_err(failed),
        [0x1f, 0x8b, ..] => tar(flate2::read::GzDecoder::new(bytes.as_slice())).map_err(failed),
        [b'B', b'Z', b'h', ..] => tar(bzip2::read::BzDecoder::new(bytes.as_slice())).map_err(failed),
        bytes if bytes.get(257..262) == Some(b"ustar") => tar(bytes).map_err(failed),
        _ => {
            let failure = Failure::no(format!("{from} is no archive that is known"));
            Err(failure.help("zip, tar, tar.gz and tar.bz2 are"))
        }
    }
}

fn fetch(url: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error: ureq::Error| Failure::no(format!("{url} cannot be fetched: {error}"));
    let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(300))).build();
    let mut response = ureq::Agent::new_with_config(config).get(url).call().map_err(failed)?;
    response.body_mut().with_config().limit(SIZE_MAX).read_to_vec().map_err(failed)
}

fn tar(reader: impl Read) -> io::Result<Files> {
    let mut files = Bounded::default();
    for entry in tar::Archive::new(reader).entries()? {
        let entry = entry?;
        if entry.header().entry_type().is_file() {
            let path = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
            let executable = entry.header().mode()? & 0o111 != 0;
            files.add(path, executable, entry)?;
        }
    }
    Ok(files.files)
}

fn zip(bytes: &[u8]) -> io::Result<Files> {
    let mut archive = zip::ZipArchive::new(io::Cursor::new(bytes)).map_err(io::Error::other)?;
    let mut files = Bounded::default();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(io::Error::other)?;
        if entry.is_file() {
            let executable = entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
            let path = entry.name().map_err(io::Error::other)?.trim_start_matches("./").to_owned();
            files.add(path, executable, entry)?;
        }
    }
    Ok(files.files)
}

/// Files of an archive that may lie about its size.
#[derive(Default)]
struct Bounded {
    files: Files,
    size: u64,
}

impl Bounded {
    fn add(&mut self, path: String, executable: bool, reader: impl Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.size += reader.take(SIZE_MAX - self.size + 1).read_to_end(&mut bytes)? as u64;
        if self.size > SIZE_MAX || self.files.len() >= COUNT_MAX {
            return Err(io::Error::other(format!("it holds more than {COUNT_MAX} files or {} MiB", SIZE_MAX >> 20)));
        }
        self.files.insert(path, PackedFile { executable, bytes });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn tarred() -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, mode, text) in [("./a.yaml", 0o644, "one"), ("bin/run", 0o755, "two")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(mode);
            tar.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn zipped() -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (path, mode, text) in [("a.yaml", 0o644, "one"), ("bin/run", 0o755, "two")] {
            let options = zip::write::SimpleFileOptions::default().unix_permissions(mode);
            zip.start_file(path, options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn b37_every_sort_of_archive_gives_the_same_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&tarred()).unwrap();
        let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bz.write_all(&tarred()).unwrap();
        for (name, bytes) in [
            ("a.tar", tarred()),
            ("a.tar.gz", gz.finish().unwrap()),
            ("a.tar.bz2", bz.finish().unwrap()),
            ("a.zip", zipped()),
        ] {
            std::fs::write(folder.path().join(name), bytes).unwrap();
            let files = archive(folder.path(), name).unwrap();
            let seen: Vec<_> = files.iter().map(|(path, file)| (path.as_str(), file.executable)).collect();
            assert_eq!(seen, [("a.yaml", false), ("bin/run", true)], "{name}");
        }
    }

    #[test]
    fn what_is_no_archive_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.zip"), "text").unwrap();
        assert!(archive(folder.path(), "x.zip").unwrap_err().message.contains("no archive"));
        assert!(archive(folder.path(), "y.zip").unwrap_err().message.contains("cannot be read"));
    }
}
