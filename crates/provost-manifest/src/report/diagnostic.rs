//! Something that is wrong with a manifest, or odd: what, where, and how to mend it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::read::Spot;
use crate::report::Code;

/// The most errors, and the most warnings, that are told of one file; whoever has more has one mistake many times.
pub(crate) const TOLD_MAX: usize = 100;

/// Whether a revision with it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The revision is refused.
    Error,
    /// The revision is accepted.
    Warning,
}

/// One thing that is wrong or odd. It carries the lines that it is about, so that it can be shown without the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// Stable; [`crate::explain`] tells more.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What stands at the caret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Other places that matter, such as the policy whose limit is exceeded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
}

/// Another place, and what it has to do with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What is there.
    pub label: String,
}

/// A stretch of one line of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The first character, from 1.
    pub column: u32,
    /// The character after the last one, on the same line.
    pub end_column: u32,
    /// The line itself; absent where it is too long to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Diagnostic {
    /// `message` about `spot`.
    pub(crate) fn new(code: Code, spot: &Spot, message: impl Into<String>) -> Self {
        let severity = if code.is_error() { Severity::Error } else { Severity::Warning };
        let (label, hint, related) = (None, None, Vec::new());
        Self { code, severity, message: message.into(), place: spot.place(), label, hint, related }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    pub(crate) fn related(mut self, spot: &Spot, label: impl Into<String>) -> Self {
        self.related.push(Related { place: spot.place(), label: label.into() });
        self
    }

    /// Whether a revision with it is refused.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Errors first, then by file and place. What was said twice of one place is said once; of a file with very many
    /// errors, or warnings, the first [`TOLD_MAX`] are kept.
    pub(crate) fn sort(diagnostics: &mut Vec<Diagnostic>) {
        fn key(diagnostic: &Diagnostic) -> (Severity, &Place, Code, &str) {
            (diagnostic.severity, &diagnostic.place, diagnostic.code, &diagnostic.message)
        }
        diagnostics.sort_by(|a, b| key(a).cmp(&key(b)));
        diagnostics.dedup();
        let mut told: BTreeMap<(Severity, String), usize> = BTreeMap::new();
        diagnostics.retain_mut(|diagnostic| {
            let count = told.entry((diagnostic.severity, diagnostic.place.file.clone())).or_default();
            *count += 1;
            if *count == TOLD_MAX + 1 {
                *diagnostic = Self::more(diagnostic);
            }
            *count <= TOLD_MAX + 1
        });
    }

    /// Stands for `first` and all after it in its file.
    fn more(first: &Self) -> Self {
        let code = if first.is_error() { Code::TOO_MUCH } else { Code::MORE };
        let message =
            format!("more {}s in this file are not shown", if first.is_error() { "error" } else { "warning" });
        let hint = Some("mend those that are shown first".to_owned());
        Self {
            code,
            message,
            hint,
            label: None,
            related: Vec::new(),
            severity: first.severity,
            place: first.place.clone(),
        }
    }
}

/// How many there are of each severity, as `(errors, warnings)`.
pub fn count(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    (errors, diagnostics.len() - errors)
}

/// The nearest of `known` to a word that nobody knows, as a hint.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let score =
        |candidate: &str| strsim::normalized_damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase());
    let scored: BTreeMap<_, _> = known.into_iter().map(|name| ((score(name) * 1000.0) as u32, name)).collect();
    let (score, name) = scored.into_iter().next_back()?;
    (score >= 600).then(|| format!("did you mean `{name}`?"))
}
