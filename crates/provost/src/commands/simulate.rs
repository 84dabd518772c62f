//! `provost simulate`: weeks of schedule, policy and failure in a moment, through the same code that runs for real.

use std::collections::BTreeMap;

use jiff::Timestamp;
use provost_controller::{Report, Script, Tally, simulate};
use provost_model::Name;
use serde_json::json;

use super::offline::{FactsArgs, PathArgs, compiled};
use crate::app::{App, FormatArgs};
use crate::config::{Direction, parse_duration, parse_moment};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Column, Listing, Row, Text, Tone};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    path: PathArgs,
    /// When it begins [default: now]
    #[arg(long, value_name = "RFC3339")]
    from: Option<Timestamp>,
    /// How long it plays
    #[arg(long = "for", value_name = "DURATION", default_value = "2w")]
    length: String,
    /// How long main containers run; NAME=DURATION for one automation; again for more [default: 1m]
    #[arg(long, value_name = "DURATION")]
    run_for: Vec<String>,
    /// Let each n-th attempt of an automation fail; again for more
    #[arg(long, value_name = "NAME=N")]
    fail_every: Vec<String>,
    /// Let the reconciler be down: FROM/UNTIL, or AFTER+LENGTH as in 1d+2h; again for more
    #[arg(long, value_name = "SPAN")]
    down: Vec<String>,
    /// Show every outcome and not only their numbers
    #[arg(long)]
    events: bool,
    #[command(flatten)]
    facts: FactsArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the command.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    let compiled = compiled(&args.path.path, &args.facts.read()?, app)?;
    let Some(desired) = compiled.desired else {
        app.output.raw(&(compiled.report(provost_manifest::Style::Plain) + "\n"))?;
        return Ok(Exit::No);
    };
    let from = args.from.unwrap_or(app.times.now);
    let until = parse_moment(&args.length, from, Direction::Ahead).map_err(Failure::usage)?;
    let script = args.script(from, desired.automations.keys().cloned().collect())?;
    let report = simulate(desired, from, until, &script);
    if args.events {
        print_lines(&report, args, app)?;
    } else {
        listing(&report).print(&mut app.output, args.format.format)?;
    }
    app.output.note(format!(
        "{} to {}: at most {} runs at once, {} facts",
        app.times.full(from),
        app.times.full(until),
        report.at_once_max,
        report.facts
    ))?;
    Ok(Exit::Done)
}

impl Args {
    fn script(&self, from: Timestamp, names: Vec<Name>) -> Result<Script, Failure> {
        let mut script = Script::default();
        let known = |text: &str| {
            let found = names.iter().find(|name| name.as_str() == text).cloned();
            found.ok_or_else(|| Failure::usage(format!("there is no automation {text:?}")))
        };
        let seconds =
            |text: &str| parse_duration(text).map(|length| length.as_secs().unsigned_abs()).map_err(Failure::usage);
        for wish in &self.run_for {
            match wish.split_once('=') {
                Some((name, length)) => {
                    script.run_for_of.insert(known(name)?, seconds(length)?);
                }
                None => script.run_for_s = seconds(wish)?,
            }
        }
        for wish in &self.fail_every {
            let parsed = wish
                .split_once('=')
                .and_then(|(name, number)| Some((name, number.parse::<u64>().ok().filter(|n| *n > 0)?)));
            let (name, number) =
                parsed.ok_or_else(|| Failure::usage(format!("{wish:?} is not NAME=N with N from 1")))?;
            script.fail_every.insert(known(name)?, number);
        }
        script.downtimes = self.down.iter().map(|span| downtime(span, from)).collect::<Result<_, _>>()?;
        script.downtimes.sort();
        Ok(script)
    }
}

