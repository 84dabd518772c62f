//! `provost logs X`: the output of every step, hooks in their place.

use futures_util::StreamExt as _;
use provost_api::wire::LogsQuery;

use super::remote::{Subject, client};
use crate::app::{App, FormatArgs};
use crate::config::{Direction, ServerArgs, parse_moment};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Text, Tone};
use crate::view;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name of an automation or service (its last run), the id of a run, or event/ and the id of an event
    #[arg(value_name = "X")]
    subject: String,
    /// Go on with new lines: of a run until it is over, of an automation from run to run; not of an event
    #[arg(short = 'F', long)]
    follow: bool,
    /// Only so many of the youngest lines that are there already
    #[arg(long, value_name = "LINES")]
    tail: Option<usize>,
    /// Only lines after this: 10m (ago), 2026-11-20T02:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only lines before this: 10m (ago), 2026-11-20T02:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only lines of this step: main.1
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: Args, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    let now = app.times.now;
    let moment = |text: Option<&str>| {
        text.map(|text| parse_moment(text, now, Direction::Back)).transpose().map_err(Failure::usage)
    };
    let query = LogsQuery {
        follow: args.follow,
        tail: args.tail,
        since: moment(args.since.as_deref())?,
        until: moment(args.until.as_deref())?,
        step: args.step,
    };
    let (mut lines, heads) = match Subject::parse(&args.subject)? {
        Subject::Automation(name) | Subject::Service(name) => (client.automation_logs(&name, &query).await?, true),
        Subject::Run(run) => (client.run_logs(&run, &query).await?, false),
        Subject::Event(event) => (client.event_logs(&event, &query).await?, false),
    };
    let mut run = String::new();
    while let Some(line) = lines.next().await {
        let line = line?;
        match args.format.format {
            Format::Json => app.output.json_line(&line)?,
            Format::Table | Format::Wide => {
                if heads && line.run != run {
                    app.output.note(Text::toned(Tone::Strong, format!("── {} ──", line.run)))?;
                    run.clone_from(&line.run);
                }
                app.output.line(view::log_line(&line, &app.times))?;
            }
            Format::Name => app.output.line(line.text)?,
            Format::Yaml | Format::Csv => {
                return Err(Failure::usage("lines of output are a stream")
                    .help("use -o table, json (one object a line) or name (the text alone)"));
            }
        }
    }
    Ok(Exit::Done)
}
