//! The client that the command line uses.

use std::path::{Path, PathBuf};

use futures_util::stream::BoxStream;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::wire::*;

mod lines;

/// A client of one server. Cheap to clone; each request opens a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Lines of output, as they come.
pub type LogStream = BoxStream<'static, Result<LogLine, ClientError>>;

/// Events, as they come.
pub type EventStream = BoxStream<'static, Result<EventItem, ClientError>>;

/// Why a request had no answer, or the wrong one.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens on the socket.
    #[error("no server answers on {}", socket.display())]
    NotRunning {
        /// The socket.
        socket: PathBuf,
        /// How to mend it.
        hint: String,
    },
    /// The socket may not be opened by whoever asks.
    #[error("{} may not be opened", socket.display())]
    Denied {
        /// The socket.
        socket: PathBuf,
        /// How to mend it.
        hint: String,
    },
    /// The server said no.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The connection broke.
    #[error("the connection to {} broke: {why}", socket.display())]
    Io {
        /// The socket.
        socket: PathBuf,
        /// What happened.
        why: String,
    },
    /// The answer could not be read: another version, or no Provost at all.
    #[error("{} gave an answer that could not be read: {why}", socket.display())]
    Answer {
        /// The socket.
        socket: PathBuf,
        /// What was wrong with it.
        why: String,
    },
}

impl ClientError {
    /// How to mend it, if that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NotRunning { hint, .. } | Self::Denied { hint, .. } => Some(hint),
            Self::Problem(problem) => problem.hint.as_deref(),
            Self::Io { .. } | Self::Answer { .. } => None,
        }
    }

    /// The problem that the server named, if it did.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }
}

type Answer<T> = Result<T, ClientError>;

