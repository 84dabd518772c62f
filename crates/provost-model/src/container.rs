//! What an engine is asked to make, and what it was seen to have.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ContainerName, Digest, EventId, Instance, RunId, StepId, Workload};

/// Whom a container belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Owner {
    /// A run.
    Run(RunId),
    /// An event that is no run's own.
    Event(EventId),
    /// A notification that a command channel delivers.
    Notice(EventId),
}

impl Owner {
    /// The id as text.
    pub fn id(&self) -> &str {
        match self {
            Self::Run(id) => id.as_str(),
            Self::Event(id) | Self::Notice(id) => id.as_str(),
        }
    }

    /// `run`, `event` or `notice`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Event(_) => "event",
            Self::Notice(_) => "notice",
        }
    }

    /// The owner that `kind` and `id` name, as a container's labels hold them.
    pub fn parse(kind: &str, id: &str) -> Option<Self> {
        match kind {
            "run" => RunId::parse(id).ok().map(Self::Run),
            "event" => EventId::parse(id).ok().map(Self::Event),
            "notice" => EventId::parse(id).ok().map(Self::Notice),
            _ => None,
        }
    }
}

/// One step of one owner: what a container is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepRef {
    /// Whose step.
    pub owner: Owner,
    /// Which step.
    pub step: StepId,
}

/// Everything that an engine has to know to make one container. Nothing is left to decide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRequest {
    /// A function of instance, owner and step (R3).
    pub name: ContainerName,
    /// Whose container it is (C6).
    pub instance: Instance,
    /// What it is for.
    pub step: StepRef,
    /// What it is made of; `env` holds Provost's variables too, placeholders are filled in.
    pub workload: Workload,
    /// What `/provost/event.json` holds.
    pub event: serde_json::Value,
    /// From SIGTERM to SIGKILL, in seconds.
    pub grace_s: u64,
    /// The most output that is kept, in bytes.
    pub log_bytes: u64,
}

/// The label that holds the instance.
pub const LABEL_INSTANCE: &str = "provost.instance";
/// The label that holds the owner's kind.
pub const LABEL_OWNER_KIND: &str = "provost.owner.kind";
/// The label that holds the owner's id.
pub const LABEL_OWNER: &str = "provost.owner";
/// The label that holds the step.
pub const LABEL_STEP: &str = "provost.step";
/// The label that holds the digest of the request that made the container.
pub const LABEL_REQUEST: &str = "provost.request";

impl ContainerRequest {
    /// The digest of all that was asked for: a container with another one was made for something else.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// The labels that the container carries.
    pub fn labels(&self) -> BTreeMap<String, String> {
        [
            (LABEL_INSTANCE, self.instance.to_string()),
            (LABEL_OWNER_KIND, self.step.owner.kind().to_owned()),
            (LABEL_OWNER, self.step.owner.id().to_owned()),
            (LABEL_STEP, self.step.step.to_string()),
            (LABEL_REQUEST, self.digest().to_string()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }
}

/// A container as an engine shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerSeen {
    /// Its name.
    pub name: ContainerName,
    /// The engine's id of it.
    pub id: String,
    /// What it is for, as its labels say; absent where they make no sense.
    pub step: Option<StepRef>,
    /// The digest of the request that made it.
    pub request: Option<String>,
    /// What it does.
    pub life: Life,
}

/// What a container does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Life {
    /// Made, not started.
    Created,
    /// Running (or paused, or restarting: not ended).
    #[serde(rename_all = "camelCase")]
    Running {
        /// Since when.
        started_at: Option<Timestamp>,
    },
    /// Ended.
    #[serde(rename_all = "camelCase")]
    Exited {
        /// Its exit code. 255 with an error says that the engine did not see the end.
        code: i64,
        /// The kernel ended it for want of memory.
        out_of_memory: bool,
        /// When it started.
        started_at: Option<Timestamp>,
        /// When it ended.
        finished_at: Option<Timestamp>,
        /// What the engine says went wrong, if anything.
        error: Option<String>,
    },
}

impl Life {
    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Exited { .. })
    }
}
