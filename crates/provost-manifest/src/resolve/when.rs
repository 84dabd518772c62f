//! Schedules and freeze windows: what is written, read with the crate that knows time.

use std::sync::Arc;

use jiff::Timestamp;
use provost_model::Freeze;
use provost_schedule::{ClockChange, Cron, Schedule, Timing, Zone, clock_changes};

use crate::kinds::{AutomationSpec, PolicySpec, ScheduleItem};
use crate::read::{Document, Spot};
use crate::report::{Code, Diagnostic};
use crate::resolve::Now;
use crate::resolve::layers::{Layers, enforced};

/// The schedules of an automation; what is wrong or odd about them is told.
pub(crate) fn schedules(
    document: &Document,
    spec: &AutomationSpec,
    layers: &Layers<'_>,
    now: &Now,
    out: &mut Vec<Diagnostic>,
) -> Vec<Schedule> {
    let items = spec.schedule.as_ref().map(|schedules| schedules.0.as_slice()).unwrap_or_default();
    let is_list =
        document.node("spec/schedule").is_some_and(|node| matches!(node.content, crate::read::Content::List(_)));
    let mut schedules = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = if is_list { format!("spec/schedule/{index}") } else { "spec/schedule".to_owned() };
        let Some(timing) = timing(document, &path, item, layers, out) else {
            continue;
        };
        let schedule = Schedule { timing, jitter_s: item.jitter.map_or(0, |jitter| jitter.0) };
        if let Some(warning) = now.clock_warning(&schedule, &place(document, &path, "cron")) {
            out.push(warning);
        }
        if let (Timing::At { instant }, Some(now)) = (&schedule.timing, now.instant)
            && *instant < now
        {
            out.push(Diagnostic::new(
                Code::PAST,
                &place(document, &path, "at"),
                format!("{instant} is past: it never starts"),
            ));
        }
        schedules.push(schedule);
    }
    schedules
}

/// Where the field `key` of an item stands; of one that is written as a text alone, the text.
fn place(document: &Document, path: &str, key: &str) -> Spot {
    document.spot_of(&format!("{path}/{key}"))
}

