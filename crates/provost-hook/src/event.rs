//! `event.json`: what happened.

use std::{fs, io, path::Path};

use serde_json::Value;

use crate::Problem;

/// The event that a hook was started for.
///
/// Shape: an object with `event`, `id`, `time`, `subject`, `data`, `locals`, `globals`, `config`, `standard` and, for the
/// containers of a plugin, `plugin` (`name`, `instance`).
/// The default is an event without any of them.
#[derive(Clone, Debug, Default)]
pub struct Event(Value);

impl Event {
    /// Reads `event.json` in `home`; absent if there is none: the program runs outside of Provost.
    ///
    /// Errors: it cannot be read, or is not JSON.
    pub fn read(home: impl AsRef<Path>) -> Result<Option<Self>, Problem> {
        let path = home.as_ref().join("event.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Problem::at("read", &path, &error)),
        };
        let event = serde_json::from_str(&text);
        let event = event.map_err(|error| Problem::work(format!("{} is not JSON: {error}", path.display())))?;
        Ok(Some(Self(event)))
    }

    /// Its name, such as `run.failed`.
    pub fn name(&self) -> &str {
        self.0["event"].as_str().unwrap_or_default()
    }

    /// What it is about: the name of an automation, for the events of runs.
    pub fn subject(&self) -> &str {
        self.0["subject"].as_str().unwrap_or_default()
    }

    /// The value at a dotted path, such as `data.exitCode` or `locals.ticket`; null if there is none.
    pub fn at(&self, path: &str) -> &Value {
        path.split('.').fold(&self.0, |value, key| match (value, key.parse::<usize>()) {
            (Value::Array(_), Ok(index)) => &value[index],
            _ => &value[key],
        })
    }

    /// The text at a dotted path; absent if there is none or it is empty.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.at(path).as_str().filter(|text| !text.is_empty())
    }
}

impl From<Value> for Event {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_read_and_looked_into() {
        let home = tempfile::tempdir().unwrap();
        assert!(Event::read(home.path()).unwrap().is_none());
        let written =
            json!({"event": "run.failed", "subject": "nightly", "data": {"steps": [{"exit": 3}], "detail": ""}});
        fs::write(home.path().join("event.json"), written.to_string()).unwrap();
        let event = Event::read(home.path()).unwrap().unwrap();
        assert_eq!((event.name(), event.subject()), ("run.failed", "nightly"));
        assert_eq!(event.at("data.steps.0.exit"), 3);
        assert_eq!((event.at("data.none.at.all"), event.text("data.detail")), (&Value::Null, None));
    }

    #[test]
    fn a_broken_event_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("event.json"), "{").unwrap();
        assert!(Event::read(home.path()).unwrap_err().message.contains("event.json is not JSON"));
    }
}
