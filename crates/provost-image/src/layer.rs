//! The layer: the image's files as a tar file.

use std::{collections::BTreeMap, io};

use tar::{EntryType, Header};

use crate::PackError;

/// A file or a folder of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    path: String,
    mode: u32,
    owner: (u32, u32),
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    File(Vec<u8>),
    Directory,
}

impl Entry {
    /// A file of root's at `path`, relative to the image's root (`usr/bin/tool`), with these permissions (`0o755`).
    #[must_use]
    pub fn file(path: impl Into<String>, mode: u32, bytes: Vec<u8>) -> Self {
        Self { path: path.into(), mode, owner: (0, 0), content: Content::File(bytes) }
    }

    /// A folder of root's. Folders above files need no entry of their own; engines make them.
    #[must_use]
    pub fn directory(path: impl Into<String>, mode: u32) -> Self {
        Self { path: path.into(), mode, owner: (0, 0), content: Content::Directory }
    }

    /// The same entry, owned by this user and group id.
    #[must_use]
    pub fn owned_by(self, user: u32, group: u32) -> Self {
        Self { owner: (user, group), ..self }
    }

    fn header(&self) -> Header {
        let (kind, size) = match &self.content {
            Content::File(bytes) => (EntryType::Regular, bytes.len() as u64),
            Content::Directory => (EntryType::Directory, 0),
        };
        header(kind, size, self.mode, self.owner)
    }

    fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::File(bytes) => bytes,
            Content::Directory => &[],
        }
    }
}

/// The tar file of these entries, sorted by path.
pub(crate) fn layer(entries: &[Entry]) -> Result<Vec<u8>, PackError> {
    let mut sorted = BTreeMap::new();
    for entry in entries {
        check(&entry.path)?;
        if sorted.insert(entry.path.as_str(), entry).is_some() {
            return Err(PackError::Duplicate { path: entry.path.clone() });
        }
    }
    let files = sorted.into_iter().map(|(path, entry)| (path, entry.header(), entry.bytes()));
    archive(files).map_err(|(path, source)| PackError::Tar { path, source })
}

/// A tar file of these entries in this order; the error names the path that did not fit.
pub(crate) fn archive<'a>(
    entries: impl Iterator<Item = (&'a str, Header, &'a [u8])>,
) -> Result<Vec<u8>, (String, io::Error)> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, mut header, bytes) in entries {
        tar.append_data(&mut header, path, bytes).map_err(|error| (path.to_owned(), error))?;
    }
    tar.into_inner().map_err(|error| (String::new(), error))
}

/// A header that says nothing of when and where the archive was made.
pub(crate) fn header(kind: EntryType, size: u64, mode: u32, (user, group): (u32, u32)) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(user.into());
    header.set_gid(group.into());
    header.set_mtime(0);
    header
}

/// Refuses what would not land at a place of its own inside of the image.
pub(crate) fn check(path: &str) -> Result<(), PackError> {
    let refused = |reason| Err(PackError::Path { path: path.to_owned(), reason });
    if path.is_empty() {
        return refused("it is empty");
    }
    if path.starts_with('/') {
        return refused("it starts with a slash");
    }
    if path.chars().any(char::is_control) {
        return refused("it has a control character");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refused("it has an empty part, `.` or `..`");
    }
    if path.rsplit('/').next().is_some_and(|name| name.starts_with(".wh.")) {
        return refused("names with `.wh.` delete files of lower layers");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::io::Read as _;

    use super::*;

    #[test]
    fn entries_are_sorted_and_say_nothing_of_their_making() {
        let entries = [
            Entry::file("b", 0o644, b"two".to_vec()),
            Entry::directory("a", 0o1777).owned_by(65532, 7),
            Entry::file("a/x", 0o755, b"one".to_vec()),
        ];
        let bytes = layer(&entries).unwrap();
        let mut seen = Vec::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), 0);
            assert_eq!(header.username_bytes(), Some(&b""[..]));
            let owner = (header.uid().unwrap(), header.gid().unwrap());
            seen.push((entry.path().unwrap().display().to_string(), header.mode().unwrap(), owner, text));
        }
        let expected = [
            ("a".to_owned(), 0o1777, (65532, 7), String::new()),
            ("a/x".to_owned(), 0o755, (0, 0), "one".to_owned()),
            ("b".to_owned(), 0o644, (0, 0), "two".to_owned()),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn long_paths_are_kept() {
        let path = format!("{}/tool", "folder/".repeat(30).trim_end_matches('/'));
        let bytes = layer(&[Entry::file(path.clone(), 0o644, Vec::new())]).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().display().to_string(), path);
    }

    #[test]
    fn paths_that_leave_the_image_are_refused() {
        for path in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a\nb", "a/.wh.b"] {
            let result = layer(&[Entry::file(path, 0o644, Vec::new())]);
            assert!(matches!(result, Err(PackError::Path { .. })), "{path:?}: {result:?}");
        }
    }

    #[test]
    fn a_path_given_twice_is_refused() {
        let entry = Entry::file("a", 0o644, Vec::new());
        assert!(matches!(layer(&[entry.clone(), entry]), Err(PackError::Duplicate { path }) if path == "a"));
    }
}
