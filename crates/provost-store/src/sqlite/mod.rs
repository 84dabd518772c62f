//! The store in SQLite: write-ahead log, every commit synced to the disk, one thread that writes.

mod columns;
mod migrations;
mod prune;
mod query;
mod readers;
mod revisions;
mod rows;
mod snapshot;
mod writer;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use jiff::Timestamp;
use provost_controller::{Batch, FactQuery, OutcomeQuery, PruneOrder, Pruned, Revision, RunQuery, Store, StoreError};
use provost_model::{DueOutcome, Name, Recorded, RunId, RunRecord, State};
use rusqlite::Connection;

use crate::lock::FolderLock;
use crate::place::{Place, sync_folder};
pub(crate) use rows::warn_of_second;

/// The store in `<folder>/provost.db`. All of its methods want a tokio runtime around them.
///
/// What [`Store::append`] returned from is on the disk: it survives a crash and a power cut (R2). Dropping the store waits
/// until what was asked is written, and frees the folder.
pub struct SqliteStore {
    // In the order in which they go: the writer after the readers, so that it tidies up the log; the lock last.
    readers: readers::Readers,
    writer: writer::Writer,
    place: Place,
    _lock: FolderLock,
}

impl SqliteStore {
    /// Opens the store in `folder`, which is made if it is not there, and brings it to today's format.
    ///
    /// Errors: [`StoreError::InUse`] if another process has the folder, [`StoreError::TooNew`] if a newer Provost wrote it,
    /// [`StoreError::Read`] and [`StoreError::Write`] with what the system says. It blocks for moments.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(|e| Place::new(folder).write(e))?;
        let lock = FolderLock::take(folder)?;
        let place = Place::new(folder.join("provost.db"));
        let mut db = connect(place.path()).map_err(|e| place.read(columns::why(&e)))?;
        migrations::migrate(&mut db, migrations::STEPS, &place)?;
        prune::owe_again(&db).map_err(|e| place.write(columns::why(&e)))?;
        sync_folder(folder).map_err(|e| place.write(e))?;
        Ok(Self {
            writer: writer::Writer::start(db, place.clone())?,
            readers: readers::Readers::new(place.clone()),
            place,
            _lock: lock,
        })
    }

    /// Writes a copy of the whole database, as it is at this moment, to the file `to`, while work goes on. A file that is
    /// there is replaced once the copy is whole.
    ///
    /// Errors: [`StoreError::Write`] with `to` and what the system says.
    pub async fn backup(&self, to: impl Into<PathBuf>) -> Result<(), StoreError> {
        let place = Place::new(to.into());
        let (target, source) = (place.clone(), self.place.clone());
        let task = tokio::task::spawn_blocking(move || copy(source.path(), &target));
        task.await.map_err(|e| place.write(e))?
    }
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(file)?;
    db.busy_timeout(readers::BUSY_TIMEOUT)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    // What the log grew to in a burst is given back to the disk.
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

fn copy(source: &Path, target: &Place) -> Result<(), StoreError> {
    let (path, failed) = (target.path(), |e: std::io::Error| target.write(e));
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    // A copy that a crash cut short.
    let _ = std::fs::remove_file(&unfinished);
    let db = Connection::open(source).map_err(|e| target.write(columns::why(&e)))?;
    let text = unfinished.to_str().ok_or_else(|| target.write("its path is not UTF-8"))?;
    db.execute("VACUUM INTO ?1", [text]).map_err(|e| target.write(columns::why(&e)))?;
    std::fs::File::open(&unfinished).and_then(|file| file.sync_all()).map_err(failed)?;
    std::fs::rename(&unfinished, path).map_err(failed)?;
    sync_folder(path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))).map_err(failed)
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self) -> Result<State, StoreError> {
        self.readers.read(snapshot::load).await
    }

    async fn append(&self, batch: Batch) -> Result<(), StoreError> {
        let rows = rows::Rows::of(batch).map_err(|e| self.place.write(e))?;
        self.writer.append(rows).await
    }

    async fn snapshot(&self, state: &State) -> Result<(), StoreError> {
        let (seq, json) = (state.seq, serde_json::to_vec(state).map_err(|e| self.place.write(e))?);
        let last = self.readers.read(writer::last_seq).await?;
        if columns::number(seq) > last {
            return Err(StoreError::Gap { last: last.unsigned_abs(), got: seq });
        }
        let task = tokio::task::spawn_blocking(move || snapshot::compress(&json));
        let compressed = task.await.map_err(std::io::Error::other).flatten().map_err(|e| self.place.write(e))?;
        self.writer.run(move |db| snapshot::keep(db, seq, &compressed)).await
    }

    async fn keep_revision(&self, revision: &Revision, received_at: Timestamp) -> Result<(), StoreError> {
        let revision = revision.clone();
        self.writer.run(move |db| revisions::keep(db, &revision, received_at)).await
    }

    async fn revision(&self, id: &str) -> Result<Option<Revision>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |db| revisions::find(db, &id)).await
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunRecord>, StoreError> {
        let query = query.clone();
        self.readers.read(move |db| query::runs(db, &query)).await
    }

    async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        let id = id.clone();
        self.readers.read(move |db| query::run(db, id.as_str())).await
    }

    async fn outcomes(&self, query: &OutcomeQuery) -> Result<Vec<DueOutcome>, StoreError> {
        let query = query.clone();
        self.readers.read(move |db| query::outcomes(db, &query)).await
    }

    async fn facts(&self, query: &FactQuery) -> Result<Vec<Recorded>, StoreError> {
        let query = query.clone();
        self.readers.read(move |db| query::facts(db, &query)).await
    }

    async fn automations(&self) -> Result<BTreeSet<Name>, StoreError> {
        self.readers.read(query::automations).await
    }

    async fn prune(&self, order: &PruneOrder) -> Result<Pruned, StoreError> {
        let begun = order.clone();
        let mut pruned = self.writer.run(move |db| prune::begin(db, &begun)).await?;
        loop {
            let order = order.clone();
            let (piece, is_more) = self.writer.run(move |db| prune::prune_piece(db, &order)).await?;
            pruned.runs.extend(piece.runs);
            pruned.logs.extend(piece.logs);
            if !is_more {
                return Ok(pruned);
            }
        }
    }
}

#[cfg(test)]
mod tests;
