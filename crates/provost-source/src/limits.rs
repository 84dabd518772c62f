//! Which files are manifests, and how many and how large they may be.

use provost_controller::SourceError;

/// The most manifest files that one revision may have.
pub const FILES_MAX: usize = 50_000;
/// The largest file that is read, in bytes. (The loader's own limit for a manifest is smaller.)
pub const FILE_BYTES_MAX: u64 = 4 * MIB;
/// The most bytes that all files of one revision may have together.
pub const TOTAL_BYTES_MAX: u64 = 256 * MIB;

/// The longest path of a manifest below the source's folder, in bytes.
pub(crate) const PATH_BYTES_MAX: usize = 1024;
/// The deepest folder, in folders below the source's folder.
pub(crate) const DEPTH_MAX: usize = 64;

const MIB: u64 = 1024 * 1024;

/// Counts what was taken so far and refuses what is too much.
#[derive(Default)]
pub(crate) struct Tally {
    files: usize,
    bytes: u64,
}

impl Tally {
    /// Counts the file at `path` with `bytes` bytes.
    pub(crate) fn add(&mut self, path: &str, bytes: u64) -> Result<(), SourceError> {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if bytes > FILE_BYTES_MAX {
            return Err(refused(format!(
                "`{path}` has {bytes} bytes, and a file has at most {FILE_BYTES_MAX}; split it, or give it \
                 another ending than `.yaml`"
            )));
        }
        if self.files > FILES_MAX {
            return Err(refused(format!(
                "it has more than {FILES_MAX} manifest files; point the source at a sub-folder"
            )));
        }
        if self.bytes > TOTAL_BYTES_MAX {
            return Err(refused(format!(
                "its manifest files have more than {} MiB together; point the source at a sub-folder",
                TOTAL_BYTES_MAX / MIB
            )));
        }
        Ok(())
    }
}

/// Returns the path as text when it is that of a manifest: it ends in `.yaml` or `.yml`, and neither it
/// nor any of its folders is hidden (begins with a dot).
///
/// A manifest whose path is not UTF-8, is too long or has control characters is refused rather than left
/// out: what it declares would be removed from the server without a word.
pub(crate) fn manifest_path(path: &[u8]) -> Result<Option<String>, SourceError> {
    if !is_manifest(path) || path.split(|byte| *byte == b'/').any(|part| part.starts_with(b".")) {
        return Ok(None);
    }
    let shown = String::from_utf8_lossy(path).escape_debug().to_string();
    let Ok(text) = std::str::from_utf8(path) else {
        return Err(refused(format!("the path `{shown}` is not UTF-8; rename the file")));
    };
    if text.chars().any(char::is_control) {
        return Err(refused(format!("the path `{shown}` has control characters; rename the file")));
    }
    if text.len() > PATH_BYTES_MAX || text.matches('/').count() > DEPTH_MAX {
        let start: String = shown.chars().take(80).collect();
        return Err(refused(format!(
            "the path `{start}…` is too long or too deep; a path has at most {PATH_BYTES_MAX} bytes and \
             {DEPTH_MAX} folders"
        )));
    }
    Ok(Some(text.to_owned()))
}

/// Whether the name of a file or link is that of a manifest.
pub(crate) fn is_manifest(path: &[u8]) -> bool {
    path.ends_with(b".yaml") || path.ends_with(b".yml")
}

/// Shorthand for [`SourceError::Refused`].
pub(crate) fn refused(why: impl Into<String>) -> SourceError {
    SourceError::Refused(why.into())
}

/// Shorthand for [`SourceError::Unreachable`].
pub(crate) fn unreachable(why: impl Into<String>) -> SourceError {
    SourceError::Unreachable(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_told_by_their_ending() {
        let ok = |path: &str| manifest_path(path.as_bytes()).unwrap();
        assert_eq!(ok("a.yaml").as_deref(), Some("a.yaml"));
        assert_eq!(ok("jobs/ä b.yml").as_deref(), Some("jobs/ä b.yml"));
        for other in ["a.yaml~", "a.json", ".a.yaml", ".git/a.yaml", "jobs/.old/a.yaml", "../a.yaml", "yaml"] {
            assert_eq!(ok(other), None, "{other}");
        }
    }

    #[test]
    fn paths_that_cannot_be_shown_are_refused() {
        let why = |path: &[u8]| manifest_path(path).unwrap_err().to_string();
        assert!(why(b"jobs/\xff.yaml").contains("is not UTF-8; rename"));
        assert!(why(b"a\x1b[2J.yaml").contains("`a\\u{1b}[2J.yaml` has control characters"));
        assert!(why(&[&[b'a'; 1100][..], b".yaml"].concat()).contains("too long"));
        assert!(why(format!("{}a.yaml", "d/".repeat(65)).as_bytes()).contains("too deep"));
        assert!(manifest_path(format!("{}a.yaml", "d/".repeat(64)).as_bytes()).is_ok());
        assert_eq!(manifest_path(b"\xff.txt").unwrap(), None, "not a manifest, so nobody reads its name");
    }

    #[test]
    fn too_much_is_refused() {
        let mut one = Tally::default();
        assert!(one.add("a.yaml", FILE_BYTES_MAX).is_ok());
        assert!(one.add("b.yaml", FILE_BYTES_MAX + 1).unwrap_err().to_string().contains("`b.yaml` has 4194305 bytes"));

        let mut many = Tally::default();
        assert!((0..FILES_MAX).all(|_| many.add("a.yaml", 1).is_ok()));
        assert!(many.add("a.yaml", 1).unwrap_err().to_string().contains("more than 50000 manifest files"));

        let mut heavy = Tally::default();
        assert!((0..64).all(|_| heavy.add("a.yaml", FILE_BYTES_MAX).is_ok()));
        assert!(heavy.add("a.yaml", 1).unwrap_err().to_string().contains("more than 256 MiB together"));
    }
}
