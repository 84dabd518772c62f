//! Promises of the core, fed by hand: no clock, no engine, no tasks.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
mod calls;
mod commands;
mod crash;
mod drift;
mod engine;
mod late;
mod manifests;
mod revisions;
mod shutdown;
mod status;
