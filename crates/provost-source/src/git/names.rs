//! Names of branches and folders that git cannot mistake for anything else.

use std::fmt;

use super::address::{Wrong, wrong};

/// The name of a branch, without `refs/heads/`; absent for the one that the repository calls its default.
#[derive(Clone, Debug)]
pub(super) struct Branch(Option<String>);

impl Branch {
    /// The branch that the repository calls its default.
    pub(super) const DEFAULT: Self = Self(None);

    /// Accepts what `git check-ref-format --branch` accepts.
    pub(super) fn parse(name: &str) -> Result<Self, Wrong> {
        let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
        let fine = name.split('/').all(part)
            && !name.starts_with('-')
            && !name.ends_with('.')
            && !name.contains("..")
            && !name.contains("@{")
            && name != "@"
            && name.len() <= 244
            && !name.chars().any(|c| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c));
        if name.starts_with("refs/") || name == "HEAD" {
            return wrong(format!("{name:?} is not the name of a branch"), "write the name alone, such as `main`");
        }
        if fine {
            Ok(Self(Some(name.to_owned())))
        } else {
            wrong(format!("{name:?} is not the name of a branch"), "write it like `main`")
        }
    }

    /// Its full name.
    pub(super) fn reference(&self) -> String {
        self.0.as_ref().map_or_else(|| "HEAD".to_owned(), |name| format!("refs/heads/{name}"))
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("HEAD, its default"))
    }
}

/// A folder in a repository; absent for the whole repository.
#[derive(Clone, Debug)]
pub(super) struct SubFolder(Option<String>);

impl SubFolder {
    /// Accepts a relative path with `/` and without `..`; `.` is the whole repository.
    pub(super) fn parse(path: &str) -> Result<Self, Wrong> {
        let mend = "write the folder as it stands in the repository, such as `manifests`, or `.` for all of it";
        if path.is_empty() || path.starts_with('/') || path.chars().any(|c| c.is_control() || c == '\\') {
            return wrong(format!("{path:?} is not a path in the repository"), mend);
        }
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return wrong(format!("{path:?} leads out of the repository"), mend);
        }
        Ok(Self(Some(parts.join("/")).filter(|path| !path.is_empty())))
    }

    pub(super) fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// As the end of a description.
    pub(super) fn described(&self) -> String {
        self.0.as_ref().map_or_else(String::new, |path| format!(" folder {path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_and_folders_are_checked() {
        for name in ["main", "release/1.2", "a-b_c", "ä"] {
            assert_eq!(Branch::parse(name).unwrap().reference(), format!("refs/heads/{name}"));
        }
        let bad =
            ["", "-x", "a b", "a..b", "a~1", "a^", "a:b", "a*", "a?", "a[", "a\\b", "@{1}", "@", "/a", "a/", "a//b"];
        for name in bad.into_iter().chain([".a", "a/.b", "a.lock", "a.", "refs/heads/main", "HEAD", "a\0b"]) {
            assert!(Branch::parse(name).is_err(), "{name:?}");
        }
        for (path, folder) in [(".", None), ("./", None), ("manifests", Some("manifests")), ("./a//b/", Some("a/b"))] {
            assert_eq!(SubFolder::parse(path).unwrap().as_deref(), folder, "{path}");
        }
        for path in ["", "/etc", "..", "a/../b", "a\\b", "a\0"] {
            assert!(SubFolder::parse(path).is_err(), "{path:?}");
        }
    }
}
