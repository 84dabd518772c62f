//! The tree of a document, with the place of everything in it.

use std::ops::Range;

use serde_json::Value;

/// A value and where it stands, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Map(Vec<Entry>),
    List(Vec<Node>),
    /// Null, a boolean, a number or a text.
    Scalar(Value),
}

/// One `key: value`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

impl Node {
    /// The value alone.
    pub(crate) fn json(&self) -> Value {
        match &self.content {
            Content::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), entry.value.json())).collect(),
            Content::List(nodes) => nodes.iter().map(Node::json).collect(),
            Content::Scalar(value) => value.clone(),
        }
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; of anything else, itself: one may be written without the brackets.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(nodes) => nodes,
            _ => std::slice::from_ref(self),
        }
    }

    /// The entry of `key`.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value at `path`: keys, and places in lists as numbers.
    pub(crate) fn at<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&Node> {
        path.into_iter().try_fold(self, Node::step)
    }

    /// The value of `key`, or the item at the place that `key` is the number of.
    pub(crate) fn step(&self, key: &str) -> Option<&Node> {
        match &self.content {
            Content::List(nodes) => nodes.get(key.parse::<usize>().ok()?),
            _ => self.get(key),
        }
    }

    /// The text of a text.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether it is one line at most, so that a caret can show all of it.
    pub(crate) fn is_scalar(&self) -> bool {
        matches!(self.content, Content::Scalar(_))
    }
}
