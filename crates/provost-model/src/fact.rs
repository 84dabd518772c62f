//! Facts: what is recorded. The state of a server is the fold of its facts, and of nothing else.
//!
//! This is also the stored form: a variant or field that was released keeps its name and meaning, new fields
//! have a default. `tests/facts.rs` compares one example of each with its JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Automation, Cause, Channel, Desired, EventFact, EventId, Hook, JsonMap, Moment, Name, PluginName, PluginSummary,
    PolicySummary, RevisionId, RunFact, RunId, Skill, SourceSummary, Token,
};

/// A fact with its place in the order of all facts, and when it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// From 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub fact: Fact,
}

/// One thing that was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "camelCase")]
pub enum Fact {
    /// The reconciler started; due times since the last one are caught up with.
    ServerStarted {
        /// Provost's version.
        version: String,
    },
    /// The reconciler was asked to end: nothing starts any more.
    ServerStopping,
    /// A revision was compiled and takes effect.
    RevisionApplied {
        /// Which, who, and what changes.
        change: Box<RevisionChange>,
    },
    /// A revision was refused whole; the last good one stays in force (C2).
    RevisionRejected {
        /// Which.
        revision: RevisionId,
        /// How many errors it has.
        errors: u32,
        /// The diagnostics, as people read them.
        report: String,
    },
    /// The server stays at a revision until it is told otherwise (`rollback`).
    Pinned {
        /// Which.
        revision: RevisionId,
        /// Who.
        by: String,
    },
    /// The server follows its source again.
    Unpinned {
        /// Who.
        by: String,
    },
    /// From here on, due times of the automation count (D4).
    Armed {
        /// Which.
        automation: Name,
        /// Due times after this instant count.
        from: Timestamp,
    },
    /// A due time was skipped.
    DueSkipped {
        /// Of which automation.
        automation: Name,
        /// Which due time.
        due: Timestamp,
        /// Why.
        reason: SkipReason,
        /// Why, in one clause.
        detail: String,
    },
    /// An event would have started an automation, and did not.
    TriggerSkipped {
        /// Which.
        automation: Name,
        /// The event.
        event: EventId,
        /// Why.
        reason: SkipReason,
        /// Why, in one clause.
        detail: String,
    },
    /// Due times were missed: one, or a range that was left out of catch-up.
    DueMissed {
        /// Of which automation.
        automation: Name,
        /// The first.
        first: Timestamp,
        /// The last.
        last: Timestamp,
        /// How many there are from first to last.
        count: u64,
        /// Why.
        reason: MissReason,
    },
    /// A run was accepted; for a due time, this is its outcome "ran".
    RunAccepted {
        /// Everything that identifies and parametrises it.
        accepted: Box<AcceptedRun>,
    },
    /// A run changed.
    Run {
        /// Which.
        run: RunId,
        /// How.
        change: RunFact,
    },
    /// An event was accepted; it will be handled, whatever happens (E5).
    EventAccepted {
        /// What happened.
        event: Box<AcceptedEvent>,
    },
    /// An event changed.
    Event {
        /// Which.
        id: EventId,
        /// How.
        change: EventFact,
    },
    /// A notification is to be delivered.
    NoticeQueued {
        /// To whom, of what.
        notice: Box<Notice>,
    },
    /// A notification was delivered.
    NoticeDelivered {
        /// Which.
        id: EventId,
    },
    /// A notification could not be delivered; it is tried again.
    NoticeFailed {
        /// Which.
        id: EventId,
        /// What went wrong.
        why: String,
        /// When it is tried again.
        until: Timestamp,
    },
    /// A notification is not tried any more.
    NoticeGivenUp {
        /// Which.
        id: EventId,
        /// What went wrong the last time.
        why: String,
    },
    /// A person paused an automation: its due times are recorded as skipped.
    Paused {
        /// Which.
        automation: Name,
        /// Until when; absent: until somebody resumes it.
        until: Option<Timestamp>,
        /// Why.
        reason: String,
        /// Who.
        by: String,
    },
    /// A pause ended.
    Resumed {
        /// Which.
        automation: Name,
        /// Who, or `the pause's end`.
        by: String,
    },
    /// A person stopped a service: it stays so until somebody starts it.
    ServiceStopped {
        /// Which.
        service: Name,
        /// Who.
        by: String,
    },
    /// A person started a service, also one that was given up.
    ServiceStarted {
        /// Which.
        service: Name,
        /// Who.
        by: String,
    },
    /// What the engine has is not what the state says (C4).
    DriftFound {
        /// Which container.
        container: String,
        /// What is wrong, in one clause.
        what: String,
    },
    /// Drift was put right.
    DriftCorrected {
        /// Which container.
        container: String,
        /// What was done, in one clause.
        what: String,
    },
    /// A token was made.
    TokenMade {
        /// Which, and what it is good for.
        token: Token,
    },
    /// A token is good for nothing any more.
    TokenRevoked {
        /// Which.
        name: Name,
        /// Who revoked it.
        by: String,
    },
    /// A document was written.
    DocumentWritten {
        /// Which.
        name: String,
        /// What it holds now.
        value: serde_json::Value,
        /// Who wrote it.
        by: String,
    },
    /// A document was removed.
    DocumentRemoved {
        /// Which.
        name: String,
        /// Who removed it.
        by: String,
    },
}

