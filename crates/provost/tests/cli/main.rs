//! The command line: exit codes, standard output and standard error, with a fixed clock and without an engine.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod configuration;
mod doctor;
mod help;
mod manifests;
mod package;
mod project;
mod schedule;
mod secret;
mod security;
mod server;
mod support;
