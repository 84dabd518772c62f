//! The store in memory, for simulation and tests: it behaves as the real one does, and can be told to fail.

mod history;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use provost_controller::{Batch, FactQuery, OutcomeQuery, PruneOrder, Pruned, Revision, RunQuery, Store, StoreError};
use provost_model::{DueOutcome, Name, Recorded, RunId, RunRecord, State};

use history::History;

/// A store in memory. What it holds ends with it; [`MemoryStore::durable`] is what a crash would leave.
#[derive(Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    history: History,
    failing: usize,
    fault: Option<Fault>,
}

/// How an append fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is recorded.
    Before,
    /// The batch is recorded, and only the answer says otherwise: as after a crash between the two.
    After,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next `count` appends fail.
    pub fn fail_appends(&self, count: usize, fault: Fault) {
        let mut inner = self.inner();
        inner.failing = count;
        inner.fault = Some(fault);
    }

    /// Returns a store of its own with what is durable in this one: what a restart finds. It fails at nothing.
    #[must_use]
    pub fn durable(&self) -> Self {
        let mut history = self.inner().history.clone();
        history.owe_again();
        Self { inner: Mutex::new(Inner { history, ..Inner::default() }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn next_fault(&mut self) -> Option<Fault> {
        self.failing = self.failing.checked_sub(1)?;
        self.fault
    }
}

fn injected() -> StoreError {
    StoreError::Write { place: "memory".to_owned(), why: "it was told to fail".to_owned() }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self) -> Result<State, StoreError> {
        Ok(self.inner().history.load())
    }

    async fn append(&self, batch: Batch) -> Result<(), StoreError> {
        let mut inner = self.inner();
        let fault = inner.next_fault();
        if fault == Some(Fault::Before) {
            return Err(injected());
        }
        inner.history.append(batch)?;
        if fault == Some(Fault::After) { Err(injected()) } else { Ok(()) }
    }

    async fn snapshot(&self, state: &State) -> Result<(), StoreError> {
        self.inner().history.snapshot(state)
    }

    async fn keep_revision(&self, revision: &Revision, _received_at: Timestamp) -> Result<(), StoreError> {
        let revisions = &mut self.inner().history.revisions;
        revisions.entry(revision.id.clone()).or_insert_with(|| Arc::new(revision.clone()));
        Ok(())
    }

    async fn revision(&self, id: &str) -> Result<Option<Revision>, StoreError> {
        Ok(self.inner().history.revision(id))
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunRecord>, StoreError> {
        Ok(self.inner().history.runs(query))
    }

    async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        Ok(self.inner().history.run(id))
    }

    async fn outcomes(&self, query: &OutcomeQuery) -> Result<Vec<DueOutcome>, StoreError> {
        Ok(self.inner().history.outcomes(query))
    }

    async fn facts(&self, query: &FactQuery) -> Result<Vec<Recorded>, StoreError> {
        Ok(self.inner().history.facts(query))
    }

    async fn automations(&self) -> Result<BTreeSet<Name>, StoreError> {
        Ok(self.inner().history.automations())
    }

    async fn prune(&self, order: &PruneOrder) -> Result<Pruned, StoreError> {
        Ok(self.inner().history.prune(order))
    }
}
