//! Automations and their due times.

use provost_api::wire::{AutomationDetail, AutomationItem, AutomationState, LastRunItem, UpcomingItem};

use super::{field, glyph, head, json, run_state, seconds, short_revision, took};
use crate::output::{Cell, Column, Listing, Row, Text, Times, Tone};

/// The list of automations.
pub fn automations(items: &[AutomationItem], times: &Times) -> Listing {
    let columns = vec![
        Column::new("NAME"),
        Column::new("STATE"),
        Column::new("LAST"),
        Column::new("NEXT"),
        Column::new("LATE"),
        Column::new("LAST 8"),
        Column::wide("SCHEDULE"),
        Column::wide("LABELS"),
        Column::wide("DESCRIPTION"),
    ];
    let rows = items.iter().map(|item| Row { name: item.name.clone(), cells: cells(item, times), json: json(item) });
    Listing {
        columns,
        rows: rows.collect(),
        when_empty: "There are no automations. provost new automation NAME makes one.".to_owned(),
    }
}

fn cells(item: &AutomationItem, times: &Times) -> Vec<Cell> {
    let schedules: Vec<&str> = item.schedules.iter().map(|schedule| schedule.text.as_str()).collect();
    let labels: Vec<String> = item.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    vec![
        item.name.as_str().into(),
        state(item).into(),
        match &item.last_run {
            Some(last) => Cell::exact(last_run(last, times), last.ended_at),
            None => Cell::default(),
        },
        match item.next_due {
            Some(due) => Cell::exact(next(item, times), due),
            None => next(item, times).into(),
        },
        Cell::exact(
            item.late_s.map(seconds).unwrap_or_default(),
            item.late_s.map(|late| late.to_string()).unwrap_or_default(),
        ),
        recent(item).into(),
        schedules.join("; ").into(),
        labels.join(",").into(),
        item.description.clone().unwrap_or_default().into(),
    ]
}

/// How an automation is: glyph and word.
fn state(item: &AutomationItem) -> Text {
    let (tone, glyph) = match item.state {
        AutomationState::Ok => (Tone::Good, "✓"),
        AutomationState::Failing => (Tone::Bad, "✗"),
        AutomationState::Running => (Tone::Live, "▶"),
        AutomationState::Queued => (Tone::Live, "◌"),
        AutomationState::Paused | AutomationState::Suspended => (Tone::Warn, "‖"),
        AutomationState::New => (Tone::Dim, "·"),
    };
    Text::toned(tone, format!("{glyph} {}", item.state.word()))
}

/// `02:00 CET, 3m 12s`, `18:21 CET, exit 1, try 3 of 3`
fn last_run(last: &LastRunItem, times: &Times) -> String {
    let mut parts = vec![times.short(last.ended_at)];
    match last.exit {
        Some(code) if code != 0 => parts.push(format!("exit {code}")),
        _ if !last.detail.is_empty() => parts.push(last.detail.clone()),
        _ => parts.extend(last.duration_ms.map(took)),
    }
    if last.attempts > 1 {
        parts.push(format!("try {} of {}", last.attempts, last.attempts_max));
    }
    parts.join(", ")
}

/// `Sat 02:00 CET, in 7h 25m`, or why there is no next time.
fn next(item: &AutomationItem, times: &Times) -> String {
    match (item.next_due, &item.next_reason) {
        (Some(due), None) => times.when(due),
        (Some(due), Some(reason)) => format!("{} ({reason})", times.when(due)),
        (None, reason) => reason.clone().unwrap_or_default(),
    }
}

/// `✓✓✓✗✓✓✓✓`
fn recent(item: &AutomationItem) -> Text {
    item.recent.iter().map(|outcome| glyph(*outcome)).fold(Text::default(), |text, (tone, glyph)| text.and(tone, glyph))
}

