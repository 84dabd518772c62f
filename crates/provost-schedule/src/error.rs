//! What is wrong with an expression, where, and how to mend it.

use std::ops::Range;

/// Why an expression was refused.
///
/// `Display` gives the message alone; where it is and the mend are in the fields.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct CronError {
    /// The bytes of the text that are to blame.
    pub span: Range<usize>,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// The sort of mistake.
    pub kind: CronErrorKind,
}

/// The sort of mistake in an expression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CronErrorKind {
    /// There is no text.
    Empty,
    /// Fewer or more than five fields, and none of the cases below.
    FieldCount,
    /// A field for seconds.
    Seconds,
    /// A field for the year.
    Year,
    /// A command behind the five fields.
    Command,
    /// `@reboot`, `@every` or an unknown `@` word.
    Macro,
    /// `TZ=` or `CRON_TZ=` in front.
    Zone,
    /// `L`, `W`, `#`, `H` or `~`: other dialects have it, this one does not.
    Unsupported,
    /// A field that cannot be read: `1,,2`, `*5`, `**`, `5-`.
    Syntax,
    /// A number outside the field.
    Value,
    /// An unknown name, or a name that this field has not.
    Name,
    /// A range that runs past the end of its field.
    Wrap,
    /// A step of zero, or one that is no number.
    Step,
    /// Well written, but no day ever matches.
    Never,
}

/// Something that is allowed, and is probably not what was meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CronWarning {
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
    /// What is odd, as one sentence without a full stop.
    pub message: String,
    /// How to write what was probably meant.
    pub hint: Option<String>,
}

impl CronError {
    pub(crate) fn new(kind: CronErrorKind, span: Range<usize>, message: impl Into<String>) -> CronError {
        CronError { span, message: message.into(), hint: None, kind }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> CronError {
        CronError { hint: Some(hint.into()), ..self }
    }

    /// The message with its mend, for places that can show one line only.
    pub fn one_line(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}: {hint}", self.message),
            None => self.message.clone(),
        }
    }
}
