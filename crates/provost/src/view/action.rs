//! Actions and jobs.

use provost_api::wire::{ActionItem, JobDetail, JobState, ParamItem};

use super::{field, head, json};
use crate::output::{Column, Listing, Row, Text, Times, Tone};

/// The list of actions.
pub fn actions(items: &[ActionItem]) -> Listing {
    let columns = vec![
        Column::new("APPLICATION"),
        Column::new("ACTION"),
        Column::new("PARAMS"),
        Column::new("DESCRIPTION"),
        Column::wide("PLUGIN"),
        Column::wide("AUTOMATION"),
    ];
    let rows = items.iter().map(|item| {
        let params: Vec<String> = item.params.iter().map(|(name, param)| param_text(name, param)).collect();
        let description = item.description.as_deref().unwrap_or_default();
        let cells = [&item.application, &item.name, &params.join(" "), description, &item.plugin, &item.automation];
        Row {
            name: format!("{} {}", item.application, item.name),
            cells: cells.map(Into::into).into(),
            json: json(item),
        }
    });
    Listing { columns, rows: rows.collect(), when_empty: "There are no actions.".to_owned() }
}

/// `count=integer`, in brackets where it need not be given.
pub(super) fn param_text(name: &str, param: &ParamItem) -> String {
    let text = format!("{name}={}", param.kind);
    if param.required && param.default.is_none() { text } else { format!("[{text}]") }
}

/// Everything about a job.
pub fn describe_job(job: &JobDetail, times: &Times) -> Vec<Text> {
    let mut lines = vec![head(&job.job).plus("  ").join(state(job.state)), Text::default()];
    lines.push(field("action", format!("{} {}", job.application, job.action)));
    lines.push(field("run", job.run.as_str()));
    if !job.detail.is_empty() {
        lines.push(field("detail", job.detail.as_str()));
    }
    lines.extend(job.progress.map(|percent| field("progress", format!("{percent} %"))));
    lines.push(field("called", format!("{} by {}", times.when(job.accepted_at), job.by)));
    let moments = [("began", job.began_at), ("ended", job.ended_at)];
    lines.extend(moments.into_iter().filter_map(|(name, at)| Some(field(name, times.when(at?)))));
    lines.push(field("entries", job.count.to_string()));
    match &job.entries {
        Some(entries) => lines.extend(entries.iter().map(|entry| Text::from(format!("  {entry}")))),
        None => lines.extend(job.last.as_ref().map(|entry| Text::from(format!("  last: {entry}")))),
    }
    lines
}

fn state(state: JobState) -> Text {
    let (tone, glyph) = match state {
        JobState::Queued => (Tone::Dim, "…"),
        JobState::Running => (Tone::Live, "▶"),
        JobState::Succeeded => (Tone::Good, "✓"),
        JobState::Failed | JobState::TimedOut => (Tone::Bad, "✗"),
        JobState::Cancelled => (Tone::Warn, "■"),
        JobState::Lost => (Tone::Warn, "?"),
    };
    Text::toned(tone, format!("{glyph} {}", state.word()))
}
