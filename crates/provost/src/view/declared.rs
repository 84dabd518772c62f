//! Channels, plugins, policies and sources.

use provost_api::wire::{ChannelItem, PluginItem, PolicyItem, SourceCopyItem};

use super::{json, seconds, short_revision};
use crate::output::{Cell, Column, Listing, Row, Text, Times, Tone};

/// The list of channels.
pub fn channels(items: &[ChannelItem], times: &Times) -> Listing {
    let columns = vec![
        Column::new("NAME"),
        Column::new("STATE"),
        Column::new("KIND"),
        Column::new("TARGET"),
        Column::new("UNDELIVERED"),
        Column::new("FAILOVER"),
        Column::wide("SIGNED"),
        Column::wide("REPLY"),
    ];
    let rows = items.iter().map(|item| {
        let state = match (item.delayed, item.next_try_at) {
            (0, _) => Text::toned(Tone::Good, "✓ ok"),
            (_, Some(at)) => Text::toned(Tone::Bad, format!("✗ failing, again {}", times.relative(at))),
            (_, None) => Text::toned(Tone::Bad, "✗ failing"),
        };
        let reply = item
            .reply_default
            .as_ref()
            .map(|default| format!("{default} after {}", item.reply_timeout_s.map(seconds).unwrap_or_default()));
        let cells = vec![
            item.name.as_str().into(),
            state.into(),
            item.kind.word().into(),
            item.target.as_str().into(),
            Cell::exact(
                if item.undelivered > 0 { item.undelivered.to_string() } else { String::new() },
                item.undelivered,
            ),
            item.failover.join(", ").into(),
            if item.signed { "yes" } else { "no" }.into(),
            reply.unwrap_or_default().into(),
        ];
        Row { name: item.name.clone(), cells, json: json(item) }
    });
    Listing { columns, rows: rows.collect(), when_empty: "There are no channels.".to_owned() }
}

/// The list of plugins.
pub fn plugins(items: &[PluginItem]) -> Listing {
    let columns = vec![Column::new("NAME"), Column::new("STATE"), Column::new("ORDER"), Column::new("HOOKS")];
    let rows = items.iter().map(|item| {
        let state = match item.enabled {
            true if item.unprepared.is_some() => Text::toned(Tone::Bad, "✗ its prepare step failed"),
            true if item.unmet.is_empty() => Text::toned(Tone::Good, "✓ enabled"),
            true => Text::toned(Tone::Warn, format!("! requires {}", item.unmet.join("; "))),
            false => Text::toned(Tone::Dim, "‖ disabled"),
        };
        let cells =
            vec![item.name.as_str().into(), state.into(), item.order.to_string().into(), item.hooks.to_string().into()];
        Row { name: item.name.clone(), cells, json: json(item) }
    });
    Listing { columns, rows: rows.collect(), when_empty: "There are no plugins.".to_owned() }
}

/// The list of sources that manifests refer to.
pub fn sources(items: &[SourceCopyItem], times: &Times) -> Listing {
    let columns = vec![
        Column::new("NAME"),
        Column::new("STATE"),
        Column::new("REVISION"),
        Column::new("READ"),
        Column::new("FROM"),
    ];
    let rows = items.iter().map(|item| {
        let state = match (&item.trouble, &item.revision) {
            (None, _) => Text::toned(Tone::Good, "✓ ok"),
            (Some(trouble), Some(_)) => Text::toned(Tone::Warn, format!("! {trouble}")),
            (Some(trouble), None) => Text::toned(Tone::Bad, format!("✗ {trouble}")),
        };
        let cells = vec![
            item.name.as_str().into(),
            state.into(),
            item.revision.as_deref().map(short_revision).unwrap_or_default().into(),
            item.fetched_at.map(|at| times.relative(at)).unwrap_or_default().into(),
            item.from.as_str().into(),
        ];
        Row { name: item.name.clone(), cells, json: json(item) }
    });
    Listing { columns, rows: rows.collect(), when_empty: "No manifest refers to another source.".to_owned() }
}

/// The list of policies.
pub fn policies(items: &[PolicyItem]) -> Listing {
    let columns = vec![
        Column::new("NAME"),
        Column::new("ORDER"),
        Column::new("AUTOMATIONS"),
        Column::new("HOOKS"),
        Column::new("RULES"),
    ];
    let rows = items.iter().map(|item| {
        let numbers =
            [item.order.to_string(), item.automations.to_string(), item.hooks.to_string(), item.rules.to_string()];
        let cells = std::iter::once(Cell::from(item.name.as_str())).chain(numbers.into_iter().map(Cell::from));
        Row { name: item.name.clone(), cells: cells.collect(), json: json(item) }
    });
    Listing { columns, rows: rows.collect(), when_empty: "There are no policies.".to_owned() }
}
