//! What people and programs can ask of a running reconciler, and what it answers.

use jiff::Timestamp;
use json_patch::Patch;
use provost_model::{EventId, JobId, JsonMap, Name, RevisionId, RunId, Token};
use provost_planner::Change;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that is asked of the reconciler.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Start a run now.
    Run {
        /// Of which automation.
        automation: Name,
        /// What is handed in; checked against the declared parameters.
        params: JsonMap,
        /// A flagged run: carries `testing`, notifies nobody.
        testing: bool,
        /// Asking twice with one id starts one run.
        request: String,
        /// Who asks.
        by: String,
    },
    /// Start a run of an action now.
    Call {
        /// Of which application.
        application: Name,
        /// What callers call it.
        action: String,
        /// What is handed in; checked against the declared parameters, whose types it has to have.
        params: JsonMap,
        /// A flagged run: carries `testing`, notifies nobody.
        testing: bool,
        /// What the caller has in hand; asking twice with one starts one run.
        job: JobId,
        /// Who asks.
        by: String,
    },
    /// End a run: ask its container, and kill it after the grace time. Its after-hooks run.
    Stop {
        /// Which.
        run: RunId,
        /// Who asks.
        by: String,
    },
    /// Take a service down; it stays so until it is started. Its clean-up hooks run.
    StopService {
        /// Which.
        service: Name,
        /// Who asks.
        by: String,
    },
    /// Start a service that was stopped, or that ended.
    StartService {
        /// Which.
        service: Name,
        /// Who asks.
        by: String,
    },
    /// Run again with the inputs of an earlier run.
    Retry {
        /// Which.
        run: RunId,
        /// Asking twice with one id starts one run.
        request: String,
        /// Who asks.
        by: String,
    },
    /// From now on, due times of an automation are recorded as skipped.
    Pause {
        /// Which.
        automation: Name,
        /// Until when; absent: until somebody resumes it.
        until: Option<Timestamp>,
        /// Why.
        reason: String,
        /// Who asks.
        by: String,
    },
    /// End a pause.
    Resume {
        /// Which.
        automation: Name,
        /// Who asks.
        by: String,
    },
    /// Something happened.
    Fire {
        /// What it is called.
        name: String,
        /// Its data.
        data: JsonMap,
        /// Firing twice with one id is one event.
        request: String,
        /// Who says so.
        by: String,
    },
    /// Call a skill for which a container is made.
    CallSkill {
        /// Which.
        skill: String,
        /// What is handed in; checked against what it declares.
        data: JsonMap,
        /// Calling twice with one id is one call.
        request: String,
        /// Who calls.
        by: String,
    },
    /// Write a document, whole.
    WriteDocument {
        /// Which.
        name: String,
        /// What it is to hold.
        value: Value,
        /// Who asks.
        by: String,
    },
    /// Change a document by the operations of a JSON patch: by all of them, or by none.
    PatchDocument {
        /// Which.
        name: String,
        /// The operations.
        patch: Patch,
        /// Who asks.
        by: String,
    },
    /// Remove a document.
    RemoveDocument {
        /// Which.
        name: String,
        /// Who asks.
        by: String,
    },
    /// Let whoever has its secret do what the token says.
    MakeToken {
        /// The token.
        token: Box<Token>,
    },
    /// From now on, a token is good for nothing.
    RevokeToken {
        /// Which.
        name: Name,
        /// Who asks.
        by: String,
    },
    /// Fetch and compile the source's newest revision, and show what applying it would change. Changes nothing.
    Plan,
    /// Fetch, compile and apply the source's newest revision; ends a rollback.
    Apply {
        /// Only if the plan is still this one (C3).
        plan: Option<String>,
        /// Who asks.
        by: String,
    },
    /// Throw the copy of a source away that manifests refer to; it is made anew at once.
    Reset {
        /// Which.
        source: Name,
        /// Who asks.
        by: String,
    },
    /// Apply an earlier revision, and stay at it until `Apply`.
    Rollback {
        /// Which; absent: the one before the one in force.
        revision: Option<String>,
        /// Who asks.
        by: String,
    },
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// A run was accepted (or was already).
    Accepted {
        /// Which.
        run: RunId,
    },
    /// An event was accepted.
    Fired {
        /// Its id.
        event: EventId,
    },
    /// It is recorded.
    Noted,
    /// What applying the newest revision would change.
    Planned {
        /// The plan.
        proposal: Box<Proposal>,
    },
    /// A revision was applied, exactly as the plan says.
    Applied {
        /// What was done.
        proposal: Box<Proposal>,
    },
}

/// What a revision would change, and what follows from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// Names exactly these changes to exactly this state; `apply --plan` takes it.
    pub id: String,
    /// The revision in force.
    pub from: Option<RevisionId>,
    /// The revision that would be.
    pub to: RevisionId,
    /// Author and subject, for people.
    pub about: String,
    /// What changes.
    pub changes: Vec<Change>,
    /// Warnings of the revision, as people read them.
    pub report: String,
}

/// Why a command was not carried out. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What sort of refusal.
    pub kind: RefusalKind,
    /// What is wrong.
    pub message: String,
    /// How to mend it, if that is known.
    pub hint: Option<String>,
}

/// Sorts of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// What was named is not there.
    NotFound,
    /// What was handed in is wrong.
    Invalid,
    /// The state does not allow it: the run is over, the plan is out of date, the server shuts down.
    Conflict,
    /// The revision has errors; the message holds the diagnostics.
    Rejected,
    /// The source, the engine or the store does not answer at the moment.
    Unavailable,
}

impl Refusal {
    /// A refusal of `kind`.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// The same, with a way to mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
