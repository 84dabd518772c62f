//! What happens, a line each: events, and the output of steps.

use provost_api::wire::{EventItem, LogLine, OutputStream};

use crate::output::{Text, Times, Tone};

/// `18:34:58 ▶ nightly-backup  its main container started`
pub fn event_line(event: &EventItem, times: &Times) -> Text {
    let (tone, glyph) = mark(&event.name);
    head(event, tone, glyph, times)
        .plus(format!("{:<18} ", event.name))
        .and(if tone == Tone::Bad { tone } else { Tone::Plain }, &event.message)
}

/// The same, with what belongs to it on lines of its own: what a revision changes, or what is wrong with it.
pub fn event_lines(event: &EventItem, times: &Times) -> Vec<Text> {
    let text = |key: &str| event.data.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let summary = event.data.get("summary").and_then(serde_json::Value::as_array).into_iter().flatten();
    let changes = summary.filter_map(|line| Some(Text::from(format!("           {}", line.as_str()?))));
    let report = text("report").lines().map(|line| Text::from(format!("           {line}")));
    std::iter::once(event_line(event, times)).chain(changes).chain(report).collect()
}

/// What a person who follows along wants to see: beginnings, hooks, ends, revisions; nothing for the steps between.
///
/// `18:34:58   nightly-backup  ✓ announce  0.2s  run.starting of shop`
pub fn brief_lines(event: &EventItem, times: &Times) -> Vec<Text> {
    let silent = [
        "run.accepted",
        "run.attempt",
        "run.queued",
        "run.finished",
        "run.cancelling",
        "step.started",
        "event.handled",
    ];
    match event.name.as_str() {
        name if silent.contains(&name) && !is_failure(event) => Vec::new(),
        "step.ended" => vec![step_line(event, times)],
        "run.retrying" => {
            let until = event.data.get("until").and_then(|until| until.as_str()?.parse::<jiff::Timestamp>().ok());
            let again = until.map_or_else(String::new, |until| {
                format!("again in {}", crate::output::duration(until.duration_since(event.at)))
            });
            let why = event.data.get("why").and_then(serde_json::Value::as_str).unwrap_or_default();
            vec![head(event, Tone::Warn, "↻", times).and(Tone::Warn, again).plus(format!(": {why}"))]
        }
        name if name.starts_with("run.") && event.run.is_some() => {
            let (tone, glyph) = mark(name);
            vec![
                head(event, tone, glyph, times)
                    .and(if tone == Tone::Live { Tone::Plain } else { tone }, without_run(event)),
            ]
        }
        _ => event_lines(event, times),
    }
}

fn is_failure(event: &EventItem) -> bool {
    event.data.get("failure").is_some_and(|failure| !failure.is_null())
}

/// A hook or an attempt that ended.
fn step_line(event: &EventItem, times: &Times) -> Text {
    let text = |key: &str| event.data.get(key).and_then(serde_json::Value::as_str);
    let step = text("step").unwrap_or_default();
    let well = event.message.ends_with(" ended well");
    let (tone, glyph) = if well { (Tone::Good, "✓") } else { (Tone::Bad, "✗") };
    let (name, place) = match step.split_once('-') {
        Some((place, label)) => match label.rsplit_once('.') {
            Some((owner, name)) => (name.to_owned(), format!("{place} of {owner}")),
            None => (label.to_owned(), place.to_owned()),
        },
        None => (step.replacen("main.", "attempt ", 1), String::new()),
    };
    let instant = |key: &str| text(key).and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let took = match (instant("startedAt"), instant("finishedAt")) {
        (Some(started), Some(finished)) => crate::output::duration(finished.duration_since(started)),
        _ => String::new(),
    };
    let how = if well { "" } else { event.message.split(step).nth(1).unwrap_or_default() };
    let line = head(event, Tone::Plain, " ", times).and(tone, format!("{glyph} {name:<14} "));
    let line = if how.is_empty() && place.is_empty() {
        line.plus(took)
    } else {
        line.plus(format!("{took:<6}")).and(Tone::Bad, how)
    };
    if place.is_empty() { line } else { line.and(Tone::Dim, format!("  {place}")) }
}

/// `18:34:58 ▶ nightly-backup  `
fn head(event: &EventItem, tone: Tone, glyph: &str, times: &Times) -> Text {
    let subject = event.automation.as_deref().unwrap_or_default();
    Text::toned(Tone::Dim, times.of_day(event.at))
        .and(tone, format!(" {glyph} "))
        .and(Tone::Strong, format!("{subject:<16} "))
}

/// The message without the run that it begins with: the automation stands before it.
fn without_run(event: &EventItem) -> &str {
    let run = event.run.as_deref().unwrap_or_default();
    let rest = event.message.strip_prefix("run ").and_then(|rest| rest.strip_prefix(run)).unwrap_or(&event.message);
    rest.trim_start_matches([':', ' '])
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

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;

    fn brief(name: &str, message: &str, data: serde_json::Value) -> Vec<String> {
        let at = "2026-11-20T17:35:02Z".parse().unwrap();
        let data = data.as_object().cloned().unwrap_or_default();
        let (automation, run) = (Some("sync".to_owned()), Some("sync.1".to_owned()));
        let event = EventItem {
            seq: 1,
            at,
            name: name.to_owned(),
            automation,
            run,
            event: None,
            message: message.to_owned(),
            data,
        };
        let times = Times { now: at, zone: TimeZone::UTC };
        brief_lines(&event, &times).iter().map(Text::plain).collect()
    }

    #[test]
    fn who_follows_along_sees_hooks_by_name_and_place() {
        let at = json!({"step": "run.starting-shop.announce", "startedAt": "2026-11-20T17:35:01Z", "finishedAt": "2026-11-20T17:35:02Z"});
        let line = brief("step.ended", "run sync.1: run.starting-shop.announce ended well", at);
        assert_eq!(line, ["17:35:02   sync             ✓ announce       1s      run.starting of shop"]);
        let line = brief("step.ended", "run sync.1: main.2 failed: exit 3", json!({"step": "main.2"}));
        assert_eq!(line, ["17:35:02   sync             ✗ attempt 2             failed: exit 3"]);
        let line = brief("run.failed", "run sync.1 failed: exit 3", json!({}));
        assert_eq!(line, ["17:35:02 ✗ sync             failed: exit 3"]);
        assert_eq!(brief("step.started", "run sync.1: main.2 started", json!({})), Vec::<String>::new());
    }

    #[test]
    fn a_rejected_revision_brings_its_diagnostics() {
        let lines = brief("revision.rejected", "revision r was rejected", json!({"report": "error\n --> a.yaml"}));
        assert_eq!(lines.len(), 3);
        assert!(lines[2].ends_with("--> a.yaml"));
    }
}
