//! Sending requests and reading answers.

use std::time::Duration;

use futures_util::stream::BoxStream;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::place::Place;
use super::{Answer, Client, ClientError, lines};
use crate::wire::{Listing, Problem};

/// How long an answer may take before somebody looks whether the server lives, and how often that is looked at later.
const PAUSE: Duration = Duration::from_secs(1);
pub(super) const LATER: Duration = Duration::from_secs(10);

/// How long it may take to say so: with [`PAUSE`], two and a half seconds.
const PING: Duration = Duration::from_millis(1500);

impl Client {
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Answer<T> {
        let response = self.send(Method::GET, &with_query(path, query), Vec::new()).await?;
        self.read(response).await
    }

    pub(super) async fn get_only(&self, path: &str) -> Answer<()> {
        self.send(Method::GET, path, Vec::new()).await.map(drop)
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

    pub(super) async fn put(&self, path: &str, value: &impl Serialize) -> Answer<()> {
        self.send(Method::PUT, path, json(value)).await.map(drop)
    }

    pub(super) async fn patch<T: DeserializeOwned>(&self, path: &str, patch: &impl Serialize) -> Answer<T> {
        let response = self.send(Method::PATCH, path, json(patch)).await?;
        self.read(response).await
    }

    pub(super) async fn delete(&self, path: &str) -> Answer<()> {
        self.send(Method::DELETE, path, Vec::new()).await.map(drop)
    }

    pub(super) async fn stream<T>(&self, path: &str, query: &impl Serialize) -> Answer<BoxStream<'static, Answer<T>>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let response = self.send(Method::GET, &with_query(path, query), Vec::new()).await?;
        Ok(lines::decode(response.into_body(), self.clone()))
    }

    /// Sends one request on a connection of its own, and returns the answer if it is a yes.
    ///
    /// An answer may take long; a server that does not even answer a ping meanwhile is reported (C30).
    async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Answer<Response<Incoming>> {
        let response = async {
            let asked = self.ask(method, path, body);
            let mut asked = std::pin::pin!(asked);
            let mut pause = PAUSE;
            loop {
                tokio::select! {
                    answer = &mut asked => return answer,
                    () = tokio::time::sleep(pause) => self.check_that_it_lives().await?,
                }
                pause = LATER;
            }
        };
        let response = response.await?;
        if response.status().is_success() { Ok(response) } else { Err(self.refused(response).await) }
    }

    /// Asks whether anybody is there.
    ///
    /// Errors: nobody says so within a moment.
    pub(super) async fn check_that_it_lives(&self) -> Answer<()> {
        let ping = self.ask(Method::GET, "/v1/ping", Vec::new());
        match tokio::time::timeout(PING, ping).await {
            Ok(answer) => answer.map(drop),
            Err(_) => Err(ClientError::Silent { server: self.describe() }),
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Answer<Response<Incoming>> {
        let stream = self.place.connect().await.map_err(|error| self.unreachable(&error))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.broken(&error))?;
        // It ends with the answer's body, or when that is dropped.
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.place.host())
            .header(header::USER_AGENT, concat!("provost/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = self.place.token() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(bytes::Bytes::from(body))).map_err(|error| self.broken(&error))?;
        sender.send_request(request).await.map_err(|error| self.broken(&error))
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
        let server = self.describe();
        let is_remote = matches!(*self.place, Place::Remote { .. });
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused if !is_remote => ClientError::NotRunning {
                server,
                hint: "start one with `provost serve`, or name its socket with --server".to_owned(),
            },
            ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                let hint = "see whether it runs, and whether its configuration has `listen`".to_owned();
                ClientError::NotRunning { server, hint }
            }
            ErrorKind::PermissionDenied if !is_remote => ClientError::Denied {
                server,
                hint: "ask as root, or as a member of the socket's group (`ls -l` shows it)".to_owned(),
            },
            // A handshake that fails is told as this kind: a certificate that is not the expected one, mostly.
            ErrorKind::InvalidData if is_remote => ClientError::Unproven {
                server,
                why: error.to_string(),
                hint:
                    "compare with the fingerprint that `provost status` shows on the server: PROVOST_FINGERPRINT, or \
                    PROVOST_CA for the authority of its certificate"
                        .to_owned(),
            },
            _ => ClientError::Io { server, why: error.to_string() },
        }
    }

    pub(super) fn describe(&self) -> String {
        self.place.describe()
    }

    pub(super) fn broken(&self, why: &impl ToString) -> ClientError {
        ClientError::Io { server: self.describe(), why: why.to_string() }
    }

    pub(super) fn unreadable(&self, why: &impl ToString) -> ClientError {
        ClientError::Answer { server: self.describe(), why: why.to_string() }
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
