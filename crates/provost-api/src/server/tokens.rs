//! Tokens, and what whoever asks may do.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use provost_controller::Command;
use provost_model::{Digest, Token};

use super::Shared;
use super::access::{ALL, Access, By, Names};
use super::commands::noted;
use super::extract::{Body, OfName, name};
use super::refused::{Refused, Reply};
use super::route::{About, Route};
use super::routes::ROUTES;
use crate::convert;
use crate::wire::*;

/// How many random bytes a token is made of.
const SECRET_BYTES: usize = 32;

/// The most patterns that a token may have of a sort.
const PATTERNS_MAX: usize = 100;

pub(super) async fn list(State(shared): State<Shared>) -> Reply<Listing<TokenItem>> {
    let items = shared.controller.view(|view| view.state.tokens.values().map(convert::token_item).collect());
    Ok(Json(Listing::whole(items.await?)))
}

pub(super) async fn make(
    State(shared): State<Shared>,
    access: Access,
    Body(asked): Body<TokenRequest>,
) -> Reply<TokenMade> {
    let now = shared.controller.view(|view| view.now).await?;
    let secret = secret()?;
    // Whoever names automations means to limit the token: it fires nothing unless that is said too.
    let events = asked.events.unwrap_or_else(|| match &asked.automations {
        Some(automations) if !automations.iter().any(|pattern| pattern == ALL) => Vec::new(),
        _ => vec![ALL.to_owned()],
    });
    let token = Token {
        name: name(asked.name)?,
        hash: Digest::of(secret.as_bytes()),
        scope: convert::model_scope(asked.scope),
        automations: patterns("automations", asked.automations.unwrap_or_else(|| vec![ALL.to_owned()]))?,
        events: patterns("events", events)?,
        until: asked.until,
        by: access.by.clone(),
        made_at: now,
    };
    if token.until.is_some_and(|until| until <= now) {
        return Err(Refused::new(ProblemCode::Invalid, "until: the token would have expired already"));
    }
    access.covers(&token)?;
    let item = convert::token_item(&token);
    noted(&shared, Command::MakeToken { token: Box::new(token) }).await?;
    Ok(Json(TokenMade { token: secret, item }))
}

fn secret() -> Result<String, Refused> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Refused::new(ProblemCode::Internal, format!("the system gives no random numbers: {error}")))?;
    Ok(format!("provost_{}", hex::encode(bytes)))
}

fn patterns(key: &str, mut patterns: Vec<String>) -> Result<Vec<String>, Refused> {
    let invalid = |why: String| Refused::new(ProblemCode::Invalid, format!("{key}: {why}"));
    if patterns.len() > PATTERNS_MAX {
        return Err(invalid(format!("{PATTERNS_MAX} patterns at most, not {}", patterns.len())));
    }
    Names::of(&patterns).map_err(invalid)?;
    patterns.sort();
    patterns.dedup();
    Ok(patterns)
}

pub(super) async fn revoke(
    State(shared): State<Shared>,
    OfName(name): OfName,
    By(by): By,
    Body(Empty {}): Body<Empty>,
) -> Result<StatusCode, Refused> {
    noted(&shared, Command::RevokeToken { name, by }).await
}

/// Tells what whoever asks may do, by the very checks that every request goes through.
pub(super) async fn permissions(State(shared): State<Shared>, access: Access) -> Reply<Permissions> {
    let names = shared
        .controller
        .view(|view| view.state.desired.automations.keys().map(ToString::to_string).collect::<Vec<String>>());
    let names = names.await?;
    let routes = ROUTES.iter().filter_map(|route| permission(&access, route, &names)).collect();
    Ok(Json(Permissions {
        by: access.by,
        scope: convert::scope(access.scope),
        automations: access.automations.patterns,
        events: access.events.patterns,
        skills: access.skills.patterns,
        reads: access.reads.patterns,
        writes: access.writes.patterns,
        until: access.until,
        routes,
    }))
}

fn permission(access: &Access, route: &Route, names: &[String]) -> Option<Permission> {
    let of_names = matches!(route.about, About::Automation | About::Run);
    let allowed: Vec<String> =
        names.iter().filter(|name| of_names && access.check(route, Some(name)).is_ok()).cloned().collect();
    let is_any = |names: &Names| !names.patterns.is_empty();
    let may = match route.about {
        _ if of_names => !allowed.is_empty(),
        About::Event => is_any(&access.events) && access.check_scope(route).is_ok(),
        About::Skill => is_any(&access.skills) && access.check_scope(route).is_ok(),
        About::Document => {
            let reads = route.method == "GET" && is_any(&access.reads);
            (reads || is_any(&access.writes)) && access.check_scope(route).is_ok()
        }
        _ => access.check(route, None).is_ok(),
    };
    may.then(|| Permission {
        method: route.method.to_owned(),
        path: route.path.to_owned(),
        automations: of_names.then_some(allowed),
    })
}
