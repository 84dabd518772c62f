//! What runs containers.

use std::collections::BTreeSet;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use provost_model::{
    CallError, ContainerName, ContainerRequest, ContainerSeen, HealthCheck, Instance, PullPolicy, RunId, ServiceCall,
};
use serde_json::Value;

use crate::HandedOut;

/// A container engine. Only containers that carry the instance's label are ever shown or touched (C6).
#[async_trait]
pub trait Engine: Send + Sync {
    /// Returns what it is and that it answers.
    async fn probe(&self) -> Result<EngineFacts, EngineError>;

    /// Returns every container of `instance`, ended ones too, in any order.
    async fn list(&self, instance: &Instance) -> Result<Vec<ContainerSeen>, EngineError>;

    /// Returns one container, or nothing if there is none of that name.
    async fn inspect(&self, name: &ContainerName) -> Result<Option<ContainerSeen>, EngineError>;

    /// Returns names of containers of `instance` that started, ended or went, as it happens.
    ///
    /// A name is only a wake-up, and may come twice; what [`Engine::inspect`] shows is the truth. The stream ends when
    /// the engine goes away.
    async fn watch(&self, instance: &Instance) -> Result<BoxStream<'static, ContainerName>, EngineError>;

    /// Makes sure that the engine has `image`, and returns its digest (`sha256:…`).
    ///
    /// `progress` hears of a pull while it goes on, one sentence at a time.
    async fn ensure_image(
        &self,
        image: &str,
        pull: PullPolicy,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<String, EngineError>;

    /// Makes the container, not started. One that exists is adopted if it carries the request's own labels, and is a
    /// [`EngineErrorKind::Conflict`] otherwise (R3).
    async fn create(&self, request: &ContainerRequest, folder: &StepFolder) -> Result<(), EngineError>;

    /// Starts a container that was made. One that has started already is left as it is.
    async fn start(&self, name: &ContainerName) -> Result<(), EngineError>;

    /// Asks a container that runs whether it does its work; an answer within `check.timeout_s` seconds is good, or says in
    /// one clause why it is not.
    async fn check_health(&self, name: &ContainerName, check: &HealthCheck) -> Result<Result<(), String>, EngineError>;

    /// Calls a service in the container `name` that runs, and returns its result, or its error; the call is made once.
    async fn call_service(
        &self,
        name: &ContainerName,
        call: &ServiceCall,
    ) -> Result<Result<Value, CallError>, EngineError>;

    /// Sends SIGTERM, and SIGKILL after `grace_s` seconds; returns when the container has ended, or is gone.
    async fn stop(&self, name: &ContainerName, grace_s: u64) -> Result<(), EngineError>;

    /// Removes the container, by force if it runs. One that is gone is no error.
    async fn remove(&self, name: &ContainerName) -> Result<(), EngineError>;

    /// Returns the runs that have volumes of their own.
    async fn runs_with_volumes(&self) -> Result<Vec<RunId>, EngineError>;

    /// Removes the volumes that are `run`'s own. One that a container still has stays, and is an error that may pass.
    async fn remove_volumes(&self, run: &RunId) -> Result<(), EngineError>;

    /// Says which images this instance needs at `now`, by name or digest; called now and again. An engine whose images are
    /// its own takes those away, some time later, that nobody needs any more, and returns how many; those of Docker are
    /// their owner's care.
    async fn keep_images(&self, needed: &BTreeSet<String>, now: Timestamp) -> Result<usize, EngineError>;

    /// Returns the container's output from its beginning; with `follow`, until it ends.
    async fn output(
        &self,
        name: &ContainerName,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<OutputChunk, EngineError>>, EngineError>;

    /// Loads an OCI or Docker archive and returns the names of the images in it.
    async fn load(&self, archive: Bytes) -> Result<Vec<String>, EngineError>;
}

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineFacts {
    /// `Docker Engine`, `Podman` or `Provost direct`.
    pub product: String,
    /// Its version.
    pub version: String,
    /// Where it was found: `unix:///var/run/docker.sock (DOCKER_HOST)`.
    pub address: String,
}

/// Where a step's files are on the host, and what it gets besides.
#[derive(Clone, Debug)]
pub struct StepFolder {
    /// Mounted read-only as `/provost/run`: where the container's socket is, if it may ask the server.
    pub run: Option<PathBuf>,
    /// Mounted read-only as `/provost/event.json`.
    pub event: PathBuf,
    /// Mounted as `/provost/out`; any user may write to it.
    pub out: PathBuf,
    /// Its secrets: files that are mounted read-only, and variables.
    pub secrets: HandedOut,
}

/// A piece of a container's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputChunk {
    /// Which stream.
    pub stream: OutputStream,
    /// When the engine got it.
    pub at: Timestamp,
    /// The bytes, up to and with a line's end; a long line comes in several chunks.
    pub bytes: Bytes,
}

/// Standard output or standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Why an engine did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// What sort of failure.
    pub kind: EngineErrorKind,
    /// What happened, with the container or image.
    pub message: String,
}

/// Sorts of failure, by what can be done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineErrorKind {
    /// The engine or a registry did not answer, or answered that it cannot at the moment: waiting may help.
    Unavailable,
    /// What was named is not there.
    NotFound,
    /// An earlier start of it got stuck half way: whether it ran, the engine does not know, and it never will run again.
    Stuck,
    /// The name is taken by a container that is not the one that was asked for.
    Conflict,
    /// It will never do that: a wrong image, an option that it does not know, a program that is not in the image.
    Refused,
}

impl EngineError {
    /// An error of `kind`.
    pub fn new(kind: EngineErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Whether waiting may help. Whether to wait is the planner's decision.
    pub fn may_pass(&self) -> bool {
        self.kind == EngineErrorKind::Unavailable
    }
}
