//! The program that plays seeds: one with its trace, or many with their figures.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::{Failure, Figures, play, play_many};

/// Tries to break Provost's promises, seed by seed.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Replays one seed.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Plays many, on all cores: `0..5000`.
    #[arg(long, value_parser = range, default_value = "0..1000")]
    seeds: (u64, u64),
    /// Prints all that happened; with one seed.
    #[arg(long)]
    trace: bool,
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let (from, to) = text.split_once("..").ok_or("a range of seeds is written 0..5000")?;
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text:?}: {error}"));
    let (from, to) = (number(from)?, number(to)?);
    if from < to { Ok((from, to)) } else { Err("a range of seeds goes upward, and its end is not in it".to_owned()) }
}

/// The program: its arguments are those of the process.
pub fn program() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.seed {
        Some(seed) => one(seed, arguments.trace),
        None => many(arguments.seeds),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Nobody reads any more.
        Err(_) => ExitCode::from(2),
    }
}

fn one(seed: u64, prints_trace: bool) -> io::Result<bool> {
    let played = play(seed, true);
    let mut out = io::stdout().lock();
    if prints_trace {
        for line in played.trace.lines() {
            writeln!(out, "{line}")?;
        }
    }
    for breach in &played.breaches {
        writeln!(out, "seed {seed} breaks {}, line {}: {}", breach.promise, breach.line, breach.what)?;
        if let Some(line) = breach.line.checked_sub(1).and_then(|index| played.trace.lines().get(index)) {
            writeln!(out, "    {line}")?;
        }
    }
    let figures = &played.record.figures;
    let (facts, starts) = (figures.facts, figures.starts);
    let days = figures.days();
    writeln!(out, "seed {seed}: {days:.1} days, {facts} facts, {starts} containers started")?;
    if played.breaches.is_empty() {
        writeln!(out, "every promise was kept")?;
    }
    Ok(played.breaches.is_empty())
}

fn many((from, to): (u64, u64)) -> io::Result<bool> {
    let began = Instant::now();
    let tell = |failure: &Failure| {
        // Whoever does not read it gets the figures at the end.
        let _ = write!(io::stdout().lock(), "{}", failure.report());
    };
    let (total, failures) = play_many(from..to, tell);
    summary(&total, began.elapsed(), failures.len())
}

fn summary(total: &Figures, took: Duration, failed: usize) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    let seconds = took.as_secs_f64().max(0.001);
    let days = total.days();
    writeln!(out, "seeds                     {:>12}  ({:.0} a second)", total.seeds, total.seeds as f64 / seconds)?;
    writeln!(out, "failed                    {failed:>12}")?;
    writeln!(out, "simulated days            {days:>12.0}  ({:.0} a second)", days / seconds)?;
    writeln!(out, "facts recorded            {:>12}", total.facts)?;
    writeln!(out, "steps of the core         {:>12}", total.steps)?;
    writeln!(out, "containers started        {:>12}", total.starts)?;
    writeln!(out, "starts after a kill or end {:>11}", total.crashes)?;
    for (kind, count) in &total.faults {
        writeln!(out, "  {kind:<34}{count:>2}")?;
    }
    Ok(failed == 0)
}
