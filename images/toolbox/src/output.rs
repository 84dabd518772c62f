//! Writing to stdout and stderr, and the commands that only print.

use std::{
    env,
    io::{self, BufWriter, Write},
};

use crate::{Outcome, args::Args, failure::Failure};

/// Prints one line on stdout, which the standard library flushes at each line end.
pub fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Prints one line on stderr. Where even that fails there is nobody left to tell.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// `echo WORDS…`
pub fn echo(args: Args) -> Outcome {
    line(&args.rest().join(" "))?;
    Ok(0)
}

/// `spam LINES`: in large blocks, so that the reader is the slow one.
pub fn spam(mut args: Args) -> Outcome {
    let lines: u64 = args.number("the number of lines")?;
    args.end()?;
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    for number in 1..=lines {
        writeln!(out, "line {number} of {lines}")?;
    }
    out.flush()?;
    Ok(0)
}

/// `long-line BYTES`: the line end is not counted.
pub fn long_line(mut args: Args) -> Outcome {
    let mut left: usize = args.number("the number of bytes")?;
    args.end()?;
    let block = [b'x'; 1 << 16];
    let mut out = io::stdout().lock();
    while left > 0 {
        let now = left.min(block.len());
        out.write_all(&block[..now])?;
        left -= now;
    }
    writeln!(out)?;
    Ok(0)
}

/// `env [NAME…]`: `NAME=value` lines, sorted by name; exit 1 if one that was asked for is not set.
pub fn env(args: Args) -> Outcome {
    let names = args.rest();
    if names.is_empty() {
        let mut all: Vec<_> = env::vars_os().collect();
        all.sort();
        for (name, value) in all {
            line(&format!("{}={}", name.to_string_lossy(), value.to_string_lossy()))?;
        }
        return Ok(0);
    }
    for name in names {
        let value = env::var_os(&name).ok_or_else(|| Failure::work(format!("{name} is not set")))?;
        line(&format!("{name}={}", value.to_string_lossy()))?;
    }
    Ok(0)
}
