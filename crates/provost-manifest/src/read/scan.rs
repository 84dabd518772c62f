//! YAML to trees. Bounded, without recursion: a hostile file costs no more than a large one.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde_json::Value;

use crate::read::node::{Content, Entry, Node};
use crate::read::source::Source;
use crate::read::{Spot, scalar, tabs};
use crate::report::{Code, Diagnostic};

/// How deep a document may nest.
pub const DEPTH_MAX: usize = 64;

/// How many values a file may have.
pub const NODES_MAX: usize = 50_000;

/// How many documents a file may have.
pub const DOCUMENTS_MAX: usize = 1_000;

/// What was read of a file: as much of it as could be.
#[derive(Default)]
pub(crate) struct Scanned {
    /// The documents that are not empty.
    pub(crate) documents: Vec<Node>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads all documents of a file. After an error of syntax nothing more of the file is read.
pub(crate) fn scan(source: &Arc<Source>) -> Scanned {
    let mut scan = Scan {
        source,
        bytes: byte_table(source.text()),
        open: Vec::new(),
        nodes: 0,
        texts: Vec::new(),
        scanned: Scanned::default(),
    };
    let text = source.text();
    // The parser looks at most two characters ahead at the end of a text; with a newline there, it never has to.
    for event in Parser::new_from_str(text) {
        let taken = match event {
            Ok((event, span)) => scan.take(event, span),
            Err(error) => Err(scan.syntax_error(&error)),
        };
        if let Err(stop) = taken {
            scan.scanned.diagnostics.push(stop);
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
    /// Byte of each character; absent if all are ASCII. The parser counts characters.
    bytes: Option<Vec<usize>>,
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
    Map { entries: Vec<Entry>, key: Option<(String, Range<usize>)> },
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
                self.open(range, Kind::Map { entries: Vec::new(), key: None })
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
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(()),
        }
    }

    fn scalar(&mut self, text: &Cow<'_, str>, style: ScalarStyle, mut range: Range<usize>) -> Result<(), Diagnostic> {
        let written = self.source.text().get(range.clone()).unwrap_or("");
        if written.contains('\n') && (style != ScalarStyle::Plain || text.contains([' ', '\n'])) {
            self.texts.push(range.clone());
        }
        range.end = range.start + written.trim_end().len();
        let content = match style {
            ScalarStyle::Plain => scalar::plain(text),
            _ => Value::String(text.clone().into_owned()),
        };
        if let Some(Frame { kind: Kind::Map { key: key @ None, .. }, .. }) = self.open.last_mut() {
            if style == ScalarStyle::Plain && text.is_empty() {
                return Err(Diagnostic::new(Code::BAD_KEY, &self.source.spot(range), "a key is missing here"));
            }
            *key = Some((text.clone().into_owned(), range));
            return Ok(());
        }
        self.add(Node { span: range, content: Content::Scalar(content) })
    }

    fn open(&mut self, range: Range<usize>, kind: Kind) -> Result<(), Diagnostic> {
        if let Some(Frame { kind: Kind::Map { key: None, .. }, .. }) = self.open.last() {
            let error = Diagnostic::new(Code::BAD_KEY, &self.source.spot(range), "a key has to be a text");
            return Err(error.hint("a `{` or `[` as a key is often a template that was not filled in; put the value in quotes"));
        }
        if self.open.len() >= DEPTH_MAX {
            let message = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(Diagnostic::new(Code::TOO_MUCH, &self.source.spot(range), message));
        }
        self.open.push(Frame { start: range.start, kind });
        Ok(())
    }

    fn close(&mut self, range: Range<usize>) -> Result<(), Diagnostic> {
        let Some(Frame { start, kind }) = self.open.pop() else { return Ok(()) };
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
            Some(Frame { kind: Kind::Map { entries, key }, .. }) => {
                if let Some((key, key_span)) = key.take() {
                    entries.push(Entry { key, key_span, value: node });
                    self.check_key();
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

    /// Looks at the key that came last.
    fn check_key(&mut self) {
        let Some(Frame { kind: Kind::Map { entries, .. }, .. }) = self.open.last_mut() else { return };
        let Some((last, before)) = entries.split_last() else { return };
        if last.key == "<<" {
            let span = last.key_span.clone();
            entries.pop();
            return self.refuse("merge keys (`<<`) are not used in manifests", "write the values out; what many share belongs into a policy's `defaults`", &span);
        }
        if let Some(first) = before.iter().find(|entry| entry.key == last.key) {
            let error = Diagnostic::new(Code::DUPLICATE_KEY, &self.source.spot(last.key_span.clone()), format!("key `{}` is given twice", last.key));
            let error = error.label("second one").related(&self.source.spot(first.key_span.clone()), "first given here");
            entries.pop();
            self.scanned.diagnostics.push(error.hint("remove one of them"));
        }
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
        let at = self.byte(error.marker().index());
        let spot = self.source.spot(at..at);
        tabs::behind_error(self.source, spot.line()).unwrap_or_else(|| syntax(&spot, error.info()))
    }

    fn range(&self, span: Span) -> Range<usize> {
        self.byte(span.start.index())..self.byte(span.end.index())
    }

    fn byte(&self, character: usize) -> usize {
        let end = self.source.text().len();
        match &self.bytes {
            None => character.min(end),
            Some(table) => table.get(character).copied().unwrap_or(end),
        }
    }
}

fn byte_table(text: &str) -> Option<Vec<usize>> {
    (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect())
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
