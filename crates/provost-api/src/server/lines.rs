//! Answers of one JSON value a line, as they come.

use std::convert::Infallible;
use std::io;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use tokio::sync::mpsc;

use super::refused::Refused;

/// The media type of JSON lines.
const NDJSON: &str = "application/x-ndjson";

/// Lines that may wait for a slow reader.
const WAITING_MAX: usize = 256;

/// Where lines go.
pub(super) struct Lines(mpsc::Sender<io::Result<Bytes>>);

/// Nobody reads any more, or nothing more can be said: the task may end.
pub(super) struct Gone;

impl From<Infallible> for Gone {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Returns where to send lines, and the response that they make. It ends when the sender is dropped.
pub(super) fn lines() -> (Lines, Response) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let body = stream::unfold(receiver, |mut receiver| async move {
        let line = receiver.recv().await?;
        Some((line, receiver))
    });
    let response = ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(body)).into_response();
    (Lines(sender), response)
}

impl Lines {
    /// Sends `value`, once there is room for it.
    pub(super) async fn send(&self, value: &impl Serialize) -> Result<(), Gone> {
        let mut line = serde_json::to_vec(value).map_err(|_| Gone)?;
        line.push(b'\n');
        self.0.send(Ok(Bytes::from(line))).await.map_err(|_| Gone)
    }

    /// Breaks the answer off, so that its reader does not take it for whole.
    pub(super) async fn break_off(&self, why: impl ToString) -> Gone {
        let _ = self.0.send(Err(io::Error::other(why.to_string()))).await;
        Gone
    }

    /// Returns when nobody reads any more.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }

    /// The value, or a broken-off answer.
    pub(super) async fn checked<T, E: Into<Refused>>(&self, result: Result<T, E>) -> Result<T, Gone> {
        match result {
            Ok(value) => Ok(value),
            Err(_) => Err(self.break_off("the store does not answer").await),
        }
    }
}
