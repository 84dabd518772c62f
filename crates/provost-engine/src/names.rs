//! Names and paths that are pasted into an engine's URLs and options, checked before they are.
//!
//! Container names, instances and owners are checked by their types; image references, volumes and networks come as
//! plain text and are checked here.

use std::path::{Component, Path, PathBuf};

use provost_controller::{EngineError, EngineErrorKind};

/// Whether `name` is one that engines give to volumes and networks: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`, at most 255 long.
pub(crate) fn is_plain(name: &str) -> bool {
    name.len() <= 255
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// Whether `reference` can name an image and nothing else: its parts, between `/`, are neither empty nor made of dots.
pub(crate) fn is_image(reference: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':' | '@');
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(legal) && !part.contains("..")
    };
    reference.len() <= 512 && reference.split('/').all(part)
}

/// Returns `reference` if it can name an image, and an error with the way to mend it if not.
pub(crate) fn image(reference: &str) -> Result<&str, EngineError> {
    if is_image(reference) {
        return Ok(reference);
    }
    let message = format!("{reference:?} is not an image; write registry/name:tag, name:tag or name@sha256:…");
    Err(EngineError::new(EngineErrorKind::Refused, message))
}

/// Splits a reference into its name and its tag or digest; the tag `latest` is what is meant where there is none.
///
/// Engines pull *every* tag of a name that comes without one.
pub(crate) fn name_and_tag(reference: &str) -> (&str, Option<&str>) {
    if reference.contains('@') {
        return (reference, None);
    }
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (reference, Some("latest")),
    }
}

/// Escapes `text` for a query of a URL.
pub(crate) fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Whether a path is absolute, not the root, spelled in the one normal way, and made of harmless characters.
pub(crate) fn plain_path(path: &str) -> Result<(), &'static str> {
    let parts: PathBuf = Path::new(path).components().collect();
    let climbs = Path::new(path).components().any(|part| matches!(part, Component::ParentDir | Component::CurDir));
    match () {
        () if !path.starts_with('/') => Err("is not absolute"),
        () if path == "/" => Err("is the root"),
        () if climbs || parts.as_os_str() != path => Err("is not spelled plainly (`..`, `.`, `//` or `/` at its end)"),
        // Podman passes mounts on as comma-separated text.
        () if path.contains(',') || path.contains(char::is_control) => Err("has a comma or a control character in it"),
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_references_cannot_leave_their_path() {
        for good in ["alpine", "alpine:3.20", "reg.local:5000/a/b:1", "a@sha256:0123", "sha256:0123", "a/b__c-d.e"] {
            assert!(is_image(good), "{good}");
        }
        for bad in
            ["", "/a", "a/", "a//b", "a/../b", "..", "a/..", "a?b", "a#b", "a b", "a%2f", "-a", "a\nb", "ä", "a..b"]
        {
            assert!(!is_image(bad), "{bad:?} must be refused");
        }
    }

    #[test]
    fn a_reference_without_a_tag_means_latest() {
        assert_eq!(name_and_tag("alpine"), ("alpine", Some("latest")));
        assert_eq!(name_and_tag("reg:5000/alpine"), ("reg:5000/alpine", Some("latest")));
        assert_eq!(name_and_tag("reg:5000/alpine:3"), ("reg:5000/alpine", Some("3")));
        assert_eq!(name_and_tag("alpine@sha256:01"), ("alpine@sha256:01", None));
    }

    #[test]
    fn queries_are_escaped() {
        assert_eq!(escape(r#"{"a":["b=c d"]}"#), "%7B%22a%22%3A%5B%22b%3Dc%20d%22%5D%7D");
    }
}
