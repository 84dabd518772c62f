//! Services.

use provost_api::wire::{ServiceDetail, ServiceItem, ServiceState};

use super::{field, head, json, run_state, seconds};
use crate::output::{Cell, Column, Listing, Row, Text, Times, Tone};

/// The list of services.
pub fn services(items: &[ServiceItem], times: &Times) -> Listing {
    let columns = vec![
        Column::new("NAME"),
        Column::new("STATE"),
        Column::new("SINCE"),
        Column::new("RESTARTS"),
        Column::new("LAST EXIT"),
        Column::new("DETAIL"),
        Column::wide("PORTS"),
        Column::wide("REQUIRES"),
        Column::wide("IMAGE"),
    ];
    let rows = items.iter().map(|item| Row { name: item.name.clone(), cells: cells(item, times), json: json(item) });
    Listing {
        columns,
        rows: rows.collect(),
        when_empty: "There are no services. provost new service NAME makes one.".to_owned(),
    }
}

fn cells(item: &ServiceItem, times: &Times) -> Vec<Cell> {
    let since = item.up_since.or(item.last_ended_at);
    vec![
        item.name.as_str().into(),
        state(item).into(),
        since.map_or_else(Cell::default, |since| Cell::exact(times.short(since), since)),
        restarts(item).into(),
        item.last_exit.map(|code| code.to_string()).unwrap_or_default().into(),
        item.detail.as_str().into(),
        item.ports.join(", ").into(),
        item.requires.join(", ").into(),
        item.image.as_str().into(),
    ]
}

fn restarts(item: &ServiceItem) -> String {
    format!("{} of {}", item.restarts, item.restarts_max)
}

/// How a service is: glyph and word.
fn state(item: &ServiceItem) -> Text {
    let (tone, glyph) = match item.state {
        ServiceState::Up => (Tone::Good, "✓"),
        ServiceState::Starting | ServiceState::Waiting => (Tone::Live, "◌"),
        ServiceState::Restarting | ServiceState::Unhealthy => (Tone::Warn, "!"),
        ServiceState::Stopping | ServiceState::Stopped => (Tone::Warn, "‖"),
        ServiceState::Ended => (Tone::Dim, "■"),
        ServiceState::Dead => (Tone::Bad, "✗"),
    };
    Text::toned(tone, format!("{glyph} {}", item.state.word()))
}

/// Everything about one service.
pub fn describe_service(detail: &ServiceDetail, times: &Times) -> Vec<Text> {
    let item = &detail.item;
    let mut lines = vec![head(&item.name).plus("  ").join(state(item))];
    lines.extend(item.description.as_deref().map(Text::from));
    lines.push(Text::default());
    if !item.detail.is_empty() {
        lines.push(field("why", item.detail.as_str()));
    }
    if let Some(since) = item.up_since {
        lines.push(field("up since", times.when(since)));
    }
    lines.push(field("image", item.image.as_str()));
    lines.extend(item.ports.iter().map(|port| field("port", port.as_str())));
    if !item.requires.is_empty() {
        lines.push(field("requires", item.requires.join(", ")));
    }
    if let Some(check) = &detail.health_check {
        let often = format!("{}, every {}", check.asks, seconds(check.interval_s));
        lines.push(field("health check", format!("{often}; unhealthy after {} bad answers", check.failures)));
    }
    lines.push(field("restarts", format!("{} ({})", restarts(item), detail.restart)));
    if let Some(code) = item.last_exit {
        lines.push(field("last exit", code.to_string()));
    }
    lines.push(field("replace", detail.replace.as_str()));
    if !detail.hooks.is_empty() {
        lines.extend([Text::default(), head("Hooks")]);
        lines.extend(detail.hooks.iter().map(|hook| {
            Text::from(format!("  {:<20} {:<20} {}", hook.event, hook.name, hook.owner))
                .and(Tone::Dim, format!("  {}", hook.image))
        }));
    }
    if !detail.runs.is_empty() {
        lines.extend([Text::default(), head("Runs")]);
        lines.extend(detail.runs.iter().map(|run| {
            Text::from("  ")
                .join(run_state(run).padded(14))
                .plus(format!("{:<24}{}  ", times.short(run.due), run.detail))
                .and(Tone::Dim, &run.run)
        }));
    }
    lines
}
