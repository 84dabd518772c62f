//! Text as lines, and the last of them.

use provost_controller::OutputStream;

/// The longest line that is kept in one piece, in bytes.
pub(crate) const LINE_MAX: usize = 64 << 10;

/// The most of the last lines that is shown with a step's end, in bytes.
pub(crate) const TAIL_MAX: usize = 4 << 10;

/// A line, or a piece of one that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub text: &'a str,
    /// It goes on from the piece before.
    pub continued: bool,
}

/// Cuts text into lines, and lines into pieces of at most [`LINE_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Lines {
    unfinished: String,
    is_cut: bool,
}

impl Lines {
    /// Takes `text`, and hands each piece that is finished by it to `take`.
    pub fn push(&mut self, text: &str, mut take: impl FnMut(Piece<'_>)) {
        for part in text.split_inclusive('\n') {
            match part.strip_suffix('\n') {
                Some(line) => {
                    self.extend(line, &mut take);
                    self.finish(&mut take);
                }
                None => self.extend(part, &mut take),
            }
        }
    }

    /// Hands over a last line that has no end.
    pub fn end(&mut self, mut take: impl FnMut(Piece<'_>)) {
        if !self.unfinished.is_empty() {
            self.finish(&mut take);
        }
    }

    fn extend(&mut self, mut line: &str, take: &mut impl FnMut(Piece<'_>)) {
        while self.unfinished.len() + line.len() > LINE_MAX {
            let (head, rest) = line.split_at(boundary_before(line, LINE_MAX - self.unfinished.len()));
            self.unfinished.push_str(head);
            line = rest;
            self.finish(take);
            self.is_cut = true;
        }
        self.unfinished.push_str(line);
    }

    fn finish(&mut self, take: &mut impl FnMut(Piece<'_>)) {
        take(Piece { text: &self.unfinished, continued: std::mem::take(&mut self.is_cut) });
        self.unfinished.clear();
    }
}

/// The end of the last character of `text` that ends at `most` or before.
pub(crate) fn boundary_before(text: &str, most: usize) -> usize {
    (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The last lines of a step's output, of both streams in their order.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    text: String,
    is_cut: bool,
    stream: Option<OutputStream>,
}

impl Tail {
    /// Adds a piece of `stream`.
    pub fn push(&mut self, stream: OutputStream, piece: Piece<'_>) {
        let goes_on = piece.continued && self.stream == Some(stream);
        if !goes_on && self.stream.is_some() {
            self.text.push('\n');
        }
        self.stream = Some(stream);
        self.text.push_str(piece.text);
        if self.text.len() > 4 * TAIL_MAX {
            self.cut();
        }
    }

    /// Returns as many whole lines as fit into [`TAIL_MAX`]; of a last line that does not fit, its end.
    pub fn end(mut self) -> String {
        self.cut();
        match self.text.find('\n') {
            Some(first) if self.is_cut && first + 1 < self.text.len() => self.text.split_off(first + 1),
            _ => self.text,
        }
    }

    fn cut(&mut self) {
        if self.text.len() > TAIL_MAX {
            let most = self.text.len() - TAIL_MAX;
            let start = (most..).find(|at| self.text.is_char_boundary(*at)).unwrap_or(most);
            // A cut between two lines cuts no line.
            self.is_cut = !self.text[..start].ends_with('\n');
            self.text.drain(..start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(pieces: &[&str]) -> Vec<(String, bool)> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        let mut take = |piece: Piece<'_>| found.push((piece.text.to_owned(), piece.continued));
        pieces.iter().for_each(|text| lines.push(text, &mut take));
        lines.end(take);
        found
    }

    fn whole(lines: &[&str]) -> Vec<(String, bool)> {
        lines.iter().map(|line| ((*line).to_owned(), false)).collect()
    }

    #[test]
    fn lines_are_whole_wherever_they_are_cut() {
        assert_eq!(lines_of(&["a", "b\nc\n\n", "d"]), whole(&["ab", "c", "", "d"]));
        assert_eq!(lines_of(&["a\n"]), whole(&["a"]));
        assert_eq!(lines_of(&[]), whole(&[]));
    }

    #[test]
    fn long_lines_come_in_pieces_that_say_so() {
        let long = "ä".repeat(LINE_MAX); // two bytes each
        let found = lines_of(&[&long, "x\nshort\n"]);
        let lengths: Vec<_> = found.iter().map(|(text, continued)| (text.len(), *continued)).collect();
        assert_eq!(lengths, [(LINE_MAX, false), (LINE_MAX, true), (1, true), (5, false)]);
        assert_eq!(lines_of(&[&"a".repeat(LINE_MAX), "\n"]).len(), 1);
    }

    #[test]
    fn the_tail_is_made_of_whole_last_lines() {
        let mut tail = Tail::default();
        for number in 0..10_000 {
            let text = format!("line {number}");
            tail.push(OutputStream::Stdout, Piece { text: &text, continued: false });
        }
        let text = tail.end();
        assert!(text.len() <= TAIL_MAX && text.len() > TAIL_MAX - 20, "{}", text.len());
        assert!(text.starts_with("line ") && text.ends_with("line 9999"), "{text}");
    }

    #[test]
    fn the_tail_of_one_long_line_is_its_end() {
        let mut tail = Tail::default();
        tail.push(OutputStream::Stdout, Piece { text: "before", continued: false });
        for part in 0..100 {
            tail.push(OutputStream::Stdout, Piece { text: &"ä".repeat(1000), continued: part > 0 });
        }
        let text = tail.end();
        assert_eq!(text, "ä".repeat(TAIL_MAX / 2));
    }

    #[test]
    fn empty_and_short_output_is_its_own_tail() {
        assert_eq!(Tail::default().end(), "");
        let mut tail = Tail::default();
        for text in ["", "a", ""] {
            tail.push(OutputStream::Stderr, Piece { text, continued: false });
        }
        assert_eq!(tail.end(), "\na\n");
    }
}
