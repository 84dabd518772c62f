//! Names of images, in the one way of writing that the store keeps.

use std::fmt;
use std::str::FromStr;

use provost_image::Digest;

use crate::StoreError;

/// A name with everything that Docker adds to it: `docker.io/library/toolbox:latest`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(String);

/// What somebody calls an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// By its name.
    Name(Name),
    /// By a digest, `sha256:…` or `name@sha256:…`: whatever its name, the content is the same.
    Digest(Digest),
}

impl FromStr for Reference {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let wrong = || StoreError::Name(text.to_owned());
        if text.starts_with("sha256:") && text.len() > "sha256:".len() + 32 {
            return text.parse().map(Self::Digest).map_err(|_| wrong());
        }
        match text.split_once('@') {
            Some((name, digest)) => {
                name.parse::<Name>().map_err(|_| wrong())?;
                digest.parse().map(Self::Digest).map_err(|_| wrong())
            }
            None => text.parse().map(Self::Name),
        }
    }
}

/// Source: github.com/distribution/reference, `ParseNormalizedNamed` and `TagNameOnly`.
impl FromStr for Name {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let (host, path) = match text.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
            _ => ("docker.io", text),
        };
        let host = if host == "index.docker.io" { "docker.io" } else { host };
        let (path, tag) = path.split_once(':').unwrap_or((path, "latest"));
        let is_good = is_host(host) && path.split('/').all(is_part) && is_tag(tag) && text.len() <= 512;
        if !is_good {
            return Err(StoreError::Name(text.to_owned()));
        }
        let library = if host == "docker.io" && !path.contains('/') { "library/" } else { "" };
        Ok(Self(format!("{host}/{library}{path}:{tag}")))
    }
}

impl Name {
    /// As people write it: without what Docker adds, but with the tag.
    pub fn short(&self) -> &str {
        let short = self.0.strip_prefix("docker.io/").unwrap_or(&self.0);
        short.strip_prefix("library/").unwrap_or(short)
    }

    pub fn full(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.short())
    }
}

fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "0"));
    is_word(name, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')) && port.parse::<u16>().is_ok()
}

fn is_part(part: &str) -> bool {
    is_word(part, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-'))
}

fn is_tag(tag: &str) -> bool {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    !tag.is_empty() && tag.len() <= 128 && !tag.starts_with(['.', '-']) && tag.chars().all(is_legal)
}

fn is_word(word: &str, is_legal: impl Fn(char) -> bool) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.chars().all(is_legal) && !word.contains("..")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn short_names_are_completed_as_docker_does() {
        for (written, full, short) in [
            ("toolbox", "docker.io/library/toolbox:latest", "toolbox:latest"),
            ("toolbox:1", "docker.io/library/toolbox:1", "toolbox:1"),
            ("docker.io/toolbox:1", "docker.io/library/toolbox:1", "toolbox:1"),
            ("index.docker.io/library/toolbox:1", "docker.io/library/toolbox:1", "toolbox:1"),
            ("provost/toolbox:1", "docker.io/provost/toolbox:1", "provost/toolbox:1"),
            ("localhost/toolbox", "localhost/toolbox:latest", "localhost/toolbox:latest"),
            ("reg.example.org:5000/a/b:V1_x", "reg.example.org:5000/a/b:V1_x", "reg.example.org:5000/a/b:V1_x"),
        ] {
            let name: Name = written.parse().unwrap();
            assert_eq!((name.full(), name.short()), (full, short), "{written}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in
            ["", "/a", "a/", "a//b", "../a", "a/../b", "a:", "a:.b", "A", "a b", "a:b:c", "x:99999/a", "a\n", "ä"]
        {
            assert!(bad.parse::<Name>().is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn a_digest_is_a_reference_with_and_without_a_name() {
        let digest = Digest::of(b"");
        for written in [digest.to_string(), format!("a@{digest}"), format!("reg.example.org/a:1@{digest}")] {
            assert_eq!(written.parse::<Reference>().unwrap(), Reference::Digest(digest.clone()));
        }
        for bad in [format!("@{digest}"), format!("A@{digest}"), "a@sha256:00".to_owned(), format!("{digest}0")] {
            assert!(bad.parse::<Reference>().is_err(), "{bad:?} must be refused");
        }
        assert!(matches!("sha256:1".parse(), Ok(Reference::Name(_))), "a repository may be called that");
    }
}
