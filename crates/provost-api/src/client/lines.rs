//! Reading JSON lines as they come.

use std::collections::VecDeque;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Frame, Incoming};
use serde::de::DeserializeOwned;

use super::send::LATER;
use super::{Client, ClientError};

/// The longest line that is read, in bytes: a log line is far shorter, so a longer one is no answer of ours.
const LINE_MAX: usize = 4 << 20;

struct Reader {
    body: Incoming,
    client: Client,
    /// What came of a line whose end has not come.
    rest: Vec<u8>,
    lines: VecDeque<Vec<u8>>,
    over: bool,
}

/// Turns `body` into one value a line. Empty lines only show that the connection lives. After an error nothing follows.
pub(super) fn decode<T>(body: Incoming, client: Client) -> BoxStream<'static, Result<T, ClientError>>
where
    T: DeserializeOwned + Send + 'static,
{
    let reader = Reader { body, client, rest: Vec::new(), lines: VecDeque::new(), over: false };
    stream::unfold(reader, |mut reader| async move {
        let next = reader.next().await?;
        reader.over |= next.is_err();
        Some((next, reader))
    })
    .boxed()
}

impl Reader {
    async fn next<T: DeserializeOwned>(&mut self) -> Option<Result<T, ClientError>> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let value = serde_json::from_slice(&line);
                return Some(value.map_err(|error| self.client.unreadable(&error)));
            }
            if self.over {
                return None;
            }
            match self.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.take(&data);
                    }
                    if self.rest.len() > LINE_MAX {
                        return Some(Err(self.client.unreadable(&format!("a line of more than {LINE_MAX} bytes"))));
                    }
                }
                Some(Err(error)) => {
                    return Some(Err(error));
                }
                None => {
                    self.over = true;
                    self.lines.push_back(std::mem::take(&mut self.rest));
                }
            }
        }
    }

    /// The next piece. While none comes, it is looked at now and then whether the server lives.
    async fn frame(&mut self) -> Option<Result<Frame<Bytes>, ClientError>> {
        loop {
            tokio::select! {
                frame = self.body.frame() => return frame.map(|it| it.map_err(|error| self.client.broken(&error))),
                () = tokio::time::sleep(LATER) => {
                    if let Err(error) = self.client.check_that_it_lives().await {
                        return Some(Err(error));
                    }
                }
            }
        }
    }

    fn take(&mut self, data: &[u8]) {
        let mut pieces = data.split(|byte| *byte == b'\n');
        self.rest.extend_from_slice(pieces.next().unwrap_or_default());
        for piece in pieces {
            self.lines.push_back(std::mem::replace(&mut self.rest, piece.to_vec()));
        }
    }
}
