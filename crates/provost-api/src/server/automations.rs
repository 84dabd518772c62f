//! Automations, and what is to come.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use provost_controller::{OutcomeQuery, RunQuery, StoreError};
use provost_model::Name;
use provost_planner::{forecast, next_due, start_of};

use super::Shared;
use super::access::Access;
use super::extract::{Ask, LIMIT_MAX, OfName, limit};
use super::refused::{Refused, Reply};
use crate::convert::{self, Glimpse};
use crate::selector::Selector;
use crate::wire::*;

/// How many due times, runs and outcomes a detail shows.
const NEXT: usize = 5;
const RECENT: usize = 10;

/// How many questions to the store are under way at once.
const AT_ONCE: usize = 16;

pub(super) async fn list(
    State(shared): State<Shared>,
    access: Access,
    Ask(query): Ask<AutomationsQuery>,
) -> Reply<Listing<AutomationItem>> {
    let selector = Selector::parse(query.selector.as_deref().unwrap_or_default()).map_err(|why| {
        let problem = Problem::new(ProblemCode::Invalid, why);
        Refused::from(problem.hint("write team=finance, team!=finance, team or !team, with a comma between"))
    })?;
    let glimpses = shared.controller.view(move |view| {
        let automations = view.state.desired.automations.values().filter(|it| it.service.is_none());
        let selected = automations.filter(|automation| selector.matches(&automation.labels));
        let selected = selected.filter(|automation| access.sees(Some(automation.name.as_str())));
        selected.map(|automation| Glimpse::of(view.state, view.now, automation)).collect::<Vec<_>>()
    });
    let rows = stream::iter(glimpses.await?).map(|glimpse| row(&shared, glimpse));
    let items = rows.buffered(AT_ONCE).try_collect().await?;
    Ok(Json(Listing::whole(items)))
}

async fn row(shared: &Shared, glimpse: Glimpse) -> Result<AutomationItem, StoreError> {
    let last = match glimpse.last_run() {
        Some(run) => shared.controller.store().run(run).await?,
        None => None,
    };
    Ok(glimpse.item(last.as_ref()))
}

pub(super) async fn show(State(shared): State<Shared>, OfName(name): OfName) -> Reply<AutomationDetail> {
    let glimpse = glimpse(&shared, &name).await?;
    let automation = glimpse.automation();
    let store = shared.controller.store();
    let runs = RunQuery { automation: Some(name.clone()), limit: RECENT, ..RunQuery::default() };
    let outcomes = OutcomeQuery { automation: Some(name), limit: RECENT, ..OutcomeQuery::default() };
    let detail = AutomationDetail {
        next: next(automation, glimpse.now()),
        effective: convert::effective(automation),
        origins: automation.origins.iter().map(|(path, origin)| (path.clone(), convert::origin_item(origin))).collect(),
        hooks: automation.hooks.iter().map(|hook| convert::hook_item(hook)).collect(),
        runs: store.runs(&runs).await?.iter().map(convert::run_item).collect(),
        outcomes: store.outcomes(&outcomes).await?.iter().map(convert::outcome_item).collect(),
        item: row(&shared, glimpse).await?,
    };
    Ok(Json(detail))
}

fn next(automation: &provost_model::Automation, after: Timestamp) -> Vec<DueItem> {
    let due_times = std::iter::successors(next_due(automation, after), |due| next_due(automation, *due));
    due_times.take(NEXT).map(|due| DueItem { due, start_at: start_of(automation, due) }).collect()
}

async fn glimpse(shared: &Shared, name: &Name) -> Result<Glimpse, Refused> {
    let wanted = name.clone();
    let found = shared.controller.view(move |view| {
        let automations = &view.state.desired.automations;
        match automations.get(&wanted).filter(|it| it.service.is_none()) {
            Some(automation) => Ok(Glimpse::of(view.state, view.now, &Arc::clone(automation))),
            None => Err(nearest(wanted.as_str(), automations.keys())),
        }
    });
    found.await?.map_err(|near| no_such_automation(name, near))
}

/// Says that there is no automation `name`, and which one may have been meant.
pub(super) fn no_such_automation(name: &Name, near: Option<String>) -> Refused {
    let problem = Problem::new(ProblemCode::NotFound, format!("there is no automation {name}"));
    let hint = match near {
        Some(near) => format!("did you mean {near}?"),
        None => "`provost get automations` lists those in force".to_owned(),
    };
    problem.hint(hint).into()
}

/// The one of `names` that is most like `wanted`, if one is much like it.
pub(super) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a Name>) -> Option<String> {
    let likeness = |name: &Name| strsim::jaro_winkler(wanted, name.as_str());
    let alike = names.map(|name| (likeness(name), name)).filter(|(likeness, _)| *likeness > 0.85);
    alike.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| name.to_string())
}

pub(super) async fn upcoming(
    State(shared): State<Shared>,
    access: Access,
    Ask(query): Ask<UpcomingQuery>,
) -> Reply<Listing<UpcomingItem>> {
    let limit = limit(query.limit)?;
    let upcoming = shared.controller.view(move |view| {
        let day = SignedDuration::from_hours(24);
        let until = query.until.or_else(|| view.now.checked_add(day).ok()).unwrap_or(Timestamp::MAX);
        // Of some automations only a part of what is found is shown, so that more has to be looked for.
        let enough = if access.automations.is_all() { limit } else { LIMIT_MAX };
        let mut upcoming = forecast(view.state, view.now, until, enough);
        upcoming.retain(|upcoming| access.sees(Some(upcoming.automation.as_str())));
        upcoming.truncate(limit);
        upcoming
    });
    let items = upcoming.await?.into_iter().map(|upcoming| UpcomingItem {
        automation: upcoming.automation.to_string(),
        due: upcoming.due,
        start_at: upcoming.start_at,
        skipped: upcoming.skipped,
    });
    Ok(Json(Listing::whole(items.collect())))
}
