//! What a seed leaves behind, and all that the checkers read: the history of the manifests, the ledger, and what the
//! containers themselves did.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use provost_model::{ContainerName, Desired, EventId, Owner, Recorded, RevisionId, RunId, StepId};

use crate::{Figures, Time};

/// Everything that one seed leaves behind.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Every revision that the source ever had.
    pub manifests: BTreeMap<RevisionId, Manifest>,
    /// The ledger: every durable fact, in order.
    pub ledger: Vec<Noted>,
    /// What the containers did.
    pub evidence: Vec<Deed>,
    /// What people were told is done.
    pub promised: Vec<Promised>,
    /// Notifications that arrived, by id, and how often.
    pub delivered: BTreeMap<EventId, u32>,
    /// How it was at the end, after a time without faults.
    pub end: End,
    /// What was already seen to be wrong while it was played.
    pub breaches: Vec<Breach>,
    /// What was counted.
    pub figures: Figures,
}

/// One revision: what is in force once it is applied.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its text.
    pub text: String,
    /// What it wants; absent where it is broken.
    pub desired: Option<Arc<Desired>>,
    /// What is wrong with it, as people read it.
    pub report: String,
    /// How many errors it has.
    pub errors: u32,
}

/// A durable fact.
#[derive(Clone, Debug)]
pub struct Noted {
    /// The fact.
    pub recorded: Recorded,
    /// When it became durable, in elapsed time.
    pub at: Time,
    /// Its line in the trace.
    pub line: usize,
}

/// Something that happened to a container, as the container knows it.
#[derive(Clone, Debug)]
pub struct Deed {
    /// When, in elapsed time.
    pub at: Time,
    /// Its line in the trace.
    pub line: usize,
    /// The container's name.
    pub name: ContainerName,
    /// Its number on the engine: a second container of the same name has another one.
    pub id: u64,
    /// What it was made for; absent for containers that are not ours.
    pub tag: Option<Arc<Tag>>,
    /// What happened.
    pub what: What,
}

/// What a container was made for, from its own variables and labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Whose it is.
    pub owner: Owner,
    /// Which step.
    pub step: StepId,
    /// `PROVOST_RUN`.
    pub run: Option<RunId>,
    /// `PROVOST_ATTEMPT`.
    pub attempt: Option<u32>,
    /// `PROVOST_DUE`.
    pub due: Option<Timestamp>,
    /// `PROVOST_EVENT`.
    pub event: String,
    /// `PROVOST_AUTOMATION`.
    pub automation: Option<String>,
    /// The image.
    pub image: String,
}

impl Tag {
    /// Whether it is a main container.
    pub fn is_main(&self) -> bool {
        self.step.is_main()
    }

    /// Which step of whom: the same for every container that was ever made for it.
    pub fn key(&self) -> (&str, &str) {
        (self.owner.id(), self.step.as_str())
    }
}

/// What happened to a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It was made.
    Made,
    /// Making or starting it was refused for good.
    Refused,
    /// Its first instruction.
    Started,
    /// It ended.
    Ended {
        /// Its true exit code, whatever the engine says.
        code: i64,
        /// It answered "no".
        denied: bool,
        /// Why.
        by: EndedBy,
    },
    /// It was removed.
    Removed {
        /// By Provost; otherwise by hand.
        by_us: bool,
        /// It was running.
        was_running: bool,
    },
}

/// Why a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// By itself.
    Itself,
    /// It was asked to.
    Asked,
    /// Its engine ended, and took it along.
    Engine,
    /// It was removed while it ran.
    Removal,
}

/// Something that a person was told is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promised {
    /// A run was accepted.
    Run(RunId),
    /// An event was accepted.
    Event(EventId),
}

/// How it was at the end.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// It came to rest.
    pub is_quiet: bool,
    /// Why not, as far as can be said.
    pub restless: String,
    /// What the clock said last.
    pub wall: Option<Timestamp>,
    /// The revision that the source has, if it is a good one.
    pub wanted: Option<RevisionId>,
    /// Containers of this instance that are left.
    pub left: BTreeSet<ContainerName>,
    /// Containers that never were ours and are gone.
    pub foreign_gone: BTreeSet<ContainerName>,
    /// What a second pass over the same world would have recorded and done.
    pub second_pass: Vec<String>,
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Its name in the semantics: `D1`.
    pub promise: &'static str,
    /// What happened instead.
    pub what: String,
    /// The line of the trace; 0 for the end.
    pub line: usize,
}

impl Breach {
    /// A breach of `promise`, seen at `line` of the trace.
    pub fn new(promise: &'static str, line: usize, what: impl Into<String>) -> Self {
        Self { promise, what: what.into(), line }
    }
}
