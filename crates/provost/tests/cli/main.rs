//! The command line: exit codes, standard output and standard error, with a fixed clock and without an engine.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod configuration;
mod help;
mod manifests;
mod project;
mod schedule;
mod server;
mod support;
