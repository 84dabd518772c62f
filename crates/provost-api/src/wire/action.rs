//! Actions, and the jobs that calls of them are.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JsonMap, ParamItem};

/// An action that can be called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionItem {
    /// The application that it is for.
    pub application: String,
    /// What callers call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The plugin that brings it; of an instance, `PLUGIN.INSTANCE`.
    pub plugin: String,
    /// The automation that it is: its runs are listed under this name.
    pub automation: String,
    /// What may be handed in, by name. What is not declared is handed in too.
    pub params: BTreeMap<String, ParamItem>,
}

/// Start a run of an action now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CallRequest {
    /// What is handed in; checked against the declared parameters, whose types it has to have.
    pub params: JsonMap,
    /// A flagged run: it carries `testing`, and notifies nobody.
    pub testing: bool,
    /// The id that the job is to have, a UUID; asking twice with one starts one run. Absent: a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

/// A call was accepted, or was already; its container has not begun yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallAccepted {
    /// By this it can be asked how it goes: a UUID.
    pub job: String,
    /// The run that it is.
    pub run: String,
}

/// What is asked of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct JobQuery {
    /// Every entry, not only the summary.
    pub results: bool,
}

/// How a job goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobDetail {
    /// Its id.
    pub job: String,
    /// Of which application.
    pub application: String,
    /// Of which action.
    pub action: String,
    /// The run that it is.
    pub run: String,
    /// How far it is, and how it went.
    pub state: JobState,
    /// Why, in one clause; while it is queued, what it waits for.
    pub detail: String,
    /// How much of it is done, from 0 to 100, as its entries say; 100 once it succeeded.
    pub progress: Option<u8>,
    /// Who called it.
    pub by: String,
    /// What was handed in.
    pub params: JsonMap,
    /// A flagged run.
    pub testing: bool,
    /// When it was called.
    pub accepted_at: Timestamp,
    /// When its first step started.
    pub began_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// How many entries there are so far.
    pub count: u64,
    /// The youngest entry.
    pub last: Option<serde_json::Value>,
    /// Every entry so far, of its hooks too, in order; only if `results` is asked for. What a container wrote there that is
    /// no JSON object stands in an entry with `error` and `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<serde_json::Value>>,
}

/// How far a job is, and how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum JobState {
    /// It waits for its turn.
    Queued,
    /// It goes on.
    Running,
    /// Its container exited with 0.
    Succeeded,
    /// Its last attempt failed, or a before-hook did.
    Failed,
    /// Its last attempt took too long.
    TimedOut,
    /// Stopped by a person, or denied by a hook or receiver.
    Cancelled,
    /// Nobody knows.
    Lost,
}

impl JobState {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timedOut",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }
}