/// A revision that takes effect, as the difference from the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionChange {
    /// Which.
    pub revision: RevisionId,
    /// Who: `source`, or a person.
    pub by: String,
    /// The author and subject of the commit, for people.
    pub about: String,
    /// What changes, a line each, for people.
    pub summary: Vec<String>,
    /// Automations that are new or changed.
    pub set: Vec<Arc<Automation>>,
    /// Automations that are gone.
    pub removed: Vec<Name>,
    /// All channels.
    pub channels: BTreeMap<Name, Arc<Channel>>,
    /// All hooks on events that are not a run's own.
    pub hooks: Vec<Arc<Hook>>,
    /// All plugins.
    pub plugins: BTreeMap<PluginName, PluginSummary>,
    /// All policies.
    pub policies: BTreeMap<Name, PolicySummary>,
    /// All sources that are referred to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<Name, SourceSummary>,
    /// All skills.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skills: BTreeMap<String, Arc<Skill>>,
}

impl RevisionChange {
    /// The change that leads from `old` to `new`.
    pub fn between(old: &Desired, new: &Desired, revision: RevisionId) -> Self {
        let is_new = |name: &Name, new: &Arc<Automation>| old.automations.get(name).is_none_or(|old| **old != **new);
        let set = new.automations.iter().filter(|(name, new)| is_new(name, new)).map(|(_, new)| Arc::clone(new));
        let removed = old.automations.keys().filter(|name| !new.automations.contains_key(*name)).cloned();
        Self {
            revision,
            by: String::new(),
            about: String::new(),
            summary: Vec::new(),
            set: set.collect(),
            removed: removed.collect(),
            channels: new.channels.clone(),
            hooks: new.hooks.clone(),
            plugins: new.plugins.clone(),
            policies: new.policies.clone(),
            sources: new.sources.clone(),
            skills: new.skills.clone(),
        }
    }

    /// Applies the change to `desired`.
    pub fn apply_to(&self, desired: &mut Desired) {
        desired.revision = Some(self.revision.clone());
        for name in &self.removed {
            desired.automations.remove(name);
        }
        for automation in &self.set {
            desired.automations.insert(automation.name.clone(), Arc::clone(automation));
        }
        desired.channels.clone_from(&self.channels);
        desired.hooks.clone_from(&self.hooks);
        desired.plugins.clone_from(&self.plugins);
        desired.policies.clone_from(&self.policies);
        desired.sources.clone_from(&self.sources);
        desired.skills.clone_from(&self.skills);
    }
}

/// Why a due time was skipped (D1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SkipReason {
    /// A run was going on and `concurrencyPolicy` is `Forbid`, or the queue was full.
    Overlap,
    /// A freeze window.
    Frozen,
    /// The automation is suspended or paused.
    Suspended,
    /// A policy's limit on runs at once.
    Limit,
    /// The server's startup hooks refused.
    Policy,
    /// It is older than `startDeadline`.
    Deadline,
    /// What the event carries does not fit the automation's parameters.
    Invalid,
}

impl SkipReason {
    /// The word for people and wires.
    pub fn word(self) -> &'static str {
        match self {
            Self::Overlap => "overlap",
            Self::Frozen => "frozen",
            Self::Suspended => "suspended",
            Self::Limit => "limit",
            Self::Policy => "policy",
            Self::Deadline => "deadline",
            Self::Invalid => "invalid",
        }
    }
}

/// Why a due time was missed (D1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MissReason {
    /// The reconciler was down, and `catchUp` leaves this due time out.
    Down,
    /// It was older than `startDeadline` when it could have started.
    Deadline,
}

impl MissReason {
    /// The word for people and wires.
    pub fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Deadline => "deadline",
        }
    }
}

/// A run that was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedRun {
    /// Its id.
    pub run: RunId,
    /// Of which automation, as the revision in force says.
    pub automation: Name,
    /// What caused it.
    pub cause: Cause,
    /// The instant that it is for.
    pub due: Timestamp,
    /// It is not started before.
    pub not_before: Timestamp,
    /// What was handed in, checked.
    pub params: JsonMap,
    /// A flagged run.
    pub testing: bool,
}

/// An event that was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedEvent {
    /// Its id.
    pub id: EventId,
    /// Its name.
    pub name: String,
    /// The automation that it is about.
    pub subject: Option<Name>,
    /// The run that it is about.
    pub run: Option<RunId>,
    /// Its data.
    pub data: JsonMap,
    /// Who fired it.
    pub by: String,
}

/// A notification on its way to a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// A function of channel, automation, run and moment.
    pub id: EventId,
    /// To whom.
    pub channel: Arc<Channel>,
    /// Of what.
    pub moment: Moment,
    /// About which automation.
    pub automation: Name,
    /// About which run, if one.
    pub run: Option<RunId>,
    /// What the receiver gets.
    pub data: JsonMap,
    /// When it happened.
    pub at: Timestamp,
    /// The channel that this one stands in for, if it is a failover.
    pub instead_of: Option<Name>,
    /// How often it was tried.
    #[serde(default)]
    pub tries: u32,
    /// Not tried before.
    #[serde(default)]
    pub until: Option<Timestamp>,
}
