//! A step: one container of a run or event, from waiting to its end.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{CallError, Hook, JsonMap, Name, OnError, Stage, Verdict};

/// Which step of its owner: `main.2`, `run.starting-shop.announce`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub Arc<str>);

impl StepId {
    /// The main container of `attempt`, from 1.
    pub fn main(attempt: u32) -> Self {
        Self(format!("main.{attempt}").into())
    }

    /// A hook in the firing with `key`.
    pub fn hook(key: &str, hook: &Hook) -> Self {
        Self(format!("{key}-{}", hook.label()).into())
    }

    /// The question to `channel` in the firing with `key`.
    pub fn ask(key: &str, channel: &Name) -> Self {
        Self(format!("{key}-ask.{channel}").into())
    }

    /// Whether it is a main container.
    pub fn is_main(&self) -> bool {
        self.0.starts_with("main.")
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A step and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Unique within its owner.
    pub id: StepId,
    /// What it is.
    pub what: StepKind,
    /// How far it is.
    pub phase: StepPhase,
    /// How often making its container failed in a way that waiting may mend.
    pub tries: u32,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum StepKind {
    /// The main container of an attempt.
    Main {
        /// From 1.
        attempt: u32,
    },
    /// A hook.
    Hook {
        /// Which.
        hook: Arc<Hook>,
    },
    /// A question to a channel whether the run may start.
    Ask {
        /// Which channel.
        channel: Name,
        /// What silence means.
        default: Verdict,
        /// How long the answer is waited for, in seconds.
        timeout_s: u64,
    },
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase")]
pub enum StepPhase {
    /// Its container may be made, and is not started.
    Waiting {
        /// Not tried again before this instant, after a failure that waiting may mend.
        until: Option<Timestamp>,
    },
    /// The intent to start it is durable: from here it is never started a second time (D2).
    Starting {
        /// Since when.
        at: Timestamp,
    },
    /// It runs.
    Running {
        /// Since when.
        at: Timestamp,
    },
    /// It was asked to end.
    Stopping {
        /// When it started.
        started_at: Option<Timestamp>,
        /// Since when it is asked.
        at: Timestamp,
        /// Why.
        cause: StopCause,
    },
    /// It ended; its output was collected.
    Ended {
        /// How.
        result: Box<StepResult>,
    },
}

/// Why a step was asked to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "camelCase")]
pub enum StopCause {
    /// It took longer than its timeout.
    Timeout,
    /// A person stopped the run.
    Cancel {
        /// Who.
        by: String,
    },
    /// A newer run replaces this one.
    Replaced,
    /// The server shuts down.
    Shutdown,
    /// A service does not do its work.
    Unhealthy {
        /// What its health check found.
        why: String,
    },
    /// A service that no manifest declares any more.
    Removed,
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "exit", rename_all = "camelCase")]
pub enum Exit {
    /// By itself or by a signal, with this code.
    Code {
        /// The exit code, 0 to 255.
        code: i64,
    },
    /// The kernel ended it for want of memory.
    OutOfMemory,
    /// It never ran.
    NotStarted {
        /// Why.
        why: String,
    },
    /// Nobody knows (R9).
    Lost {
        /// What is known.
        why: String,
    },
}

impl Exit {
    /// Why that is a failure, if it is one: `exit 3`.
    pub fn failure(&self) -> Option<String> {
        match self {
            Self::Code { code: 0 } => None,
            Self::Code { code } => Some(format!("exit {code}")),
            Self::OutOfMemory => Some("out of memory".to_owned()),
            Self::NotStarted { why } => Some(format!("not started: {why}")),
            Self::Lost { why } => Some(format!("lost: {why}")),
        }
    }
}

/// Everything that is known of a step that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepResult {
    /// How its container ended.
    pub exit: Exit,
    /// Why it was asked to end, if it was.
    pub stopped: Option<StopCause>,
    /// When it started, if it did.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Timestamp,
    /// What it left behind.
    pub output: StepOutput,
}

/// What a container left behind in `/provost/out`, and the end of its output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StepOutput {
    /// Its answer.
    pub reply: Option<Reply>,
    /// What it sets for later steps of the same run or event.
    pub locals: JsonMap,
    /// What it sets for every later event of this server.
    pub globals: JsonMap,
    /// Its progress entries, in order.
    pub progress: Vec<serde_json::Value>,
    /// What a call of a skill is answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<serde_json::Value>,
    /// Why a call of a skill has no result, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<CallError>,
    /// What in it could not be read; each is an error of the step (E1).
    pub problems: Vec<String>,
    /// The last lines of its output, at most 4 KiB, secrets masked.
    pub tail: String,
}

/// The answer of a hook or receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Whether the run may start.
    pub allow: bool,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

impl StepResult {
    /// Whether it did what it was for.
    pub fn succeeded(&self) -> bool {
        self.failure().is_none()
    }

    /// Why it failed, in one clause; absent when it did not. An answer of "no" is not a failure, see [`StepResult::denial`].
    pub fn failure(&self) -> Option<String> {
        match (&self.stopped, &self.exit) {
            (Some(StopCause::Timeout), _) => Some("timed out".to_owned()),
            (Some(StopCause::Cancel { by }), _) => Some(format!("cancelled by {by}")),
            (Some(StopCause::Replaced), _) => Some("replaced by a newer run".to_owned()),
            (Some(StopCause::Shutdown), _) => Some("ended by the server's shutdown".to_owned()),
            (Some(StopCause::Unhealthy { why }), _) => Some(format!("unhealthy: {why}")),
            (Some(StopCause::Removed), _) => Some("no manifest declares it any more".to_owned()),
            (None, exit) => exit.failure().or_else(|| self.output.problems.first().cloned()),
        }
    }

