//! The five-field dialect (T1): text to number lists.

use crate::error::{CronError, CronErrorKind as Kind, CronWarning};
use crate::field::Field;
use crate::item::{Item, item};
use crate::pattern::{DayRule, Pattern};
use crate::refuse;
use crate::set::Set;
use crate::word::{Word, span_of};

/// What an expression says.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    pub(crate) pattern: Pattern,
    /// The minute or the hour field starts with `*`.
    pub(crate) interval: bool,
    pub(crate) warnings: Vec<CronWarning>,
}

/// One field, read.
struct Column<'a> {
    word: Word<'a>,
    values: Set,
    /// A plain `*` or `?` (or `*/1`) stands in it.
    free: bool,
    /// The first `*/n`, with n above 1.
    star_step: Option<Word<'a>>,
}

/// Reads `text`: five fields, or one of the `@` words.
pub(crate) fn parse(text: &str) -> Result<Parsed, CronError> {
    let words = Word::new(text).fields();
    let Some(first) = words.first() else {
        return Err(CronError::new(Kind::Empty, 0..text.len(), "the expression is empty")
            .hint("write five fields: minute, hour, day of month, month, day of week, such as `0 2 * * *`"));
    };
    if let Some(error) = refuse::zone_prefix(text, &words) {
        return Err(error);
    }
    if first.text.starts_with('@') {
        return macro_words(text, &words);
    }
    let [minute, hour, day, month, weekday] = words[..] else {
        return Err(refuse::field_count(text, &words));
    };
    let mut warnings = Vec::new();
    let minute = column(Field::Minute, minute, &mut warnings)?;
    let hour = column(Field::Hour, hour, &mut warnings)?;
    let day = column(Field::Day, day, &mut warnings)?;
    let month = column(Field::Month, month, &mut warnings)?;
    let weekday = column(Field::Weekday, weekday, &mut warnings)?;
    warnings.extend(either_day(&day, &weekday));
    let pattern = Pattern {
        minutes: minute.values,
        hours: hour.values,
        days: day.values,
        months: month.values,
        weekdays: weekday.values,
        rule: match (day.free, weekday.free) {
            (true, true) => DayRule::Every,
            (false, true) => DayRule::Day,
            (true, false) => DayRule::Weekday,
            (false, false) => DayRule::Either,
        },
    };
    if !pattern.ever_matches() {
        let words = [day.word, month.word];
        return Err(never(&pattern, &words));
    }
    let interval = minute.word.text.starts_with('*') || hour.word.text.starts_with('*');
    Ok(Parsed { pattern, interval, warnings })
}

/// The five fields that an `@` word stands for.
fn macro_words(text: &str, words: &[Word<'_>]) -> Result<Parsed, CronError> {
    let fields = match words {
        [word] => refuse::MACROS.iter().find(|(name, _)| *name == word.text),
        _ => None,
    };
    match fields {
        Some((_, fields)) => parse(fields),
        None => Err(refuse::macro_word(text, words)),
    }
}

fn column<'a>(field: Field, word: Word<'a>, warnings: &mut Vec<CronWarning>) -> Result<Column<'a>, CronError> {
    let mut column = Column { word, values: Set::default(), free: false, star_step: None };
    for piece in word.items() {
        if piece.text.is_empty() {
            return Err(empty_item(word, piece));
        }
        let read: Item = item(field, piece)?;
        column.values = column.values.union(read.values);
        column.free |= read.star && read.step == 1;
        if read.star && read.step > 1 && column.star_step.is_none() {
            column.star_step = Some(piece);
        }
        warnings.extend(read.warning);
    }
    Ok(column)
}

fn empty_item(word: Word<'_>, piece: Word<'_>) -> CronError {
    // An empty slice cannot carry a caret: point at the comma next to it.
    let comma = if piece.at > word.at { piece.at - 1 } else { piece.at };
    CronError::new(Kind::Syntax, comma..comma + 1, format!("nothing stands beside this comma in `{}`", word.text))
        .hint("remove the comma, or write the value that is missing")
}

/// A `*/n` in one day field while the other is restricted: two crons read it in two ways.
fn either_day(day: &Column<'_>, weekday: &Column<'_>) -> Option<CronWarning> {
    if day.free || weekday.free {
        return None;
    }
    let step = day.star_step.or(weekday.star_step)?;
    let (day, weekday) = (day.word.text, weekday.word.text);
    Some(CronWarning {
        span: step.span(),
        message: format!(
            "day of month `{day}` and day of week `{weekday}`: here, as in Kubernetes, a day that matches either of \
             them is due; Vixie cron takes `{}` for a `*` and demands both",
            step.text
        ),
        hint: Some("write `*` in one of the two fields, or list the days instead of the step".to_owned()),
    })
}

fn never(pattern: &Pattern, words: &[Word<'_>]) -> CronError {
    let last = pattern.longest_month();
    let first = pattern.days.first().unwrap_or_default();
    CronError::new(Kind::Never, span_of(words), format!("this never fires: none of its months has a day {first}")).hint(
        format!(
            "the last day that these months have is {last}; for the end of a month of any length, use day 1 of the next"
        ),
    )
}
