//! Runs, and the outcomes of due times.

use provost_api::wire::{
    CauseItem, CauseKind, DueVerdict, ExitKind, OutcomeItem, RunDetail, RunItem, RunPhase, StepItem, StepPhase,
};

use super::{field, head, json, outcome, seconds, short_revision, took};
use crate::output::{Cell, Column, Listing, Row, Text, Times, Tone};

/// The list of runs.
pub fn runs(items: &[RunItem], times: &Times) -> Listing {
    let columns = vec![
        Column::new("RUN"),
        Column::new("STATE"),
        Column::new("DUE"),
        Column::new("TOOK"),
        Column::new("LATE"),
        Column::new("CAUSE"),
        Column::new("DETAIL"),
        Column::wide("ATTEMPTS"),
        Column::wide("REVISION"),
    ];
    let rows = items.iter().map(|item| {
        let cells = vec![
            item.run.as_str().into(),
            run_state(item).into(),
            Cell::exact(times.when(item.due), item.due),
            runs_took(item, times).into(),
            item.late_s.filter(|late| *late > 0).map(seconds).unwrap_or_default().into(),
            cause(&item.cause).into(),
            detail(item).into(),
            item.attempts.to_string().into(),
            item.revision.as_deref().map(short_revision).unwrap_or_default().into(),
        ];
        Row { name: item.run.clone(), cells, json: json(item) }
    });
    Listing { columns, rows: rows.collect(), when_empty: "There are no such runs.".to_owned() }
}

/// How a run is: glyph and word.
pub fn run_state(item: &RunItem) -> Text {
    match (item.phase, item.outcome) {
        (RunPhase::Finished, Some(how)) => outcome(how),
        (RunPhase::Queued, _) => Text::toned(Tone::Live, "◌ queued"),
        (RunPhase::Before, _) => Text::toned(Tone::Live, "▶ before"),
        (RunPhase::Backoff, _) => Text::toned(Tone::Warn, "↻ backoff"),
        (RunPhase::After, _) => Text::toned(Tone::Live, "▶ after"),
        (RunPhase::Main | RunPhase::Finished, _) => Text::toned(Tone::Live, "▶ running"),
    }
}

/// How long it took, or has taken so far.
pub fn runs_took(item: &RunItem, times: &Times) -> String {
    match (item.duration_ms, item.began_at) {
        (Some(millis), _) => took(millis),
        (None, Some(began)) if item.ended_at.is_none() => {
            format!("{} so far", crate::output::duration(times.now.duration_since(began)))
        }
        _ => String::new(),
    }
}

fn detail(item: &RunItem) -> String {
    let tries = if item.attempts > 1 { format!("{} attempts", item.attempts) } else { String::new() };
    let testing = if item.testing { "testing" } else { "" };
    let parts = [item.detail.as_str(), &tries, testing];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn cause(cause: &CauseItem) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match cause.kind {
        CauseKind::Schedule => "schedule".to_owned(),
        CauseKind::CatchUp => "catch-up".to_owned(),
        CauseKind::Trigger => text(&cause.event),
        CauseKind::Manual => format!("by {}", text(&cause.by)),
        CauseKind::Service => "service".to_owned(),
        CauseKind::Action => format!("called by {}", text(&cause.by)),
        CauseKind::Retry => format!("again, by {}", text(&cause.by)),
    }
}

/// Everything about one run.
pub fn describe_run(run: &RunDetail, times: &Times) -> Vec<Text> {
    let item = &run.item;
    let mut lines = vec![head(&item.run).plus("  ").join(run_state(item)), Text::default()];
    lines.push(field("automation", item.automation.as_str()));
    let why = detail(item);
    if !why.is_empty() {
        lines.push(field("detail", why));
    }
    let again = item.cause.of.as_ref().map_or(String::new(), |of| format!(" (of {of})"));
    lines.push(field("cause", cause(&item.cause) + &again));
    lines.push(field("due", times.when(item.due)));
    let moments = [("began", item.began_at), ("main began", item.main_at), ("ended", item.ended_at)];
    lines.extend(moments.into_iter().filter_map(|(name, at)| Some(field(name, times.when(at?)))));
    let took = runs_took(item, times);
    if !took.is_empty() {
        lines.push(field("took", took));
    }
    if let Some(revision) = &item.revision {
        lines.push(field("revision", short_revision(revision)));
    }
    if !item.params.is_empty() {
        let params: Vec<String> = item.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        lines.push(field("params", params.join(" ")));
    }
    if !run.steps.is_empty() {
        lines.extend([Text::default(), head("Steps")]);
        lines.extend(run.steps.iter().map(|step| step_line(step, times)));
    }
    if !run.progress.is_empty() {
        lines.extend([Text::default(), head("Progress")]);
        lines.extend(run.progress.iter().map(|entry| Text::from(format!("  {entry}"))));
    }
    lines
}

fn step_line(step: &StepItem, times: &Times) -> Text {
    let at = step.started_at.map(|at| times.of_day(at)).unwrap_or_default();
    let took = step.duration_ms.map(took).unwrap_or_default();
    let way = if step.background { ", in the background" } else { "" };
    Text::from(format!("  {at:<10}"))
        .join(step_state(step).padded(22))
        .plus(format!("{took:<8} {}", step.step))
        .and(Tone::Dim, way)
}

fn step_state(step: &StepItem) -> Text {
    match step.phase {
        StepPhase::Waiting => Text::toned(Tone::Dim, "· waiting"),
        StepPhase::Starting => Text::toned(Tone::Live, "▶ starting"),
        StepPhase::Running => Text::toned(Tone::Live, "▶ running"),
        StepPhase::Stopping => Text::toned(Tone::Warn, "■ stopping"),
        StepPhase::Ended => match (&step.failure, &step.exit) {
            (None, _) => Text::toned(Tone::Good, "✓ ok"),
            (Some(_), Some(exit)) if exit.kind == ExitKind::Lost => Text::toned(Tone::Warn, "? lost"),
            (Some(why), _) => Text::toned(Tone::Bad, format!("✗ {why}")),
        },
    }
}

/// The list of outcomes of due times.
pub fn outcomes(items: &[OutcomeItem], times: &Times) -> Listing {
    let columns = vec![
        Column::new("DUE"),
        Column::new("AUTOMATION"),
        Column::new("OUTCOME"),
        Column::new("WHY"),
        Column::new("COUNT"),
        Column::new("RUN"),
        Column::wide("RECORDED"),
    ];
    let rows = items.iter().map(|item| {
        let due = match item.count {
            1 => times.short(item.due),
            _ => format!("{} to {}", times.short(item.due), times.short(item.last)),
        };
        let (tone, glyph) = match item.verdict {
            DueVerdict::Ran => (Tone::Good, "▶"),
            DueVerdict::Skipped => (Tone::Warn, "-"),
            DueVerdict::Missed => (Tone::Bad, "!"),
        };
        let why = item.detail.as_deref().filter(|detail| !detail.is_empty()).or(item.reason.as_deref());
        let cells = vec![
            Cell::exact(due, item.due),
            item.automation.as_str().into(),
            Cell::exact(Text::toned(tone, format!("{glyph} {}", item.verdict.word())), item.verdict.word()),
            why.unwrap_or_default().into(),
            Cell::exact(if item.count > 1 { item.count.to_string() } else { String::new() }, item.count),
            item.run.clone().unwrap_or_default().into(),
            Cell::exact(times.short(item.at), item.at),
        ];
        Row { name: format!("{}.{}", item.automation, item.due), cells, json: json(item) }
    });
    Listing { columns, rows: rows.collect(), when_empty: "No due time has come yet.".to_owned() }
}
