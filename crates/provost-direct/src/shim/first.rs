//! The first process of a container: a small init that passes signals on and reaps orphans.
//!
//! The kernel spares the first process of a namespace every signal that it has no handler for. A program that knows
//! nothing of that, as most do, would not end on SIGTERM; so it is the second one. The first is this same process, as the
//! runtime has forked it: nothing has to be in the image, and nothing of the host is mounted into it.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::process::Command;

use libcontainer::workload::ExecutorError;
use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// What is said on the pipe when the program runs; anything else is why it does not.
pub(super) const RUNS: &[u8] = b"\0";

/// Runs the program, and ends when it ends, with its exit code.
pub(super) fn live(mut program: Command, word: &OwnedFd) -> Result<(), ExecutorError> {
    let word = word.try_clone().map(File::from);
    let say = |text: &[u8]| word.as_ref().map(|mut word| word.write_all(text)).map(drop);
    let _ = rustix::thread::set_name(c"provost-init");
    // Before signals are blocked: the program would inherit that.
    let child = match program.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = say(error.to_string().as_bytes());
            let is_missing = error.kind() == std::io::ErrorKind::NotFound;
            end(if is_missing { 127 } else { 126 })
        }
    };
    let child = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
    let all = SigSet::all();
    let blocked = all.thread_block();
    let _ = say(RUNS);
    blocked.map_err(|error| ExecutorError::Other(format!("cannot block signals: {error}")))?;
    loop {
        if let Some(code) = reap(child) {
            end(code);
        }
        match all.wait() {
            Ok(Signal::SIGCHLD) | Err(_) => {}
            Ok(signal) => {
                let _ = kill(child, signal);
            }
        }
    }
}

/// Takes what has ended; the exit code of the program, if it is among that.
fn reap(child: Pid) -> Option<i32> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => return Some(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => return Some(128 + signal as i32),
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return None,
            Ok(_) | Err(_) => {}
        }
    }
}

#[expect(clippy::exit, reason = "the runtime has no way to return an exit code; nothing here has to be dropped")]
fn end(code: i32) -> ! {
    std::process::exit(code)
}
