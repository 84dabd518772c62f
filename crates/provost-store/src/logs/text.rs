//! From bytes to text that may be shown: UTF-8, and no control codes.

/// Turns bytes, cut anywhere, into text in which the only control characters are tab and line feed.
///
/// What is not UTF-8 becomes U+FFFD. Escape sequences (colours, cursor movements, titles, hyperlinks) go whole, in their
/// 7-bit and 8-bit forms (ECMA-48). A carriage return ends a line, as a line feed and both together do: a progress bar
/// then leaves a line for each of its states.
#[derive(Debug, Default)]
pub(crate) struct Cleaner {
    cut: Vec<u8>,
    escape: Escape,
    is_after_return: bool,
}

/// How far an escape sequence is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    /// After ESC; its intermediate characters may follow.
    Begun,
    /// In a control sequence (CSI), up to its final character.
    Sequence,
    /// In a control string (OSC, DCS, SOS, PM, APC) of which this many characters were seen.
    String(u16),
    /// In a control string, after an ESC that may end it.
    StringEnd,
}

/// The most characters of a control string. One that is never ended must not swallow the rest of the output.
const STRING_MAX: u16 = 4096;

impl Cleaner {
    /// Adds the text of `bytes` to `text`. A character that is cut at the end waits for the next call.
    pub fn push(&mut self, bytes: &[u8], text: &mut String) {
        let mut whole = std::mem::take(&mut self.cut);
        let bytes = if whole.is_empty() {
            bytes
        } else {
            whole.extend_from_slice(bytes);
            &whole
        };
        let (bytes, cut) = bytes.split_at(bytes.len() - cut_length(bytes));
        self.cut = cut.to_vec();
        for chunk in bytes.utf8_chunks() {
            self.push_text(chunk.valid(), text);
            if !chunk.invalid().is_empty() {
                self.push_char('\u{fffd}', text);
            }
        }
    }

    /// Adds what a cut character at the end of all output becomes.
    pub fn end(&mut self, text: &mut String) {
        if !std::mem::take(&mut self.cut).is_empty() {
            self.push_char('\u{fffd}', text);
        }
        self.end_line(text);
    }

    fn push_text(&mut self, mut rest: &str, text: &mut String) {
        while !rest.is_empty() {
            if self.escape == Escape::None && !self.is_after_return {
                let plain = rest.bytes().position(may_begin_control).unwrap_or(rest.len());
                text.push_str(&rest[..plain]);
                rest = &rest[plain..];
            }
            let mut chars = rest.chars();
            if let Some(c) = chars.next() {
                self.push_char(c, text);
            }
            rest = chars.as_str();
        }
    }

    fn push_char(&mut self, c: char, text: &mut String) {
        if self.escape != Escape::None {
            let (next, is_taken) = self.escape.after(c);
            self.escape = next;
            if is_taken {
                return;
            }
        }
        if c == '\n' {
            self.is_after_return = false;
            text.push('\n');
        } else if c == '\r' {
            self.is_after_return = true;
        } else if c == '\t' || !is_control(c) {
            self.end_line(text);
            text.push(c);
        } else {
            self.escape = Escape::begun_by(c);
        }
    }

    fn end_line(&mut self, text: &mut String) {
        if std::mem::take(&mut self.is_after_return) {
            text.push('\n');
        }
    }
}

impl Escape {
    fn begun_by(c: char) -> Self {
        match c {
            '\u{1b}' => Self::Begun,
            '\u{9b}' => Self::Sequence,
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => Self::String(0),
            _ => Self::None,
        }
    }

