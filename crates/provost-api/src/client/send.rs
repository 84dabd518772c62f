//! Sending requests and reading answers.

use futures_util::stream::BoxStream;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::{Answer, Client, ClientError, lines};
use crate::wire::{Listing, Problem};

impl Client {
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Answer<T> {
        let response = self.send(Method::GET, &with_query(path, query), Vec::new()).await?;
        self.read(response).await
    }

    pub(super) async fn list<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Answer<Vec<T>> {
        Ok(self.get::<Listing<T>>(path, query).await?.items)
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, request: &impl Serialize) -> Answer<T> {
        let response = self.send(Method::POST, path, json(request)).await?;
        self.read(response).await
    }

    pub(super) async fn post_only(&self, path: &str, request: &impl Serialize) -> Answer<()> {
        self.send(Method::POST, path, json(request)).await.map(drop)
    }

    pub(super) async fn stream<T>(&self, path: &str, query: &impl Serialize) -> Answer<BoxStream<'static, Answer<T>>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let response = self.send(Method::GET, &with_query(path, query), Vec::new()).await?;
        Ok(lines::decode(response.into_body(), self.socket.clone()))
    }

    /// Sends one request on a connection of its own, and returns the answer if it is a yes.
    async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Answer<Response<Incoming>> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| self.unreachable(&error))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.broken(&error))?;
        // It ends with the answer's body, or when that is dropped.
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "provost")
            .header(header::USER_AGENT, concat!("provost/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(bytes::Bytes::from(body)))
            .map_err(|error| self.broken(&error))?;
        let response = sender.send_request(request).await.map_err(|error| self.broken(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.refused(response).await) }
    }

    async fn read<T: DeserializeOwned>(&self, response: Response<Incoming>) -> Answer<T> {
        let body = response.into_body().collect().await.map_err(|error| self.broken(&error))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| self.unreadable(&error))
    }

    async fn refused(&self, response: Response<Incoming>) -> ClientError {
        let status = response.status();
        match self.read::<Problem>(response).await {
            Ok(problem) => ClientError::Problem(Box::new(problem)),
            Err(error @ ClientError::Io { .. }) => error,
            Err(_) => self.unreadable(&format!("status {status} without a reason")),
        }
    }

    fn unreachable(&self, error: &std::io::Error) -> ClientError {
        use std::io::ErrorKind;
        let socket = self.socket.clone();
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => ClientError::NotRunning {
                socket,
                hint: "start one with `provost serve`, or name its socket with --server".to_owned(),
            },
            ErrorKind::PermissionDenied => ClientError::Denied {
                socket,
                hint: "ask as root, or as a member of the socket's group (`ls -l` shows it)".to_owned(),
            },
            _ => ClientError::Io { socket, why: error.to_string() },
        }
    }

    fn broken(&self, why: &impl ToString) -> ClientError {
        ClientError::Io { socket: self.socket.clone(), why: why.to_string() }
    }

    fn unreadable(&self, why: &impl ToString) -> ClientError {
        ClientError::Answer { socket: self.socket.clone(), why: why.to_string() }
    }
}

fn with_query(path: &str, query: &impl Serialize) -> String {
    match serde_urlencoded::to_string(query) {
        Ok(query) if !query.is_empty() => format!("{path}?{query}"),
        _ => path.to_owned(),
    }
}

fn json(request: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(request).unwrap_or_default()
}
