//! Automations, in lists and one at a time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EffectiveAutomation, HookItem, Outcome, OutcomeItem, RunItem};

/// An automation in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AutomationItem {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it is for.
    pub description: Option<String>,
    /// How it is.
    pub state: AutomationState,
    /// Set while a person has paused it.
    pub pause: Option<PauseItem>,
    /// Its manifest says that nothing starts.
    pub suspended: bool,
    /// When it is due. Empty: only on triggers and by hand.
    pub schedules: Vec<ScheduleItem>,
    /// Its runs that are not over, oldest first.
    pub open_runs: Vec<OpenRun>,
    /// Its last run that is over.
    pub last_run: Option<LastRunItem>,
    /// When it succeeded the last time.
    pub last_success_at: Option<Timestamp>,
    /// How many runs failed since its last success.
    pub failures: u32,
    /// When it is due next.
    pub next_due: Option<Timestamp>,
    /// Why it is not due again, or why its next due time will start nothing.
    pub next_reason: Option<String>,
    /// How long after its due time its last run began, in whole seconds.
    pub late_s: Option<u64>,
    /// Its last outcomes, oldest first, at most eight.
    pub recent: Vec<Outcome>,
    /// The revision in force.
    pub revision: Option<String>,
}

/// How an automation is: the first of these that holds, from `paused` down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AutomationState {
    /// A person paused it.
    Paused,
    /// Its manifest suspends it.
    Suspended,
    /// A run of it goes on.
    Running,
    /// A run of it waits for its turn.
    Queued,
    /// Its last run failed, timed out or was lost.
    Failing,
    /// Its last run succeeded, or was cancelled with no failure before it.
    Ok,
    /// It never ran.
    New,
}

impl AutomationState {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Running => "running",
            Self::Queued => "queued",
            Self::Failing => "failing",
            Self::Ok => "ok",
            Self::New => "new",
        }
    }
}

/// A pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseItem {
    /// Until when; absent: until somebody resumes it.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// One schedule of an automation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleItem {
    /// As it is written: `0 2 * * *`, `every 90s`, `at 2027-01-01T00:00:00Z`.
    pub text: String,
    /// In words, with zone and jitter.
    pub words: String,
    /// The zone of a cron expression.
    pub time_zone: Option<String>,
    /// A start is at most this many seconds after its due time.
    pub jitter_s: u64,
}

/// A run that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenRun {
    /// Its id.
    pub run: String,
    /// The instant that it is for.
    pub due: Timestamp,
    /// How far it is.
    pub phase: super::RunPhase,
    /// When its first step started.
    pub began_at: Option<Timestamp>,
    /// What it waits for, while it is queued.
    pub waits_for: Option<String>,
}

/// The last run that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastRunItem {
    /// Its id.
    pub run: String,
    /// How it went.
    pub outcome: Outcome,
    /// Why, in one clause; empty for a success.
    pub detail: String,
    /// When it began; absent if it was cancelled before.
    pub began_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Timestamp,
    /// From its beginning to its end, in milliseconds.
    pub duration_ms: Option<u64>,
    /// The exit code of its last attempt.
    pub exit: Option<i64>,
    /// How many attempts it took; 0 if the main container never began.
    pub attempts: u32,
    /// How many attempts it could have taken.
    pub attempts_max: u32,
}

/// Everything about one automation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AutomationDetail {
    /// What lists show.
    #[serde(flatten)]
    pub item: AutomationItem,
    /// The next five due times.
    pub next: Vec<DueItem>,
    /// The manifest as it takes effect, after policy.
    pub effective: EffectiveAutomation,
    /// Where each effective value comes from, by its path in the manifest (`spec.timeout`).
    pub origins: BTreeMap<String, OriginItem>,
    /// Every hook that applies, of policies, plugins and its own, in their order before a run.
    pub hooks: Vec<HookItem>,
    /// Its youngest runs, youngest first.
    pub runs: Vec<RunItem>,
    /// The youngest outcomes of its due times, skipped and missed ones too, youngest first.
    pub outcomes: Vec<OutcomeItem>,
}

/// A due time that will come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DueItem {
    /// When it is due.
    pub due: Timestamp,
    /// When it starts: the due time and its jitter.
    pub start_at: Timestamp,
}

/// Which document set a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OriginItem {
    /// `Policy/shop`, `Automation/nightly`, or `built-in default`.
    pub document: String,
    /// `BuiltIn`, `PolicyDefault`, `Automation` or `PolicyEnforced`.
    pub scope: String,
    /// The file, relative to the source; absent for built-in defaults.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
}

/// A due time that will come, with what would become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpcomingItem {
    /// Of which automation.
    pub automation: String,
    /// When it is due.
    pub due: Timestamp,
    /// When it starts: the due time and its jitter.
    pub start_at: Timestamp,
    /// Why it will start nothing, as far as is known now (`suspended`, `frozen: release night`); absent: it will run.
    pub skipped: Option<String>,
}
