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
