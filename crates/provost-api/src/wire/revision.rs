//! Revisions: what is proposed, and what was applied or refused.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happened to a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryItem {
    /// Its place in the order of all that was recorded.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub result: HistoryResult,
    /// Which revision; absent for `unpinned`.
    pub revision: Option<String>,
    /// It is the revision in force since then.
    pub in_force: bool,
    /// Who: `source`, or a person; absent for `rejected`.
    pub by: Option<String>,
    /// The author and subject of the commit.
    pub about: Option<String>,
    /// What changed, a line each.
    pub summary: Vec<String>,
    /// How many errors it has, for `rejected`.
    pub errors: Option<u32>,
    /// The diagnostics, as people read them, for `rejected`.
    pub report: Option<String>,
}

/// What happened to a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HistoryResult {
    /// It took effect.
    Applied,
    /// It was refused whole; the one before stayed in force.
    Rejected,
    /// The server stays at it (`rollback`).
    Pinned,
    /// The server follows its source again.
    Unpinned,
}

impl HistoryResult {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Rejected => "rejected",
            Self::Pinned => "pinned",
            Self::Unpinned => "unpinned",
        }
    }
}

/// What a revision would change, or has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// Names exactly these changes to exactly this state; `apply` takes it as `plan`.
    pub id: String,
    /// The revision in force; absent before the first.
    pub from: Option<String>,
    /// The revision that would be.
    pub to: String,
    /// Author and subject.
    pub about: String,
    /// What changes. Empty: nothing.
    pub changes: Vec<ChangeItem>,
    /// Warnings of the revision, as people read them.
    pub report: String,
}

/// One change that a revision brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeItem {
    /// What happens to it.
    pub verb: ChangeVerb,
    /// `Automation/nightly`.
    pub subject: String,
    /// For a changed value: its path, as in `spec.timeout`.
    pub field: Option<String>,
    /// The value before.
    pub before: Option<String>,
    /// The value after.
    pub after: Option<String>,
    /// Where the new value comes from: `automations/nightly.yaml:8`, with the policy if one set it.
    pub origin: Option<String>,
    /// What follows from it.
    pub effect: Option<String>,
}

/// What happens to a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChangeVerb {
    /// It is new.
    Add,
    /// It changes.
    Change,
    /// It goes.
    Remove,
}

impl ChangeVerb {
    /// The sign in a plan: `+`, `~`, `-`.
    pub fn sign(self) -> char {
        match self {
            Self::Add => '+',
            Self::Change => '~',
            Self::Remove => '-',
        }
    }
}
