//! Plays seeds: one with its trace, or many with their figures.

use std::process::ExitCode;

fn main() -> ExitCode {
    provost_simulator::program()
}
