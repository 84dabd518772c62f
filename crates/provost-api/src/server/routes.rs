//! The table of routes: the router is made of it, what tokens may do, and the published description too.

use axum::routing::{delete, get, patch, post, put};
use provost_model::TokenScope;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::route::Answer::{Accepted, Json, Lines, Nothing, Text};
use super::route::{About, Route};
use super::{
    actions, automations, commands, description, documents, events, jobs, listings, logs, metrics, runs, services,
    skills, status, tokens,
};
use crate::wire::*;

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn list<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Listing<T>>()
}

/// Every route.
pub static ROUTES: &[Route] = &[
    Route::get("/v1/ping", "Whether anybody is there; the reconciler is not asked.", Nothing, || get(status::ping))
        .about(About::Anything),
    Route::get("/metrics", "What is counted and measured, for Prometheus.", Text(metrics::OPENMETRICS), || {
        get(metrics::show)
    }),
    Route::get("/v1/openapi.json", "This description.", Json(of::<JsonMap>), || get(description::show))
        .about(About::Anything),
    Route::get("/v1/permissions", "What whoever asks may do.", Json(of::<Permissions>), || get(tokens::permissions))
        .about(About::Anything),
    Route::get("/v1/tokens", "Tokens, by name, without their secrets.", Json(list::<TokenItem>), || get(tokens::list))
        .for_scope(TokenScope::Admin),
    Route::post(
        "/v1/tokens",
        "Makes a token; its text is told once.",
        of::<TokenRequest>,
        Json(of::<TokenMade>),
        || post(tokens::make),
    ),
    Route::post(
        "/v1/tokens/{name}/revoke",
        "From now on, the token is good for nothing.",
        of::<Empty>,
        Nothing,
        || post(tokens::revoke),
    ),
    Route::get("/v1/status", "How the server is.", Json(of::<Status>), || get(status::show)).about(About::Anything),
    Route::get("/v1/automations", "Automations in force, by name.", Json(list::<AutomationItem>), || {
        get(automations::list)
    })
    .query(of::<AutomationsQuery>)
    .about(About::Anything),
    Route::get("/v1/automations/{name}", "Everything about one automation.", Json(of::<AutomationDetail>), || {
        get(automations::show)
    })
    .about(About::Automation),
    Route::get(
        "/v1/automations/{name}/logs",
        "The output of an automation's last run, and of later ones if that is asked for.",
        Lines(of::<LogLine>),
        || get(logs::of_automation),
    )
    .query(of::<LogsQuery>)
    .about(About::Automation),
    Route::post("/v1/automations/{name}/run", "Starts a run now.", of::<RunRequest>, Json(of::<RunAccepted>), || {
        post(commands::run)
    })
    .about(About::Automation)
    .for_scope(TokenScope::Run)
    .starts(),
    Route::post(
        "/v1/automations/{name}/pause",
        "From now on, due times are recorded as skipped.",
        of::<PauseRequest>,
        Nothing,
        || post(commands::pause),
    )
    .about(About::Automation),
    Route::post("/v1/automations/{name}/resume", "Ends a pause.", of::<Empty>, Nothing, || post(commands::resume))
        .about(About::Automation),
    Route::get("/v1/services", "Services in force, by name.", Json(list::<ServiceItem>), || get(services::list)),
    Route::get("/v1/services/{name}", "Everything about one service.", Json(of::<ServiceDetail>), || {
        get(services::show)
    })
    .about(About::Automation),
    Route::post(
        "/v1/services/{name}/start",
        "Starts a service that was stopped, or that ended.",
        of::<Empty>,
        Nothing,
        || post(services::start),
    )
    .about(About::Automation)
    .for_scope(TokenScope::Run),
    Route::post(
        "/v1/services/{name}/stop",
        "Takes a service down; it stays so until it is started.",
        of::<Empty>,
        Nothing,
        || post(services::stop),
    )
    .about(About::Automation)
    .for_scope(TokenScope::Run),
    Route::get("/v1/runs", "Runs, youngest first.", Json(list::<RunItem>), || get(runs::list))
        .query(of::<RunsQuery>)
        .about(About::Anything),
    Route::get(
        "/v1/runs/{run}",
        "Everything about one run, once it is over if that is asked for.",
        Json(of::<RunDetail>),
        || get(runs::show),
    )
    .query(of::<WaitQuery>)
    .about(About::Run),
    Route::get(
        "/v1/runs/{run}/logs",
        "The output of a run, until it is over if that is asked for.",
        Lines(of::<LogLine>),
        || get(logs::of_run),
    )
    .query(of::<LogsQuery>)
    .about(About::Run),
    Route::post("/v1/runs/{run}/stop", "Asks a run to end; its after-hooks run.", of::<Empty>, Nothing, || {
        post(commands::stop)
    })
    .about(About::Run)
    .for_scope(TokenScope::Run),
    Route::post(
        "/v1/runs/{run}/retry",
        "Runs again with the inputs of an earlier run.",
        of::<RetryRequest>,
        Json(of::<RunAccepted>),
        || post(commands::retry),
    )
    .about(About::Run)
    .for_scope(TokenScope::Run)
    .starts(),
    Route::get("/v1/outcomes", "Outcomes of due times, youngest first.", Json(list::<OutcomeItem>), || {
        get(runs::outcomes)
    })
    .query(of::<OutcomesQuery>)
    .about(About::Anything),
    Route::get("/v1/upcoming", "Due times that will come, soonest first.", Json(list::<UpcomingItem>), || {
        get(automations::upcoming)
    })
    .query(of::<UpcomingQuery>)
    .about(About::Anything),
    Route::get("/v1/events", "What happened, in order, and what happens.", Lines(of::<EventItem>), || {
        get(events::tell)
    })
    .query(of::<EventsQuery>)
    .about(About::Anything),
    Route::post("/v1/events", "Says that something happened.", of::<FireRequest>, Json(of::<EventAccepted>), || {
        post(commands::fire)
    })
    .about(About::Event)
    .for_scope(TokenScope::Run)
    .starts(),
    Route::get("/v1/events/{event}/logs", "The output of an event's hooks, so far.", Lines(of::<LogLine>), || {
        get(logs::of_event)
    })
    .query(of::<LogsQuery>),
    Route::get("/v1/actions", "Actions of all applications.", Json(list::<ActionItem>), || get(actions::list_all)),
    Route::get("/v1/apps/{application}/actions", "Actions of one application.", Json(list::<ActionItem>), || {
        get(actions::list)
    }),
    Route::get(
        "/v1/apps/{application}/actions/{name}",
        "An action and its parameters.",
        Json(of::<ActionItem>),
        || get(actions::show),
    ),
    Route::post(
        "/v1/apps/{application}/actions/{name}",
        "Starts an action; its job goes on by itself.",
        of::<CallRequest>,
        Accepted(of::<CallAccepted>),
        || post(actions::call),
    )
    .for_scope(TokenScope::Run),
    Route::get("/v1/jobs/{job}", "How a call of an action goes.", Json(of::<JobDetail>), || get(jobs::show))
        .query(of::<JobQuery>),
    Route::get("/v1/skills", "Skills that may be called.", Json(list::<SkillItem>), || get(skills::list))
        .about(About::Anything),
    Route::post(
        "/v1/skills/{skill}",
        "Calls a skill, and answers with its result.",
        of::<SkillCall>,
        Json(of::<SkillResult>),
        || post(skills::call),
    )
    .about(About::Skill)
    .for_scope(TokenScope::Run)
    .starts(),
    Route::post(
        "/v1/skills/{skill}/servers",
        "Calls a skill on several servers, and answers with what came of each.",
        of::<SkillCallOn>,
        Json(of::<SkillResults>),
        || post(skills::call_on),
    )
    .about(About::Skill)
    .for_scope(TokenScope::Run)
    .starts(),
    Route::get("/v1/documents", "Documents that may be read, by name.", Json(list::<DocumentItem>), || {
        get(documents::list)
    })
    .about(About::Anything),
    Route::get("/v1/documents/{document}", "What a document holds.", Json(of::<JsonValue>), || get(documents::show))
        .about(About::Document),
    Route::change(
        "PUT",
        "/v1/documents/{document}",
        "Writes a document, whole.",
        Some(of::<JsonValue>),
        Nothing,
        || put(documents::write),
    )
    .about(About::Document)
    .for_scope(TokenScope::Run),
    Route::change(
        "PATCH",
        "/v1/documents/{document}",
        "Changes a document by a JSON patch (RFC 6902): by all of its operations, or by none.",
        Some(of::<Vec<PatchOperation>>),
        Json(of::<JsonValue>),
        || patch(documents::patch),
    )
    .about(About::Document)
    .for_scope(TokenScope::Run),
    Route::change("DELETE", "/v1/documents/{document}", "Removes a document.", None, Nothing, || {
        delete(documents::remove)
    })
    .about(About::Document)
    .for_scope(TokenScope::Run),
    Route::post(
        "/v1/progress",
        "Tells how far the container that asks is: an entry of any form.",
        of::<JsonMap>,
        Nothing,
        || post(jobs::note),
    )
    .about(About::Progress)
    .for_scope(TokenScope::Run),
    Route::get("/v1/channels", "Channels, by name.", Json(list::<ChannelItem>), || get(listings::channels)),
    Route::get("/v1/plugins", "Plugins, in their order.", Json(list::<PluginItem>), || get(listings::plugins)),
    Route::get("/v1/policies", "Policies, in their order.", Json(list::<PolicyItem>), || get(listings::policies)),
    Route::get("/v1/sources", "Sources that manifests refer to, by name.", Json(list::<SourceCopyItem>), || {
        get(listings::sources)
    }),
    Route::post(
        "/v1/sources/{name}/reset",
        "Throws the copy of a source away; it is made anew at once.",
        of::<Empty>,
        Nothing,
        || post(commands::reset),
    ),
    Route::get("/v1/history", "What happened to revisions, youngest first.", Json(list::<HistoryItem>), || {
        get(listings::history)
    })
    .query(of::<HistoryQuery>),
    Route::post(
        "/v1/plan",
        "What the source's newest revision would change; changes nothing.",
        of::<Empty>,
        Json(of::<Proposal>),
        || post(commands::plan),
    )
    .for_scope(TokenScope::View),
    Route::post("/v1/apply", "Applies the source's newest revision.", of::<ApplyRequest>, Json(of::<Proposal>), || {
        post(commands::apply)
    }),
    Route::post(
        "/v1/rollback",
        "Applies an earlier revision and stays at it.",
        of::<RollbackRequest>,
        Json(of::<Proposal>),
        || post(commands::rollback),
    ),
];
