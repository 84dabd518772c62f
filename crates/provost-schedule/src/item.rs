//! One item of a field's list: `*`, `5`, `mon-fri`, `*/5`, `8-18/2`, `5/15`.

use crate::error::{CronError, CronErrorKind as Kind, CronWarning};
use crate::field::Field;
use crate::refuse;
use crate::set::Set;
use crate::word::Word;

/// One item, read.
pub(crate) struct Item {
    pub(crate) values: Set,
    /// It is `*`, `?` or `*/n`.
    pub(crate) star: bool,
    /// 1 if none is written.
    pub(crate) step: u32,
    pub(crate) warning: Option<CronWarning>,
}

/// What stands before the step, from first to last value; Sunday as the last may be 7.
struct Base {
    first: u8,
    last: u8,
    star: bool,
    single: bool,
}

/// Reads one item, which is not empty.
pub(crate) fn item(field: Field, word: Word<'_>) -> Result<Item, CronError> {
    if let Some(error) = refuse::other_dialect(field, word) {
        return Err(error);
    }
    let (base_word, step_word) = match word.split('/') {
        Some((base, step)) => (base, Some(step)),
        None => (word, None),
    };
    let base = base(field, base_word, step_word.is_some(), word)?;
    let Some(step_word) = step_word else {
        return Ok(Item { values: values(field, &base, 1), star: base.star, step: 1, warning: None });
    };
    let step = step(base_word, step_word)?;
    // `5/15` runs to the end of the field: `5-59/15`.
    let base = if base.single { Base { last: field.most().max(base.last), ..base } } else { base };
    let warning = (step > u32::from(base.last - base.first)).then(|| too_long(field, word, &base, step));
    Ok(Item { values: values(field, &base, step), star: base.star, step, warning })
}

fn base(field: Field, word: Word<'_>, stepped: bool, item: Word<'_>) -> Result<Base, CronError> {
    let whole = Base { first: field.least(), last: field.most(), star: true, single: false };
    match word.text {
        "*" => return Ok(whole),
        "?" if field.is_day() && !stepped => return Ok(whole),
        "" => {
            return Err(CronError::new(
                Kind::Syntax,
                item.span(),
                format!("nothing stands before the step in `{}`", item.text),
            )
            .hint(format!("write `*{}`", item.text)));
        }
        _ => {}
    }
    if word.text.contains('?') {
        return Err(question_mark(field, item));
    }
    if word.text.contains('*') {
        return Err(stray_star(item));
    }
    let Some((left, right)) = word.split('-') else {
        let value = value(field, word)?;
        return Ok(Base { first: value, last: value, star: false, single: true });
    };
    if left.text.is_empty() || right.text.is_empty() || right.text.contains('-') {
        return Err(CronError::new(Kind::Syntax, word.span(), format!("`{}` is not a range", word.text))
            .hint("a range has two ends: `8-18`"));
    }
    let (first, last) = (value(field, left)?, value(field, right)?);
    if first > last {
        return Err(wrap(field, item, (left, first), (right, last)));
    }
    Ok(Base { first, last, star: false, single: false })
}

fn values(field: Field, base: &Base, step: u32) -> Set {
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    (base.first..=base.last)
        .step_by(step)
        .map(|value| if field == Field::Weekday { value % 7 } else { value })
        .fold(Set::default(), Set::with)
}

fn step(base: Word<'_>, word: Word<'_>) -> Result<u32, CronError> {
    let digits = !word.text.is_empty() && word.text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        let at = base.at..word.span().end;
        return Err(CronError::new(Kind::Step, at, format!("the step `{}` is not a number", word.text))
            .hint("write `*/5` for every fifth value"));
    }
    match word.text.parse::<u32>().unwrap_or(u32::MAX) {
        0 => Err(CronError::new(Kind::Step, word.span(), "a step of 0 never gets anywhere")
            .hint(format!("write `{}` for every value", base.text))),
        step => Ok(step),
    }
}

