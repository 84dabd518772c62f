//! Diagnostics as text, in the look of the Rust compiler.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::report::{Diagnostic, Place, Severity, count};

/// How diagnostics look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No colours, for files and pipes.
    Plain,
    /// With the colours of a terminal.
    Coloured,
}

/// One diagnostic, without a newline at its end.
pub fn render(diagnostic: &Diagnostic, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str()));
    for file in files(diagnostic) {
        for element in snippets(diagnostic, file) {
            group = match element {
                Part::Snippet(snippet) => group.element(snippet),
                Part::Origin(origin) => group.element(origin),
            };
        }
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    renderer(style).render(&[group])
}

/// All of them, an empty line after each, and the line that sums them up.
pub fn render_all(diagnostics: &[Diagnostic], files: usize, style: Style) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text += &render(diagnostic, style);
        text += "\n\n";
    }
    text + &summary(diagnostics, files)
}

/// `12 files: 1 error, 1 warning. Nothing was changed. More: provost explain E0142`, without a newline at its end.
pub fn summary(diagnostics: &[Diagnostic], files: usize) -> String {
    let (errors, warnings) = count(diagnostics);
    let number = |n: usize, one: &str| match n {
        0 => format!("no {one}s"),
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    };
    let mut text = format!("{}: {}, {}.", number(files, "file"), number(errors, "error"), number(warnings, "warning"));
    if errors > 0 {
        text += " Nothing was changed.";
    }
    if let Some(first) = diagnostics.first() {
        text += &format!(" More: provost explain {}", first.code);
    }
    text
}

fn renderer(style: Style) -> Renderer {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    renderer.decor_style(DecorStyle::Ascii)
}

enum Part<'a> {
    Snippet(Snippet<'a, annotate_snippets::Annotation<'a>>),
    Origin(Origin<'a>),
}

/// The files that a diagnostic is about, its own first.
fn files(diagnostic: &Diagnostic) -> Vec<&str> {
    let mut files = vec![diagnostic.place.file.as_str()];
    for related in &diagnostic.related {
        if !files.contains(&related.place.file.as_str()) {
            files.push(&related.place.file);
        }
    }
    files
}

/// One place, what stands at its caret, and whether it is the one that the diagnostic is about.
type Mark<'a> = (&'a Place, Option<&'a str>, bool);

/// What is shown of `file`: its lines as one snippet if they are near to each other, else one for each.
fn snippets<'a>(diagnostic: &'a Diagnostic, file: &str) -> Vec<Part<'a>> {
    let own = std::iter::once((&diagnostic.place, diagnostic.label.as_deref(), true));
    let related = diagnostic.related.iter().map(|related| (&related.place, Some(related.label.as_str()), false));
    let marks: Vec<Mark<'a>> = own.chain(related).filter(|(place, ..)| place.file == file).collect();
    if marks.iter().any(|(place, ..)| place.text.is_none()) {
        return marks.iter().map(|(place, ..)| Part::Origin(origin(place))).collect();
    }
    // The line that the diagnostic is about first: its place stands at the head.
    let mut lines: Vec<u32> = Vec::new();
    for (place, ..) in &marks {
        if !lines.contains(&place.line) {
            lines.push(place.line);
        }
    }
    lines.into_iter().map(|line| Part::Snippet(snippet(&marks, line))).collect()
}

fn origin(place: &Place) -> Origin<'_> {
    Origin::path(place.file.as_str()).line(place.line as usize).char_column(place.column as usize)
}

fn snippet<'a>(marks: &[Mark<'a>], line: u32) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let of_line: Vec<&Mark<'a>> = marks.iter().filter(|(place, ..)| place.line == line).collect();
    let (place, ..) = of_line[0];
    let text = place.text.as_deref().unwrap_or_default();
    let mut snippet = Snippet::source(text).path(place.file.as_str()).line_start(line as usize);
    for (place, label, primary) in of_line {
        let kind = if *primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let annotation = kind.span(bytes(text, place));
        snippet = snippet.annotation(match label {
            Some(label) => annotation.label(*label),
            None => annotation,
        });
    }
    snippet
}

/// The bytes of `text` between the columns of `place`.
fn bytes(text: &str, place: &Place) -> Range<usize> {
    let byte = |column: u32| {
        let character = column.saturating_sub(1) as usize;
        text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
    };
    let start = byte(place.column);
    start..byte(place.end_column).max(start)
}
