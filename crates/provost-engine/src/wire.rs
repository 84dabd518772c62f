//! Plain GETs to an engine, for answers that are read with more tolerance than a strict client has.
//!
//! One connection a request. Source: Docker Engine API 1.41; Podman's compatible API shows other statuses and events.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use provost_controller::{EngineError, EngineErrorKind};
use serde::de::DeserializeOwned;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::Host;

/// The longest answer that is read, in bytes: some ten thousand containers.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The way to one engine.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    host: Host,
    patience: Duration,
}

impl Wire {
    /// The way to the engine at `host`. Answers may take 30 s.
    pub(crate) fn new(host: Host) -> Self {
        Self { host, patience: Duration::from_secs(30) }
    }

    /// The same with another patience.
    pub(crate) fn patience(&self, patience: Duration) -> Self {
        Self { host: self.host.clone(), patience }
    }

    /// Where it leads.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// Returns what the engine answers to `GET path`, as JSON; nothing if it answers that there is no such thing.
    pub(crate) async fn json<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, EngineError> {
        let answer = async {
            let response = self.head(path).await?;
            let status = response.status();
            let body = self.body(response).await?;
            if status == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            if !status.is_success() {
                return Err(self.complaint(status, &body));
            }
            let parsed = serde_json::from_slice(&body);
            parsed.map(Some).map_err(|error| self.unavailable(&format!("answers what makes no sense ({error})")))
        };
        self.in_time(answer).await
    }

    /// Returns the head of the answer to `GET path`, with its body still to be read.
    pub(crate) async fn open(&self, path: &str) -> Result<Response<Incoming>, EngineError> {
        let answer = async {
            let response = self.head(path).await?;
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            Err(self.complaint(status, &self.body(response).await?))
        };
        self.in_time(answer).await
    }

    /// Returns the engine's own time, in whole seconds, if it says so; an error if it does not answer.
    pub(crate) async fn ping(&self) -> Result<Option<Timestamp>, EngineError> {
        let response = self.open("/_ping").await?;
        let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        Ok(date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp()))
    }

    async fn head(&self, path: &str) -> Result<Response<Incoming>, EngineError> {
        match &self.host {
            Host::Unix(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(|error| self.unreachable(&error))?;
                self.ask(TokioIo::new(stream), path).await
            }
            Host::Tcp(address) => {
                let stream = TcpStream::connect(address).await.map_err(|error| self.unreachable(&error))?;
                self.ask(TokioIo::new(stream), path).await
            }
        }
    }

    async fn ask<S>(&self, stream: S, path: &str) -> Result<Response<Incoming>, EngineError>
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http1::handshake(stream).await.map_err(|error| self.broken(&error))?;
        // Ends by itself when the answer has been read or dropped; its errors come out of the answer.
        tokio::spawn(connection);
        let request = Request::get(path).header(header::HOST, "localhost").body(Empty::<Bytes>::new());
        let request =
            request.map_err(|error| EngineError::new(EngineErrorKind::Refused, format!("{path}: {error}")))?;
        sender.send_request(request).await.map_err(|error| self.broken(&error))
    }

    async fn body(&self, response: Response<Incoming>) -> Result<Bytes, EngineError> {
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        body.map(|body| body.to_bytes()).map_err(|error| self.unavailable(&format!("broke off its answer ({error})")))
    }

    fn complaint(&self, status: StatusCode, body: &[u8]) -> EngineError {
        let message = serde_json::from_slice::<Complaint>(body).map(|complaint| complaint.message).ok();
        let message = message.unwrap_or_else(|| String::from_utf8_lossy(body).trim().chars().take(300).collect());
        let kind = match status.as_u16() {
            404 => EngineErrorKind::NotFound,
            400..=499 => EngineErrorKind::Refused,
            _ => EngineErrorKind::Unavailable,
        };
        EngineError::new(kind, format!("the engine at {} answers {status}: {message}", self.host))
    }

    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, EngineError>>) -> Result<T, EngineError> {
        match timeout(self.patience, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(self.unavailable(&format!("does not answer within {} s", self.patience.as_secs()))),
        }
    }

    fn unreachable(&self, error: &std::io::Error) -> EngineError {
        self.unavailable(&format!("cannot be reached: {error}"))
    }

    fn broken(&self, error: &hyper::Error) -> EngineError {
        self.unavailable(&format!("broke the connection: {error}"))
    }

    fn unavailable(&self, what: &str) -> EngineError {
        EngineError::new(EngineErrorKind::Unavailable, format!("the engine at {} {what}", self.host))
    }
}

/// An engine's error answer.
#[derive(serde::Deserialize)]
struct Complaint {
    message: String,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;

    /// An engine that answers one request with `answer`, and keeps the connection open without one.
    fn answering(socket: &Path, answer: Option<&'static str>) -> Wire {
        let listener = UnixListener::bind(socket).unwrap();
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = client.read(&mut request).await.unwrap();
            match answer {
                Some(answer) => client.write_all(answer.as_bytes()).await.unwrap(),
                None => std::future::pending().await,
            }
        });
        Wire::new(Host::Unix(socket.to_path_buf())).patience(Duration::from_millis(500))
    }

    async fn get(answer: Option<&'static str>) -> Result<Option<serde_json::Value>, EngineError> {
        let folder = tempfile::tempdir().unwrap();
        answering(&folder.path().join("s"), answer).json("/x").await
    }

    #[tokio::test]
    async fn answers_are_told_apart() {
        use EngineErrorKind::{Refused, Unavailable};
        let good = get(Some("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}")).await;
        assert_eq!(good.unwrap().unwrap()["a"], 1);
        let missing = get(Some("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")).await;
        assert_eq!(missing.unwrap(), None);
        for (answer, kind, words) in [
            (None, Unavailable, "does not answer within"),
            (Some(""), Unavailable, "broke the connection"),
            (Some("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), Unavailable, "broke off its answer"),
            (Some("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{"), Unavailable, "makes no sense"),
            (Some("HTTP/1.1 500 Oh\r\nContent-Length: 17\r\n\r\n{\"message\":\"why\"}"), Unavailable, "why"),
            (Some("HTTP/1.1 400 No\r\nContent-Length: 3\r\n\r\nwhy"), Refused, "why"),
        ] {
            let error = get(answer).await.unwrap_err();
            assert!(error.kind == kind && error.message.contains(words), "{answer:?}: {error:?}");
        }
    }

    #[tokio::test]
    async fn an_engine_tells_the_time() {
        let folder = tempfile::tempdir().unwrap();
        let date = "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 00:21:16 GMT\r\nContent-Length: 2\r\n\r\nOK";
        let wire = answering(&folder.path().join("s"), Some(date));
        assert_eq!(wire.ping().await.unwrap(), "2026-11-21T00:21:16Z".parse().ok());
        assert_eq!(wire.ping().await.unwrap_err().kind, EngineErrorKind::Unavailable);
    }
}