/// A number or a short name.
fn value(field: Field, word: Word<'_>) -> Result<u8, CronError> {
    if word.text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = word.text.parse::<u8>().unwrap_or(u8::MAX);
        return if (field.least()..=field.most_written()).contains(&number) {
            Ok(number)
        } else {
            Err(out_of_field(field, word))
        };
    }
    field.value_of(word.text).ok_or_else(|| refuse::unknown_name(field, word))
}

fn out_of_field(field: Field, word: Word<'_>) -> CronError {
    let (least, most) = (field.least(), field.most_written());
    let error = CronError::new(
        Kind::Value,
        word.span(),
        format!("`{}` is not a {}: it goes from {least} to {most}", word.text, field.name()),
    );
    match (field, word.text) {
        (Field::Minute, "60") | (Field::Hour, "24") => error.hint("write `0`"),
        (Field::Day | Field::Month, "0") => error.hint("write `1` for the first"),
        _ => error,
    }
}

fn question_mark(field: Field, item: Word<'_>) -> CronError {
    let error = CronError::new(
        Kind::Syntax,
        item.span(),
        format!("`{}` cannot stand in the {} field", item.text, field.name()),
    );
    if field.is_day() {
        error.hint("`?` stands alone; with a step, write `*`")
    } else {
        error.hint("write `*`; `?` is for the day of month and the day of week only")
    }
}

fn stray_star(item: Word<'_>) -> CronError {
    let rest = item.text.trim_matches('*').trim_start_matches('/');
    let error = CronError::new(Kind::Syntax, item.span(), format!("`{}` mixes `*` with something else", item.text));
    let number = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    if rest.is_empty() {
        error.hint("write `*`")
    } else if number {
        error.hint(format!("write `*/{rest}` for a step, or `{rest}` for one value"))
    } else {
        error.hint("write `*` alone, or `*/5` for a step")
    }
}

/// A range that runs past the end of its field, with the two ranges that say the same.
fn wrap(field: Field, item: Word<'_>, left: (Word<'_>, u8), right: (Word<'_>, u8)) -> CronError {
    let ((left, first), (right, last)) = (left, right);
    let end = field.most();
    let stepped = item.text.split_once('/').and_then(|(_, step)| step.parse::<usize>().ok());
    let mend = match stepped {
        Some(step) if step > 0 => {
            let around = (first..=end).chain(field.least()..=last).step_by(step);
            around.map(|value| value.to_string()).collect::<Vec<_>>().join(",")
        }
        _ => [part(field, left.text, first, end), part(field, right.text, field.least(), last)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(","),
    };
    CronError::new(Kind::Wrap, item.span(), format!("the range `{}` runs backwards", item.text))
        .hint(format!("write `{mend}`"))
}

/// `first-last` in the writer's style (a name if `style` is one), or `None` if it is empty (7 to 6).
fn part(field: Field, style: &str, first: u8, last: u8) -> Option<String> {
    let named = field.value_of(style).is_some();
    let show = |value: u8| {
        let word = field.words().get(usize::from(value - field.least()));
        match word {
            Some(word) if named => word[..3].to_ascii_lowercase(),
            _ => value.to_string(),
        }
    };
    match first.cmp(&last) {
        std::cmp::Ordering::Less => Some(format!("{}-{}", show(first), show(last))),
        std::cmp::Ordering::Equal => Some(show(first)),
        std::cmp::Ordering::Greater => None,
    }
}

fn too_long(field: Field, word: Word<'_>, base: &Base, step: u32) -> CronWarning {
    let only = if field == Field::Weekday { base.first % 7 } else { base.first };
    let period = match field {
        Field::Minute => Some(format!("{step}m")),
        Field::Hour => Some(format!("{step}h")),
        Field::Day | Field::Weekday => Some(format!("{}h", u64::from(step) * 24)),
        Field::Month => None,
    };
    let plain = format!("write `{only}`");
    CronWarning {
        span: word.span(),
        message: format!(
            "the step of `{}` is longer than its range, so that only {} {only} matches",
            word.text,
            field.name()
        ),
        hint: Some(match period {
            Some(period) if base.star => format!("{plain}, or `every: {period}` for that period"),
            _ => plain,
        }),
    }
}
