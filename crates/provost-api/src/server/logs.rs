//! The output of runs, and of the hooks of events.

use std::collections::VecDeque;

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use provost_controller::RunQuery;
use provost_model::{EventId, Name, Owner, RunRecord};

use super::Shared;
use super::automations::{nearest, no_such_automation};
use super::extract::{Ask, OfEvent, OfName, OfRun};
use super::follow::{Follower, Wanted, is_wanted};
use super::lines::{Gone, Lines, lines};
use super::refused::Refused;
use super::resume::Telling;
use super::runs::record_of;
use crate::convert::log_line;
use crate::wire::{LogLine, LogsQuery, Problem, ProblemCode};

/// How many of an automation's youngest runs are looked at for one with output: the others wait for their turn.
const YOUNGEST: usize = 16;

/// How many lines of an event are read at once.
const PAGE: usize = 1000;

/// The most of the youngest lines that can be asked for: they are gathered before the first is told.
const TAIL_MAX: usize = 100_000;

pub(super) async fn of_run(
    State(shared): State<Shared>,
    OfRun(run): OfRun,
    telling: Telling,
    Ask(query): Ask<LogsQuery>,
) -> Result<Response, Refused> {
    let query = check(query, &telling)?;
    // Listened to before the first look, so that nothing between the two is missed.
    let (output, facts) = (shared.controller.logs().follow(), shared.controller.facts());
    let record = record_of(&shared, &run).await?;
    let (lines, response) = lines(telling);
    let follower = Follower::new(shared, Wanted::Run(run), query, lines);
    tokio::spawn(follower.tell(vec![record], output, facts));
    Ok(response)
}

pub(super) async fn of_automation(
    State(shared): State<Shared>,
    OfName(name): OfName,
    telling: Telling,
    Ask(query): Ask<LogsQuery>,
) -> Result<Response, Refused> {
    let query = check(query, &telling)?;
    let (output, facts) = (shared.controller.logs().follow(), shared.controller.facts());
    let runs = youngest_runs(&shared, &name).await?;
    if runs.is_empty() {
        check_that_it_exists(&shared, &name).await?;
    }
    let runs = match &telling.after {
        Some(_) => still_told(runs, query.since),
        None => last_begun(runs),
    };
    let (lines, response) = lines(telling);
    let follower = Follower::new(shared, Wanted::Automation(name), query, lines);
    tokio::spawn(follower.tell(runs, output, facts));
    Ok(response)
}

/// What the hooks of an event printed so far; it is not followed, since hooks are short.
pub(super) async fn of_event(
    State(shared): State<Shared>,
    OfEvent(event): OfEvent,
    telling: Telling,
    Ask(query): Ask<LogsQuery>,
) -> Result<Response, Refused> {
    let query = check(query, &telling)?;
    if query.follow {
        let problem = Problem::new(ProblemCode::Invalid, "the output of an event is not followed");
        return Err(problem.hint("leave `follow` out and ask again").into());
    }
    let first = page_of_event(&shared, &event, 0).await?;
    if first.is_empty() {
        let problem = Problem::new(ProblemCode::NotFound, format!("nothing is kept of an event {event}"));
        return Err(problem
            .hint("no hook of it has printed anything, or there is no such event; `provost events` lists them")
            .into());
    }
    let (lines, response) = lines(telling);
    tokio::spawn(tell_event(shared, event, query, first, lines));
    Ok(response)
}

async fn page_of_event(shared: &Shared, event: &EventId, skip: usize) -> Result<Vec<LogLine>, Refused> {
    let read = shared.controller.logs().read(&Owner::Event(event.clone()), skip, PAGE).await?;
    Ok(read.into_iter().map(|line| log_line(event.as_str(), line)).collect())
}

/// Tells the lines that are wanted, page by page; of those, the youngest where only so many are asked for.
async fn tell_event(
    shared: Shared,
    event: EventId,
    query: LogsQuery,
    first: Vec<LogLine>,
    lines: Lines,
) -> Result<(), Gone> {
    let (mut page, mut seen) = (first, 0);
    let mut youngest = VecDeque::new();
    while !page.is_empty() {
        seen += page.len();
        for line in page.into_iter().filter(|line| is_wanted(&query, line)) {
            match query.tail {
                None => lines.send(&line).await?,
                Some(tail) => {
                    youngest.push_back(line);
                    let surplus = youngest.len().saturating_sub(tail);
                    drop(youngest.drain(..surplus));
                }
            }
        }
        page = lines.checked(page_of_event(&shared, &event, seen).await).await?;
    }
    for line in youngest {
        lines.send(&line).await?;
    }
    Ok(())
}

/// What is asked for, checked; of a stream that broke off, what comes behind the line that was read last.
fn check(query: LogsQuery, telling: &Telling) -> Result<LogsQuery, Refused> {
    if let Some(after) = &telling.after {
        let since = after.mark.parse().map_err(|_| {
            Refused::new(ProblemCode::Invalid, format!("Last-Event-ID: {:?} is the id of no line", after.mark))
        })?;
        return Ok(LogsQuery { since: Some(since), tail: None, ..query });
    }
    match query.tail {
        Some(tail) if tail > TAIL_MAX => Err(Refused::new(
            ProblemCode::Invalid,
            format!("tail is {TAIL_MAX} at most, not {tail}; leave it out for all lines"),
        )),
        _ => Ok(query),
    }
}

pub(super) async fn youngest_runs(shared: &Shared, name: &Name) -> Result<Vec<RunRecord>, Refused> {
    let query = RunQuery { automation: Some(name.clone()), limit: YOUNGEST, ..RunQuery::default() };
    Ok(shared.controller.store().runs(&query).await?)
}

/// Of `runs`, youngest first: those that go on, oldest first; if there are none, the last one.
fn last_begun(runs: Vec<RunRecord>) -> Vec<RunRecord> {
    let mut begun: Vec<RunRecord> = runs.into_iter().filter(|run| run.began_at.is_some()).collect();
    if begun.iter().any(|run| run.ended_at.is_none()) {
        begun.retain(|run| run.ended_at.is_none());
    } else {
        begun.truncate(1);
    }
    begun.reverse();
    begun
}

/// Of `runs`, youngest first: those that printed something after `since`, oldest first.
fn still_told(runs: Vec<RunRecord>, since: Option<Timestamp>) -> Vec<RunRecord> {
    let begun = runs.into_iter().filter(|run| run.began_at.is_some());
    let mut told: Vec<RunRecord> = begun.filter(|run| run.ended_at.is_none() || run.ended_at >= since).collect();
    told.reverse();
    told
}

async fn check_that_it_exists(shared: &Shared, name: &Name) -> Result<(), Refused> {
    let wanted = name.clone();
    let found = shared.controller.view(move |view| {
        let automations = &view.state.desired.automations;
        if automations.contains_key(&wanted) { Ok(()) } else { Err(nearest(wanted.as_str(), automations.keys())) }
    });
    found.await?.map_err(|near| no_such_automation(name, near))
}
