//! What must be survived: the real binary, the real database, a real engine; kill -9 hundreds of times, engines that go
//! and come back, a process that is frozen, a disk that is full, an end with fifty runs going on.
//!
//! The evidence comes from the containers themselves, which append what they are and how they ended to a file; the ledger
//! of the server is compared with it, so that a lying ledger is caught. `PROVOST_KILLS` says how many kills (200), and
//! `PROVOST_SEED` from which seed their instants are drawn.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

#[path = "../acceptance/common.rs"]
#[expect(dead_code, reason = "the acceptance tests use all of it")]
mod common;
mod evidence;
mod ledger;

mod disk;
mod engines;
mod kills;
mod processes;
