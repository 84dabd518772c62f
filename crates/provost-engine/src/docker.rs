//! Docker Engine, and Podman through its compatible socket.

mod call;
mod container;
mod health;
mod image;
mod inside;
mod machine;
mod output;
mod progress;
mod seen;
mod trouble;
mod volume;
mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bollard::{API_DEFAULT_VERSION, Docker};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use provost_controller::{Engine, EngineError, EngineErrorKind, EngineFacts, OutputChunk, StepFolder};
use provost_model::{
    CallError, ContainerName, ContainerRequest, ContainerSeen, HealthCheck, Instance, PullPolicy, RunId, ServiceCall,
};
use serde::Deserialize;
use serde_json::Value;

use crate::wire::Wire;
use crate::{Habits, Host};

pub use machine::Machine;

/// How long a call may take that is not known to take longer, in seconds. Making containers is slow where a thousand are
/// due at once.
const CALL_S: u64 = 120;
/// How long an engine may take to say what it is.
const PROBE: Duration = Duration::from_secs(10);

/// An engine behind the Docker API, as one instance of Provost sees it.
///
/// Calls that change something go through `bollard`, with engine ids and checked names only; what is looked at is read
/// by hand, since `bollard` does not know all of Podman's words. Cheap to clone.
#[derive(Clone)]
pub struct DockerEngine {
    docker: Docker,
    wire: Wire,
    instance: Instance,
    /// Why this engine: `DOCKER_HOST`.
    why: String,
    podman: bool,
    init: Arc<AtomicBool>,
}

impl DockerEngine {
    /// Connects to the engine at `host`, for the containers of `instance`. `why` says who named that host.
    ///
    /// Errors: [`EngineErrorKind::Unavailable`] if it does not answer, [`EngineErrorKind::Refused`] if it is too old.
    pub async fn connect(host: Host, why: &str, instance: Instance) -> Result<Self, EngineError> {
        let wire = Wire::new(host.clone());
        let version = Version::ask(&wire).await?;
        version.check(&host)?;
        let docker = open(&host).await?;
        let init = Info::ask(&wire).await?.has_init();
        let podman = version.is_podman();
        Ok(Self { docker, wire, instance, why: why.to_owned(), podman, init: Arc::new(AtomicBool::new(init)) })
    }

    /// The same engine, as another instance sees it.
    #[must_use]
    pub fn for_instance(&self, instance: Instance) -> Self {
        Self { instance, ..self.clone() }
    }

    fn habits(&self) -> Habits {
        Habits { podman: self.podman, init: self.init.load(Ordering::Relaxed) }
    }

    /// A client whose calls may take `call_s` seconds until the answer begins.
    fn patient(&self, call_s: u64) -> Docker {
        self.docker.clone().with_timeout(Duration::from_secs(call_s))
    }
}

/// The client that changes things.
///
/// Its negotiation has no effect on the wire today and is wanted by its next release; that it cannot read what some
/// engine says of itself is no reason to do without that engine.
async fn open(host: &Host) -> Result<Docker, EngineError> {
    let address = host.to_string();
    let docker = match host {
        Host::Unix(_) => Docker::connect_with_unix(&address, CALL_S, API_DEFAULT_VERSION),
        Host::Tcp(_) => Docker::connect_with_http(&address, CALL_S, API_DEFAULT_VERSION),
    };
    let docker = docker.map_err(|error| trouble::say(&format!("connect to the engine at {host}"), error))?;
    Ok(docker.clone().negotiate_version().await.unwrap_or(docker))
}

/// What an engine says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    #[serde(default)]
    version: String,
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    components: Vec<Component>,
}

/// A part of an engine.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    #[serde(default)]
    name: String,
}

impl Version {
    async fn ask(wire: &Wire) -> Result<Self, EngineError> {
        let answer = wire.patience(PROBE).json("/version").await?;
        answer.ok_or_else(|| {
            let message =
                format!("what answers at {} is no container engine: it does not know its version", wire.host());
            EngineError::new(EngineErrorKind::Refused, message)
        })
    }

    fn is_podman(&self) -> bool {
        self.components.iter().any(|component| component.name.contains("Podman"))
    }

