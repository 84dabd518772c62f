//! The arguments of a program, taken one after the other, so that what is left over is an error.

use std::{str::FromStr, time::Duration};

use crate::Problem;

/// The words of a command line.
#[derive(Debug)]
pub struct Words {
    name: &'static str,
    usage: &'static str,
    words: std::vec::IntoIter<String>,
}

impl Words {
    /// The arguments of the program `name`, whose usage line is `name usage`.
    pub fn new(name: &'static str, usage: &'static str, words: impl IntoIterator<Item = String>) -> Self {
        let words: Vec<String> = words.into_iter().collect();
        Self { name, usage, words: words.into_iter() }
    }

    /// The next word as text; `what` names it in the error.
    pub fn text(&mut self, what: &str) -> Result<String, Problem> {
        self.words.next().ok_or_else(|| self.wrong(&format!("{what} is missing")))
    }

    /// The next word as a number.
    pub fn number<T: FromStr>(&mut self, what: &str) -> Result<T, Problem> {
        let word = self.text(what)?;
        word.parse().map_err(|_| self.wrong(&format!("{what} is not a number in range: `{word}`")))
    }

    /// The next word as a number of seconds, fractions allowed.
    pub fn seconds(&mut self, what: &str) -> Result<Duration, Problem> {
        let seconds: f64 = self.number(what)?;
        Duration::try_from_secs_f64(seconds).map_err(|_| self.wrong(&format!("{what} cannot be {seconds} seconds")))
    }

    /// Refuses words that nobody asked for.
    pub fn end(mut self) -> Result<(), Problem> {
        match self.words.next() {
            Some(word) => Err(self.wrong(&format!("`{word}` is one too many"))),
            None => Ok(()),
        }
    }

    /// The error for an option that does not exist.
    pub fn unknown(&self, option: &str) -> Problem {
        self.wrong(&format!("there is no option `{option}`"))
    }

    /// A usage error, with the usage line.
    pub fn wrong(&self, problem: &str) -> Problem {
        Problem::usage(format!("{problem}\nusage: {} {}", self.name, self.usage))
    }
}

impl Iterator for Words {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.words.next()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn words(line: &str) -> Words {
        Words::new("tool", "[--tries N]", line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn words_are_taken_in_order() {
        let mut words = words("3 0.5 rest");
        assert_eq!(words.number::<u32>("N").unwrap(), 3);
        assert_eq!(words.seconds("S").unwrap(), Duration::from_millis(500));
        assert_eq!(words.next().as_deref(), Some("rest"));
        words.end().unwrap();
    }

    #[test]
    fn what_is_wrong_is_told_with_the_usage() {
        let check = |problem: Problem, expected: &str| {
            assert_eq!((problem.code, problem.message.as_str()), (2, expected));
        };
        check(words("").text("URL").unwrap_err(), "URL is missing\nusage: tool [--tries N]");
        check(words("x").number::<u8>("N").unwrap_err(), "N is not a number in range: `x`\nusage: tool [--tries N]");
        check(words("-1").seconds("S").unwrap_err(), "S cannot be -1 seconds\nusage: tool [--tries N]");
        check(words("a").end().unwrap_err(), "`a` is one too many\nusage: tool [--tries N]");
    }
}
