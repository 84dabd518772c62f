//! An expression in words.

use crate::expression::Cron;
use crate::field::{Field, MONTHS, WEEKDAYS};
use crate::pattern::{DayRule, Pattern};
use crate::schedule::{Schedule, Timing};
use crate::set::Set;

/// Up to this many times of a day are told one by one.
const FEW: u64 = 6;

/// When `cron` is due, in words: "at 02:30 on every weekday (Monday to Friday)", "every 5 minutes".
pub fn describe(cron: &Cron) -> String {
    let pattern = cron.pattern();
    let time = time_words(pattern);
    match day_words(pattern) {
        Some(days) if days.starts_with(',') => format!("{time}{days}"),
        Some(days) => format!("{time} {days}"),
        None if time.starts_with("every") => time,
        None => format!("{time} every day"),
    }
}

/// When `schedule` is due, in words, with its zone and its jitter.
pub fn describe_schedule(schedule: &Schedule) -> String {
    let words = match &schedule.timing {
        Timing::Cron { cron, zone, .. } => format!("{} ({zone})", describe(cron)),
        Timing::Every { seconds } => format!("every {}", duration(*seconds)),
        Timing::At { instant } => format!("once, at {instant}"),
    };
    match schedule.jitter_s {
        0 => words,
        jitter => format!("{words}, up to {} later", duration(jitter)),
    }
}

/// `90 seconds`, `5 minutes`, `2 hours`: the largest unit that says it exactly.
fn duration(seconds: u64) -> String {
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds.is_multiple_of(*size)).unwrap_or((1, "second"));
    match seconds / size {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    }
}

fn time_words(pattern: &Pattern) -> String {
    let (minutes, hours) = (pattern.minutes, pattern.hours);
    if hours == Field::Hour.all() {
        return through_the_day(minutes);
    }
    if let (Some(minute), 1) = (minutes.first(), minutes.len()) {
        return hourly(minute, hours);
    }
    if minutes.len() * hours.len() <= FEW {
        return clock_times(pattern);
    }
    let every = match cycle(minutes, 60) {
        Some(1) => "every minute".to_owned(),
        Some(step) => format!("every {step} minutes"),
        None => return format!("at minutes {} of {}", numbers(minutes), of_hours(hours)),
    };
    match (steps(hours), minutes.iter().last()) {
        (Some((first, 1, last)), Some(minute)) => {
            format!("{every} from {first:02}:00 to {last:02}:{minute:02}")
        }
        _ => format!("{every} of {}", of_hours(hours)),
    }
}

/// All hours are due.
fn through_the_day(minutes: Set) -> String {
    let (len, first) = (minutes.len(), minutes.first().unwrap_or_default());
    match (cycle(minutes, 60), steps(minutes)) {
        (Some(1), _) => "every minute".to_owned(),
        (Some(step), _) => format!("every {step} minutes"),
        _ if len == 1 && first == 0 => "every hour".to_owned(),
        _ if len == 1 => format!("every hour at minute {first}"),
        (None, Some((first, step, _))) if u64::from(step) * len == 60 => {
            format!("every {step} minutes from minute {first} of each hour")
        }
        _ => format!("every hour at minutes {}", numbers(minutes)),
    }
}

/// One minute of several hours, or of one.
fn hourly(minute: u8, hours: Set) -> String {
    if let Some(step) = cycle(hours, 24).filter(|_| hours.len() >= 4) {
        let at = if minute == 0 { String::new() } else { format!(" at minute {minute}") };
        return format!("every {step} hours{at}");
    }
    match steps(hours) {
        Some((first, step, last)) if hours.len() >= 3 && (step == 1 || hours.len() > FEW) => {
            let every = if step == 1 { "hour".to_owned() } else { format!("{step} hours") };
            format!("every {every} from {first:02}:{minute:02} to {last:02}:{minute:02}")
        }
        _ if hours.len() <= FEW => clock_list(hours.iter().map(|hour| (hour, minute))),
        _ => format!("at minute {minute} of {}", of_hours(hours)),
    }
}

fn clock_times(pattern: &Pattern) -> String {
    clock_list(pattern.hours.iter().flat_map(|hour| pattern.minutes.iter().map(move |minute| (hour, minute))))
}

