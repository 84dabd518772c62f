//! Sources against real folders and a real git.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod config;
mod folder;
mod git;
mod gnupg;
mod hostile;
mod processes;
mod referred;
mod shop;
mod signed;
