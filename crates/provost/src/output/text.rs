//! Text with a meaning instead of colour codes.
//!
//! Whatever comes from a server or a file is stripped of control codes on its way in, so that only this module can
//! tell a terminal anything.

use std::borrow::Cow;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

/// What a piece of text means. Its colour follows from that; the words must say it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// All is well.
    Good,
    /// Something failed.
    Bad,
    /// Something to look at.
    Warn,
    /// Going on at the moment.
    Live,
    /// Less important.
    Dim,
    /// More important.
    Strong,
}

impl Tone {
    fn style(self) -> Style {
        let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Good => color(AnsiColor::Green),
            Self::Bad => color(AnsiColor::Red).bold(),
            Self::Warn => color(AnsiColor::Yellow),
            Self::Live => color(AnsiColor::Cyan),
            Self::Dim => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        }
    }
}

/// One line of text, in pieces that each have a tone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Vec<(Tone, String)>);

impl Text {
    /// `text` in `tone`, control codes stripped.
    pub fn toned(tone: Tone, text: impl AsRef<str>) -> Self {
        Self(vec![(tone, printable(text.as_ref()).into_owned())])
    }

    /// The same, followed by `text` in `tone`.
    #[must_use]
    pub fn and(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        self.0.push((tone, printable(text.as_ref()).into_owned()));
        self
    }

    /// The same, followed by `text` as it is.
    #[must_use]
    pub fn plus(self, text: impl AsRef<str>) -> Self {
        self.and(Tone::Plain, text)
    }

    /// The same, followed by `other`.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The same, with spaces behind it up to `width` columns.
    #[must_use]
    pub fn padded(self, width: usize) -> Self {
        let missing = width.saturating_sub(self.width());
        self.plus(" ".repeat(missing))
    }

    /// How many columns of a terminal it takes.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.width()).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, text)| text.is_empty())
    }

    /// The text alone.
    pub fn plain(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The text with ANSI codes; the stream that it is written to takes them out where they are not wanted.
    pub fn ansi(&self) -> String {
        let mut line = String::new();
        for (tone, text) in self.0.iter().filter(|(_, text)| !text.is_empty()) {
            let style = tone.style();
            // Writing to a string cannot fail.
            let _ = write!(line, "{}{text}{}", style.render(), style.render_reset());
        }
        line
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::toned(Tone::Plain, text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::toned(Tone::Plain, text)
    }
}

/// `text` without anything that a terminal would obey: control codes, and marks that turn the direction of writing.
/// A tab becomes a space.
pub fn printable(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().filter_map(|c| if c == '\t' { Some(' ') } else { (!obeyed(c)).then_some(c) });
    Cow::Owned(kept.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_stripped() {
        assert_eq!(printable("a\u{1b}[31mb\u{9b}c\r\nd\te"), "a[31mbcd e");
        assert_eq!(printable("x\u{202e}y"), "xy");
        assert_eq!(Text::from("\u{1b}]0;title\u{7}").plain(), "]0;title");
        assert!(matches!(printable("déjà ✓"), Cow::Borrowed(_)));
    }

    #[test]
    fn width_is_columns_and_not_bytes() {
        assert_eq!(Text::from("✓ ok").width(), 4);
        assert_eq!(Text::from("日本").width(), 4);
        assert_eq!(Text::from("✓").padded(3).plain(), "✓  ");
    }

    #[test]
    fn only_a_tone_makes_codes() {
        assert_eq!(Text::from("ok").ansi(), "ok");
        assert_eq!(Text::toned(Tone::Good, "ok").ansi(), "\u{1b}[32mok\u{1b}[0m");
    }
}
