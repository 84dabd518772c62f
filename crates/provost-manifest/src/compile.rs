//! The front door: files in, what is wanted out, or everything that is wrong.

use jiff::Timestamp;
use provost_model::{Desired, LOCK, RevisionId, SourceLock, SourceSummary};

use crate::check;
use crate::facts::{ServerFacts, SourceFile};
use crate::read::{self, Document, Kind};
use crate::report::{Diagnostic, Style, count, render_all};
use crate::resolve::{self, Now};

/// What was read of a set of files.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The manifests of the right shape, in the order of the files.
    pub documents: Vec<Document>,
    /// What is wrong with the others.
    pub diagnostics: Vec<Diagnostic>,
    /// Kinds and names of those that are of the wrong shape.
    broken: Vec<(Kind, String)>,
    /// What was read of the sources that they refer to; empty where nobody reads sources.
    lock: SourceLock,
}

/// What a revision wants, or everything that is wrong with it.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What is wanted; absent if there is any error.
    pub desired: Option<Desired>,
    /// All errors and warnings, errors first, then by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// How many files were read.
    pub files: usize,
    /// How many manifests were in them. With none, `desired` wants nothing at all, which a source that had some before
    /// has to say it means (C2).
    pub manifests: usize,
}

/// Reads `files`: text, YAML, shape. Each manifest is looked at alone.
pub fn parse(files: &[SourceFile]) -> Parsed {
    let mut parsed = Parsed::default();
    for file in files {
        if file.path == LOCK {
            // Written by whoever reads sources, never by people; one that is damaged says of no source that it was read.
            parsed.lock = serde_json::from_slice(&file.bytes).unwrap_or_default();
            continue;
        }
        let read = read::read(&file.path, &file.bytes);
        parsed.documents.extend(read.documents);
        parsed.broken.extend(read.broken);
        parsed.diagnostics.extend(read.diagnostics);
    }
    parsed
}

/// Checks `parsed` as a whole, and resolves it for a server. Absent `now`: no warnings with dates.
///
/// The result wants what is right, even where other things are wrong; with an error nobody must use it.
pub fn resolve(parsed: &Parsed, facts: &ServerFacts, now: Option<Timestamp>) -> (Desired, Vec<Diagnostic>) {
    let mut diagnostics = check::check(&parsed.documents, &parsed.broken, &parsed.lock, facts);
    // Without a policy that has an error of its own, all that it allows would be told as an error too.
    if parsed.broken.iter().any(|(kind, _)| *kind == Kind::Policy) {
        return (Desired::default(), diagnostics);
    }
    let mut desired = resolve::resolve(&parsed.documents, facts, &Now::new(now), &mut diagnostics);
    let summary = |from: &String, revision: &Option<String>| {
        Some(SourceSummary { from: from.clone(), revision: revision.clone()? })
    };
    let read = parsed.lock.iter().filter_map(|(name, it)| Some((name.clone(), summary(&it.from, &it.revision)?)));
    desired.sources = read.collect();
    (desired, diagnostics)
}

/// Compiles a revision whole (C2): all errors of all files in one pass, and nothing wanted if there is one.
///
/// `now` dates warnings: what clock changes do within two years, what is past.
pub fn compile(files: &[SourceFile], facts: &ServerFacts, revision: RevisionId, now: Timestamp) -> Compiled {
    let mut parsed = parse(files);
    let (mut desired, found) = resolve(&parsed, facts, Some(now));
    let mut diagnostics = std::mem::take(&mut parsed.diagnostics);
    diagnostics.extend(found);
    Diagnostic::sort(&mut diagnostics);
    desired.revision = Some(revision);
    let right = !diagnostics.iter().any(Diagnostic::is_error);
    Compiled { desired: right.then_some(desired), diagnostics, files: files.len(), manifests: parsed.documents.len() }
}

impl Compiled {
    /// How many errors and warnings there are.
    pub fn count(&self) -> (usize, usize) {
        count(&self.diagnostics)
    }

    /// All diagnostics as text, with the line that sums them up.
    pub fn report(&self, style: Style) -> String {
        render_all(&self.diagnostics, self.files, style)
    }
}
