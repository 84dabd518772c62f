//! `mark`: evidence, from the container itself, of what ran when.

use std::{env, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::{
    Outcome,
    args::Args,
    failure::Failure,
    files::append_line,
    output,
    signals::{TERMINATED, Terminations},
    time::now_ms,
};

/// `mark FILE [--sleep S] [--lines N] [--exit N]`: appends one line of JSON at the start and one at the end, and prints
/// that many numbered lines in between, evenly spread.
///
/// Shape: `{"mark": "start", "automation": …, "due": …, "run": …, "attempt": …, "step": …, "time_ms": …}`, then the
/// same with `"mark": "end"` and `"exit"`. The texts are those of `PROVOST_AUTOMATION` and so on, null where they are not
/// set. SIGTERM ends it early, with a line that says exit 143; only SIGKILL leaves no second line.
pub fn mark(mut args: Args) -> Outcome {
    let file = args.text("the file")?;
    let (mut time, mut lines, mut code) = (Duration::ZERO, 0, 0);
    while let Some(option) = args.next() {
        match option.as_str() {
            "--sleep" => time = args.seconds("--sleep")?,
            "--lines" => lines = args.number("--lines")?,
            "--exit" => code = args.number("--exit")?,
            other => return Err(args.wrong(&format!("there is no option `{other}`"))),
        }
    }
    let mut terminations = Terminations::collect()?;
    let file = Path::new(&file);
    append_line(file, &evidence("start").to_string())?;
    if talk(&mut terminations, time, lines)? {
        code = TERMINATED;
    }
    let mut end = evidence("end");
    end["exit"] = json!(code);
    append_line(file, &end.to_string())?;
    Ok(code)
}

/// Prints `lines` lines, spread over `time`; says whether it was asked to end before.
fn talk(terminations: &mut Terminations, time: Duration, lines: u32) -> Result<bool, Failure> {
    for line in 1..=lines {
        output::line(&format!("line {line}"))?;
        if terminations.wait(time / lines) {
            return Ok(true);
        }
    }
    Ok(lines == 0 && terminations.wait(time))
}

/// Appends one line of evidence that `what` happened.
pub fn note(file: &Path, what: &str) -> Result<(), Failure> {
    append_line(file, &evidence(what).to_string())
}

fn evidence(what: &str) -> Value {
    let variable = |name| env::var(name).ok();
    json!({
        "mark": what,
        "automation": variable("PROVOST_AUTOMATION"),
        "due": variable("PROVOST_DUE"),
        "run": variable("PROVOST_RUN"),
        "attempt": variable("PROVOST_ATTEMPT"),
        "step": variable("PROVOST_STEP"),
        "time_ms": now_ms(),
    })
}
