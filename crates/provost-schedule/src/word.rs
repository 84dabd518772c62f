//! A piece of an expression that knows where it stands.

use std::ops::Range;

/// A slice of the text, with its position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
}

impl<'a> Word<'a> {
    pub(crate) fn new(text: &'a str) -> Word<'a> {
        Word { text, at: 0 }
    }

    pub(crate) fn span(self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    /// The pieces between white space.
    pub(crate) fn fields(self) -> Vec<Word<'a>> {
        self.pieces(char::is_whitespace).filter(|word| !word.text.is_empty()).collect()
    }

    /// The pieces between commas, empty ones included.
    pub(crate) fn items(self) -> impl Iterator<Item = Word<'a>> {
        self.pieces(|c| c == ',')
    }

    /// What is before and after the first `separator`.
    pub(crate) fn split(self, separator: char) -> Option<(Word<'a>, Word<'a>)> {
        let (left, right) = self.text.split_once(separator)?;
        let at = self.at + left.len() + separator.len_utf8();
        Some((Word { text: left, at: self.at }, Word { text: right, at }))
    }

    fn pieces(self, separator: impl Fn(char) -> bool) -> impl Iterator<Item = Word<'a>> {
        let start = self.text.as_ptr() as usize;
        self.text
            .split(move |c: char| separator(c))
            .map(move |text| Word { text, at: self.at + (text.as_ptr() as usize - start) })
    }
}

/// The span from the first to the last of `words`, which lie in the text in this order.
pub(crate) fn span_of(words: &[Word<'_>]) -> Range<usize> {
    match (words.first(), words.last()) {
        (Some(first), Some(last)) => first.at..last.span().end,
        _ => 0..0,
    }
}
