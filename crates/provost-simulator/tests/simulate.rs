//! The program, built as the other tests are: `scripts/reliability` runs it with thousands of seeds.

use std::process::ExitCode;

fn main() -> ExitCode {
    provost_simulator::program()
}
