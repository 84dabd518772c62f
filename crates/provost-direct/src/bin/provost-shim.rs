//! The shim alone, for the tests and benchmarks of this crate. In the product it is the program `provost` itself.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use provost_direct::{ShimProgram, rootless};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    if args.next_if(|first| first == "enter").is_some() {
        return enter(args);
    }
    provost_direct::shim::main(args)
}

/// `enter FOLDER PROGRAM ARG…`: becomes a program as whoever is not root becomes the engine of a folder.
fn enter(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let folder = args.next().unwrap_or_default();
    let shim = ShimProgram { program: "/proc/self/exe".into(), args: Vec::new() };
    let error = match rootless::enter(Path::new(&folder), &shim) {
        Ok(()) => Command::new(args.next().unwrap_or_default()).args(args).exec().to_string(),
        Err(error) => error.to_string(),
    };
    let _ = writeln!(io::stderr(), "{error}");
    ExitCode::FAILURE
}
