//! `provost schedule EXPR`: a cron expression in words, its next times, and the clock changes that touch it.

use jiff::{Timestamp, ToSpan as _};
use provost_schedule::{
    ChangeKind, ClockChange, Cron, CronError, OnFold, OnGap, Schedule, Timing, Zone, clock_changes, describe_schedule,
};

use crate::app::{App, FormatArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Text, Times, Tone};

/// How far ahead clock changes are looked for.
const YEARS_AHEAD: i64 = 2;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Five fields (minute, hour, day of month, month, day of week), or a word such as @daily
    #[arg(value_name = "EXPR", required = true, num_args = 1..)]
    expression: Vec<String>,
    /// The zone whose clocks it goes by [default: the local one]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Show times after this instant [default: now]
    #[arg(long, value_name = "RFC3339")]
    from: Option<Timestamp>,
    /// How many times to show
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the command.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    let text = args.expression.join(" ");
    let cron = Cron::parse(&text).map_err(|error| refused(&text, &error))?;
    let zone = zone(args.time_zone.as_deref(), &app.times)?;
    let warnings = cron.warnings().to_vec();
    let timing = Timing::Cron { cron, zone: zone.clone(), on_gap: OnGap::default(), on_fold: OnFold::default() };
    let schedule = Schedule { timing, jitter_s: 0 };
    let from = args.from.unwrap_or(app.times.now);
    let times = std::iter::successors(schedule.next_after(from), |last| schedule.next_after(*last));
    let times: Vec<Timestamp> = times.take(args.count as usize).collect();
    match args.format.format {
        Format::Json => {
            let times: Vec<String> = times.iter().map(|time| format!("\"{time}\"")).collect();
            app.output.line(format!("{{\"times\": [{}]}}", times.join(", ")))?;
        }
        Format::Yaml => app.output.value(&serde_json::json!({ "times": times }), Format::Yaml)?,
        Format::Name | Format::Csv => times.iter().try_for_each(|time| app.output.line(time.to_string()))?,
        Format::Table | Format::Wide => {
            app.output.line(Text::toned(Tone::Strong, describe_schedule(&schedule)))?;
            let shown = Times { zone: zone_rules(&zone), ..app.times.clone() };
            for time in times {
                let utc = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
                app.output.line(
                    Text::from(format!("  {:<30}", shown.full(time)))
                        .and(Tone::Dim, utc)
                        .plus(format!("  {}", shown.relative(time))),
                )?;
            }
            print_changes(&schedule, from, &shown, app)?;
        }
    }
    for warning in warnings {
        let line = Text::toned(Tone::Warn, "warning: ").plus(warning.message);
        app.output.note(line)?;
        if let Some(hint) = warning.hint {
            app.output.note(format!("help: {hint}"))?;
        }
    }
    Ok(Exit::Done)
}

/// The refusal with the expression and a mark under what is to blame.
fn refused(text: &str, error: &CronError) -> Failure {
    let columns = |bytes: usize| text.get(..bytes).unwrap_or(text).chars().count();
    let (start, end) = (columns(error.span.start), columns(error.span.end));
    let mark = format!("{}{}", " ".repeat(start), "^".repeat((end - start).max(1)));
    let failure = Failure::no(format!("{}\n  {text}\n  {mark}", error.message));
    match &error.hint {
        Some(hint) => failure.help(hint),
        None => failure,
    }
}

fn zone(name: Option<&str>, times: &Times) -> Result<Zone, Failure> {
    match name {
        Some(name) => Zone::parse(name).map_err(|error| Failure::no(&error).help(error.hint())),
        // A local zone without an IANA name (`TZ=CET-1`) has no rules that could be told.
        None => Ok(times.zone.iana_name().and_then(|name| Zone::parse(name).ok()).unwrap_or_else(Zone::utc)),
    }
}

/// The rules of `zone` for printing; the same compiled-in ones.
fn zone_rules(zone: &Zone) -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get(zone.name()).unwrap_or(jiff::tz::TimeZone::UTC)
}

fn print_changes(schedule: &Schedule, from: Timestamp, times: &Times, app: &mut App) -> Result<(), Failure> {
    let zone = times.zone.clone();
    let until = from.to_zoned(zone).checked_add(YEARS_AHEAD.years()).map_or(Timestamp::MAX, |end| end.timestamp());
    let changes = clock_changes(schedule, from, until);
    if changes.is_empty() {
        let what = format!("no clock change until {} touches it", times.short(until));
        return app.output.line(Text::toned(Tone::Dim, what));
    }
    app.output.line("Clock changes:")?;
    changes.iter().try_for_each(|change| app.output.line(format!("  {}", tell(change, times))))
}

fn tell(change: &ClockChange, times: &Times) -> String {
    let local = if change.count == 1 {
        change.local.strftime("%H:%M").to_string()
    } else {
        format!("{} to {}", change.local.strftime("%H:%M"), change.last_local.strftime("%H:%M"))
    };
    let is = if change.count == 1 { "does" } else { "do" };
    let comes = if change.count == 1 { "comes" } else { "come" };
    let date = change.local.strftime("%a %-d %b %Y");
    let what = match change.kind {
        ChangeKind::Gap => format!("{date}: {local} {is} not exist"),
        ChangeKind::Fold => format!("{date}: {local} {comes} twice"),
    };
    let then = match (change.interval, change.kind, change.starts_at, change.again_at) {
        (true, ..) => "it goes by elapsed time, so nothing is skipped or repeated".to_owned(),
        (_, ChangeKind::Gap, Some(at), _) => format!("it starts at {}", times.short(at)),
        (_, ChangeKind::Gap, None, _) => "it does not start on that day".to_owned(),
        (_, ChangeKind::Fold, Some(at), None) => format!("it starts once, at {}", times.short(at)),
        (_, ChangeKind::Fold, Some(at), Some(again)) => {
            format!("it starts both times, at {} and {}", times.short(at), times.short(again))
        }
        (_, ChangeKind::Fold, None, _) => "it does not start".to_owned(),
    };
    format!("{what}; {then}")
}
