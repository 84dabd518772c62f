//! The shim alone, for tests and measurements of this crate; the server's own program is its shim in earnest.

use std::process::ExitCode;

fn main() -> ExitCode {
    provost_direct::shim::main(std::env::args_os().skip(1))
}
