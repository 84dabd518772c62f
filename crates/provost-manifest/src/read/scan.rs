//! YAML to trees. Bounded, without recursion: a hostile file costs no more than a large one.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde_json::Value;

use crate::read::node::{Content, Entry, Node};
use crate::read::source::Source;
use crate::read::{Spot, scalar, tabs};
use crate::report::{Code, Diagnostic, TOLD_MAX};

/// How deep a document may nest.
pub const DEPTH_MAX: usize = 64;

/// How many values a file may have.
pub const NODES_MAX: usize = 50_000;

/// How many documents a file may have.
pub const DOCUMENTS_MAX: usize = 1_000;

const MERGE_HINT: &str = "write the values out; what many share belongs into a policy's `defaults`";

/// What was read of a file: as much of it as could be.
#[derive(Default)]
pub(crate) struct Scanned {
    /// The documents that are not empty.
    pub(crate) documents: Vec<Node>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads all documents of a file. After an error of syntax nothing more of the file is read.
pub(crate) fn scan(source: &Arc<Source>) -> Scanned {
    let mut scan = Scan { source, open: Vec::new(), nodes: 0, texts: Vec::new(), scanned: Scanned::default() };
    for event in Parser::new_from_str(source.text()) {
        let taken = match event {
            Ok((event, span)) => scan.take(event, span),
            Err(error) => Err(scan.syntax_error(&error)),
        };
        if let Err(stop) = taken {
            scan.scanned.diagnostics.push(stop);
            return scan.scanned;
        }
        if scan.scanned.diagnostics.len() > TOLD_MAX {
            return scan.scanned;
        }
    }
    if let Some(tab) = tabs::indentation(source, &scan.texts) {
        scan.scanned.diagnostics.push(tab);
    }
    scan.scanned
}

struct Scan<'s> {
    source: &'s Arc<Source>,
    open: Vec<Frame>,
    nodes: usize,
    /// Texts of several lines; what looks like indentation in them is theirs.
    texts: Vec<Range<usize>>,
    scanned: Scanned,
}

/// A map or list whose end has not come yet.
struct Frame {
    start: usize,
    kind: Kind,
}

enum Kind {
    Map { entries: Vec<Entry>, keys: HashMap<String, Range<usize>>, key: Option<(String, Range<usize>)> },
    List(Vec<Node>),
}