    /// Why it said no, if it did.
    pub fn denial(&self) -> Option<&str> {
        self.output.reply.as_ref().filter(|reply| !reply.allow).map(|reply| reply.reason.as_str())
    }
}

impl Step {
    /// A step that has not begun.
    pub fn new(id: StepId, what: StepKind) -> Self {
        Self { id, what, phase: StepPhase::Waiting { until: None }, tries: 0 }
    }

    /// Its result, once it ended.
    pub fn result(&self) -> Option<&StepResult> {
        match &self.phase {
            StepPhase::Ended { result } => Some(result),
            _ => None,
        }
    }

    /// When its container started, if it did.
    pub fn started_at(&self) -> Option<Timestamp> {
        match &self.phase {
            StepPhase::Waiting { .. } | StepPhase::Starting { .. } => None,
            StepPhase::Running { at } => Some(*at),
            StepPhase::Stopping { started_at, .. } => *started_at,
            StepPhase::Ended { result } => result.started_at,
        }
    }

    /// Whether it ended.
    pub fn is_over(&self) -> bool {
        self.result().is_some()
    }

    /// Whether its container may exist and has not ended: begun, and not over.
    pub fn is_going_on(&self) -> bool {
        !self.is_over() && !matches!(self.phase, StepPhase::Waiting { .. })
    }

    /// When it runs in its event.
    pub fn stage(&self) -> Stage {
        match &self.what {
            StepKind::Hook { hook } => hook.stage,
            StepKind::Ask { .. } => Stage::Pre,
            StepKind::Main { .. } => Stage::Main,
        }
    }

    /// Whether it delays nothing.
    pub fn is_background(&self) -> bool {
        matches!(&self.what, StepKind::Hook { hook } if hook.background)
    }

    /// Whether it runs beside others of its place.
    pub fn is_parallel(&self) -> bool {
        match &self.what {
            StepKind::Hook { hook } => hook.parallel || hook.background,
            StepKind::Ask { .. } | StepKind::Main { .. } => false,
        }
    }

    /// What its failure means.
    pub fn on_error(&self) -> OnError {
        match &self.what {
            StepKind::Hook { hook } => hook.on_error,
            StepKind::Ask { .. } | StepKind::Main { .. } => OnError::Fail,
        }
    }
}

/// One change of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "camelCase")]
pub enum StepFact {
    /// Its container could not be made; waiting may help. Once the intent to start is recorded there is no way back (D2).
    Delayed {
        /// What the engine said.
        why: String,
        /// Not tried again before.
        until: Timestamp,
    },
    /// The intent to start it.
    Starting,
    /// It runs.
    #[serde(rename_all = "camelCase")]
    Started {
        /// Since when, as the engine says.
        started_at: Timestamp,
        /// The image that it runs, by digest.
        image: Option<String>,
    },
    /// It is asked to end.
    Stopping {
        /// Why.
        why: StopCause,
    },
    /// It ended.
    #[serde(rename_all = "camelCase")]
    Ended {
        /// How its container ended.
        result: Exit,
        /// When it started, if it did.
        started_at: Option<Timestamp>,
        /// When it ended.
        finished_at: Timestamp,
        /// What it left behind.
        output: Box<StepOutput>,
    },
}

impl Step {
    /// Applies `fact`, recorded at `at`.
    ///
    /// Returns false where the step's phase does not allow it.
    pub fn apply(&mut self, at: Timestamp, fact: &StepFact) -> bool {
        use StepPhase as P;
        let next = match (&self.phase, fact) {
            (P::Waiting { .. }, StepFact::Delayed { until, .. }) => {
                self.tries += 1;
                P::Waiting { until: Some(*until) }
            }
            (P::Waiting { .. }, StepFact::Starting) => P::Starting { at },
            (P::Starting { .. }, StepFact::Started { started_at, .. }) => P::Running { at: *started_at },
            (P::Starting { .. }, StepFact::Stopping { why }) => {
                P::Stopping { started_at: None, at, cause: why.clone() }
            }
            (P::Running { at: started }, StepFact::Stopping { why }) => {
                P::Stopping { started_at: Some(*started), at, cause: why.clone() }
            }
            (P::Stopping { at, cause, .. }, StepFact::Started { started_at, .. }) => {
                P::Stopping { started_at: Some(*started_at), at: *at, cause: cause.clone() }
            }
            (P::Ended { .. }, _) => return false,
            (phase, StepFact::Ended { result, started_at, finished_at, output }) => P::Ended {
                result: Box::new(StepResult {
                    exit: result.clone(),
                    stopped: match phase {
                        P::Stopping { cause, .. } => Some(cause.clone()),
                        _ => None,
                    },
                    // Of one that is lost, only what was seen before is known.
                    started_at: started_at.or_else(|| self.started_at()),
                    finished_at: *finished_at,
                    output: (**output).clone(),
                }),
            },
            _ => return false,
        };
        self.phase = next;
        true
    }
}
