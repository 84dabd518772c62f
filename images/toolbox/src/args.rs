//! The arguments of a command, taken one after the other.

use std::{str::FromStr, time::Duration};

use crate::failure::Failure;

/// The words that follow the command's name; every method takes from them, so that what is left over is an error.
pub struct Args {
    command: &'static str,
    usage: &'static str,
    words: std::vec::IntoIter<String>,
}

impl Args {
    /// Makes them for a command whose usage line is `command usage`.
    pub fn new(command: &'static str, usage: &'static str, words: Vec<String>) -> Self {
        Self { command, usage, words: words.into_iter() }
    }

    /// The next word, if there is one.
    pub fn next(&mut self) -> Option<String> {
        self.words.next()
    }

    /// All that is left.
    pub fn rest(self) -> Vec<String> {
        self.words.collect()
    }

    /// The next word as text; `what` names it in the error.
    pub fn text(&mut self, what: &str) -> Result<String, Failure> {
        self.words.next().ok_or_else(|| self.wrong(&format!("{what} is missing")))
    }

    /// The next word as a number.
    pub fn number<T: FromStr>(&mut self, what: &str) -> Result<T, Failure> {
        let word = self.text(what)?;
        self.parse(what, &word)
    }

    /// The next word as a number of seconds, fractions allowed.
    pub fn seconds(&mut self, what: &str) -> Result<Duration, Failure> {
        let word = self.text(what)?;
        self.parse::<f64>(what, &word).and_then(|seconds| {
            Duration::try_from_secs_f64(seconds).map_err(|_| self.wrong(&format!("{what} cannot be {seconds} seconds")))
        })
    }

    /// Refuses words that nobody asked for.
    pub fn end(mut self) -> Result<(), Failure> {
        match self.words.next() {
            Some(word) => Err(self.wrong(&format!("`{word}` is one too many"))),
            None => Ok(()),
        }
    }

    /// A usage error of this command, with its usage line.
    pub fn wrong(&self, problem: &str) -> Failure {
        Failure::usage(format!("{}: {problem}\nusage: {} {}", self.command, self.command, self.usage))
    }

    fn parse<T: FromStr>(&self, what: &str, word: &str) -> Result<T, Failure> {
        word.parse().map_err(|_| self.wrong(&format!("{what} is not a number in range: `{word}`")))
    }
}
