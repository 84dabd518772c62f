//! Where manifests come from.

use async_trait::async_trait;
use jiff::Timestamp;
use provost_model::{Name, RevisionId, duration_text};

/// A source of manifests: a git branch, or a folder.
#[async_trait]
pub trait Source: Send + Sync {
    /// What people call it: `git https://… branch main`, `folder /srv/shop`.
    fn describe(&self) -> String;

    /// Returns the newest revision with all of its files.
    ///
    /// An unreadable source is an error, never an empty revision (C2).
    async fn fetch(&self) -> Result<Revision, SourceError>;

    /// Returns when it is worth fetching again: the poll interval has passed, or a file was saved.
    ///
    /// It only wakes; what it saw never decides (C1). Cancel-safe.
    async fn changed(&self);

    /// Returns how the copies of the sources that its manifests refer to are, by name.
    fn copies(&self) -> Vec<SourceCopy> {
        Vec::new()
    }

    /// Throws the copy of the source `name` away and makes [`changed`](Self::changed) return, so that the next fetch makes it
    /// anew. Returns whether there is such a source.
    async fn reset(&self, _name: &Name) -> Result<bool, SourceError> {
        Ok(false)
    }
}

/// How the copy of a source is that manifests refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCopy {
    /// The name of the source.
    pub name: Name,
    /// Where it comes from, for people.
    pub from: String,
    /// The commit, or the digest of the folder's manifests; absent while there is no copy.
    pub revision: Option<String>,
    /// When it was fetched or copied the last time.
    pub fetched_at: Option<Timestamp>,
    /// Why it is not what it could be: it cannot be fetched, or has changed where it comes from.
    pub trouble: Option<String>,
}

impl SourceCopy {
    /// That the copy is not what it could be, and how old it is; `None` when all is well. That there is no copy at all is
    /// told with the revision, which is refused for it.
    pub fn sentence(&self, now: Timestamp) -> Option<String> {
        let (trouble, revision) = (self.trouble.as_ref()?, self.revision.as_ref()?);
        let age = |at: Timestamp| about(u64::try_from(now.duration_since(at).as_secs()).unwrap_or(0));
        let age = self.fetched_at.map_or_else(|| "of unknown age".to_owned(), |at| format!("of {} ago", age(at)));
        let revision = revision.get(..12).filter(|_| !revision.starts_with("folder-")).unwrap_or(revision);
        Some(format!("Source {}: {trouble}; its copy {revision} {age} is used meanwhile.", self.name))
    }
}

/// One revision of a source: everything that was committed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The commit; for a folder, `folder-` and the digest of its files.
    pub id: RevisionId,
    /// Who made it; empty for a folder.
    pub author: String,
    /// The first line of its message; empty for a folder.
    pub subject: String,
    /// When it was made; for a folder, absent.
    pub at: Option<Timestamp>,
    /// Who signed it: the comment of the signer's key, when the server lists signers.
    pub signer: Option<String>,
    /// Every manifest file, in the order of paths.
    pub files: Vec<SourceFile>,
}

/// One file of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the source's folder, with `/`.
    pub path: String,
    /// Its content, unread.
    pub bytes: Vec<u8>,
}

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be reached at the moment; trying again may help.
    #[error("the source cannot be reached: {0}")]
    Unreachable(String),
    /// It was reached and refused: a bad address, a missing branch or folder, a limit.
    #[error("the source was refused: {0}")]
    Refused(String),
    /// The revision is not signed by any signer that the server lists.
    #[error("revision {revision} is not accepted: {why}")]
    Unsigned {
        /// The commit.
        revision: String,
        /// What is wrong with its signature, and the mend.
        why: String,
    },
}

/// A length of time in its largest unit, of which it has at least two.
fn about(seconds: u64) -> String {
    let unit = [86_400, 3_600, 60].into_iter().find(|unit| seconds >= 2 * unit).unwrap_or(1);
    duration_text(seconds / unit * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d8_the_sentence_on_a_copy_says_what_is_wrong_and_how_old_it_is() {
        let at: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let copy = SourceCopy {
            name: Name::new("tools").unwrap(),
            from: "git t".to_owned(),
            revision: Some("0123456789abcdef".to_owned()),
            fetched_at: Some(at),
            trouble: Some("nobody answers".to_owned()),
        };
        let sentence = |copy: &SourceCopy| copy.sentence(at + jiff::SignedDuration::from_secs(90));
        let expected = "Source tools: nobody answers; its copy 0123456789ab of 90s ago is used meanwhile.";
        assert_eq!(sentence(&copy).as_deref(), Some(expected));
        assert_eq!(sentence(&SourceCopy { revision: None, ..copy.clone() }), None, "the revision is refused for it");
        assert_eq!([90, 150, 7_300, 200_000].map(about), ["90s", "2m", "2h", "2d"]);
        assert_eq!(sentence(&SourceCopy { trouble: None, ..copy }), None);
    }
}
