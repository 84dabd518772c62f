//! What a program in a hook image needs: the event that it was started for, an answer to it, its arguments, and an end
//! that an operator understands.
//!
//! ```no_run
//! use provost_hook::{Answer, HOME, Event};
//!
//! fn main() -> std::process::ExitCode {
//!     provost_hook::program("guard", "", |words| {
//!         words.end()?;
//!         let event = Event::read(HOME)?.unwrap_or_default();
//!         let answer = if event.subject() == "nightly" { Answer::allow() } else { Answer::deny("only nightly may run") };
//!         answer.write(HOME)
//!     })
//! }
//! ```
//!
//! The contract is E1 of Provost: `/provost/event.json` says what happened; `/provost/out/` takes `reply.json` and
//! `locals.json`. It is small on purpose: any language can do the same with a JSON parser.

mod event;
mod out;
mod problem;
mod words;

use std::process::ExitCode;
use std::sync::{Arc, atomic::AtomicBool};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

pub use event::Event;
pub use out::{Answer, set_local};
pub use problem::Problem;
pub use words::Words;

/// The folder that Provost mounts into every container that it starts.
pub const HOME: &str = "/provost";

/// Runs a program: `run` gets its arguments, and what it returns becomes the exit code.
///
/// Exit codes: 0, 1 for work that failed, 2 for wrong usage, 143 after SIGTERM. The kernel ignores a signal without a
/// handler for the first process of a container, so one is installed.
pub fn program(name: &'static str, usage: &'static str, run: impl FnOnce(Words) -> Result<(), Problem>) -> ExitCode {
    let words = Words::new(name, usage, std::env::args().skip(1));
    match end_on_termination().and_then(|()| run(words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            complain(&format!("{name}: {}", problem.message));
            ExitCode::from(problem.code)
        }
    }
}

/// Prints one line on stdout, at once.
///
/// Errors: stdout is closed or full.
pub fn say(text: &str) -> Result<(), Problem> {
    use std::io::Write as _;
    writeln!(std::io::stdout().lock(), "{text}")
        .map_err(|error| Problem::work(format!("cannot write to stdout: {error}")))
}

/// Prints one line on stderr. Where even that fails there is nobody left to tell.
pub fn complain(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn end_on_termination() -> Result<(), Problem> {
    for signal in [SIGTERM, SIGINT] {
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::new(AtomicBool::new(true)))
            .map_err(|error| Problem::work(format!("cannot handle signals: {error}")))?;
    }
    Ok(())
}
