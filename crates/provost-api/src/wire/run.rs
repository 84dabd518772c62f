//! Runs, their steps and output, and the outcomes of due times.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::JsonMap;

/// How a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Outcome {
    /// The main container exited with 0.
    Succeeded,
    /// The last attempt failed, or a before-hook did.
    Failed,
    /// The last attempt took too long.
    TimedOut,
    /// Stopped by a person, replaced, or denied by a hook or receiver.
    Cancelled,
    /// Nobody knows.
    Lost,
}

impl Outcome {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::TimedOut => "TimedOut",
            Self::Cancelled => "Cancelled",
            Self::Lost => "Lost",
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum RunPhase {
    /// Accepted, and waiting for its time or for others.
    Queued,
    /// Its before-hooks run.
    Before,
    /// Its main container runs.
    Main,
    /// An attempt failed, another one follows.
    Backoff,
    /// Its after-hooks run; its outcome is known.
    After,
    /// Over.
    Finished,
}

impl RunPhase {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Before => "Before",
            Self::Main => "Main",
            Self::Backoff => "Backoff",
            Self::After => "After",
            Self::Finished => "Finished",
        }
    }
}

/// A run in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunItem {
    /// Its id.
    pub run: String,
    /// Of which automation.
    pub automation: String,
    /// The revision in force when it was accepted.
    pub revision: Option<String>,
    /// What caused it.
    pub cause: CauseItem,
    /// The instant that it is for.
    pub due: Timestamp,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When its first step started.
    pub began_at: Option<Timestamp>,
    /// When its main container started for the first time.
    pub main_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// From its beginning to its end, in milliseconds; absent while it goes on.
    pub duration_ms: Option<u64>,
    /// How long after its due time it began, in whole seconds.
    pub late_s: Option<u64>,
    /// How far it is.
    pub phase: RunPhase,
    /// How it went, once that is settled.
    pub outcome: Option<Outcome>,
    /// Why, in one clause; while it is queued, what it waits for.
    pub detail: String,
    /// How many attempts were begun.
    pub attempts: u32,
    /// The exit code of its last attempt.
    pub exit: Option<i64>,
    /// What was handed in.
    pub params: JsonMap,
    /// A flagged run: it carries `testing`, and notifies nobody.
    pub testing: bool,
}

/// What caused a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CauseItem {
    /// What sort of cause.
    pub kind: CauseKind,
    /// Who asked, for `manual`, `action` and `retry`.
    pub by: Option<String>,
    /// The event's name, for `trigger`.
    pub event: Option<String>,
    /// The event's id, for `trigger`.
    pub event_id: Option<String>,
    /// The run that it repeats, for `retry`.
    pub of: Option<String>,
    /// What the caller has in hand, for `action`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

/// Sorts of cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CauseKind {
    /// A due time.
    Schedule,
    /// A due time that was missed while down, made up for.
    CatchUp,
    /// An event.
    Trigger,
    /// A person.
    Manual,
    /// A call of an action.
    Action,
    /// A person who wants an earlier run again.
    Retry,
    /// A service is wanted and was not up.
    Service,
}

impl CauseKind {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::CatchUp => "catchUp",
            Self::Trigger => "trigger",
            Self::Manual => "manual",
            Self::Action => "action",
            Self::Retry => "retry",
            Self::Service => "service",
        }
    }
}

/// Everything about one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunDetail {
    /// What lists show.
    #[serde(flatten)]
    pub item: RunItem,
    /// Its steps, in the order in which they started; those that have not begun last.
    pub steps: Vec<StepItem>,
    /// Its progress entries, in order.
    pub progress: Vec<serde_json::Value>,
}

/// One container of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepItem {
    /// Which: `main.1`, `run.starting-shop.announce`.
    pub step: String,
    /// How far it is.
    pub phase: StepPhase,
    /// Delays nothing.
    pub background: bool,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// From its start to its end, in milliseconds.
    pub duration_ms: Option<u64>,
    /// How its container ended.
    pub exit: Option<ExitItem>,
    /// Why it failed, in one clause.
    pub failure: Option<String>,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum StepPhase {
    /// Not started.
    Waiting,
    /// About to start.
    Starting,
    /// It runs.
    Running,
    /// It was asked to end.
    Stopping,
    /// It ended.
    Ended,
}

impl StepPhase {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Starting => "Starting",
            Self::Running => "Running",
            Self::Stopping => "Stopping",
            Self::Ended => "Ended",
        }
    }
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExitItem {
    /// What sort of end.
    pub kind: ExitKind,
    /// The exit code, for `code`.
    pub code: Option<i64>,
    /// What is known, for `notStarted` and `lost`.
    pub why: Option<String>,
}

/// Sorts of end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExitKind {
    /// With an exit code.
    Code,
    /// The kernel ended it for want of memory.
    OutOfMemory,
    /// It never ran.
    NotStarted,
    /// Nobody knows.
    Lost,
}

/// A line of output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// When the engine got it.
    pub at: Timestamp,
    /// Of which run; for a hook of an event that is no run's own, of which event.
    pub run: String,
    /// Which step wrote it.
    pub step: String,
    /// Which stream.
    pub stream: OutputStream,
    /// The text, without its line's end and without control codes.
    pub text: String,
    /// It goes on from this stream's line before, which was cut for its length.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continued: bool,
}

/// Standard output or standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The outcome of a due time, or of a range of missed ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeItem {
    /// Of which automation.
    pub automation: String,
    /// The due time; of a range, the first.
    pub due: Timestamp,
    /// Of a range, the last; otherwise the same.
    pub last: Timestamp,
    /// How many due times there are from first to last.
    pub count: u64,
    /// What became of it.
    pub verdict: DueVerdict,
    /// As which run, for `ran`.
    pub run: Option<String>,
    /// Why, in one word, for `skipped` and `missed`: `overlap`, `down`.
    pub reason: Option<String>,
    /// Why, in one clause.
    pub detail: Option<String>,
    /// When this was recorded.
    pub at: Timestamp,
}

/// What became of a due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DueVerdict {
    /// It ran.
    Ran,
    /// It was skipped.
    Skipped,
    /// It was missed.
    Missed,
}

impl DueVerdict {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Skipped => "skipped",
            Self::Missed => "missed",
        }
    }
}
