//! Services: how they are, and commands to start and stop them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use provost_controller::{Command, RunQuery};

use super::Shared;
use super::access::By;
use super::automations::nearest;
use super::commands::noted;
use super::extract::{Body, OfName};
use super::refused::{Refused, Reply};
use crate::convert;
use crate::wire::*;

/// How many runs a detail shows.
const RECENT: usize = 10;

pub(super) async fn list(State(shared): State<Shared>) -> Reply<Listing<ServiceItem>> {
    let items = shared.controller.view(|view| {
        let names = view.state.desired.automations.keys();
        names.filter_map(|name| convert::service_item(view.state, name)).collect::<Vec<_>>()
    });
    let mut items = items.await?;
    for item in items.iter_mut().filter(|item| item.last_exit.is_none() && item.last_ended_at.is_some()) {
        // The exit code of one that is over is in the history.
        let automation = provost_model::Name::new(item.name.clone()).ok();
        let query = RunQuery { automation, limit: 1, ..RunQuery::default() };
        item.last_exit = shared.controller.store().runs(&query).await?.iter().find_map(convert::exit_code);
    }
    Ok(Json(Listing::whole(items)))
}

pub(super) async fn show(State(shared): State<Shared>, OfName(name): OfName) -> Reply<ServiceDetail> {
    let wanted = name.clone();
    let found = shared.controller.view(move |view| {
        let automations = &view.state.desired.automations;
        let service = automations.get(&wanted).cloned();
        convert::service_item(view.state, &wanted).zip(service).ok_or_else(|| {
            let services = automations.iter().filter(|(_, it)| it.service.is_some()).map(|(name, _)| name);
            nearest(wanted.as_str(), services)
        })
    });
    let (item, service) = found.await?.map_err(|near| {
        let problem = Problem::new(ProblemCode::NotFound, format!("there is no service {name}"));
        let all = || "`provost get services` lists those in force".to_owned();
        Refused::from(problem.hint(near.map_or_else(all, |near| format!("did you mean {near}?"))))
    })?;
    let query = RunQuery { automation: Some(name), limit: RECENT, ..RunQuery::default() };
    let runs = shared.controller.store().runs(&query).await?;
    Ok(Json(convert::service_detail(item, &service, &runs)))
}

pub(super) async fn start(
    State(shared): State<Shared>,
    OfName(service): OfName,
    By(by): By,
    Body(Empty {}): Body<Empty>,
) -> Result<StatusCode, Refused> {
    noted(&shared, Command::StartService { service, by }).await
}

pub(super) async fn stop(
    State(shared): State<Shared>,
    OfName(service): OfName,
    By(by): By,
    Body(Empty {}): Body<Empty>,
) -> Result<StatusCode, Refused> {
    noted(&shared, Command::StopService { service, by }).await
}
