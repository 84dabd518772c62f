//! What happens, a line each: events, and the output of steps.

use provost_api::wire::{EventItem, LogLine, OutputStream};

use crate::output::{Text, Times, Tone};

/// `18:34:58 ▶ nightly-backup  its main container started`
pub fn event_line(event: &EventItem, times: &Times) -> Text {
    let (tone, glyph) = mark(&event.name);
    let line = Text::toned(Tone::Dim, times.of_day(event.at)).and(tone, format!(" {glyph} "));
    let subject = event.automation.as_deref().unwrap_or("");
    let line = line.and(Tone::Strong, format!("{subject:<16} "));
    line.plus(format!("{:<18} ", event.name)).and(if tone == Tone::Bad { tone } else { Tone::Plain }, &event.message)
}

/// The same, with what belongs to it on lines of its own: what a revision changes, or what is wrong with it.
pub fn event_lines(event: &EventItem, times: &Times) -> Vec<Text> {
    let text = |key: &str| event.data.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let summary = event.data.get("summary").and_then(serde_json::Value::as_array).into_iter().flatten();
    let changes = summary.filter_map(|line| Some(Text::from(format!("           {}", line.as_str()?))));
    let report = text("report").lines().map(|line| Text::from(format!("           {line}")));
    std::iter::once(event_line(event, times)).chain(changes).chain(report).collect()
}

/// How an event looks, by its name.
fn mark(name: &str) -> (Tone, &'static str) {
    let last = name.rsplit('.').next().unwrap_or(name);
    match last {
        "succeeded" | "applied" | "corrected" | "delivered" | "passed" => (Tone::Good, "✓"),
        "failed" | "timedOut" | "rejected" | "lost" | "refused" | "givenUp" => (Tone::Bad, "✗"),
        "retrying" | "skipped" | "missed" | "late" | "cancelled" | "found" | "paused" | "pinned" => (Tone::Warn, "!"),
        "starting" | "started" => (Tone::Live, "▶"),
        _ => (Tone::Dim, "·"),
    }
}

/// `18:35:02 main.1 │ wrote 1204 rows`
pub fn log_line(line: &LogLine, times: &Times) -> Text {
    let bar = match line.stream {
        OutputStream::Stdout => Text::toned(Tone::Dim, " │ "),
        OutputStream::Stderr => Text::toned(Tone::Warn, " ! "),
    };
    let tone = if line.step.starts_with("main.") { Tone::Live } else { Tone::Dim };
    let head = Text::toned(Tone::Dim, times.of_day(line.at)).and(tone, format!(" {}", line.step));
    head.join(bar).plus(&line.text)
}
