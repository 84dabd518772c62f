//! The one thread that writes. Batches that wait for it are committed together: one sync of the disk for all of them.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use provost_controller::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::place::Place;
use crate::sqlite::columns::{number, why};
use crate::sqlite::rows::{End, Rows};

/// How many rows are committed together at most: a bound for how long the first of them waits.
const GROUP_ROWS_MAX: usize = 4096;

type Reply = oneshot::Sender<Result<(), StoreError>>;

enum Job {
    Append(Rows, Reply),
    /// Anything else, in transactions of its own; it answers by itself.
    Other(Box<dyn FnOnce(&mut Connection) + Send>),
}

/// A handle on the thread that writes. Dropping it waits until all that was asked is written.
pub(crate) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    place: Place,
}

impl Writer {
    /// Starts the thread on `db`.
    pub fn start(db: Connection, place: Place) -> Result<Self, StoreError> {
        let end = end_of(&db).map_err(|e| place.read(why(&e)))?;
        let (jobs, waiting) = mpsc::channel();
        let desk = Desk { db, end, place: place.clone() };
        let thread = std::thread::Builder::new()
            .name("provost-store".to_owned())
            .spawn(move || desk.work(&waiting))
            .map_err(|e| place.write(e))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), place })
    }

    /// Appends `rows`, and returns when they are on the disk.
    pub async fn append(&self, rows: Rows) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Append(rows, reply))?;
        answer.await.map_err(|_| self.gone())?
    }

    /// Lets the thread do `work`, and returns what came of it.
    pub async fn run<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Other(Box::new(move |db| drop(reply.send(work(db))))))?;
        let done = answer.await.map_err(|_| self.gone())?;
        done.map_err(|e| self.place.write(why(&e)))
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job));
        sent.and_then(Result::ok).ok_or_else(|| self.gone())
    }

    fn gone(&self) -> StoreError {
        self.place.write("the thread that writes has ended; start Provost again")
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

/// Where the facts end. Retention may have taken the last ones, which a snapshot holds then.
fn end_of(db: &Connection) -> rusqlite::Result<End> {
    let sql = "SELECT max(coalesce((SELECT max(seq) FROM facts), 0), coalesce((SELECT max(seq) FROM snapshots), 0)),
                      coalesce((SELECT max(latest) FROM facts), ?1)";
    db.query_row(sql, [i64::MIN], |row| {
        Ok(End { seq: u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(), latest: row.get(1)? })
    })
}

/// What the thread has before it.
struct Desk {
    db: Connection,
    end: End,
    place: Place,
}

impl Desk {
    fn work(mut self, waiting: &Receiver<Job>) {
        while let Ok(job) = waiting.recv() {
            let mut next = Some(job);
            while let Some(job) = next.take() {
                match job {
                    Job::Other(work) => work(&mut self.db),
                    Job::Append(rows, reply) => next = self.append_group((rows, reply), waiting),
                }
            }
        }
    }

    /// Appends `first` and what waits behind it; returns the job that ended the group.
    fn append_group(&mut self, first: (Rows, Reply), waiting: &Receiver<Job>) -> Option<Job> {
        let mut size = first.0.len();
        let mut group = vec![first];
        let mut ended_by = None;
        while size < GROUP_ROWS_MAX
            && let Ok(job) = waiting.try_recv()
        {
            match job {
                Job::Append(rows, reply) => {
                    size += rows.len();
                    group.push((rows, reply));
                }
                Job::Other(_) => {
                    ended_by = Some(job);
                    break;
                }
            }
        }
        self.commit(group);
        ended_by
    }

    /// Commits `group` in one transaction, and tells each of its members only then.
    fn commit(&mut self, group: Vec<(Rows, Reply)>) {
        let mut end = self.end;
        let mut accepted = Vec::with_capacity(group.len());
        for (rows, reply) in group {
            match rows.extend(end) {
                Ok(next) => {
                    accepted.push((rows, end, reply));
                    end = next;
                }
                // Whoever asked may have stopped waiting; there is nobody else to tell.
                Err(gap) => drop(reply.send(Err(gap))),
            }
        }
        let written = write_all(&mut self.db, &accepted).map_err(|e| why(&e));
        if written.is_ok() {
            self.end = end;
        }
        for (_, _, reply) in accepted {
            let result = written.as_ref().copied().map_err(|why| self.place.write(why));
            drop(reply.send(result));
        }
    }
}

fn write_all(db: &mut Connection, group: &[(Rows, End, Reply)]) -> rusqlite::Result<()> {
    if group.is_empty() {
        return Ok(());
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (rows, end, _) in group {
        rows.write(&tx, *end)?;
    }
    tx.commit()
}

/// The last fact of `db`, as the writer would see it.
pub(crate) fn last_seq(db: &Connection) -> rusqlite::Result<i64> {
    end_of(db).map(|end| number(end.seq))
}
