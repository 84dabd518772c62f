//! `provost status`: how the server is, and why it is not as it should be.

use provost_api::wire::{ListenItem, StartupState, Status};

use super::remote::client;
use crate::app::{App, FormatArgs};
use crate::config::ServerArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Text, Times, Tone};
use crate::view;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: Args, app: &mut App) -> Outcome {
    let status = client(&args.server)?.status().await?;
    match args.format.format {
        format @ (Format::Json | Format::Yaml) => app.output.value(&status, format)?,
        Format::Name => app.output.line(status.instance)?,
        Format::Csv => {
            return Err(Failure::usage("a status is no list, so there is no csv of it").help("use -o json"));
        }
        Format::Table | Format::Wide => {
            lines(&status, &app.times).into_iter().try_for_each(|line| app.output.line(line))?
        }
    }
    Ok(Exit::Done)
}

fn lines(status: &Status, times: &Times) -> Vec<Text> {
    let field = |label: &str, value: Text| Text::toned(Tone::Dim, label).padded(14).join(value);
    let well = status.waiting_for.is_empty() && !status.stopping;
    let state = if well { Text::toned(Tone::Good, "✓ ok") } else { Text::toned(Tone::Warn, "! not as it should be") };
    let started = status.started_at.map_or(String::new(), |at| format!(", since {}", times.when(at)));
    let mut lines = vec![
        Text::toned(Tone::Strong, &status.instance).plus("  ").join(state),
        Text::default(),
        field("server", format!("provost {} on {}{started}", status.version, status.host).into()),
    ];
    lines.extend(status.listen.iter().map(|listen| field("listens", listens(listen, times))));
    lines.extend([
        field("engine", engine(status)),
        field("source", source(status, times)),
        field("revision", revision(status, times)),
    ]);
    if let Some(pinned) = &status.pinned {
        let text = format!("! stays at {} until provost apply", view::short_revision(pinned));
        lines.push(field("", Text::toned(Tone::Warn, text)));
    }
    if let Some(rejected) = &status.rejected {
        let text =
            format!("✗ {} was refused {}", view::short_revision(&rejected.revision), times.relative(rejected.at));
        lines.push(field("", Text::toned(Tone::Bad, text)));
        lines.extend(rejected.report.lines().map(|line| Text::from(format!("    {line}"))));
    }
    lines.push(field("startup", startup(status)));
    lines.push(field("automations", counts(status)));
    if status.counts.services > 0 {
        let (all, up) = (status.counts.services, status.counts.services_up);
        let tone = if up == all { Tone::Good } else { Tone::Warn };
        lines.push(field("services", Text::from(all.to_string()).plus("  ").and(tone, format!("✓ {up} up"))));
    }
    if !well {
        lines.extend([Text::default(), Text::toned(Tone::Strong, "Waiting for")]);
        if status.stopping {
            lines.push("  the end: the server was asked to shut down".into());
        }
        lines.extend(status.waiting_for.iter().map(|why| Text::toned(Tone::Warn, "  ! ").plus(why)));
    }
    lines
}

fn listens(listen: &ListenItem, times: &Times) -> Text {
    let line = Text::from(format!("https at {}, certificate {}", listen.address, listen.fingerprint));
    match listen.certificate_until {
        until if until <= times.now => line.and(Tone::Bad, format!("  ✗ expired {}", times.relative(until))),
        _ => line,
    }
}

fn engine(status: &Status) -> Text {
    let engine = &status.engine;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match (&engine.product, &engine.trouble) {
        (_, Some(trouble)) => Text::toned(Tone::Bad, format!("✗ {trouble}")),
        (None, None) => Text::toned(Tone::Dim, "· not asked yet"),
        (Some(product), None) => {
            let containers =
                if engine.containers == 1 { "1 container" } else { &format!("{} containers", engine.containers) };
            Text::from(format!("{product} {} at {}, {containers}", text(&engine.version), text(&engine.address)))
        }
    }
}

fn source(status: &Status, times: &Times) -> Text {
    let source = &status.source;
    let read = source.fetched_at.map_or(", not read yet".to_owned(), |at| format!(", read {}", times.relative(at)));
    let line = Text::from(format!("{}{read}", source.name));
    match (&source.trouble, &source.waiting) {
        (Some(trouble), _) => line.and(Tone::Bad, format!("  ✗ {trouble}")),
        (None, Some(waiting)) => {
            line.and(Tone::Warn, format!("  ! {} waits for provost apply", view::short_revision(waiting)))
        }
        (None, None) => line,
    }
}

fn revision(status: &Status, times: &Times) -> Text {
    match &status.revision {
        Some(revision) => {
            let (id, at) = (view::short_revision(&revision.revision), times.when(revision.at));
            Text::from(format!("{id} since {at}, by {}", revision.by))
        }
        None => Text::toned(Tone::Warn, "! none is in force yet"),
    }
}

fn startup(status: &Status) -> Text {
    match status.startup {
        StartupState::Owed => Text::toned(Tone::Warn, "! startup hooks have not run yet"),
        StartupState::Running => Text::toned(Tone::Live, "▶ startup hooks run"),
        StartupState::Passed => Text::toned(Tone::Good, "✓ startup hooks passed"),
        StartupState::Refused => {
            let why = status.startup_refused.as_deref().unwrap_or("a hook refused");
            Text::toned(Tone::Bad, format!("✗ refused, so nothing starts: {why}"))
        }
    }
}

fn counts(status: &Status) -> Text {
    let counts = &status.counts;
    let parts = [
        (counts.ok, Tone::Good, "✓ ok"),
        (counts.failing, Tone::Bad, "✗ failing"),
        (counts.running, Tone::Live, "▶ running"),
        (counts.queued, Tone::Live, "◌ queued"),
        (counts.paused, Tone::Warn, "‖ paused"),
        (counts.suspended, Tone::Warn, "‖ suspended"),
        (counts.new, Tone::Dim, "· new"),
    ];
    let mut line = Text::from(counts.automations.to_string());
    for (count, tone, what) in parts.into_iter().filter(|(count, ..)| *count > 0) {
        let (glyph, word) = what.split_once(' ').unwrap_or(("", what));
        line = line.plus("  ").and(tone, format!("{glyph} {count} {word}"));
    }
    line
}