impl Client {
    /// A client of the server that listens on `socket`.
    pub fn unix(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// How the server is.
    pub async fn status(&self) -> Answer<Status> {
        self.get("/v1/status", &()).await
    }

    /// Automations in force, by name.
    pub async fn automations(&self, query: &AutomationsQuery) -> Answer<Vec<AutomationItem>> {
        self.list("/v1/automations", query).await
    }

    /// Everything about one automation.
    pub async fn automation(&self, name: &str) -> Answer<AutomationDetail> {
        self.get(&path(&["automations", name]), &()).await
    }

    /// Runs, youngest first.
    pub async fn runs(&self, query: &RunsQuery) -> Answer<Vec<RunItem>> {
        self.list("/v1/runs", query).await
    }

    /// Everything about one run.
    pub async fn run(&self, run: &str) -> Answer<RunDetail> {
        self.get(&path(&["runs", run]), &()).await
    }

    /// The same, once the run is over, or after `wait_s` seconds (at most 300): `ended_at` tells which.
    pub async fn wait_for_run(&self, run: &str, wait_s: u64) -> Answer<RunDetail> {
        self.get(&path(&["runs", run]), &WaitQuery { wait: Some(wait_s) }).await
    }

    /// The output of a run; with `follow`, until it is over.
    pub async fn run_logs(&self, run: &str, query: &LogsQuery) -> Answer<LogStream> {
        self.stream(&path(&["runs", run, "logs"]), query).await
    }

    /// The output of an automation's last run; with `follow`, of later ones too.
    pub async fn automation_logs(&self, automation: &str, query: &LogsQuery) -> Answer<LogStream> {
        self.stream(&path(&["automations", automation, "logs"]), query).await
    }

    /// Outcomes of due times, youngest first.
    pub async fn outcomes(&self, query: &OutcomesQuery) -> Answer<Vec<OutcomeItem>> {
        self.list("/v1/outcomes", query).await
    }

    /// What happened, in order; with `follow`, without end.
    pub async fn events(&self, query: &EventsQuery) -> Answer<EventStream> {
        self.stream("/v1/events", query).await
    }

    /// Channels, by name.
    pub async fn channels(&self) -> Answer<Vec<ChannelItem>> {
        self.list("/v1/channels", &()).await
    }

    /// Plugins, in their order.
    pub async fn plugins(&self) -> Answer<Vec<PluginItem>> {
        self.list("/v1/plugins", &()).await
    }

    /// Policies, in their order.
    pub async fn policies(&self) -> Answer<Vec<PolicyItem>> {
        self.list("/v1/policies", &()).await
    }

    /// What happened to revisions, youngest first.
    pub async fn history(&self, query: &HistoryQuery) -> Answer<Vec<HistoryItem>> {
        self.list("/v1/history", query).await
    }

    /// Due times that will come, soonest first.
    pub async fn upcoming(&self, query: &UpcomingQuery) -> Answer<Vec<UpcomingItem>> {
        self.list("/v1/upcoming", query).await
    }

    /// Starts a run of `automation` now.
    pub async fn start_run(&self, automation: &str, request: &RunRequest) -> Answer<RunAccepted> {
        let request = RunRequest { request: with_id(&request.request), ..request.clone() };
        self.post(&path(&["automations", automation, "run"]), &request).await
    }

    /// Pauses `automation`.
    pub async fn pause(&self, automation: &str, request: &PauseRequest) -> Answer<()> {
        self.post_only(&path(&["automations", automation, "pause"]), request).await
    }

    /// Ends the pause of `automation`.
    pub async fn resume(&self, automation: &str) -> Answer<()> {
        self.post_only(&path(&["automations", automation, "resume"]), &Empty {}).await
    }

    /// Asks `run` to end. Returns when that is durable, not when it has ended.
    pub async fn stop_run(&self, run: &str) -> Answer<()> {
        self.post_only(&path(&["runs", run, "stop"]), &Empty {}).await
    }

    /// Runs again with the inputs of `run`.
    pub async fn retry_run(&self, run: &str, request: &RetryRequest) -> Answer<RunAccepted> {
        let request = RetryRequest { request: with_id(&request.request) };
        self.post(&path(&["runs", run, "retry"]), &request).await
    }

    /// Says that something happened.
    pub async fn fire(&self, request: &FireRequest) -> Answer<EventAccepted> {
        let request = FireRequest { request: with_id(&request.request), ..request.clone() };
        self.post("/v1/events", &request).await
    }

    /// Has the source's newest revision fetched and compiled, and returns what it would change. Changes nothing.
    pub async fn plan(&self) -> Answer<Proposal> {
        self.post("/v1/plan", &Empty {}).await
    }

    /// Applies the source's newest revision, and returns what was changed.
    pub async fn apply(&self, request: &ApplyRequest) -> Answer<Proposal> {
        self.post("/v1/apply", request).await
    }

    /// Applies an earlier revision and stays at it, and returns what was changed.
    pub async fn rollback(&self, request: &RollbackRequest) -> Answer<Proposal> {
        self.post("/v1/rollback", request).await
    }
}

impl Client {
    async fn get<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Answer<T> {
        let response = self.send(Method::GET, &with_query(path, query), Vec::new()).await?;
        self.read(response).await
    }

    async fn list<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Answer<Vec<T>> {
        Ok(self.get::<Listing<T>>(path, query).await?.items)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, request: &impl Serialize) -> Answer<T> {
        let response = self.send(Method::POST, path, json(request)).await?;
        self.read(response).await
    }

    async fn post_only(&self, path: &str, request: &impl Serialize) -> Answer<()> {
        self.send(Method::POST, path, json(request)).await.map(drop)
    }

    async fn stream<T>(&self, path: &str, query: &impl Serialize) -> Answer<BoxStream<'static, Answer<T>>>
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

/// `/v1/` and `segments`, each as it has to be written in a path: what people type may hold anything.
fn path(segments: &[&str]) -> String {
    const KEPT: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
    let segments = segments.iter().map(|segment| utf8_percent_encode(segment, KEPT).to_string());
    format!("/v1/{}", segments.collect::<Vec<_>>().join("/"))
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

/// The caller's id, or a new one, so that a request that is sent twice acts once.
fn with_id(given: &Option<String>) -> Option<String> {
    given.clone().or_else(|| Some(uuid::Uuid::now_v7().to_string()))
}
