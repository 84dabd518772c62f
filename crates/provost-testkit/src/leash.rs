//! Children that must not outlive the test, even if the test is killed.

use std::{
    io,
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// A child process that is killed when this is dropped, and also when this process ends in any way.
///
/// A small shell holds the other end of a pipe; when the pipe closes, it kills the child.
#[derive(Debug)]
pub struct Leash {
    child: Child,
    watcher: Child,
}

impl Leash {
    /// Starts the command. Errors: those of starting a process.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let watching = Command::new("sh")
            .args(["-c", "cat; kill -KILL \"$1\" 2>&-", "watcher", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match watching {
            Ok(watcher) => Ok(Self { child, watcher }),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }

    /// The child's process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the child to end, with SIGTERM; one that is gone already need not be asked.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends the child a signal; one that is gone already gets none.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// How the child ended, if it did. Errors: those of waiting for a process.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        // The watcher goes first: once the child is waited for, its id may belong to another process.
        if self.has_ended() {
            self.let_go();
        }
        self.child.try_wait()
    }

    /// Whether the child has ended, without taking its id away.
    fn has_ended(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        status.rsplit(')').next().is_none_or(|rest| rest.trim_start().starts_with(['Z', 'X']) || rest.is_empty())
    }

    /// Ends the watcher without its doing anything.
    fn let_go(&mut self) {
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.let_go();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::{path::Path, time::Duration};

    use super::*;
    use crate::eventually;

    fn exists(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn a_dropped_child_is_gone() {
        let leash = Leash::start(Command::new("sleep").arg("60")).unwrap();
        let pid = leash.id();
        assert!(exists(pid));
        drop(leash);
        assert!(!exists(pid));
    }

    #[test]
    fn a_child_is_killed_when_its_owner_is_gone_without_a_drop() {
        let mut leash = Leash::start(Command::new("sleep").arg("60")).unwrap();
        drop(leash.watcher.stdin.take()); // what the kernel does when the owner is killed
        let ended = eventually(Duration::from_secs(10), || leash.child.try_wait().unwrap());
        assert!(ended.is_some_and(|status| !status.success()));
    }

    #[test]
    fn a_child_that_ends_is_seen() {
        let mut leash = Leash::start(&mut Command::new("true")).unwrap();
        let ended = eventually(Duration::from_secs(10), || leash.ended().unwrap());
        assert!(ended.is_some_and(|status| status.success()));
    }

    #[test]
    fn a_child_can_be_asked_to_end() {
        use std::os::unix::process::ExitStatusExt as _;
        let mut leash = Leash::start(Command::new("sleep").arg("60")).unwrap();
        leash.terminate();
        let ended = eventually(Duration::from_secs(10), || leash.ended().unwrap());
        assert_eq!(ended.unwrap().signal(), Some(15));
    }
}
