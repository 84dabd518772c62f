//! Waiting for a run's end, with what happens meanwhile on stderr.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use provost_api::wire::{EventsQuery, Outcome as How, RunDetail};
use provost_api::{Client, EventStream};

use crate::app::App;
use crate::config::parse_duration;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Progress};
use crate::view;

/// How long one question waits for the run's end, in seconds; then it is asked again.
const QUESTION_S: u64 = 60;

/// Arguments of commands that can wait for a run.
#[derive(Clone, Debug, clap::Args)]
pub struct WaitArgs {
    /// Wait for its end; the exit code is 0 if it succeeded, 1 if not, 124 if it took too long
    #[arg(long)]
    pub wait: bool,
    /// Wait no longer than this: 90s, 10m
    #[arg(long, value_name = "DURATION", requires = "wait")]
    pub timeout: Option<String>,
}

/// Waits for the end of `run` and prints how it went.
pub async fn wait(client: &Client, run: &str, args: &WaitArgs, format: Format, app: &mut App) -> Outcome {
    let timeout = args.timeout.as_deref().map(parse_duration).transpose().map_err(Failure::usage)?;
    let timeout = timeout.map(|length| length.unsigned_abs());
    let query = EventsQuery { follow: true, run: Some(run.to_owned()), after: Some(0), ..EventsQuery::default() };
    let events = client.events(&query).await?;
    let mut progress = Progress::new(app);
    let end = tokio::select! {
        end = until_end(client, run, timeout) => end,
        failure = tell(events, &mut progress, app) => Err(failure),
    };
    progress.clear();
    let Some(detail) = end? else {
        let failure = Failure::new(Exit::TimedOut, format!("{run} is not over yet; it goes on"));
        return Err(failure.help(format!("provost logs -F {run}, or provost stop {run}")));
    };
    print(&detail, format, app)?;
    Ok(match detail.item.outcome {
        Some(How::Succeeded) => Exit::Done,
        Some(How::TimedOut) => Exit::TimedOut,
        _ => Exit::No,
    })
}

/// The run once it is over, or nothing after `timeout`.
async fn until_end(client: &Client, run: &str, timeout: Option<Duration>) -> Result<Option<RunDetail>, Failure> {
    let begun = Instant::now();
    loop {
        let left = timeout.map_or(Duration::from_secs(QUESTION_S), |timeout| timeout.saturating_sub(begun.elapsed()));
        let question = client.wait_for_run(run, left.as_secs().clamp(1, QUESTION_S));
        let Ok(detail) = tokio::time::timeout(left.max(Duration::from_millis(1)), question).await else {
            if timeout.is_some_and(|timeout| begun.elapsed() >= timeout) {
                return Ok(None);
            }
            continue;
        };
        let detail = detail?;
        if detail.item.ended_at.is_some() {
            return Ok(Some(detail));
        }
    }
}

/// Tells what happens, until the stream fails; it does not end before the run does.
async fn tell(mut events: EventStream, progress: &mut Progress, app: &mut App) -> Failure {
    while let Some(event) = events.next().await {
        let told = match event {
            Ok(event) => view::brief_lines(&event, &app.times).into_iter().try_for_each(|line| progress.say(line, app)),
            Err(error) => Err(error.into()),
        };
        if let Err(failure) = told {
            return failure;
        }
    }
    std::future::pending().await
}

fn print(detail: &RunDetail, format: Format, app: &mut App) -> Result<(), Failure> {
    match format {
        Format::Json | Format::Yaml => app.output.value(detail, format),
        Format::Name => app.output.line(detail.item.run.as_str()),
        Format::Csv | Format::Table | Format::Wide => {
            view::runs(std::slice::from_ref(&detail.item), &app.times).print(&mut app.output, format)?;
            let bad = detail.item.outcome != Some(How::Succeeded);
            if bad { app.next(&format!("provost logs {}", detail.item.run)) } else { Ok(()) }
        }
    }
}