    /// What follows on `c`, and whether `c` belongs to the sequence. A character that no sequence has ends it, and counts
    /// as if there had been none.
    fn after(self, c: char) -> (Self, bool) {
        match (self, c) {
            // A line's end and a new escape end everything that is not ended.
            (_, '\n' | '\r') => (Self::None, false),
            (Self::String(_), '\u{1b}') => (Self::StringEnd, true),
            (_, '\u{1b}') => (Self::Begun, true),
            (Self::Begun, '[') => (Self::Sequence, true),
            (Self::Begun, ']' | 'P' | 'X' | '^' | '_') => (Self::String(0), true),
            (Self::Begun, ' '..='/') => (Self::Begun, true),
            (Self::Begun, '0'..='~') => (Self::None, true),
            (Self::Sequence, ' '..='?') => (Self::Sequence, true),
            (Self::Sequence, '@'..='~') => (Self::None, true),
            (Self::String(_), '\u{7}' | '\u{9c}' | '\u{18}' | '\u{1a}') => (Self::None, true),
            (Self::String(seen), _) if seen < STRING_MAX => (Self::String(seen + 1), true),
            (Self::StringEnd, '\\') => (Self::None, true),
            (Self::StringEnd, _) => Self::Begun.after(c),
            _ => (Self::None, false),
        }
    }
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// Whether a control character may begin with `byte`: those above 127 are C2 and one more byte.
fn may_begin_control(byte: u8) -> bool {
    byte < b' ' && byte != b'\t' || byte == 0x7f || byte == 0xc2
}

/// How many bytes at the end of `bytes` are the beginning of a character.
fn cut_length(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    let Some(lead) = tail.iter().rposition(|byte| *byte >= 0xc0) else {
        return 0;
    };
    match std::str::from_utf8(&tail[lead..]) {
        Err(error) if error.error_len().is_none() => tail.len() - lead,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(pieces: &[&[u8]]) -> String {
        let (mut cleaner, mut text) = (Cleaner::default(), String::new());
        pieces.iter().for_each(|piece| cleaner.push(piece, &mut text));
        cleaner.end(&mut text);
        text
    }

    /// Whole, and cut at every byte, `input` must become `expected`.
    fn check(input: &[u8], expected: &str) {
        assert_eq!(clean(&[input]), expected, "{:?}", String::from_utf8_lossy(input));
        for at in 0..=input.len() {
            let (a, b) = input.split_at(at);
            assert_eq!(clean(&[a, b]), expected, "cut at {at}: {:?}", String::from_utf8_lossy(input));
        }
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(clean(&bytes), expected, "byte by byte: {:?}", String::from_utf8_lossy(input));
    }

    #[test]
    fn plain_text_stays() {
        check(b"one\ttwo\nthree", "one\ttwo\nthree");
        check("grün 漢字 🦀 é".as_bytes(), "grün 漢字 🦀 é");
    }

    #[test]
    fn escape_sequences_go_whole() {
        check(b"\x1b[1;31mred\x1b[0m done", "red done");
        check(b"\x1b[2J\x1b[H\x1b[?25ltop", "top");
        check(b"\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink");
        check(b"\x1bPdevice\x1b\\a\x1b_app\x1b\\b\x1b^pm\x1b\\c", "abc");
        check(b"\x1b(Ba\x1b7b\x1bMc", "abc");
        check("\u{9b}31mred \u{9d}0;t\u{9c}x".as_bytes(), "red x");
    }

    #[test]
    fn control_characters_go() {
        check(b"a\x00b\x07c\x08d\x7fe\x0bf", "abcdef");
        check("a\u{85}b".as_bytes(), "ab");
    }

    #[test]
    fn sequences_that_never_end_swallow_no_line() {
        check(b"\x1b]0;no end\nnext", "\nnext");
        check(b"\x1b[31\nnext", "\nnext");
        let endless = [b"\x1b]".as_slice(), &[b'x'; 5000]].concat();
        assert_eq!(clean(&[&endless]).len(), 5000 - STRING_MAX as usize);
    }

    #[test]
    fn returns_end_lines() {
        check(b"a\r\nb\r\n", "a\nb\n");
        check(b"10%\r20%\r30%\n", "10%\n20%\n30%\n");
        check(b"a\r\r\nb\r", "a\nb\n");
        check(b"\x1b[31m\rx", "\nx");
    }

    #[test]
    fn what_is_not_utf_8_is_said() {
        check(b"a\xffb", "a\u{fffd}b");
        check(b"a\xe2\x82", "a\u{fffd}");
        check(b"\xf0\x9f\xa6\x80\xf0\x9f", "🦀\u{fffd}");
    }
}
