//! What an answer says when it is no.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SkillError;

/// The media type of a [`Problem`].
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not carried out (RFC 9457). Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `about:blank`: the status says what sort of problem it is.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, in one sentence; for a rejected revision, its diagnostics.
    pub detail: String,
    /// How to mend it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What sort of problem, for programs.
    pub code: ProblemCode,
    /// What the provider of a skill says of its failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<SkillError>,
}

/// Sorts of problem. Each has one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ProblemCode {
    /// 400: what was handed in is wrong.
    Invalid,
    /// 401: nobody knows who asks.
    Unknown,
    /// 403: whoever asks may not.
    Denied,
    /// 404: what was named is not there.
    NotFound,
    /// 405: this path does not know this method.
    MethodNotAllowed,
    /// 409: the state does not allow it.
    Conflict,
    /// 413: the body is larger than 1 MiB.
    TooLarge,
    /// 415: the body is not `application/json`.
    NotJson,
    /// 422: the revision has errors; the detail holds the diagnostics.
    Rejected,
    /// 502: the provider of a skill failed; `error` says how.
    Failed,
    /// 500: the server made a mistake.
    Internal,
    /// 503: the source, the engine or the store does not answer at the moment.
    Unavailable,
}

impl ProblemCode {
    /// Its HTTP status and that status in words.
    pub fn status(self) -> (u16, &'static str) {
        match self {
            Self::Invalid => (400, "Bad Request"),
            Self::Unknown => (401, "Unauthorized"),
            Self::Denied => (403, "Forbidden"),
            Self::NotFound => (404, "Not Found"),
            Self::MethodNotAllowed => (405, "Method Not Allowed"),
            Self::Conflict => (409, "Conflict"),
            Self::TooLarge => (413, "Content Too Large"),
            Self::NotJson => (415, "Unsupported Media Type"),
            Self::Rejected => (422, "Unprocessable Content"),
            Self::Failed => (502, "Bad Gateway"),
            Self::Internal => (500, "Internal Server Error"),
            Self::Unavailable => (503, "Service Unavailable"),
        }
    }
}

impl Problem {
    /// A problem of sort `code`.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let (status, title) = code.status();
        Self {
            kind: about_blank(),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            hint: None,
            code,
            error: None,
        }
    }

    /// The same, with a way to mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

fn about_blank() -> String {
    "about:blank".to_owned()
}
