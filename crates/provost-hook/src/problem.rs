//! Why a program ends without having done its work.

use std::{io, path::Path};

/// A failure: what is told on stderr, and the exit code.
#[derive(Debug)]
pub struct Problem {
    /// The exit code of the program.
    pub code: u8,
    /// What is wrong, where, and what mends it.
    pub message: String,
}

impl Problem {
    /// The work went wrong: exit 1.
    pub fn work(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// The program was called wrongly: exit 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// The error of an operation on a file, with the file's name: `cannot read /x: …`.
    pub fn at(doing: &str, path: impl AsRef<Path>, error: &io::Error) -> Self {
        Self::work(format!("cannot {doing} {}: {error}", path.as_ref().display()))
    }
}
