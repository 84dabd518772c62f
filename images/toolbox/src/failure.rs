//! How commands fail, and the two commands that fail on purpose.

use std::{env, io};

use crate::{Outcome, args::Args, output};

/// Why the program ends without having done its work.
#[derive(Debug)]
pub struct Failure {
    /// The exit code of the program.
    pub code: u8,
    /// The message for stderr.
    pub message: String,
}

impl Failure {
    /// The work went wrong: exit 1.
    pub fn work(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// The program was called wrongly: exit 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// Turns the error of an operation on `path` into one that says so.
    pub fn at(doing: &str, path: impl AsRef<std::path::Path>, error: &io::Error) -> Self {
        Self::work(format!("cannot {doing} {}: {error}", path.as_ref().display()))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::work(format!("cannot write the output: {error}"))
    }
}

/// `fail CODE [MESSAGE]`
pub fn fail(mut args: Args) -> Outcome {
    let code = args.number("the exit code")?;
    let message = args.rest().join(" ");
    if !message.is_empty() {
        output::complain(&message);
    }
    Ok(code)
}

/// `flaky N`: attempts count from 1, and without the variable it is the first one.
pub fn flaky(mut args: Args) -> Outcome {
    let failing: u64 = args.number("the number of failing attempts")?;
    args.end()?;
    let attempt = match env::var("PROVOST_ATTEMPT") {
        Ok(text) => text.parse().map_err(|_| Failure::usage(format!("PROVOST_ATTEMPT is not a number: `{text}`")))?,
        Err(_) => 1,
    };
    if attempt <= failing {
        return Err(Failure::work(format!("attempt {attempt} fails, as {failing} should")));
    }
    output::line(&format!("attempt {attempt} succeeds after {failing} that failed"))?;
    Ok(0)
}
