//! Answers that come piece by piece: one JSON value a line, or server-sent events.

use std::convert::Infallible;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;

use super::refused::Refused;
use super::resume::{Counter, EVENT_STREAM, Telling, Told};

/// The media type of JSON lines.
const NDJSON: &str = "application/x-ndjson";

/// Lines that may wait for a slow reader.
const WAITING_MAX: usize = 256;

/// So often something is sent that means nothing, where there is nothing to tell: by it both ends know that the other is
/// there.
const PULSE: Duration = Duration::from_secs(15);

/// Where lines go.
pub(super) struct Lines {
    sender: mpsc::Sender<io::Result<Bytes>>,
    as_events: bool,
    counter: Mutex<Counter>,
}

/// Nobody reads any more, or nothing more can be said: the task may end.
pub(super) struct Gone;

impl From<Infallible> for Gone {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Returns where to send lines, and the response that they make, told as `telling` says. It ends when the sender is
/// dropped.
pub(super) fn lines(telling: Telling) -> (Lines, Response) {
    let Telling { as_events, after } = telling;
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let pulse = Bytes::from_static(if as_events { b":\n\n" } else { b"\n" });
    let body = stream::unfold(receiver, move |mut receiver| {
        let pulse = pulse.clone();
        async move {
            match tokio::time::timeout(PULSE, receiver.recv()).await {
                Ok(line) => line.map(|line| (line, receiver)),
                Err(_) => Some((Ok(pulse), receiver)),
            }
        }
    });
    let kind = if as_events { EVENT_STREAM } else { NDJSON };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
    let response = (headers, Body::from_stream(body)).into_response();
    (Lines { sender, as_events, counter: Mutex::new(Counter::behind(after)) }, response)
}

impl Lines {
    /// Sends `value`, once there is room for it, unless it was told before the stream broke off.
    pub(super) async fn send(&self, value: &impl Told) -> Result<(), Gone> {
        let place = self.counter.lock().unwrap_or_else(PoisonError::into_inner).next(value.mark());
        let Some(place) = place else { return Ok(()) };
        let json = serde_json::to_string(value).map_err(|_| Gone)?;
        let line = if self.as_events { format!("id: {}\ndata: {json}\n\n", place.id()) } else { json + "\n" };
        self.sender.send(Ok(Bytes::from(line))).await.map_err(|_| Gone)
    }

    /// Breaks the answer off, so that its reader does not take it for whole.
    pub(super) async fn break_off(&self, why: impl ToString) -> Gone {
        let _ = self.sender.send(Err(io::Error::other(why.to_string()))).await;
        Gone
    }

    /// Returns when nobody reads any more.
    pub(super) async fn closed(&self) {
        self.sender.closed().await;
    }

    /// The value, or a broken-off answer.
    pub(super) async fn checked<T, E: Into<Refused>>(&self, result: Result<T, E>) -> Result<T, Gone> {
        match result {
            Ok(value) => Ok(value),
            Err(_) => Err(self.break_off("the store does not answer").await),
        }
    }
}