    fn product(&self) -> &'static str {
        if self.is_podman() { "Podman" } else { "Docker Engine" }
    }

    /// Docker 20.10 speaks 1.41; Podman says 1.40 or more, and does what is needed from 3.0 on.
    fn check(&self, host: &Host) -> Result<(), EngineError> {
        let needed = if self.is_podman() { 40 } else { 41 };
        let minor = self.api_version.strip_prefix("1.").and_then(|minor| minor.parse::<u32>().ok());
        if minor.is_none_or(|minor| minor >= needed) {
            return Ok(());
        }
        let (product, version) = (self.product(), &self.version);
        let message = format!("{product} {version} at {host} is too old; Docker Engine 20.10 or Podman 3 is needed");
        Err(EngineError::new(EngineErrorKind::Refused, message))
    }
}

/// What an engine says of its machine.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    #[serde(default)]
    init_commit: Commit,
}

/// The version of a helper program; `N/A` where there is none.
#[derive(Default, Deserialize)]
struct Commit {
    #[serde(default, rename = "ID")]
    id: String,
}

impl Info {
    async fn ask(wire: &Wire) -> Result<Self, EngineError> {
        let answer = wire.json("/info").await?;
        Ok(answer.unwrap_or(Self { init_commit: Commit::default() }))
    }

    /// Docker says `N/A` of an init program that it cannot run. Podman says nothing, and refuses the container.
    fn has_init(&self) -> bool {
        self.init_commit.id != "N/A"
    }
}

#[async_trait]
impl Engine for DockerEngine {
    async fn probe(&self) -> Result<EngineFacts, EngineError> {
        let version = Version::ask(&self.wire).await?;
        Ok(EngineFacts {
            product: version.product().to_owned(),
            version: version.version,
            address: format!("{} ({})", self.wire.host(), self.why),
        })
    }

    async fn list(&self, instance: &Instance) -> Result<Vec<ContainerSeen>, EngineError> {
        self.list_containers(instance).await
    }

    async fn inspect(&self, name: &ContainerName) -> Result<Option<ContainerSeen>, EngineError> {
        self.inspect_own(name).await
    }

    async fn watch(&self, instance: &Instance) -> Result<BoxStream<'static, ContainerName>, EngineError> {
        watch::watch(&self.wire, instance).await
    }

    async fn ensure_image(
        &self,
        image: &str,
        pull: PullPolicy,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<String, EngineError> {
        self.image(image, pull, progress).await
    }

    async fn create(&self, request: &ContainerRequest, folder: &StepFolder) -> Result<(), EngineError> {
        self.create_container(request, folder).await
    }

    async fn start(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.start_container(name).await
    }

    async fn check_health(&self, name: &ContainerName, check: &HealthCheck) -> Result<Result<(), String>, EngineError> {
        self.ask_health(name, check).await
    }

    async fn call_service(
        &self,
        name: &ContainerName,
        call: &ServiceCall,
    ) -> Result<Result<Value, CallError>, EngineError> {
        self.ask_service(name, call).await
    }

    async fn stop(&self, name: &ContainerName, grace_s: u64) -> Result<(), EngineError> {
        self.stop_container(name, grace_s).await
    }

    async fn remove(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.remove_container(name).await
    }

    async fn runs_with_volumes(&self) -> Result<Vec<RunId>, EngineError> {
        let volumes = self.volumes_of(None).await?;
        Ok(volumes.into_iter().filter_map(|volume| volume.run()).collect())
    }

    async fn remove_volumes(&self, run: &RunId) -> Result<(), EngineError> {
        self.remove_volumes_of(run).await
    }

    /// They may be others' too.
    async fn keep_images(&self, _needed: &BTreeSet<String>, _now: Timestamp) -> Result<usize, EngineError> {
        Ok(0)
    }

    async fn output(
        &self,
        name: &ContainerName,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<OutputChunk, EngineError>>, EngineError> {
        output::output(self, name, follow).await
    }

    async fn load(&self, archive: Bytes) -> Result<Vec<String>, EngineError> {
        self.load_archive(archive).await
    }
}
