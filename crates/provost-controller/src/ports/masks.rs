//! What must not be seen of secrets, wherever a container writes it.

use std::fmt;

use provost_model::StepOutput;
use serde_json::Value;

/// What stands where a secret was.
pub const MASK: &str = "***";

/// Texts that are replaced by [`MASK`]. What they are is shown to nobody, not by `Debug` either.
#[derive(Clone, Default)]
pub struct Masks(Vec<String>);

impl Masks {
    /// Masks `texts`; empty ones count for nothing.
    pub fn of(texts: impl IntoIterator<Item = String>) -> Self {
        let mut texts: Vec<String> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        // Where one is within another, the longer one counts.
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        texts.dedup();
        Self(texts)
    }

    /// These and `more`.
    #[must_use]
    pub fn and(self, more: impl IntoIterator<Item = String>) -> Self {
        Self::of(self.0.into_iter().chain(more))
    }

    /// The texts, the longest first.
    pub fn texts(&self) -> &[String] {
        &self.0
    }

    /// `text` without them.
    pub fn hide(&self, text: &str) -> String {
        self.0
            .iter()
            .fold(text.to_owned(), |text, mask| if text.contains(mask) { text.replace(mask, MASK) } else { text })
    }

    /// Takes them out of `value`, keys included. A number that shows one becomes a text.
    pub fn hide_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hide(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_in(item)),
            Value::Object(map) => {
                let entries = std::mem::take(map).into_iter().map(|(key, mut value)| {
                    self.hide_in(&mut value);
                    (self.hide(&key), value)
                });
                *map = entries.collect();
            }
            Value::Number(number) => {
                let shown = number.to_string();
                let hidden = self.hide(&shown);
                if hidden != shown {
                    *value = Value::String(hidden);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Takes them out of all that a step left behind.
    pub fn hide_in_output(&self, output: &mut StepOutput) {
        if self.0.is_empty() {
            return;
        }
        for map in [&mut output.locals, &mut output.globals] {
            let mut whole = Value::Object(std::mem::take(map));
            self.hide_in(&mut whole);
            if let Value::Object(hidden) = whole {
                *map = hidden;
            }
        }
        output.progress.iter_mut().for_each(|entry| self.hide_in(entry));
        output.problems.iter_mut().for_each(|problem| *problem = self.hide(problem));
        output.tail = self.hide(&output.tail);
        if let Some(reply) = &mut output.reply {
            reply.reason = self.hide(&reply.reason);
        }
        output.result.iter_mut().for_each(|result| self.hide_in(result));
        if let Some(error) = &mut output.error {
            error.kind = self.hide(&error.kind);
            error.message = self.hide(&error.message);
        }
    }
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masks({} texts)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use provost_model::{CallError, Reply};
    use serde_json::json;

    use super::*;

    fn masks() -> Masks {
        Masks::of(["hunter2", "hunter2-long", "4711", ""].map(str::to_owned))
    }

    #[test]
    fn r8_the_longest_counts_and_nothing_is_shown() {
        assert_eq!(masks().hide("hunter2-long, hunter2 and hunter"), "***, *** and hunter");
        assert_eq!(format!("{:?}", masks()), "Masks(3 texts)");
    }

    #[test]
    fn r8_whatever_a_step_leaves_is_masked() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let mut output = StepOutput {
            locals: map(json!({"a": {"b": ["x hunter2"]}, "hunter2": 1, "pin": 4711, "n": 12})),
            globals: map(json!({"url": "https://u:hunter2@host/"})),
            reply: Some(Reply { allow: false, reason: "hunter2!".to_owned() }),
            progress: vec![json!({"message": "hunter2"})],
            result: Some(json!({"password": "hunter2"})),
            error: Some(CallError::new("No-hunter2", "hunter2 was wrong")),
            problems: vec!["invalid type: string \"hunter2\"".to_owned()],
            tail: "hunter2\n".to_owned(),
        };
        masks().hide_in_output(&mut output);
        assert_eq!(
            Value::Object(output.locals.clone()),
            json!({"a": {"b": ["x ***"]}, "***": 1, "pin": "***", "n": 12})
        );
        assert_eq!(output.globals["url"], "https://u:***@host/");
        assert!(!format!("{output:?}").contains("hunter2"), "{output:?}");
        assert_eq!(output.tail, "***\n");
    }
}
