//! The output of runs.

use axum::extract::State;
use axum::response::Response;
use provost_controller::RunQuery;
use provost_model::{Name, RunRecord};

use super::Shared;
use super::automations::{nearest, no_such_automation};
use super::extract::{Ask, OfAutomation, OfRun};
use super::follow::{Follower, Wanted};
use super::lines::lines;
use super::refused::Refused;
use super::runs::record_of;
use crate::wire::{LogsQuery, ProblemCode};

/// How many of an automation's youngest runs are looked at for one with output: the others wait for their turn.
const YOUNGEST: usize = 16;

/// The most of the youngest lines that can be asked for: they are gathered before the first is told.
const TAIL_MAX: usize = 100_000;

pub(super) async fn of_run(
    State(shared): State<Shared>,
    OfRun(run): OfRun,
    Ask(query): Ask<LogsQuery>,
) -> Result<Response, Refused> {
    check(&query)?;
    // Listened to before the first look, so that nothing between the two is missed.
    let (output, facts) = (shared.controller.logs().follow(), shared.controller.facts());
    let record = record_of(&shared, &run).await?;
    let (lines, response) = lines();
    let follower = Follower::new(shared, Wanted::Run(run), query, lines);
    tokio::spawn(follower.tell(vec![record], output, facts));
    Ok(response)
}

pub(super) async fn of_automation(
    State(shared): State<Shared>,
    OfAutomation(name): OfAutomation,
    Ask(query): Ask<LogsQuery>,
) -> Result<Response, Refused> {
    check(&query)?;
    let (output, facts) = (shared.controller.logs().follow(), shared.controller.facts());
    let runs = youngest_runs(&shared, &name).await?;
    if runs.is_empty() {
        check_that_it_exists(&shared, &name).await?;
    }
    let (lines, response) = lines();
    let follower = Follower::new(shared, Wanted::Automation(name), query, lines);
    tokio::spawn(follower.tell(last_begun(runs), output, facts));
    Ok(response)
}

fn check(query: &LogsQuery) -> Result<(), Refused> {
    match query.tail {
        Some(tail) if tail > TAIL_MAX => Err(Refused::new(
            ProblemCode::Invalid,
            format!("tail is {TAIL_MAX} at most, not {tail}; leave it out for all lines"),
        )),
        _ => Ok(()),
    }
}

pub(super) async fn youngest_runs(shared: &Shared, name: &Name) -> Result<Vec<RunRecord>, Refused> {
    let query = RunQuery {
        automation: Some(name.clone()),
        limit: YOUNGEST,
        ..RunQuery::default()
    };
    Ok(shared.controller.store().runs(&query).await?)
}

/// Of `runs`, youngest first: those that go on, oldest first; if there are none, the last one.
fn last_begun(runs: Vec<RunRecord>) -> Vec<RunRecord> {
    let mut begun: Vec<RunRecord> = runs
        .into_iter()
        .filter(|run| run.began_at.is_some())
        .collect();
    if begun.iter().any(|run| run.ended_at.is_none()) {
        begun.retain(|run| run.ended_at.is_none());
    } else {
        begun.truncate(1);
    }
    begun.reverse();
    begun
}

async fn check_that_it_exists(shared: &Shared, name: &Name) -> Result<(), Refused> {
    let wanted = name.clone();
    let found = shared.controller.view(move |view| {
        let automations = &view.state.desired.automations;
        if automations.contains_key(&wanted) {
            Ok(())
        } else {
            Err(nearest(wanted.as_str(), automations.keys()))
        }
    });
    found.await?.map_err(|near| no_such_automation(name, near))
}
