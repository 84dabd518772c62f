//! What an archive holds, by name, and where.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Seek, SeekFrom};

use tar::EntryType;

use super::unreadable;
use crate::tarball::Tarball;
use crate::{Refusal, StoreError};

/// How many entries an archive may have. Those are blobs, not the files of an image.
const ENTRIES_MAX: usize = 100_000;
/// How many links a name may go through.
const LINKS_MAX: usize = 8;

/// Where the content of each file is, and how long it is; and which names lead to other names.
#[derive(Debug, Default)]
pub(super) struct Contents {
    files: BTreeMap<String, (u64, u64)>,
    links: BTreeMap<String, String>,
}

impl Contents {
    pub fn read(file: &mut (impl Read + Seek)) -> Result<Self, StoreError> {
        let mut contents = Self::default();
        let wrong = |refusal: Refusal| StoreError::Archive(refusal.to_string());
        let end = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        let mut tarball = Tarball::new(BufReader::new(file));
        while let Some(member) = tarball.next().map_err(wrong)? {
            if contents.files.len() + contents.links.len() >= ENTRIES_MAX {
                return Err(wrong(Refusal::Many(ENTRIES_MAX as u64)));
            }
            let (name, link) = (key(&member.path), String::from_utf8_lossy(&member.link).into_owned());
            let at = tarball.pass().map_err(unreadable)?;
            match member.kind {
                EntryType::Regular | EntryType::Continuous if end.saturating_sub(at) < member.size => {
                    return Err(StoreError::Archive(format!("it ends within its entry `{name}`")));
                }
                EntryType::Regular | EntryType::Continuous => {
                    contents.files.insert(name, (at, member.size));
                }
                EntryType::Link => {
                    contents.links.insert(name, key(link.as_bytes()));
                }
                EntryType::Symlink => {
                    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                    let target = beside(folder, &link);
                    contents.links.insert(name, target);
                }
                _ => {}
            }
        }
        Ok(contents)
    }

    pub fn find(&self, name: &str) -> Option<(u64, u64)> {
        let mut name = key(name.as_bytes());
        for _ in 0..=LINKS_MAX {
            if let Some(found) = self.files.get(&name) {
                return Some(*found);
            }
            name = self.links.get(&name)?.clone();
        }
        None
    }
}

/// A name in the one way of writing that the table has.
fn key(path: &[u8]) -> String {
    beside("", &String::from_utf8_lossy(path))
}

/// Where `path` leads from `folder`, as names only.
fn beside(folder: &str, path: &str) -> String {
    let mut names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

/// A part of a file, as a file.
pub(super) struct Window<'a, F> {
    file: &'a mut F,
    at: u64,
    size: u64,
    position: u64,
}

impl<'a, F: Seek> Window<'a, F> {
    /// The `size` bytes that begin at `at`.
    pub fn open(file: &'a mut F, at: u64, size: u64) -> std::io::Result<Self> {
        file.seek(SeekFrom::Start(at))?;
        Ok(Self { file, at, size, position: 0 })
    }
}

impl<F: Read> Read for Window<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.by_ref().take(self.size - self.position).read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl<F: Seek> Seek for Window<'_, F> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
        };
        let position = position.filter(|position| *position <= self.size);
        self.position = position.ok_or(std::io::ErrorKind::InvalidInput)?;
        self.file.seek(SeekFrom::Start(self.at + self.position))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::io::Cursor;

    use super::*;

    fn archive() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        builder.append_data(&mut header, "./one/layer.tar", b"layer".as_slice()).unwrap();
        header.set_size(0);
        header.set_entry_type(EntryType::Symlink);
        builder.append_link(&mut header, "two/layer.tar", "../one/layer.tar").unwrap();
        builder.append_link(&mut header, "loop", "loop").unwrap();
        builder.append_link(&mut header, "out", "../../../one/layer.tar").unwrap();
        header.set_entry_type(EntryType::Link);
        builder.append_link(&mut header, "three", "two/layer.tar").unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn files_are_found_by_their_names_and_by_links_to_them() {
        let mut file = Cursor::new(archive());
        let contents = Contents::read(&mut file).unwrap();
        for name in ["one/layer.tar", "./one//layer.tar", "two/layer.tar", "three", "out"] {
            let (at, size) = contents.find(name).unwrap_or_else(|| panic!("{name} should be found"));
            let mut content = String::new();
            Window::open(&mut file, at, size).unwrap().read_to_string(&mut content).unwrap();
            assert_eq!(content, "layer", "{name}");
        }
        assert_eq!((contents.find("loop"), contents.find("four")), (None, None));
    }

    #[test]
    fn a_part_of_a_file_is_read_as_a_file() {
        let mut file = Cursor::new(b"0123456789".to_vec());
        let mut window = Window::open(&mut file, 2, 5).unwrap();
        let mut content = String::new();
        window.read_to_string(&mut content).unwrap();
        assert_eq!(content, "23456");
        assert_eq!(window.seek(SeekFrom::End(-2)).unwrap(), 3);
        content.clear();
        window.read_to_string(&mut content).unwrap();
        assert_eq!(content, "56");
        assert!(window.seek(SeekFrom::Start(6)).is_err());
    }

    #[test]
    fn an_archive_that_was_cut_is_refused() {
        let whole = archive();
        let refused = Contents::read(&mut Cursor::new(&whole[..515])).unwrap_err().to_string();
        assert!(refused.contains("ends within its entry `one/layer.tar`"), "{refused}");
    }
}
