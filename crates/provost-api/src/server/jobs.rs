//! Jobs: how a call of an action goes.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use provost_controller::FactQuery;
use provost_model::{EventId, Fact, JobId, RunId};

use super::Shared;
use super::access::Access;
use super::actions::job_id;
use super::extract::{Ask, Body};
use super::refused::{Refused, Reply};
use super::runs::record_of;
use crate::convert;
use crate::wire::*;

pub(super) async fn show(
    State(shared): State<Shared>,
    Path(job): Path<String>,
    Ask(query): Ask<JobQuery>,
) -> Reply<JobDetail> {
    let job = job_id(Some(&job))?;
    let run = run_of(&shared, &job).await?.ok_or_else(|| no_such_job(&job))?;
    // As long as the run is open it knows more than the history: what its steps say while they go on.
    let record = match shared.controller.open_run(run.clone()).await? {
        Some(record) => record,
        None => record_of(&shared, &run).await?,
    };
    convert::job_detail(&record, query.results).map(Json).ok_or_else(|| no_such_job(&job))
}

/// Takes an entry of the container that asks.
pub(super) async fn note(
    State(shared): State<Shared>,
    access: Access,
    Body(entry): Body<JsonMap>,
) -> Result<StatusCode, Refused> {
    let caller =
        access.container.ok_or_else(|| Refused::new(ProblemCode::Denied, "only a container tells progress"))?;
    shared.controller.note_progress(&caller.container, entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The run that `job` is, as the history says.
async fn run_of(shared: &Shared, job: &JobId) -> Result<Option<RunId>, Refused> {
    let Ok(id) = EventId::parse(job.as_str()) else {
        return Ok(None);
    };
    let query = FactQuery { event: Some(id), limit: 1, ..FactQuery::default() };
    let facts = shared.controller.store().facts(&query).await?;
    Ok(facts.into_iter().find_map(|recorded| match recorded.fact {
        Fact::RunAccepted { accepted } if accepted.cause.job() == Some(job) => Some(accepted.run),
        _ => None,
    }))
}

fn no_such_job(job: &JobId) -> Refused {
    let problem = Problem::new(ProblemCode::NotFound, format!("there is no job {job}"));
    problem.hint("it is what a call of an action answers; history keeps it as long as its run").into()
}
