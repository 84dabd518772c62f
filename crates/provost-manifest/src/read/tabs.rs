//! Tabs as indentation: the mistake that YAML's own messages explain worst.

use std::ops::Range;
use std::sync::Arc;

use crate::read::source::Source;
use crate::report::{Code, Diagnostic};

/// A tab in the indentation of `line` (from 1) or the line before it, where the parser failed.
pub(crate) fn behind_error(source: &Arc<Source>, line: u32) -> Option<Diagnostic> {
    let near = lines(source).filter(|(number, ..)| *number == line || *number + 1 == line);
    near.filter_map(|(_, start, text)| tab(start, text)).last().map(|at| diagnostic(source, at))
}

/// The first tab in the indentation of a line that is neither a comment nor part of one of `texts`.
pub(crate) fn indentation(source: &Arc<Source>, texts: &[Range<usize>]) -> Option<Diagnostic> {
    if !source.text().contains('\t') {
        return None;
    }
    let tabs = lines(source).filter_map(|(_, start, text)| tab(start, text));
    tabs.into_iter().find(|at| !texts.iter().any(|text| text.contains(at))).map(|at| diagnostic(source, at))
}

/// Number, first byte and text of each line.
fn lines(source: &Source) -> impl Iterator<Item = (u32, usize, &str)> {
    let mut start = 0;
    source.text().split_inclusive('\n').zip(1..).map(move |(line, number)| {
        let at = start;
        start += line.len();
        (number, at, line)
    })
}

/// Where the first tab is, if the line has one in front of its content.
fn tab(start: usize, line: &str) -> Option<usize> {
    let content = line.trim_start();
    let blank = line.get(..line.len() - content.len())?;
    if content.is_empty() || content.starts_with('#') {
        return None;
    }
    blank.find('\t').map(|at| start + at)
}

fn diagnostic(source: &Arc<Source>, at: usize) -> Diagnostic {
    let error = Diagnostic::new(Code::TAB, &source.spot(at..at + 1), "a tab cannot indent");
    error.label("tab").hint("use spaces; most editors have a setting for it")
}