fn clock_list(times: impl Iterator<Item = (u8, u8)>) -> String {
    format!("at {}", join(&times.map(|(hour, minute)| format!("{hour:02}:{minute:02}")).collect::<Vec<_>>()))
}

fn of_hours(hours: Set) -> String {
    if hours.len() == 1 { format!("hour {}", numbers(hours)) } else { format!("the hours {}", numbers(hours)) }
}

/// `None` if every day is due.
fn day_words(pattern: &Pattern) -> Option<String> {
    let months = (pattern.months != Field::Month.all())
        .then(|| join(&runs(pattern.months, |month| MONTHS[usize::from(month) - 1].to_owned())));
    let days = numbers(pattern.days);
    let days = if pattern.days.len() == 1 { format!("day {days}") } else { format!("days {days}") };
    let weekdays = weekday_words(pattern.weekdays);
    Some(match (pattern.rule, months) {
        (DayRule::Every, None) => return None,
        (DayRule::Every, Some(months)) => format!("every day in {months}"),
        (DayRule::Day, None) => format!("on {days} of the month"),
        (DayRule::Day, Some(months)) if pattern.days.len() == 1 && pattern.months.len() == 1 => {
            format!("on {} {months}", numbers(pattern.days))
        }
        (DayRule::Day, Some(months)) => format!("on {days} of {months}"),
        (DayRule::Weekday, None) => weekdays,
        (DayRule::Weekday, Some(months)) => format!("{weekdays} in {months}"),
        (DayRule::Either, None) => format!("on {days} of the month or {weekdays}"),
        (DayRule::Either, Some(months)) => {
            format!("on {days} of the month or {weekdays}, in {months}")
        }
    })
}

fn weekday_words(weekdays: Set) -> String {
    // Monday first: a weekend is one run.
    let rotated = weekdays.iter().map(|day| (day + 6) % 7).fold(Set::default(), Set::with);
    let name = |day: u8| WEEKDAYS[usize::from(day + 1) % 7].to_owned();
    match (weekdays.len(), steps(rotated)) {
        (7, _) => "on every day of the week".to_owned(),
        (5, Some((0, 1, 4))) => "on every weekday (Monday to Friday)".to_owned(),
        (3.., Some((first, 1, last))) => format!("from {} to {}", name(first), name(last)),
        _ => format!("on {}", join(&rotated.iter().map(name).collect::<Vec<_>>())),
    }
}

/// The step, if the values are 0 and all its multiples below `size`, and it divides `size`.
fn cycle(values: Set, size: u8) -> Option<u8> {
    let (first, step, _) = steps(values)?;
    (first == 0 && step > 0 && u64::from(step) * values.len() == u64::from(size)).then_some(step)
}

/// First value, step and last value, if all steps are alike. A single value has a step of 1.
fn steps(values: Set) -> Option<(u8, u8, u8)> {
    let all: Vec<u8> = values.iter().collect();
    let (first, last) = (*all.first()?, *all.last()?);
    let step = all.get(1).map_or(1, |second| second - first);
    all.windows(2).all(|pair| pair[1] - pair[0] == step).then_some((first, step, last))
}

/// `1, 5 to 8 and 31`; a long list of equal steps as `1, 3, 5 … 31`.
fn numbers(values: Set) -> String {
    match steps(values) {
        Some((first, step, last)) if step > 1 && values.len() > FEW => {
            format!("{first}, {}, {} … {last}", first + step, first + 2 * step)
        }
        _ => join(&runs(values, |value| value.to_string())),
    }
}

/// The values, three or more in a row as one piece.
fn runs(values: Set, name: impl Fn(u8) -> String) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = values.iter().peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while let Some(next) = rest.next_if(|next| *next == last + 1) {
            last = next;
        }
        match last - first {
            0 => pieces.push(name(first)),
            1 => pieces.extend([name(first), name(last)]),
            _ => pieces.push(format!("{} to {}", name(first), name(last))),
        }
    }
    pieces
}

/// `a`, `a and b`, `a, b and c`.
fn join(pieces: &[String]) -> String {
    match pieces {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}