/// `2026-11-20T00:00:00Z/2026-11-21T00:00:00Z`, or `1d+2h` after the beginning.
fn downtime(span: &str, from: Timestamp) -> Result<(Timestamp, Timestamp), Failure> {
    let wrong = || {
        Failure::usage(format!("{span:?} is no span")).help("write FROM/UNTIL in RFC 3339, or AFTER+LENGTH as in 1d+2h")
    };
    if let Some((start, end)) = span.split_once('/') {
        let instant = |text: &str| text.parse::<Timestamp>().map_err(|_| wrong());
        let (start, end) = (instant(start)?, instant(end)?);
        return if start < end { Ok((start, end)) } else { Err(wrong()) };
    }
    let (after, length) = span.split_once('+').ok_or_else(wrong)?;
    let start = parse_moment(after, from, Direction::Ahead).map_err(|_| wrong())?;
    let end = parse_moment(length, start, Direction::Ahead).map_err(|_| wrong())?;
    Ok((start, end))
}

fn listing(report: &Report) -> Listing {
    let columns = vec![
        Column::new("AUTOMATION"),
        Column::new("RUNS"),
        Column::new("OK"),
        Column::new("NOT OK"),
        Column::new("RETRIES"),
        Column::new("SKIPPED"),
        Column::new("MISSED"),
    ];
    let rows = report.automations.iter().map(|(name, tally)| row(name, tally));
    Listing { columns, rows: rows.collect(), when_empty: "Nothing was due in that time.".to_owned() }
}

fn row(name: &Name, tally: &Tally) -> Row {
    use provost_model::Outcome as How;
    let runs: u64 = tally.runs.values().sum();
    let ok = tally.runs.get(&How::Succeeded).copied().unwrap_or_default();
    let others: Vec<String> = tally
        .runs
        .iter()
        .filter(|(how, _)| **how != How::Succeeded)
        .map(|(how, n)| format!("{n} {}", how.word()))
        .collect();
    let cells = vec![
        name.as_str().into(),
        runs.to_string().into(),
        Text::toned(Tone::Good, if ok > 0 { format!("✓ {ok}") } else { String::new() }).into(),
        Text::toned(Tone::Bad, if others.is_empty() { String::new() } else { format!("✗ {}", others.join(", ")) })
            .into(),
        Cell::from(if tally.retries > 0 { tally.retries.to_string() } else { String::new() }),
        reasons(&tally.skipped).into(),
        reasons(&tally.missed).into(),
    ];
    let by_outcome: BTreeMap<&str, u64> = tally.runs.iter().map(|(how, n)| (how.word(), *n)).collect();
    let json = json!({
        "automation": name.as_str(),
        "runs": by_outcome,
        "retries": tally.retries,
        "skipped": tally.skipped,
        "missed": tally.missed,
    });
    Row { name: name.to_string(), cells, json }
}

/// `3 overlap, 1 frozen`
fn reasons(tally: &BTreeMap<&'static str, u64>) -> String {
    tally.iter().map(|(reason, n)| format!("{n} {reason}")).collect::<Vec<_>>().join(", ")
}

fn print_lines(report: &Report, args: &Args, app: &mut App) -> Result<(), Failure> {
    let columns = vec![Column::new("WHEN"), Column::new("AUTOMATION"), Column::new("WHAT")];
    let rows = report.lines.iter().map(|line| Row {
        name: line.automation.to_string(),
        cells: vec![
            Cell::exact(app.times.full(line.at), line.at),
            line.automation.as_str().into(),
            line.what.as_str().into(),
        ],
        json: json!({"at": line.at, "automation": line.automation.as_str(), "what": line.what}),
    });
    let listing = Listing { columns, rows: rows.collect(), when_empty: "Nothing was due in that time.".to_owned() };
    listing.print(&mut app.output, args.format.format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downtimes_are_spans() {
        let from: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
        let text = |span: &str| downtime(span, from).map(|(start, end)| format!("{start} {end}"));
        assert_eq!(text("1d+2h").unwrap(), "2026-11-21T00:00:00Z 2026-11-21T02:00:00Z");
        assert_eq!(
            text("2026-11-22T00:00:00Z/2026-11-23T00:00:00Z").unwrap(),
            "2026-11-22T00:00:00Z 2026-11-23T00:00:00Z"
        );
        for bad in ["1d", "soon+1h", "2026-11-23T00:00:00Z/2026-11-22T00:00:00Z"] {
            assert_eq!(text(bad).unwrap_err().exit, Exit::Usage, "{bad}");
        }
    }
}
