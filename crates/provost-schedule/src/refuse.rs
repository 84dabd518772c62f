//! What other crons accept and this one does not, each with its mend.

use crate::error::{CronError, CronErrorKind as Kind};
use crate::field::Field;
use crate::parse::parse;
use crate::word::{Word, span_of};

/// The `@` words, and the five fields that they stand for.
pub(crate) const MACROS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// `TZ=Europe/Berlin 0 2 * * *`.
pub(crate) fn zone_prefix(text: &str, words: &[Word<'_>]) -> Option<CronError> {
    let first = words.first()?;
    let (key, zone) = first.text.split_once('=')?;
    if !["TZ", "CRON_TZ"].contains(&key) {
        return None;
    }
    let rest = rest_from(text, words.get(1));
    let beside = if rest.is_empty() { String::new() } else { format!(" beside `cron: \"{rest}\"`") };
    Some(
        CronError::new(Kind::Zone, first.span(), format!("the time zone does not belong in the expression (`{key}=`)"))
            .hint(format!("write `timeZone: {zone}`{beside}")),
    )
}

/// An `@` word that is none of [`MACROS`].
pub(crate) fn macro_word(text: &str, words: &[Word<'_>]) -> CronError {
    let Some(first) = words.first() else {
        return CronError::new(Kind::Macro, 0..text.len(), "an `@` word is missing");
    };
    let error = CronError::new(Kind::Macro, span_of(words), format!("`{}` is not a schedule", text.trim()));
    let lower = first.text.to_ascii_lowercase();
    if lower == "@every" {
        let period = rest_from(text, words.get(1));
        let period = if period.is_empty() { "90s" } else { period };
        return error.hint(format!("write `every: {period}` instead of `cron`"));
    }
    if lower == "@reboot" {
        return error.hint("bind a hook to the event `server.startup`");
    }
    if MACROS.iter().any(|(name, _)| *name == lower) {
        return error.hint(format!("write `{lower}`, alone and in lower case"));
    }
    let near = MACROS
        .iter()
        .map(|(name, _)| (strsim::jaro_winkler(name, &lower), *name))
        .filter(|(score, _)| *score > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, name)) => error.hint(format!("did you mean `{name}`?")),
        None => error.hint("there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually"),
    }
}

