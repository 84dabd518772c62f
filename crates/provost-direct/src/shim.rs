//! The process beside each container: it makes the container, waits for the word to start it, writes its output and its
//! end down, and goes with it.
//!
//! It is this same program, executed anew. It has one thread, because the runtime forks without executing anything, and
//! what other threads held at that moment would stay held for ever: inside of a server, it hung.
//!
//! A shim has a mount namespace of its own, in which it prepares the container's, and, for a container without a network,
//! a network namespace. Whatever ends it, the kernel takes its mounts away, and its container too: the first process of
//! the container asked to be killed when the shim is gone. What connects a container to a network, the kernel does not
//! take back: the shim does at the end, or else the engine.

mod create;
mod executor;
mod first;
mod groups;
mod guest;
pub(crate) mod guise;
mod log;
mod network;
mod own_users;
mod powers;
mod root;
mod seccomp;
mod tend;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::place::Place;
use crate::record::Answer;
use crate::rootless;

/// Why a shim does not do what it was started for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShimError {
    /// It was not called by the engine.
    #[error("this is the process beside a container, which only Provost's direct engine starts")]
    Usage,
    /// Something around the container failed.
    #[error("cannot {what}: {source}")]
    Around { what: String, source: io::Error },
    /// The container cannot be made.
    #[error("{0}")]
    Container(String),
}

impl ShimError {
    /// What to make of a system's error: `map_err(ShimError::around("mount the root"))`.
    pub(crate) fn around<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |error| Self::Around { what: what.into(), source: error.into() }
    }

    /// What the engine is told.
    fn answer(&self) -> Answer {
        /// Parts of the runtime's words that speak of what may pass.
        const PASSING: &[&str] = &["No space left", "ENOSPC", "EAGAIN", "ENOMEM", "EMFILE", "temporarily unavailable"];
        let text = self.to_string();
        match self {
            Self::Container(_) if !PASSING.iter().any(|part| text.contains(part)) => Answer::Refused(text),
            _ => Answer::Unavailable(text),
        }
    }
}

/// What a program does that was called as a shim, with the arguments that the engine gave it.
///
/// The program must have one thread only when it calls this.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let order = args.next().unwrap_or_default();
    let folder = args.next().map(PathBuf::from);
    let done = match (order.to_str(), folder) {
        (Some("run"), Some(folder)) => run(&folder),
        (Some("inside"), Some(folder)) => return guest::run(&folder, args),
        (Some(MAKER), None) => return if own_users::enter_and_wait() { ExitCode::SUCCESS } else { ExitCode::FAILURE },
        (Some("map"), None) => return if rootless::map() { ExitCode::SUCCESS } else { ExitCode::FAILURE },
        _ => Err(ShimError::Usage),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// What makes a user namespace for the process that calls it so.
const MAKER: &str = "users";

/// This same program, which was called as `… run FOLDER`, with another order.
fn again(order: &str) -> Command {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let mut command = Command::new("/proc/self/exe");
    command.args(&words[..words.len().saturating_sub(2)]).arg(order);
    command
}

fn run(folder: &Path) -> Result<(), ShimError> {
    std::env::set_current_dir(folder).map_err(ShimError::around(format!("enter {}", folder.display())))?;
    let place = Place::new(PathBuf::from("."));
    let made = place.made().map_err(ShimError::around("read what was asked for"))?.ok_or(ShimError::Usage)?;
    match create::create(&place, &made, folder) {
        Ok(container) => {
            answer(&Answer::Done);
            tend::tend(&place, &made, container)
        }
        Err(error) => {
            answer(&error.answer());
            Err(error)
        }
    }
}

/// Answers the engine, once: what it reads ends with it. It may be gone; then it asks again when it is back.
fn answer(answer: &Answer) {
    let text = serde_json::to_vec(answer).unwrap_or_default();
    let _ = io::stdout().write_all(&text).and_then(|()| io::stdout().flush());
    if let Ok(null) = std::fs::File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(null);
    }
}
