//! Server-sent events: what a stream becomes for those who ask for it, and where one that broke off goes on.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use serde::Serialize;

use crate::wire::{EventItem, LogLine};

/// The media type.
pub(super) const EVENT_STREAM: &str = "text/event-stream";

/// Something that a stream tells.
pub(super) trait Told: Serialize {
    /// Its place in the stream. Others may have the same: then they are counted.
    fn mark(&self) -> String;
}

impl Told for EventItem {
    fn mark(&self) -> String {
        self.seq.to_string()
    }
}

impl Told for LogLine {
    fn mark(&self) -> String {
        self.at.to_string()
    }
}

/// A place in a stream: the n-th of those with one mark. Written `MARK` for the first, `MARK/2` for the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) mark: String,
    pub(super) nth: usize,
}

impl Place {
    fn parse(text: &str) -> Self {
        let nth = text.rsplit_once('/').and_then(|(mark, nth)| Some((mark, nth.parse().ok()?)));
        let (mark, nth) = nth.unwrap_or((text, 1));
        Self { mark: mark.to_owned(), nth }
    }

    /// As an event's `id`.
    pub(super) fn id(&self) -> String {
        if self.nth == 1 { self.mark.clone() } else { format!("{}/{}", self.mark, self.nth) }
    }
}

/// How a stream is to be told.
#[derive(Clone, Debug, Default)]
pub(super) struct Telling {
    /// As server-sent events; else one JSON value a line.
    pub(super) as_events: bool,
    /// Only what comes behind this.
    pub(super) after: Option<Place>,
}

impl<S: Sync> FromRequestParts<S> for Telling {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let text = |name| parts.headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
        let kinds = text("accept").unwrap_or_default().split(',');
        let as_events =
            kinds.map(|kind| kind.split(';').next().unwrap_or_default().trim()).any(|it| it == EVENT_STREAM);
        let after = text("last-event-id").filter(|id| !id.is_empty()).map(Place::parse);
        Ok(Self { as_events, after })
    }
}

/// Numbers what a stream tells, and leaves out what was told before it broke off.
#[derive(Debug, Default)]
pub(super) struct Counter {
    last: Option<Place>,
    after: Option<Place>,
}

impl Counter {
    pub(super) fn behind(after: Option<Place>) -> Self {
        Self { last: None, after }
    }

    /// The place of the next one, which has this mark; nothing if it was told before.
    pub(super) fn next(&mut self, mark: String) -> Option<Place> {
        let nth = match &self.last {
            Some(last) if last.mark == mark => last.nth + 1,
            _ => 1,
        };
        let place = Place { mark, nth };
        self.last = Some(place.clone());
        let is_told = self.after.as_ref().is_some_and(|after| after.mark == place.mark && place.nth <= after.nth);
        (!is_told).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for text in ["17", "2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z/3"] {
            assert_eq!(Place::parse(text).id(), text);
        }
        assert_eq!(Place::parse("a/b"), Place { mark: "a/b".to_owned(), nth: 1 });
    }

    #[test]
    fn what_was_told_before_is_left_out() {
        let mut counter = Counter::behind(Some(Place::parse("b/2")));
        let marks = ["b", "b", "b", "c"];
        let told: Vec<String> =
            marks.iter().filter_map(|mark| counter.next((*mark).to_owned())).map(|it| it.id()).collect();
        assert_eq!(told, ["b/3", "c"]);
    }
}
