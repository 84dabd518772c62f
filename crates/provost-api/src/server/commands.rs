//! What changes something.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use provost_controller::{Command, Done};

use super::Shared;
use super::access::{Access, By};
use super::extract::{Body, Key, OfName, OfRun};
use super::refused::{Refused, Reply};
use crate::convert;
use crate::wire::*;

pub(super) async fn run(
    State(shared): State<Shared>,
    OfName(automation): OfName,
    By(by): By,
    key: Key,
    Body(asked): Body<RunRequest>,
) -> Reply<RunAccepted> {
    let request = key.or(asked.request)?;
    let command = Command::Run { automation, params: asked.params, testing: asked.testing, request, by };
    accepted(&shared, command).await
}

pub(super) async fn retry(
    State(shared): State<Shared>,
    OfRun(run): OfRun,
    By(by): By,
    key: Key,
    Body(asked): Body<RetryRequest>,
) -> Reply<RunAccepted> {
    let request = key.or(asked.request)?;
    accepted(&shared, Command::Retry { run, request, by }).await
}

pub(super) async fn stop(
    State(shared): State<Shared>,
    OfRun(run): OfRun,
    By(by): By,
    Body(Empty {}): Body<Empty>,
) -> Result<StatusCode, Refused> {
    noted(&shared, Command::Stop { run, by }).await
}

pub(super) async fn pause(
    State(shared): State<Shared>,
    OfName(automation): OfName,
    By(by): By,
    Body(asked): Body<PauseRequest>,
) -> Result<StatusCode, Refused> {
    noted(&shared, Command::Pause { automation, until: asked.until, reason: asked.reason, by }).await
}

pub(super) async fn resume(
    State(shared): State<Shared>,
    OfName(automation): OfName,
    By(by): By,
    Body(Empty {}): Body<Empty>,
) -> Result<StatusCode, Refused> {
    noted(&shared, Command::Resume { automation, by }).await
}

pub(super) async fn reset(
    State(shared): State<Shared>,
    OfName(source): OfName,
    By(by): By,
    Body(Empty {}): Body<Empty>,
) -> Result<StatusCode, Refused> {
    noted(&shared, Command::Reset { source, by }).await
}

pub(super) async fn fire(
    State(shared): State<Shared>,
    access: Access,
    key: Key,
    Body(asked): Body<FireRequest>,
) -> Reply<EventAccepted> {
    access.may_fire(&asked.name)?;
    let request = key.or(asked.request)?;
    let command = Command::Fire { name: asked.name, data: asked.data, request, by: access.by };
    match shared.controller.command(command).await? {
        Done::Fired { event } => Ok(Json(EventAccepted { event: event.to_string() })),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn plan(State(shared): State<Shared>, Body(Empty {}): Body<Empty>) -> Reply<Proposal> {
    proposed(&shared, Command::Plan).await
}

pub(super) async fn apply(
    State(shared): State<Shared>,
    By(by): By,
    Body(asked): Body<ApplyRequest>,
) -> Reply<Proposal> {
    proposed(&shared, Command::Apply { plan: asked.plan, by }).await
}

pub(super) async fn rollback(
    State(shared): State<Shared>,
    By(by): By,
    Body(asked): Body<RollbackRequest>,
) -> Reply<Proposal> {
    proposed(&shared, Command::Rollback { revision: asked.revision, by }).await
}

async fn accepted(shared: &Shared, command: Command) -> Reply<RunAccepted> {
    match shared.controller.command(command).await? {
        Done::Accepted { run } => Ok(Json(RunAccepted { run: run.to_string() })),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn noted(shared: &Shared, command: Command) -> Result<StatusCode, Refused> {
    match shared.controller.command(command).await? {
        Done::Noted => Ok(StatusCode::NO_CONTENT),
        other => Err(unexpected(&other)),
    }
}

async fn proposed(shared: &Shared, command: Command) -> Reply<Proposal> {
    match shared.controller.command(command).await? {
        Done::Planned { proposal } | Done::Applied { proposal } => Ok(Json(convert::proposal(*proposal))),
        other => Err(unexpected(&other)),
    }
}

pub(super) fn unexpected(done: &Done) -> Refused {
    tracing::error!(?done, "the controller answered another question than it was asked");
    Refused::new(ProblemCode::Internal, "the server answered another question than it was asked; please report this")
}
