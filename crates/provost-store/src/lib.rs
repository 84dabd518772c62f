//! What remembers: facts and history in SQLite, the output of steps in files beside it, and both in memory for tests.
//!
//! It implements the controller's ports [`Store`](provost_controller::Store) and [`Logs`](provost_controller::Logs). It
//! does not know what facts mean: [`State`](provost_model::State) folds them. One state folder holds
//!
//! ```text
//! lock                                    held while a process has the folder; says which
//! provost.db  provost.db-wal              facts, runs, outcomes, snapshots, revisions: readable with `sqlite3`
//! logs/<owner kind>/<owner id>/           the output of one run, event or notice
//!     <step>.jsonl                        while it goes on: a line of JSON for each line of output
//!     archive.jsonl.gz                    once it is over: all steps, in the order of time
//! ```
//!
//! Limits today: the folder must be on a local disk (SQLite's write-ahead log needs shared memory); instants beyond the
//! year 2262 are kept as that year's.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod about;
mod fold;
mod lock;
mod logs;
mod memory;
mod place;
mod sqlite;

pub use logs::{FileLogs, MemoryLogs};
pub use memory::{Fault, MemoryStore};
pub use sqlite::SqliteStore;