impl Scan<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        let range = self.range(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_marks(anchor, tag.is_some(), &range);
                self.scalar(&text, style, range)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_marks(anchor, tag.is_some(), &range);
                self.open(range, Kind::Map { entries: Vec::new(), keys: HashMap::new(), key: None })
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_marks(anchor, tag.is_some(), &range);
                self.open(range, Kind::List(Vec::new()))
            }
            Event::MappingEnd | Event::SequenceEnd => self.close(range),
            Event::Alias(_) => {
                self.refuse("aliases (`*name`) are not used in manifests", "write the value out", &range);
                self.add(Node { span: range, content: Content::Scalar(Value::Null) })
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, mut range: Range<usize>) -> Result<(), Diagnostic> {
        let written = self.source.text().get(range.clone()).unwrap_or("");
        if written.contains('\n') && (style != ScalarStyle::Plain || text.contains([' ', '\n'])) {
            self.texts.push(range.clone());
        }
        range.end = range.start + written_len(written, style);
        if text.contains('\0') {
            let error = Diagnostic::new(
                Code::CONTROL_CHARACTER,
                &self.source.spot(range.clone()),
                "a text cannot have the character U+0000 in it",
            );
            self.scanned.diagnostics.push(error.hint("remove the `\\0`: no program could be given such a text"));
        }
        let content = match style {
            ScalarStyle::Plain => scalar::plain(text),
            _ => Value::String(text.to_owned()),
        };
        if let Some(Frame { kind: Kind::Map { key: key @ None, .. }, .. }) = self.open.last_mut() {
            if style == ScalarStyle::Plain && text.is_empty() {
                return Err(Diagnostic::new(Code::BAD_KEY, &self.source.spot(range), "a key is missing here"));
            }
            *key = Some((text.to_owned(), range));
            return Ok(());
        }
        self.add(Node { span: range, content: Content::Scalar(content) })
    }

    fn open(&mut self, range: Range<usize>, kind: Kind) -> Result<(), Diagnostic> {
        if let Some(Frame { kind: Kind::Map { key: None, .. }, .. }) = self.open.last() {
            let error = Diagnostic::new(Code::BAD_KEY, &self.source.spot(range), "a key has to be a text");
            return Err(
                error.hint("a `{` or `[` as a key is often a template that was not filled in; put the value in quotes")
            );
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep(&self.source.spot(range)));
        }
        self.open.push(Frame { start: range.start, kind });
        Ok(())
    }

    fn close(&mut self, range: Range<usize>) -> Result<(), Diagnostic> {
        let Some(Frame { start, kind }) = self.open.pop() else {
            return Ok(());
        };
        let content = match kind {
            Kind::Map { entries, .. } => Content::Map(entries),
            Kind::List(nodes) => Content::List(nodes),
        };
        // The end of a block is where the next thing begins; its last line is not.
        let written = self.source.text().get(start..range.end.max(start)).unwrap_or("");
        self.add(Node { span: start..start + written.trim_end().len(), content })
    }

    fn add(&mut self, node: Node) -> Result<(), Diagnostic> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("more than {NODES_MAX} values in one file");
            return Err(Diagnostic::new(Code::TOO_MUCH, &self.source.spot(node.span), message).hint("split the file"));
        }
        match self.open.last_mut() {
            None => return self.add_document(node),
            Some(Frame { kind: Kind::List(nodes), .. }) => nodes.push(node),
            Some(Frame { kind: Kind::Map { entries, keys, key }, .. }) => {
                let Some((key, key_span)) = key.take() else {
                    return Ok(());
                };
                match (key.as_str(), keys.get(&key)) {
                    ("<<", _) => self.refuse("merge keys (`<<`) are not used in manifests", MERGE_HINT, &key_span),
                    (_, Some(first)) => {
                        let first = first.clone();
                        self.duplicate(&key, &first, &key_span);
                    }
                    (_, None) => {
                        keys.insert(key.clone(), key_span.clone());
                        entries.push(Entry { key, key_span, value: node });
                    }
                }
            }
        }
        Ok(())
    }

    fn add_document(&mut self, node: Node) -> Result<(), Diagnostic> {
        if node.content == Content::Scalar(Value::Null) {
            return Ok(());
        }
        if self.scanned.documents.len() == DOCUMENTS_MAX {
            let message = format!("more than {DOCUMENTS_MAX} documents in one file");
            return Err(Diagnostic::new(Code::TOO_MUCH, &self.source.spot(node.span), message).hint("split the file"));
        }
        self.scanned.documents.push(node);
        Ok(())
    }

    fn duplicate(&mut self, key: &str, first: &Range<usize>, second: &Range<usize>) {
        let error = Diagnostic::new(
            Code::DUPLICATE_KEY,
            &self.source.spot(second.clone()),
            format!("key `{key}` is given twice"),
        );
        let error = error.label("second one").related(&self.source.spot(first.clone()), "first given here");
        self.scanned.diagnostics.push(error.hint("remove one of them"));
    }

    fn refuse_marks(&mut self, anchor: usize, tag: bool, range: &Range<usize>) {
        if anchor != 0 {
            self.refuse("anchors (`&name`) are not used in manifests", "write the value out where it is needed", range);
        }
        if tag {
            self.refuse("tags (`!name`) are not used in manifests", "remove it; quotes make a text of anything", range);
        }
    }

    fn refuse(&mut self, message: &str, hint: &str, range: &Range<usize>) {
        let error = Diagnostic::new(Code::NOT_USED, &self.source.spot(range.clone()), message);
        self.scanned.diagnostics.push(error.hint(hint));
    }

    fn syntax_error(&self, error: &ScanError) -> Diagnostic {
        let at = self.source.byte_of(error.marker().index());
        let spot = self.source.spot(at..at);
        if error.info().contains("recursion limit") {
            return too_deep(&spot);
        }
        tabs::behind_error(self.source, spot.line()).unwrap_or_else(|| syntax(&spot, error.info()))
    }

    /// The parser counts characters; we count bytes.
    fn range(&self, span: Span) -> Range<usize> {
        self.source.byte_of(span.start.index())..self.source.byte_of(span.end.index())
    }
}

fn too_deep(spot: &Spot) -> Diagnostic {
    Diagnostic::new(Code::TOO_MUCH, spot, format!("nested deeper than {DEPTH_MAX} levels"))
}

/// The parser's message, with the mend that is most often right.
fn syntax(spot: &Spot, info: &str) -> Diagnostic {
    let hint = if info.contains("mapping values are not allowed") {
        "a text with `: ` in it needs quotes; and check the indentation"
    } else if info.contains("did not find expected") || info.contains("simple key") || info.contains("block") {
        "check the indentation, and that every quote and bracket is closed"
    } else if info.contains("quoted") || info.contains("escape") {
        "check that every quote is closed; in double quotes, a backslash is written twice"
    } else {
        "check the indentation, the quotes and the brackets"
    };
    Diagnostic::new(Code::SYNTAX, spot, format!("this is not YAML: {info}")).hint(hint)
}

/// How much of `written`, which begins with a scalar, is the scalar: the scanner counts a comment after quotes as part of it.
fn written_len(written: &str, style: ScalarStyle) -> usize {
    let whole = written.trim_end().len();
    if !written.starts_with(['"', '\'']) {
        return whole;
    }
    let mut inner = written.char_indices().skip(1).peekable();
    while let Some((at, char)) = inner.next() {
        match (style, char) {
            (ScalarStyle::DoubleQuoted, '\\') => drop(inner.next()),
            (ScalarStyle::SingleQuoted, '\'') if inner.next_if(|(_, next)| *next == '\'').is_some() => {}
            (ScalarStyle::DoubleQuoted, '"') | (ScalarStyle::SingleQuoted, '\'') => return at + 1,
            _ => {}
        }
    }
    whole
}
