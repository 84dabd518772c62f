//! Random expressions that come with the values which they mean, told apart from any parser.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use proptest::prelude::*;

/// One field, and what it matches.
#[derive(Clone, Debug)]
pub struct Field {
    /// As it is written.
    pub text: String,
    /// What it matches; Sunday is 0.
    pub values: BTreeSet<i8>,
}

/// Five fields.
#[derive(Clone)]
pub struct Expression {
    /// Minute, hour, day of month, month, day of week.
    pub fields: [Field; 5],
}

impl Expression {
    /// As it is written.
    pub fn text(&self) -> String {
        self.fields.each_ref().map(|field| field.text.as_str()).join(" ")
    }

    /// Whether the minute or the hour starts with a star.
    pub fn is_interval(&self) -> bool {
        self.fields[..2].iter().any(|field| field.text.starts_with('*'))
    }

    /// Whether the clock shows a due time.
    pub fn matches(&self, local: DateTime) -> bool {
        let [minute, hour, day, month, weekday] = &self.fields;
        let on_day = day.values.contains(&local.day());
        let on_weekday = weekday.values.contains(&local.weekday().to_sunday_zero_offset());
        let on_date = match (day.text.as_str(), weekday.text.as_str()) {
            ("*", _) | (_, "*") => on_day && on_weekday,
            _ => on_day || on_weekday,
        };
        let on_time = minute.values.contains(&local.minute()) && hour.values.contains(&local.hour());
        on_time && on_date && month.values.contains(&local.month())
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

/// Any expression.
pub fn any_expression() -> impl Strategy<Value = Expression> {
    expression([field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)])
}

/// A single time of day, on any days.
pub fn once_a_day() -> impl Strategy<Value = Expression> {
    expression([single(0, 59), single(0, 3), field(1, 31), star(1, 12), field(0, 6)])
}

/// Many times in the night, when clocks change, on every day.
pub fn nightly() -> impl Strategy<Value = Expression> {
    let hours = prop_oneof![3 => list(0, 4), 1 => star(0, 23)].boxed();
    expression([field(0, 59), hours, star(1, 31), star(1, 12), star(0, 6)])
}

fn expression(fields: [BoxedStrategy<Field>; 5]) -> impl Strategy<Value = Expression> {
    fields.prop_map(|fields| Expression { fields })
}

fn field(least: i8, most: i8) -> BoxedStrategy<Field> {
    prop_oneof![
        3 => star(least, most),
        1 => (2..=most).prop_map(move |step| stepped(format!("*/{step}"), least, most, step)),
        2 => list(least, most),
    ]
    .boxed()
}

fn star(least: i8, most: i8) -> BoxedStrategy<Field> {
    Just(stepped("*".to_owned(), least, most, 1)).boxed()
}

fn single(least: i8, most: i8) -> BoxedStrategy<Field> {
    (least..=most).prop_map(|value| stepped(value.to_string(), value, value, 1)).boxed()
}

fn range(least: i8, most: i8) -> BoxedStrategy<Field> {
    let ends = (least..=most, least..=most, 1..=most);
    ends.prop_map(|(one, other, step)| {
        let (first, last) = (one.min(other), one.max(other));
        let text = if step == 1 { format!("{first}-{last}") } else { format!("{first}-{last}/{step}") };
        stepped(text, first, last, step)
    })
    .boxed()
}

fn list(least: i8, most: i8) -> BoxedStrategy<Field> {
    let item = prop_oneof![single(least, most), range(least, most)];
    proptest::collection::vec(item, 1..4)
        .prop_map(|items| Field {
            text: items.iter().map(|item| item.text.clone()).collect::<Vec<_>>().join(","),
            values: items.into_iter().flat_map(|item| item.values).collect(),
        })
        .boxed()
}

fn stepped(text: String, first: i8, last: i8, step: i8) -> Field {
    let step = usize::from(step.unsigned_abs());
    Field { text, values: (first..=last).step_by(step).collect() }
}