/// Any number of fields but five.
pub(crate) fn field_count(text: &str, words: &[Word<'_>]) -> CronError {
    let trimmed = text.trim();
    let count = words.len();
    let fields = if count == 1 { "field" } else { "fields" };
    let error = CronError::new(
        Kind::FieldCount,
        span_of(words),
        format!("`{trimmed}` has {count} {fields}: five are needed (minute, hour, day of month, month, day of week)"),
    );
    if count > 5 {
        return too_many(text, words, error);
    }
    if let Some(mend) = clock_time(trimmed) {
        return error.hint(format!("write `{mend}`"));
    }
    if count == 1 && is_period(trimmed) {
        return error.hint(format!("write `every: {trimmed}` instead of `cron`"));
    }
    let longer = format!("{trimmed}{}", " *".repeat(5 - count));
    match parse(&longer) {
        Ok(_) => error.hint(format!("perhaps `{longer}`")),
        Err(_) => error.hint("such as `0 2 * * *`: each day at 02:00"),
    }
}

fn too_many(text: &str, words: &[Word<'_>], error: CronError) -> CronError {
    let five = &text[span_of(&words[..5])];
    let sixth = words[5].text;
    let is_command =
        sixth.starts_with('/') || !sixth.chars().all(|c| c.is_ascii_alphanumeric() || "*?,-/#".contains(c));
    if is_command && parse(five).is_ok() {
        let command =
            CronError::new(Kind::Command, span_of(&words[5..]), "a command does not belong in the expression");
        return command.hint(format!("write `{five}`, and the command in `command:`"));
    }
    if let Some(year) = words.last().filter(|word| words.len() <= 7 && is_year(word.text)) {
        let from = if words.len() == 7 { 1 } else { 0 };
        let kept = &text[span_of(&words[from..words.len() - 1])];
        return CronError::new(Kind::Year, year.span(), "there is no field for the year")
            .hint(format!("write `{kept}`, or `at:` for one instant"));
    }
    let tail = &text[span_of(&words[1..6])];
    if words.len() > 7 || parse(tail).is_err() {
        return error;
    }
    let seconds = words[0];
    let error =
        CronError::new(Kind::Seconds, seconds.span(), format!("there is no field for seconds (`{}`)", seconds.text));
    let always = words[1..].iter().all(|word| matches!(word.text, "*" | "?"));
    let step = match seconds.text {
        "*" => Some("1"),
        text => text.strip_prefix("*/"),
    };
    match step {
        Some(step) if always => error.hint(format!("write `every: {step}s` instead of `cron`")),
        _ => error.hint(format!("drop the first field: `{tail}`; for less than a minute, use `every: 30s`")),
    }
}

/// `L`, `W`, `#`, `H`, `~`: last day, nearest weekday, nth weekday, hashed, random.
pub(crate) fn other_dialect(field: Field, item: Word<'_>) -> Option<CronError> {
    let upper = item.text.to_ascii_uppercase();
    let error =
        |what: &str| CronError::new(Kind::Unsupported, item.span(), format!("`{}`: there is no {what}", item.text));
    if let Some((day, nth)) = upper.split_once('#') {
        let days = match nth.parse::<u8>() {
            Ok(nth @ 1..=4) => format!("from {} to {}", nth * 7 - 6, nth * 7),
            _ => "29 or later".to_owned(),
        };
        let day = day.to_ascii_lowercase();
        return Some(
            error("`#` (nth weekday of a month)")
                .hint(format!("write `{day}`, and let the job end early unless the day of the month is {days}")),
        );
    }
    if upper == "H" || upper.starts_with("H/") || upper.starts_with("H(") {
        return Some(error("`H` (a value by hash)").hint("write a number, and spread the starts with `jitter: 30m`"));
    }
    if upper.contains('~') {
        return Some(error("`~` (a random value)").hint("write a number, and spread the starts with `jitter: 30m`"));
    }
    if upper == "W" || upper == "LW" || upper.strip_suffix('W').is_some_and(is_number) {
        return Some(
            error("`W` (nearest weekday)")
                .hint("write `mon-fri` in the day of week, `*` in the day of month, and let the job look at the date"),
        );
    }
    if upper == "L" || upper.starts_with("L-") {
        return Some(if field == Field::Weekday {
            error("`L` (last day of the week)").hint("write `sat`")
        } else {
            error("`L` (last day of the month)")
                .hint("write `1`: the first day of the next month, as soon as the last has ended")
        });
    }
    let day =
        upper.strip_suffix('L').filter(|day| is_number(day) || field.value_of(day).is_some())?.to_ascii_lowercase();
    Some(
        error("`L` (last weekday of a month)")
            .hint(format!("write `{day}`, and let the job end early unless the month ends within a week")),
    )
}

/// Letters, or anything else, that this field does not know.
pub(crate) fn unknown_name(field: Field, word: Word<'_>) -> CronError {
    let error = CronError::new(Kind::Name, word.span(), format!("`{}` is not a {}", word.text, field.name()));
    if let Some(short) = field.short_for(word.text) {
        return error.hint(format!("use `{short}`"));
    }
    let home = Field::ALL.into_iter().find(|other| {
        other
            .value_of(word.text)
            .or_else(|| {
                let short = other.short_for(word.text)?;
                other.value_of(&short)
            })
            .is_some()
    });
    if let Some(home) = home {
        return error.hint(format!("it belongs in the {} field", home.name()));
    }
    match field {
        Field::Month => error.hint("write 1 to 12, or jan to dec"),
        Field::Weekday => error.hint("write 0 to 7 (0 and 7 are Sunday), or sun to sat"),
        _ => error.hint(format!("write a number from {} to {}", field.least(), field.most_written())),
    }
}

fn rest_from<'a>(text: &'a str, word: Option<&Word<'_>>) -> &'a str {
    word.map_or("", |word| text[word.at..].trim_end())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_year(text: &str) -> bool {
    text.split([',', '-', '/']).next().is_some_and(|year| year.len() == 4 && is_number(year))
}

/// `02:30` as five fields.
fn clock_time(text: &str) -> Option<String> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (hour.parse::<u8>().ok()?, minute.parse::<u8>().ok()?);
    (hour < 24 && minute < 60).then(|| format!("{minute} {hour} * * *"))
}

/// `90s`, `1h30m`.
fn is_period(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(['s', 'm', 'h', 'd'])
        && text.chars().all(|c| c.is_ascii_digit() || "smhd".contains(c))
}