/// Everything about one automation.
pub fn describe_automation(detail: &AutomationDetail, times: &Times) -> Vec<Text> {
    let item = &detail.item;
    let mut lines = vec![head(&item.name).plus("  ").join(state(item))];
    if let Some(description) = &item.description {
        lines.push(Text::from(description.as_str()));
    }
    lines.push(Text::default());
    if let Some(pause) = &item.pause {
        let until =
            pause.until.map_or("until somebody resumes it".to_owned(), |until| format!("until {}", times.when(until)));
        lines.push(field("paused", format!("by {} {until}: {}", pause.by, pause.reason)));
    }
    for schedule in &item.schedules {
        lines.push(field("schedule", format!("{}  ({})", schedule.text, schedule.words)));
    }
    for trigger in &detail.effective.triggers {
        let from = trigger.from.as_ref().map_or(String::new(), |from| format!(" of {from}"));
        let when = trigger.when.as_ref().map_or(String::new(), |when| format!(" when {when}"));
        lines.push(field("starts on", format!("{}{from}{when}", trigger.event)));
    }
    lines.push(field("image", detail.effective.workload.image.as_str()));
    lines.push(field("next", next(item, times)));
    for due in detail.next.iter().skip(1) {
        lines.push(field("", times.when(due.due)));
    }
    if let Some(last) = &item.last_run {
        lines.push(field("last", last_run(last, times)));
    }
    if let Some(at) = item.last_success_at {
        lines.push(field("last success", times.when(at)));
    }
    if let Some(revision) = &item.revision {
        lines.push(field("revision", short_revision(revision)));
    }
    lines.extend(hooks(detail));
    lines.extend(past(detail, times));
    lines
}

fn hooks(detail: &AutomationDetail) -> Vec<Text> {
    if detail.hooks.is_empty() {
        return Vec::new();
    }
    let hook = |hook: &provost_api::wire::HookItem| {
        let ways = [(hook.background, ", in the background"), (hook.parallel, ", in parallel")];
        let ways: String = ways.iter().filter(|(is, _)| *is).map(|(_, way)| *way).collect();
        Text::from(format!("  {:<16} {:<20} {}", hook.event, hook.name, hook.owner))
            .and(Tone::Dim, format!("  {}{ways}", hook.image))
    };
    [Text::default(), head("Hooks")].into_iter().chain(detail.hooks.iter().map(hook)).collect()
}

fn past(detail: &AutomationDetail, times: &Times) -> Vec<Text> {
    let mut lines = Vec::new();
    if !detail.runs.is_empty() {
        lines.extend([Text::default(), head("Runs")]);
        let run = |run: &provost_api::wire::RunItem| {
            let took = super::runs_took(run, times);
            Text::from("  ")
                .join(run_state(run).padded(14))
                .plus(format!("{:<24}{took}  ", times.short(run.due)))
                .and(Tone::Dim, &run.run)
        };
        lines.extend(detail.runs.iter().map(run));
    }
    let skipped: Vec<_> = detail.outcomes.iter().filter(|outcome| outcome.run.is_none()).collect();
    if !skipped.is_empty() {
        lines.extend([Text::default(), head("Due times that did not run")]);
        lines.extend(skipped.iter().map(|outcome| {
            let why = outcome.detail.as_deref().or(outcome.reason.as_deref()).unwrap_or_default();
            Text::from(format!("  {:<24}{}: {why}", times.short(outcome.due), outcome.verdict.word()))
        }));
    }
    lines
}

/// The list of due times that will come.
pub fn upcoming(items: &[UpcomingItem], times: &Times) -> Listing {
    let columns = vec![Column::new("DUE"), Column::new("AUTOMATION"), Column::new("STARTS"), Column::new("SKIPPED")];
    let rows = items.iter().map(|item| {
        // Jitter alone makes the two differ.
        let starts = if item.start_at == item.due { String::new() } else { times.short(item.start_at) };
        let cells = vec![
            Cell::exact(times.when(item.due), item.due),
            item.automation.as_str().into(),
            Cell::exact(starts, item.start_at),
            Text::toned(Tone::Warn, item.skipped.as_deref().unwrap_or_default()).into(),
        ];
        Row { name: item.automation.clone(), cells, json: json(item) }
    });
    Listing { columns, rows: rows.collect(), when_empty: "Nothing is due in that time.".to_owned() }
}
