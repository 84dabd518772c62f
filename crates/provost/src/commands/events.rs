//! `provost events`: everything that happened, in one order.

use futures_util::StreamExt as _;
use provost_api::wire::EventsQuery;

use super::remote::{Subject, client, only_output};
use crate::app::{App, FormatArgs};
use crate::config::{Direction, ServerArgs, parse_moment};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::view;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only those about this automation or run
    #[arg(value_name = "X")]
    subject: Option<String>,
    /// Go on with new events
    #[arg(short = 'F', long)]
    follow: bool,
    /// Only what somebody who follows along wants to see: beginnings, hooks, ends, revisions
    #[arg(long)]
    brief: bool,
    /// Only events after this: 10m (ago), 2026-11-20T02:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only so many of the youngest that are there already [default: 100]
    #[arg(long, value_name = "EVENTS")]
    tail: Option<usize>,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: Args, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    let since = args.since.as_deref().map(|text| parse_moment(text, app.times.now, Direction::Back));
    let mut query = EventsQuery {
        follow: args.follow,
        since: since.transpose().map_err(Failure::usage)?,
        limit: args.tail,
        ..EventsQuery::default()
    };
    match args.subject.as_deref().map(Subject::parse).transpose()? {
        Some(Subject::Automation(name) | Subject::Service(name)) => query.automation = Some(name),
        Some(Subject::Run(run)) => query.run = Some(run),
        Some(Subject::Event(event)) => return Err(only_output(&event)),
        None => {}
    }
    let mut events = client.events(&query).await?;
    while let Some(event) = events.next().await {
        let event = event?;
        match args.format.format {
            Format::Json => app.output.json_line(&event)?,
            Format::Table | Format::Wide if args.brief => {
                view::brief_lines(&event, &app.times).into_iter().try_for_each(|line| app.output.line(line))?;
            }
            Format::Table | Format::Wide => app.output.line(view::event_line(&event, &app.times))?,
            Format::Name => app.output.line(event.name)?,
            Format::Yaml | Format::Csv => {
                return Err(
                    Failure::usage("events are a stream").help("use -o table, json (one object a line) or name")
                );
            }
        }
    }
    Ok(Exit::Done)
}
