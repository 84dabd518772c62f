//! How a command ends: its exit code, and what it says when it could not do what it was asked.

use std::fmt;
use std::io;

use crate::output::printable;

/// How a command ends. The codes are an interface: scripts depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// The answer is no: a manifest is invalid, a run failed, a revision was refused.
    No = 1,
    /// The command line or a configuration file is wrong.
    Usage = 2,
    /// `plan --exit-code`: there are changes.
    Changes = 3,
    /// Whoever asked may not.
    Denied = 4,
    /// What was named is not there.
    NotFound = 5,
    /// Some servers did not do it.
    SomeServers = 6,
    /// It took longer than it may: a run, or the waiting for it.
    TimedOut = 124,
    /// Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// Every code, in order.
    pub const ALL: [Self; 9] = [
        Self::Done,
        Self::No,
        Self::Usage,
        Self::Changes,
        Self::Denied,
        Self::NotFound,
        Self::SomeServers,
        Self::TimedOut,
        Self::Interrupted,
    ];

    /// What it means, for `provost help exit-codes`.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::No => "the answer is no: a manifest is invalid, a run failed, a revision was refused",
            Self::Usage => "the command line or a configuration file is wrong",
            Self::Changes => "there are changes (plan --exit-code)",
            Self::Denied => "denied: the server does not let you",
            Self::NotFound => "not found: there is no such thing, or no server answers",
            Self::SomeServers => "some servers failed, the others did it",
            Self::TimedOut => "timed out: the run, or the waiting for it",
            Self::Interrupted => "interrupted with Ctrl-C",
        }
    }

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command did not do what it was asked: what, where, and how to mend it.
#[derive(Debug)]
pub struct Failure {
    /// How the command ends.
    pub exit: Exit,
    /// What happened, and where. Empty: there is nobody to tell (the pipe is closed), or all is said already.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// The message is a report that stands for itself: diagnostics with their own heads.
    pub is_report: bool,
}

/// What a command returns.
pub type Outcome = Result<Exit, Failure>;

impl Failure {
    /// A failure that ends the command with `exit`.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string(), help: None, is_report: false }
    }

    /// The answer is no.
    pub fn no(message: impl fmt::Display) -> Self {
        Self::new(Exit::No, message)
    }

    /// The command line or a configuration file is wrong.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// What was named is not there.
    pub fn not_found(message: impl fmt::Display) -> Self {
        Self::new(Exit::NotFound, message)
    }

    /// A refusal that `report` tells in full: diagnostics with their own heads.
    pub fn report(exit: Exit, report: impl fmt::Display) -> Self {
        Self { is_report: true, ..Self::new(exit, report) }
    }

    /// An ending of which nothing is said, because all has been said.
    pub fn silent(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// The same, with a way to mend it.
    #[must_use]
    pub fn help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    /// The lines for stderr, control codes stripped; none when it is silent.
    pub fn lines(&self) -> Vec<String> {
        if self.message.is_empty() {
            return Vec::new();
        }
        let help = self.help.iter().map(|help| format!("help: {help}"));
        let text = std::iter::once(self.message.clone()).chain(help);
        text.flat_map(|text| text.lines().map(|line| printable(line).into_owned()).collect::<Vec<_>>()).collect()
    }
}

/// Whoever read our output has gone: that is no failure, and there is nobody to tell.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::silent(Exit::Done);
        }
        Self::no(format!("the output cannot be written: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_quiet() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit, failure.lines()), (Exit::Done, Vec::new()));
        let failure = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(failure.exit, Exit::No);
        assert_eq!(failure.lines().len(), 1);
    }

    #[test]
    fn a_failure_tells_no_terminal_what_to_do() {
        let failure = Failure::no("\u{1b}[2Jgone\nsecond").help("mend\u{7}");
        assert_eq!(failure.lines(), ["[2Jgone", "second", "help: mend"]);
    }
}
