//! A file's text, and places in it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::report::{Code, Diagnostic, Place};

/// The largest file that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 256 * 1024;

/// The longest line that is shown in a diagnostic, in bytes.
const SHOWN_LINE_MAX: usize = 1000;

/// A file that is text.
pub(crate) struct Source {
    path: String,
    text: String,
    /// Where each line starts, in bytes.
    lines: Vec<usize>,
    /// Where each character starts, in bytes; absent if all are ASCII.
    characters: Option<Vec<usize>>,
}

/// A stretch of a source, in bytes. Cloning is cheap.
#[derive(Clone, PartialEq)]
pub(crate) struct Spot {
    source: Arc<Source>,
    range: Range<usize>,
}

impl Source {
    /// Takes `bytes` for the text of `path`, if they are text that a manifest may be.
    ///
    /// Errors: one, with its place: too large, not UTF-8, a control character.
    pub(crate) fn new(path: &str, bytes: &[u8]) -> Result<Arc<Source>, Diagnostic> {
        let unread = |text: &str| Source::of(path, text.to_owned());
        if bytes.len() > FILE_BYTES_MAX {
            let message =
                format!("the file has {} KiB; at most {} are read", bytes.len() / 1024, FILE_BYTES_MAX / 1024);
            let error = Diagnostic::new(Code::TOO_LARGE, &unread("").start(), message);
            return Err(error.hint("split it, and keep data out of manifests: a volume or an image carries it"));
        }
        if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = bytes {
            let error = Diagnostic::new(Code::NOT_UTF8, &unread("").start(), "the file is UTF-16");
            return Err(error.hint("save it as UTF-8"));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = match str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return Err(not_utf8(path, bytes, error.valid_up_to())),
        };
        let source = unread(text);
        match text.char_indices().find(|(_, c)| is_refused(*c)) {
            None => Ok(source),
            Some((at, c)) => {
                let message = format!("the control character U+{:04X} cannot be in a manifest", c as u32);
                let error = Diagnostic::new(Code::CONTROL_CHARACTER, &source.spot(at..at + c.len_utf8()), message);
                Err(error.hint("remove it; it cannot be seen, and is hardly ever meant"))
            }
        }
    }

    /// Takes `text` as it is.
    pub(crate) fn of(path: &str, text: String) -> Arc<Source> {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        let characters = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Arc::new(Source { path: path.to_owned(), text, lines, characters })
    }

    /// The file's name, as the caller gave it.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A stretch of it.
    pub(crate) fn spot(self: &Arc<Self>, range: Range<usize>) -> Spot {
        Spot { source: Arc::clone(self), range }
    }

    /// Its first character.
    pub(crate) fn start(self: &Arc<Self>) -> Spot {
        self.spot(0..0)
    }

    /// The byte at which the character of this number starts, counted from 0; at most the end of the text.
    pub(crate) fn byte_of(&self, character: usize) -> usize {
        match &self.characters {
            None => character.min(self.text.len()),
            Some(starts) => starts.get(character).copied().unwrap_or(self.text.len()),
        }
    }

    /// How many characters start before this byte.
    fn characters_before(&self, byte: usize) -> usize {
        self.characters.as_ref().map_or(byte, |starts| starts.partition_point(|start| *start < byte))
    }

    fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).max(1) - 1
    }

    /// Line `line` (from 0) without its end.
    fn line(&self, line: usize) -> &str {
        let end = self.lines.get(line + 1).copied().unwrap_or(self.text.len());
        self.text.get(self.lines[line]..end).unwrap_or("").trim_end_matches(['\n', '\r'])
    }
}

impl Spot {
    /// The place, for people. Of several lines it is the first.
    pub(crate) fn place(&self) -> Place {
        let source = &self.source;
        let line = source.line_of(self.range.start);
        let (start, text) = (source.lines[line], source.line(line));
        let first = source.characters_before(start);
        let column_of = |byte: usize| source.characters_before(byte.min(start + text.len())) - first;
        let column = column_of(self.range.start);
        let end = column_of(self.range.end).max(column + 1);
        let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        let text = (text.len() <= SHOWN_LINE_MAX).then(|| text.to_owned());
        Place { file: source.path.clone(), line: number(line), column: number(column), end_column: number(end), text }
    }

    /// The line, from 1.
    pub(crate) fn line(&self) -> u32 {
        u32::try_from(self.source.line_of(self.range.start) + 1).unwrap_or(u32::MAX)
    }

    /// The file.
    pub(crate) fn path(&self) -> &str {
        self.source.path()
    }

    /// The text there.
    pub(crate) fn text(&self) -> &str {
        self.source.text.get(self.range.clone()).unwrap_or("")
    }

    /// A part of the scalar that stands here and means `value`; all of it, if it is not written just so.
    pub(crate) fn part(&self, value: &str, inner: Range<usize>) -> Spot {
        let Some(offset) = self.text().find(value).filter(|_| !value.is_empty()) else {
            return self.clone();
        };
        let start = self.range.start + offset;
        if self.source.text.get(start + inner.start..start + inner.end.min(value.len())).is_none() {
            return self.clone();
        }
        Spot { source: Arc::clone(&self.source), range: start + inner.start..start + inner.end.min(value.len()) }
    }
}

impl fmt::Debug for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:?}", self.path(), self.range)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.path)
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Source) -> bool {
        self.path == other.path && self.text == other.text
    }
}

fn is_refused(c: char) -> bool {
    // U+FEFF inside a text is a byte order mark that went astray; U+2028 and U+2029 break lines in some readers only.
    (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}')
}

fn not_utf8(path: &str, bytes: &[u8], at: usize) -> Diagnostic {
    let readable = String::from_utf8_lossy(bytes).into_owned();
    let source = Source::of(path, readable.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}"));
    let message = format!("byte {:#04x} is not UTF-8", bytes.get(at).copied().unwrap_or_default());
    let error = Diagnostic::new(Code::NOT_UTF8, &source.spot(at..at), message);
    error.hint("save it as UTF-8")
}
