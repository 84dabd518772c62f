//! The client that the command line uses.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::stream::BoxStream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::wire::*;

mod error;
mod lines;
mod place;
mod send;

use place::Place;

pub use error::ClientError;
pub use place::Remote;

/// A client of one server. Cheap to clone; each request opens a connection of its own.
#[derive(Clone)]
pub struct Client {
    place: Arc<Place>,
}

/// Lines of output, as they come.
pub type LogStream = BoxStream<'static, Result<LogLine, ClientError>>;

/// Events, as they come.
pub type EventStream = BoxStream<'static, Result<EventItem, ClientError>>;

type Answer<T> = Result<T, ClientError>;

impl Client {
    /// A client of the server that listens on `socket`.
    pub fn unix(socket: impl Into<PathBuf>) -> Self {
        Self { place: Arc::new(Place::Local { socket: socket.into() }) }
    }

    /// A client of a server on another machine. Nobody has looked whether it answers.
    ///
    /// Errors: what is wrong with what is said about it.
    pub fn remote(remote: Remote) -> Result<Self, ClientError> {
        Ok(Self { place: Arc::new(Place::remote(remote)?) })
    }

    /// How the server is.
    pub async fn status(&self) -> Answer<Status> {
        self.get("/v1/status", &()).await
    }

    /// Whether anybody is there.
    pub async fn ping(&self) -> Answer<()> {
        self.get_only("/v1/ping").await
    }

    /// What whoever asks may do.
    pub async fn permissions(&self) -> Answer<Permissions> {
        self.get("/v1/permissions", &()).await
    }

    /// Tokens, by name.
    pub async fn tokens(&self) -> Answer<Vec<TokenItem>> {
        self.list("/v1/tokens", &()).await
    }

    /// Makes a token.
    pub async fn make_token(&self, request: &TokenRequest) -> Answer<TokenMade> {
        self.post("/v1/tokens", request).await
    }

    /// From now on, token `name` is good for nothing.
    pub async fn revoke_token(&self, name: &str) -> Answer<()> {
        self.post_only(&path(&["tokens", name, "revoke"]), &Empty {}).await
    }

    /// Automations in force, by name.
    pub async fn automations(&self, query: &AutomationsQuery) -> Answer<Vec<AutomationItem>> {
        self.list("/v1/automations", query).await
    }

    /// Everything about one automation.
    pub async fn automation(&self, name: &str) -> Answer<AutomationDetail> {
        self.get(&path(&["automations", name]), &()).await
    }

    /// Services in force, by name.
    pub async fn services(&self) -> Answer<Vec<ServiceItem>> {
        self.list("/v1/services", &()).await
    }

    /// Everything about one service.
    pub async fn service(&self, name: &str) -> Answer<ServiceDetail> {
        self.get(&path(&["services", name]), &()).await
    }

    /// Starts a service that was stopped, or that ended.
    pub async fn start_service(&self, name: &str) -> Answer<()> {
        self.post_only(&path(&["services", name, "start"]), &Empty {}).await
    }

    /// Takes a service down. Returns when that is durable, not when it has ended.
    pub async fn stop_service(&self, name: &str) -> Answer<()> {
        self.post_only(&path(&["services", name, "stop"]), &Empty {}).await
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

    /// The output of the hooks of an event that is no run's own, so far; it cannot be followed.
    pub async fn event_logs(&self, event: &str, query: &LogsQuery) -> Answer<LogStream> {
        self.stream(&path(&["events", event, "logs"]), query).await
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

    /// Sources that manifests refer to, by name.
    pub async fn sources(&self) -> Answer<Vec<SourceCopyItem>> {
        self.list("/v1/sources", &()).await
    }

    /// Has the copy of a source thrown away and made anew.
    pub async fn reset_source(&self, source: &str) -> Answer<()> {
        self.post_only(&path(&["sources", source, "reset"]), &Empty {}).await
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

    /// Actions that can be called, of one application or of all.
    pub async fn actions(&self, application: Option<&str>) -> Answer<Vec<ActionItem>> {
        match application {
            Some(application) => self.list(&path(&["apps", application, "actions"]), &()).await,
            None => self.list("/v1/actions", &()).await,
        }
    }

    /// An action and its parameters.
    pub async fn action(&self, application: &str, name: &str) -> Answer<ActionItem> {
        self.get(&path(&["apps", application, "actions", name]), &()).await
    }

    /// Starts an action.
    pub async fn call(&self, application: &str, name: &str, request: &CallRequest) -> Answer<CallAccepted> {
        let request = CallRequest { job: with_id(&request.job), ..request.clone() };
        self.post(&path(&["apps", application, "actions", name]), &request).await
    }

    /// How a call of an action goes.
    pub async fn job(&self, job: &str, query: &JobQuery) -> Answer<JobDetail> {
        self.get(&path(&["jobs", job]), query).await
    }

    /// Skills that may be called, by name.
    pub async fn skills(&self) -> Answer<Vec<SkillItem>> {
        self.list("/v1/skills", &()).await
    }

    /// Calls a skill, and returns what it has answered.
    pub async fn call_skill(&self, name: &str, call: &SkillCall) -> Answer<SkillResult> {
        let call = SkillCall { request: with_id(&call.request), ..call.clone() };
        self.post(&path(&["skills", name]), &call).await
    }

    /// Calls a skill on several servers, and returns what each has answered.
    pub async fn call_skill_on(&self, name: &str, call: &SkillCallOn) -> Answer<SkillResults> {
        let call = SkillCallOn { request: with_id(&call.request), ..call.clone() };
        self.post(&path(&["skills", name, "servers"]), &call).await
    }

    /// Documents, by name.
    pub async fn documents(&self) -> Answer<Vec<DocumentItem>> {
        self.list("/v1/documents", &()).await
    }

    /// What a document is.
    pub async fn document(&self, name: &str) -> Answer<Value> {
        self.get(&path(&["documents", name]), &()).await
    }

    /// Writes a document, whole.
    pub async fn write_document(&self, name: &str, value: &Value) -> Answer<()> {
        self.put(&path(&["documents", name]), value).await
    }

    /// Changes a document by a JSON patch (RFC 6902), and returns what it is then.
    pub async fn patch_document(&self, name: &str, patch: &[PatchOperation]) -> Answer<Value> {
        self.patch(&path(&["documents", name]), &patch).await
    }

    /// Removes a document.
    pub async fn remove_document(&self, name: &str) -> Answer<()> {
        self.delete(&path(&["documents", name])).await
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

/// `/v1/` and `segments`, each as it has to be written in a path: what people type may hold anything.
fn path(segments: &[&str]) -> String {
    const KEPT: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
    let segments = segments.iter().map(|segment| utf8_percent_encode(segment, KEPT).to_string());
    format!("/v1/{}", segments.collect::<Vec<_>>().join("/"))
}

/// The caller's id, or a new one, so that a request that is sent twice acts once.
fn with_id(given: &Option<String>) -> Option<String> {
    given.clone().or_else(|| Some(uuid::Uuid::now_v7().to_string()))
}
