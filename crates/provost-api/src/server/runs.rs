//! Runs, and the outcomes of due times.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use provost_controller::{OutcomeQuery, RunQuery};
use provost_model::{Fact, Recorded, RunFact, RunId, RunRecord};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::Shared;
use super::access::{Access, only_seen};
use super::extract::{Ask, OfRun, behind, cursor, limit, name, run_id};
use super::refused::{Refused, Reply};
use crate::convert;
use crate::wire::*;

/// The longest that an answer waits for a run's end, in seconds.
const WAIT_MAX_S: u64 = 300;

pub(super) async fn list(
    State(shared): State<Shared>,
    access: Access,
    Ask(query): Ask<RunsQuery>,
) -> Reply<Listing<RunItem>> {
    let query = RunQuery {
        automation: query.automation.map(name).transpose()?,
        outcome: query.outcome.map(convert::model_outcome),
        before: query.until,
        since: query.since,
        behind: query.cursor.as_deref().map(|cursor| behind(cursor, run_id)).transpose()?,
        limit: limit(query.limit)?,
    };
    let runs = shared.controller.store().runs(&query).await?;
    let next = runs.last().filter(|_| runs.len() == query.limit).map(|run| cursor(run.due, run.run.as_str()));
    let mut items: Vec<RunItem> = runs.iter().map(convert::run_item).collect();
    only_seen(&access, &mut items, |run| &run.automation);
    Ok(Json(Listing { items, next }))
}

pub(super) async fn show(
    State(shared): State<Shared>,
    OfRun(run): OfRun,
    Ask(query): Ask<WaitQuery>,
) -> Reply<RunDetail> {
    let wait = Duration::from_secs(query.wait.unwrap_or(0).min(WAIT_MAX_S));
    let record = finished(&shared, &run, wait).await?;
    Ok(Json(convert::run_detail(&record)))
}

/// The record of `run`, once it is over or `wait` has passed.
async fn finished(shared: &Shared, run: &RunId, wait: Duration) -> Result<RunRecord, Refused> {
    let until = Instant::now() + wait;
    // Listened to before the first look, so that an end between the two is not missed.
    let mut facts = shared.controller.facts();
    loop {
        let record = record_of(shared, run).await?;
        if record.ended_at.is_some() || Instant::now() >= until {
            return Ok(record);
        }
        let end = async {
            loop {
                match facts.recv().await {
                    Ok(recorded) if is_end_of(&recorded, run) => return,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = end => {}
            () = tokio::time::sleep_until(until) => {}
            () = shared.stop.cancelled() => return Ok(record),
        }
    }
}

/// The record of `run`.
pub(super) async fn record_of(shared: &Shared, run: &RunId) -> Result<RunRecord, Refused> {
    let record = shared.controller.store().run(run).await?;
    record.ok_or_else(|| {
        let problem = Problem::new(ProblemCode::NotFound, format!("there is no run {run}"));
        problem.hint("`provost get runs` lists those that history keeps").into()
    })
}

/// Whether `recorded` says that `run` is over.
pub(super) fn is_end_of(recorded: &Recorded, run: &RunId) -> bool {
    matches!(&recorded.fact, Fact::Run { run: of, change: RunFact::Finished { .. } } if of == run)
}

pub(super) async fn outcomes(
    State(shared): State<Shared>,
    access: Access,
    Ask(query): Ask<OutcomesQuery>,
) -> Reply<Listing<OutcomeItem>> {
    let query = OutcomeQuery {
        automation: query.automation.map(name).transpose()?,
        since: query.since,
        behind: query.cursor.as_deref().map(|cursor| behind(cursor, name)).transpose()?,
        limit: limit(query.limit)?,
    };
    let outcomes = shared.controller.store().outcomes(&query).await?;
    let last = outcomes.last().filter(|_| outcomes.len() == query.limit);
    let next = last.map(|outcome| cursor(outcome.last, outcome.automation.as_str()));
    let mut items: Vec<OutcomeItem> = outcomes.iter().map(convert::outcome_item).collect();
    only_seen(&access, &mut items, |outcome| &outcome.automation);
    Ok(Json(Listing { items, next }))
}
