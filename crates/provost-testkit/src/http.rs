//! The smallest HTTP client that tests can do with: one request a connection, over a Unix socket.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

/// A server behind a Unix socket.
#[derive(Clone, Debug)]
pub struct Http {
    socket: PathBuf,
    timeout: Duration,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The header lines as they came, status line included.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Http {
    /// A server at this socket; nothing is sent yet.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), timeout: Duration::from_secs(120) }
    }

    /// The same server with another limit for the silence between two pieces of an answer; 120 s otherwise.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The socket's path.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Sends a request with a body of this type and returns the answer, whatever its status.
    ///
    /// It speaks HTTP/1.0, so that the server closes the connection after the body and never sends it in chunks.
    /// Errors: nobody listens, the time is over, or the answer is not HTTP.
    pub fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> io::Result<Reply> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(self.timeout))?;
        stream.set_write_timeout(Some(self.timeout))?;
        let size = body.len();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n"
        );
        // In one piece, so that a server that reads only once has read it all.
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Reply::parse(&answer)
    }

    /// `GET path`. Errors: as for [`Http::send`].
    pub fn get(&self, path: &str) -> io::Result<Reply> {
        self.send("GET", path, "application/json", &[])
    }

    /// `POST path` with JSON; null means no body at all. Errors: as for [`Http::send`].
    ///
    /// (A server that does not read a body closes the connection over it, and the answer may be lost.)
    pub fn post(&self, path: &str, body: &Value) -> io::Result<Reply> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send("POST", path, "application/json", body.as_bytes())
    }

    /// `DELETE path`. Errors: as for [`Http::send`].
    pub fn delete(&self, path: &str) -> io::Result<Reply> {
        self.send("DELETE", path, "application/json", &[])
    }
}

impl Reply {
    fn parse(answer: &[u8]) -> io::Result<Self> {
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(wrong)?;
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let mut words = head.split(' ');
        let version = words.next().unwrap_or_default();
        let status = words.next().and_then(|status| status.get(..3)?.parse().ok()).ok_or_else(wrong)?;
        if !version.starts_with("HTTP/1.") {
            return Err(wrong());
        }
        Ok(Self { status, body: answer[end + 4..].to_vec(), head })
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the answer is not JSON ({error}): {} {}", self.status, self.text()),
        }
    }
}

/// Escapes a text for a query.
pub(crate) fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn answers_are_taken_apart() {
        let reply = Reply::parse(b"HTTP/1.0 201 Created\r\nX: y\r\n\r\n{\"a\": 1}").unwrap();
        assert_eq!((reply.status, reply.json()["a"].as_u64()), (201, Some(1)));
        assert!(reply.is_success() && reply.head.ends_with("X: y"));
    }

    #[test]
    fn what_is_not_http_is_an_error() {
        for answer in
            [&b""[..], b"hello\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"SMTP 200 \r\n\r\n"]
        {
            assert!(Reply::parse(answer).is_err(), "{:?}", String::from_utf8_lossy(answer));
        }
    }

    #[test]
    fn queries_are_escaped() {
        assert_eq!(escape("{\"a\":[\"b=c\"]}"), "%7B%22a%22%3A%5B%22b%3Dc%22%5D%7D");
    }
}
