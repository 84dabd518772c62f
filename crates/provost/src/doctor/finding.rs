//! One thing that was looked at.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works; it may not tomorrow, or not for everybody.
    Warning,
    /// Something does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What it is about, in one word: `engine`.
    pub about: &'static str,
    /// What was found.
    pub what: String,
    /// How to mend it; absent where there is nothing to mend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn ok(about: &'static str, what: impl Into<String>) -> Self {
        Self { level: Level::Ok, about, what: what.into(), mend: None }
    }

    /// It works for the time being.
    pub fn warning(about: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Warning, about, what: what.into(), mend: Some(mend.into()) }
    }

    /// It does not work.
    pub fn problem(about: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Problem, about, what: what.into(), mend: Some(mend.into()) }
    }
}
