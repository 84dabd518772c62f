//! Actions: which there are, and calls of them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use provost_controller::{Command, Done};
use provost_model::{JobId, Name};
use uuid::Uuid;

use super::Shared;
use super::access::By;
use super::commands::unexpected;
use super::extract::{Body, name};
use super::refused::{Refused, Reply};
use crate::convert;
use crate::wire::*;

/// Every action that can be called.
pub(super) async fn list_all(State(shared): State<Shared>) -> Reply<Listing<ActionItem>> {
    Ok(Json(Listing::whole(all(&shared).await?)))
}

/// The actions of one application.
pub(super) async fn list(State(shared): State<Shared>, Path(application): Path<String>) -> Reply<Listing<ActionItem>> {
    let application = name(application)?;
    let mut items = all(&shared).await?;
    items.retain(|action| action.application == application.as_str());
    Ok(Json(Listing::whole(items)))
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Path((application, action)): Path<(String, String)>,
) -> Reply<ActionItem> {
    let application = name(application)?;
    let found = all(&shared).await?.into_iter().find(|it| it.application == application.as_str() && it.name == action);
    found.map(Json).ok_or_else(|| no_such_action(&application, &action))
}

/// Starts the action; answers as soon as that is durable.
pub(super) async fn call(
    State(shared): State<Shared>,
    Path((application, action)): Path<(String, String)>,
    By(by): By,
    Body(asked): Body<CallRequest>,
) -> Result<Response, Refused> {
    let application = name(application)?;
    let job = job_id(asked.job.as_deref())?;
    let CallRequest { params, testing, .. } = asked;
    let command = Command::Call { application, action, params, testing, job: job.clone(), by };
    match shared.controller.command(command).await? {
        Done::Accepted { run } => Ok(accepted(&job, run.as_str())),
        other => Err(unexpected(&other)),
    }
}

fn accepted(job: &JobId, run: &str) -> Response {
    let answer = CallAccepted { job: job.to_string(), run: run.to_owned() };
    let mut response = (StatusCode::ACCEPTED, Json(answer)).into_response();
    if let Ok(place) = HeaderValue::try_from(format!("/v1/jobs/{job}")) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

async fn all(shared: &Shared) -> Result<Vec<ActionItem>, Refused> {
    let items = shared.controller.view(|view| {
        let automations = view.state.desired.automations.values();
        automations.filter_map(|automation| convert::action_item(automation)).collect::<Vec<_>>()
    });
    let mut items = items.await?;
    items.sort_by(|a, b| (&a.application, &a.name).cmp(&(&b.application, &b.name)));
    Ok(items)
}

fn no_such_action(application: &Name, action: &str) -> Refused {
    let problem = Problem::new(ProblemCode::NotFound, format!("application {application} has no action {action}"));
    problem.hint(format!("`provost action ls {application}` lists those that it has")).into()
}

/// `given` as the id of a job, in its usual form, or a new one.
pub(super) fn job_id(given: Option<&str>) -> Result<JobId, Refused> {
    let wrong = |why: String| Refused::new(ProblemCode::Invalid, why);
    let id = match given {
        Some(text) => Uuid::parse_str(text).map_err(|error| wrong(format!("{text:?} is not a UUID: {error}")))?,
        None => Uuid::now_v7(),
    };
    JobId::parse(id.to_string()).map_err(|error| wrong(error.to_string()))
}
