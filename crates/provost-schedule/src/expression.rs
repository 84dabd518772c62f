//! A parsed expression.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::calendar::Calendar;
use crate::error::{CronError, CronErrorKind, CronWarning};
use crate::parse::{Parsed, parse};
use crate::pattern::Pattern;

/// A five-field cron expression that is known to fire (T1, T3).
///
/// Two are equal if they are written alike. Cloning is cheap.
#[derive(Clone)]
pub struct Cron(Arc<Inner>);

struct Inner {
    source: String,
    parsed: Parsed,
    calendar: Calendar,
}

impl Cron {
    /// Reads an expression: minute, hour, day of month, month, day of week, or a word such as `@daily`.
    ///
    /// # Errors
    /// The first mistake, with its place and its mend. An expression that never fires (`0 0 31 2 *`) is one too.
    pub fn parse(text: &str) -> Result<Cron, CronError> {
        let parsed = parse(text)?;
        let calendar = Calendar::new(&parsed.pattern).map_err(|error| {
            CronError::new(CronErrorKind::Syntax, 0..text.len(), format!("`{text}` cannot be computed: {error}"))
        })?;
        Ok(Cron(Arc::new(Inner { source: text.to_owned(), parsed, calendar })))
    }

    /// What is allowed and probably not meant.
    pub fn warnings(&self) -> &[CronWarning] {
        &self.0.parsed.warnings
    }

    /// Whether the minute or the hour starts with `*`: such a schedule follows elapsed time when the clocks change.
    /// Any other is *fixed* to the wall clock (T2).
    pub fn is_interval(&self) -> bool {
        self.0.parsed.interval
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    pub(crate) fn pattern(&self) -> &Pattern {
        &self.0.parsed.pattern
    }

    pub(crate) fn calendar(&self) -> &Calendar {
        &self.0.calendar
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Cron) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Cron {}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({:?})", self.source())
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.source())
    }
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Cron, CronError> {
        Cron::parse(text)
    }
}

impl serde::Serialize for Cron {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.source())
    }
}

impl<'de> serde::Deserialize<'de> for Cron {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Cron, D::Error> {
        let text = String::deserialize(deserializer)?;
        Cron::parse(&text).map_err(|error| serde::de::Error::custom(error.one_line()))
    }
}
