//! Which sources the manifests of a revision refer to.

use std::collections::BTreeMap;

use provost_model::{SourceFrom, SourceReference, source_of};

use crate::compile::parse;
use crate::facts::SourceFile;
use crate::kinds::{Seconds, SourceSpec};
use crate::read::Spec;

/// The most sources that a revision may refer to.
pub const SOURCES_MAX: usize = 64;

/// How often a source is looked at that does not say.
const POLL: Seconds = Seconds(30);

/// Returns the sources that `files`, a revision's own, refer to, in the order of their names; at most [`SOURCES_MAX`].
///
/// What is wrong with a document of kind `Source` is not told here: [`crate::compile`] does, and such a document refers
/// to nothing.
pub fn references(files: &[SourceFile]) -> Vec<SourceReference> {
    let is_near = |file: &&SourceFile| source_of(&file.path).is_none() && mentions(&file.bytes, b"Source");
    let near: Vec<SourceFile> = files.iter().filter(is_near).cloned().collect();
    let mut found = BTreeMap::new();
    for document in parse(&near).documents {
        if let Spec::Source(spec) = &document.spec
            && let Some(from) = from(spec)
        {
            let Seconds(poll_s) = spec.poll.unwrap_or(POLL);
            let name = document.name.clone();
            found.entry(name.clone()).or_insert(SourceReference { name, from, poll_s: poll_s.max(1) });
        }
    }
    found.into_values().take(SOURCES_MAX).collect()
}

/// Where the manifests of a source are; `None` unless exactly one place is said.
pub(crate) fn from(spec: &SourceSpec) -> Option<SourceFrom> {
    match (&spec.git, &spec.folder) {
        (Some(git), None) => {
            Some(SourceFrom::Git { url: git.url.clone(), branch: git.branch.clone(), path: git.path.clone() })
        }
        (None, Some(path)) => Some(SourceFrom::Folder { path: path.clone() }),
        _ => None,
    }
}

/// Whether `word` is anywhere in `bytes`: most files of a large shop need not be read twice.
fn mentions(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}