fn timing(
    document: &Document,
    path: &str,
    item: &ScheduleItem,
    layers: &Layers<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Timing> {
    let together = |out: &mut Vec<Diagnostic>, key: &str, message: &str, hint: &str| {
        out.push(Diagnostic::new(Code::TOGETHER, &document.key_spot(&format!("{path}/{key}")), message).hint(hint));
    };
    let only_cron =
        [("timeZone", item.time_zone.is_some()), ("onGap", item.on_gap.is_some()), ("onFold", item.on_fold.is_some())];
    match (&item.cron, item.every, &item.at) {
        (Some(text), None, None) => {
            let zone = zone(document, path, item, layers, out);
            let cron = cron(text, &place(document, path, "cron"), out);
            Some(Timing::Cron {
                cron: cron?,
                zone: zone?,
                on_gap: item.on_gap.unwrap_or_default(),
                on_fold: item.on_fold.unwrap_or_default(),
            })
        }
        (None, every, at) if every.is_some() != at.is_some() => {
            for (key, _) in only_cron.into_iter().filter(|(_, given)| *given) {
                together(
                    out,
                    key,
                    &format!("`{key}` goes with `cron` only"),
                    "remove it: periods and instants know no clocks",
                );
            }
            match (every, at) {
                (Some(every), _) if every.0 == 0 => {
                    out.push(
                        Diagnostic::new(
                            Code::OUT_OF_RANGE,
                            &place(document, path, "every"),
                            "a period of 0s is no period",
                        )
                        .hint("the least is 1s"),
                    );
                    None
                }
                (Some(every), _) => Some(Timing::Every { seconds: every.0 }),
                (_, at) => {
                    instant(at.as_deref()?, &place(document, path, "at"), out).map(|instant| Timing::At { instant })
                }
            }
        }
        (None, None, None) => {
            out.push(
                Diagnostic::new(Code::TOGETHER, &document.spot_of(path), "this says nothing of when")
                    .hint("give one of `cron`, `every` and `at`"),
            );
            None
        }
        _ => {
            let key = if item.every.is_some() { "every" } else { "at" };
            together(
                out,
                key,
                "`cron`, `every` and `at` exclude one another",
                "make a list of them: each item is a schedule of its own",
            );
            None
        }
    }
}

fn instant(text: &str, spot: &Spot, out: &mut Vec<Diagnostic>) -> Option<Timestamp> {
    text.parse()
        .map_err(|_| {
            let error = Diagnostic::new(Code::INSTANT, spot, format!("`{text}` is not an instant"));
            out.push(
                error.hint("write date, time and offset, such as 2027-01-01T00:00:00Z or 2027-01-01T01:00:00+01:00"),
            );
        })
        .ok()
}

/// The expression at `spot`; what is wrong or odd about it is told.
fn cron(text: &str, spot: &Spot, out: &mut Vec<Diagnostic>) -> Option<Cron> {
    match Cron::parse(text) {
        Ok(cron) => {
            for warning in cron.warnings() {
                let odd =
                    Diagnostic::new(Code::CRON_ODD, &spot.part(text, warning.span.clone()), warning.message.clone());
                out.push(odd.maybe_hint(warning.hint.clone()));
            }
            Some(cron)
        }
        Err(error) => {
            let wrong = Diagnostic::new(
                Code::CRON,
                &spot.part(text, error.span.clone()),
                format!("bad schedule: {}", error.message),
            );
            out.push(wrong.maybe_hint(error.hint));
            None
        }
    }
}

/// The zone of an item: its own, or the one in force; an item of its own that contradicts what is enforced is told.
fn zone(
    document: &Document,
    path: &str,
    item: &ScheduleItem,
    layers: &Layers<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Zone> {
    let in_force = layers.get("timeZone")?;
    let Some(own) = &item.time_zone else {
        let spot = in_force.spot_or_name(document);
        return parse_zone(in_force.value.as_str()?, &spot, out);
    };
    let spot = place(document, path, "timeZone");
    if in_force.scope == provost_model::Scope::PolicyEnforced
        && in_force.value.as_str() != Some(own)
        && let Some((policy, leaf)) = in_force.by
    {
        out.push(enforced("timeZone", &spot, policy, leaf));
    }
    parse_zone(own, &spot, out)
}

fn parse_zone(name: &str, spot: &Spot, out: &mut Vec<Diagnostic>) -> Option<Zone> {
    if name == "UTC" {
        return Some(Zone::utc());
    }
    Zone::parse(name)
        .map_err(|error| {
            let wrong = Diagnostic::new(Code::TIME_ZONE, spot, format!("unknown time zone \"{name}\""))
                .label("not in the IANA list");
            out.push(wrong.hint(error.hint().replace('`', "\"")));
        })
        .ok()
}

/// The freeze windows of a policy; what is wrong or odd about them is told.
pub(crate) fn freezes(document: &Document, spec: &PolicySpec, out: &mut Vec<Diagnostic>) -> Vec<Arc<Freeze>> {
    let mut freezes = Vec::new();
    for (index, freeze) in spec.freeze.iter().enumerate() {
        let path = format!("spec/freeze/{index}");
        let of_policy = spec.defaults.as_ref().and_then(|defaults| defaults.time_zone.as_deref());
        let zone = match (&freeze.time_zone, of_policy) {
            (Some(own), _) => parse_zone(own, &document.spot_of(&format!("{path}/timeZone")), out),
            (None, Some(zone)) => parse_zone(zone, &document.spot_of("spec/defaults/timeZone"), out),
            (None, None) => Some(Zone::utc()),
        };
        let cron = cron(&freeze.cron, &document.spot_of(&format!("{path}/cron")), out);
        if let (Some(cron), Some(zone)) = (cron, zone) {
            // A frozen minute is frozen each time that the clocks show it.
            let timing = Timing::Cron {
                cron,
                zone,
                on_gap: provost_schedule::OnGap::Skip,
                on_fold: provost_schedule::OnFold::Both,
            };
            let minutes = Schedule { timing, jitter_s: 0 };
            freezes.push(Arc::new(Freeze { minutes, reason: freeze.reason.clone(), policy: document.name.clone() }));
        }
    }
    freezes
}

/// A message and a hint.
pub(crate) type Warning = (String, Option<String>);

/// What the next clock changes do to `schedule`, as one warning with its dates; nothing, if they do not touch it.
pub(crate) fn clock_warning(schedule: &Schedule, from: Timestamp, until: Timestamp) -> Option<Warning> {
    let changes: Vec<ClockChange> =
        clock_changes(schedule, from, until).into_iter().filter(|change| !change.interval).collect();
    let (first, later) = changes.split_first()?;
    let dates: Vec<String> = later.iter().map(|change| change.date.to_string()).collect();
    let hint = (!dates.is_empty()).then(|| {
        format!("the clocks change over it on {} too; `onGap` and `onFold` say what happens", dates.join(", "))
    });
    Some((first.sentence(), hint))
}
