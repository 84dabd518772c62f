//! Connections that only read: they never wait for the writer, nor it for them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use provost_controller::StoreError;
use rusqlite::{Connection, OpenFlags};

use crate::place::Place;
use crate::sqlite::columns::why;

/// How many connections are kept open while nobody reads.
const IDLE_MAX: usize = 4;

/// How long a connection waits for another one's lock; with the write-ahead log that is moments, while it is recovered.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The connections that read one database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Readers {
    place: Place,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    /// Readers of the database at `place`, which exists.
    pub fn new(place: Place) -> Self {
        Self { place, idle: Arc::default() }
    }

    /// Lets `look` read, on a thread on which it may block.
    pub async fn read<T, F>(&self, look: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let readers = self.clone();
        let task = tokio::task::spawn_blocking(move || readers.read_now(look));
        task.await.map_err(|e| self.place.read(e))?
    }

    fn read_now<T>(&self, look: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let idle = self.idle().pop();
        let db = idle.map_or_else(|| self.connect(), Ok).map_err(|e| self.place.read(why(&e)))?;
        let found = look(&db).map_err(|e| self.place.read(why(&e)))?;
        let mut idle = self.idle();
        if idle.len() < IDLE_MAX {
            idle.push(db);
        }
        Ok(found)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(self.place.path(), flags)?;
        db.busy_timeout(BUSY_TIMEOUT)?;
        Ok(db)
    }
}
