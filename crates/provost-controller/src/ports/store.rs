//! What remembers.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use provost_model::{DueOutcome, EventId, Name, Outcome, Recorded, RunId, RunRecord, State};

use crate::Revision;

/// The durable memory: facts in their order, and what was derived from them for questions about the past.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns the state: the last snapshot, with every later fact folded in.
    async fn load(&self) -> Result<State, StoreError>;

    /// Records `batch`, all of it or nothing. On return it survives a crash and a power cut (R2).
    async fn append(&self, batch: Batch) -> Result<(), StoreError>;

    /// Keeps `state`, so that facts up to its `seq` need not be folded again. Losing it is no loss.
    async fn snapshot(&self, state: &State) -> Result<(), StoreError>;

    /// Keeps a revision's files, so that it can be gone back to.
    async fn keep_revision(&self, revision: &Revision, received_at: Timestamp) -> Result<(), StoreError>;

    /// Returns a revision that was kept. `id` may be shortened to a beginning that only one has.
    async fn revision(&self, id: &str) -> Result<Option<Revision>, StoreError>;

    /// Returns runs, youngest due first.
    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunRecord>, StoreError>;

    /// Returns one run.
    async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, StoreError>;

    /// Returns outcomes of due times, youngest first.
    async fn outcomes(&self, query: &OutcomeQuery) -> Result<Vec<DueOutcome>, StoreError>;

    /// Returns facts in their order.
    async fn facts(&self, query: &FactQuery) -> Result<Vec<Recorded>, StoreError>;

    /// Returns the automations that history tells of, among them those that no revision has any more.
    async fn automations(&self) -> Result<BTreeSet<Name>, StoreError>;

    /// Forgets what history retention does not keep, and returns the runs whose records or output went: their logs are
    /// to be removed. What was returned before a restart is returned once more after it, so that a crash between the
    /// two leaves no output behind.
    async fn prune(&self, order: &PruneOrder) -> Result<Pruned, StoreError>;
}

/// Facts that are recorded together, with what follows from them for questions about the past.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// In order; their `seq` follow on one another and on what was recorded before.
    pub facts: Vec<Recorded>,
    /// Runs that changed, as they are after the facts.
    pub runs: Vec<RunRecord>,
    /// Outcomes of due times that were settled.
    pub outcomes: Vec<DueOutcome>,
}

/// Which runs are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunQuery {
    /// Of one automation.
    pub automation: Option<Name>,
    /// With one outcome.
    pub outcome: Option<Outcome>,
    /// Due before this instant.
    pub before: Option<Timestamp>,
    /// Due at or after this instant.
    pub since: Option<Timestamp>,
    /// Those that come behind the one with this due time and id.
    pub behind: Option<(Timestamp, RunId)>,
    /// How many at most.
    pub limit: usize,
}

/// Which outcomes of due times are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutcomeQuery {
    /// Of one automation.
    pub automation: Option<Name>,
    /// Of due times at or after this instant.
    pub since: Option<Timestamp>,
    /// Those that come behind the one with this last due time, of this automation.
    pub behind: Option<(Timestamp, Name)>,
    /// How many at most.
    pub limit: usize,
}

/// Which facts are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactQuery {
    /// After this one.
    pub after_seq: u64,
    /// Before this one.
    pub before_seq: Option<u64>,
    /// Recorded at or after this instant.
    pub since: Option<Timestamp>,
    /// About one run.
    pub run: Option<RunId>,
    /// About one automation, its runs included.
    pub automation: Option<Name>,
    /// About one event.
    pub event: Option<EventId>,
    /// Only facts of revisions (applied, rejected, pinned), for `history`.
    pub revisions_only: bool,
    /// True: the youngest `limit` of them, still in their order.
    pub tail: bool,
    /// How many at most.
    pub limit: usize,
}

/// What history retention keeps of one automation, or of what is about none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PruneOrder {
    /// Of which automation; none: of the facts that are about the server and its events alone.
    pub automation: Option<Name>,
    /// Runs that ended before this instant go …
    pub runs_before: Timestamp,
    /// … except this many of the youngest.
    pub keep_last: u32,
    /// Output of runs that ended before this instant goes.
    pub logs_before: Timestamp,
}

/// What went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs that are forgotten, with their output.
    pub runs: Vec<RunId>,
    /// Runs of which only the output went.
    pub logs: Vec<RunId>,
}

/// Why a store did not remember.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot write at the moment: disk full, or an error of the disk.
    #[error("the state cannot be written to {place}: {why}")]
    Write {
        /// The file.
        place: String,
        /// What the system says.
        why: String,
    },
    /// It cannot read.
    #[error("the state cannot be read from {place}: {why}")]
    Read {
        /// The file.
        place: String,
        /// What the system says.
        why: String,
    },
    /// It was written by a newer Provost.
    #[error(
        "{place} was written by a newer Provost (format {found}, this one knows {known}): install that version again"
    )]
    TooNew {
        /// The file.
        place: String,
        /// Its format.
        found: u32,
        /// The newest format that this Provost knows.
        known: u32,
    },
    /// Another process has this state.
    #[error("{place} is in use by {holder}: stop that Provost, or give this one a state folder of its own")]
    InUse {
        /// The state folder.
        place: String,
        /// Who has it: `process 4711`.
        holder: String,
    },
    /// Facts did not follow on one another: another process writes to the same state.
    #[error("fact {got} does not follow on fact {last}: does another process write to the same state?")]
    Gap {
        /// The last one recorded.
        last: u64,
        /// The first of the batch.
        got: u64,
    },
}
