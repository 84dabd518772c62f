//! Channels, plugins, policies, sources and the history of revisions.

use axum::Json;
use axum::extract::State;
use provost_controller::FactQuery;

use super::Shared;
use super::extract::{Ask, limit, wrong_cursor};
use super::refused::Reply;
use crate::convert;
use crate::wire::*;

pub(super) async fn channels(State(shared): State<Shared>) -> Reply<Listing<ChannelItem>> {
    let items = shared.controller.view(|view| {
        let channels = view.state.desired.channels.values();
        channels.map(|channel| convert::channel_item(view.state, channel)).collect()
    });
    Ok(Json(Listing::whole(items.await?)))
}

pub(super) async fn plugins(State(shared): State<Shared>) -> Reply<Listing<PluginItem>> {
    let items = shared.controller.view(|view| {
        let plugins = view.state.desired.plugins.iter();
        plugins.map(|(name, plugin)| convert::plugin_item(view.state, name, plugin)).collect::<Vec<_>>()
    });
    let mut items = items.await?;
    items.sort_by_key(|plugin| plugin.order);
    Ok(Json(Listing::whole(items)))
}

pub(super) async fn policies(State(shared): State<Shared>) -> Reply<Listing<PolicyItem>> {
    let items = shared.controller.view(|view| {
        let policies = view.state.desired.policies.iter();
        policies.map(|(name, policy)| convert::policy_item(name, policy)).collect::<Vec<_>>()
    });
    let mut items = items.await?;
    items.sort_by_key(|policy| policy.order);
    Ok(Json(Listing::whole(items)))
}

pub(super) async fn sources(State(shared): State<Shared>) -> Reply<Listing<SourceCopyItem>> {
    let items =
        shared.controller.view(|view| view.copies.iter().map(|copy| convert::source_copy_item(view, copy)).collect());
    Ok(Json(Listing::whole(items.await?)))
}

pub(super) async fn history(
    State(shared): State<Shared>,
    Ask(query): Ask<HistoryQuery>,
) -> Reply<Listing<HistoryItem>> {
    let limit = limit(query.limit)?;
    let before_seq = query.cursor.as_deref().map(|cursor| cursor.parse().map_err(|_| wrong_cursor())).transpose()?;
    let in_force = shared.controller.view(|view| view.state.applied.as_ref().map(|applied| applied.seq)).await?;
    let query = FactQuery { revisions_only: true, tail: true, limit, before_seq, ..FactQuery::default() };
    let facts = shared.controller.store().facts(&query).await?;
    let items = facts.iter().rev().filter_map(|recorded| convert::history_item(recorded, in_force));
    let next = facts.first().filter(|_| facts.len() == limit).map(|oldest| oldest.seq.to_string());
    Ok(Json(Listing { items: items.collect(), next }))
}
