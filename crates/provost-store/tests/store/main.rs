//! What every store does: the same tests on the one in memory and the one on disk.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

/// Runs each of the tests on every store.
macro_rules! conformance {
    ($($test:ident)*) => {
        mod memory {
            use super::*;
            $(#[tokio::test] async fn $test() { super::$test(Subject::Memory(MemoryStore::new())).await })*
        }
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $test() { super::$test(Subject::sqlite()).await })*
        }
    };
}

#[path = "../common/mod.rs"]
mod common;
mod facts;
mod past;
mod retention;
mod state;

use common::*;
use provost_controller::{
    Batch, FactQuery, OutcomeQuery, PruneOrder, Pruned, Revision, RunQuery, SourceFile, Store, StoreError,
};
use provost_model::{
    AcceptedEvent, DueOutcome, DueVerdict, Fact, JsonMap, MissReason, Outcome, RevisionId, RunId, SkipReason, State,
};
use provost_store::{MemoryStore, SqliteStore};

/// A store that can be started again.
enum Subject {
    Memory(MemoryStore),
    Sqlite(Option<SqliteStore>, tempfile::TempDir),
}

impl Subject {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::Sqlite(Some(SqliteStore::open(folder.path()).unwrap()), folder)
    }

    fn store(&self) -> &dyn Store {
        match self {
            Self::Memory(store) => store,
            Self::Sqlite(store, _) => store.as_ref().unwrap(),
        }
    }

    fn restart(&mut self) {
        match self {
            Self::Memory(store) => *store = store.durable(),
            Self::Sqlite(store, folder) => {
                drop(store.take());
                *store = Some(SqliteStore::open(folder.path()).unwrap());
            }
        }
    }
}

fn all_facts() -> FactQuery {
    FactQuery { limit: 1000, ..FactQuery::default() }
}

fn all_runs() -> RunQuery {
    RunQuery { limit: 1000, ..RunQuery::default() }
}

fn all_outcomes() -> OutcomeQuery {
    OutcomeQuery { limit: 1000, ..OutcomeQuery::default() }
}

async fn seqs(store: &dyn Store, query: FactQuery) -> Vec<u64> {
    store.facts(&query).await.unwrap().iter().map(|fact| fact.seq).collect()
}

async fn minutes(store: &dyn Store, query: RunQuery) -> Vec<i64> {
    let runs = store.runs(&query).await.unwrap();
    runs.iter().map(|run| (run.due - at(0)).total(jiff::Unit::Minute).unwrap() as i64).collect()
}
