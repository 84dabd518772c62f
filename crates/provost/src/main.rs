//! Provost: runs automations in containers, as a git repository says.
//!
//! This is the only binary and the composition root: it reads flags, environment and configuration, wires the parts
//! together and owns the exit codes.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod app;
mod cli;
mod commands;
mod config;
mod demo;
mod doctor;
mod exit;
mod images;
mod messenger;
mod output;
mod package;
mod serve;
mod view;

use std::process::ExitCode;

/// The core makes and drops many small values, which this allocator is quicker at than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything else: the process beside a container has one thread, and reads no command line of people's.
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == serve::SHIM) {
        return provost_direct::shim::main(args);
    }
    cli::run(std::env::args_os()).into()
}
