//! The server's engine: looked for when it is needed, so that a server that starts before its engine waits for it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use provost_controller::{Engine, EngineError, EngineErrorKind, EngineFacts, OutputChunk, StepFolder};
use provost_direct::{DirectEngine, ShimProgram, rootless};
use provost_model::{
    CallError, ContainerName, ContainerRequest, ContainerSeen, HealthCheck, Instance, PullPolicy, RunId, ServiceCall,
};
use provost_oci::ImageStore;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::choice::{self, Found};
use crate::config::EngineChoice;
use crate::exit::Failure;

/// An engine that may not be there yet. Once found, it stays the same one.
pub struct LateEngine {
    choice: EngineChoice,
    instance: Instance,
    found: OnceCell<Arc<dyn Engine>>,
}

impl LateEngine {
    /// The engine that was chosen, for the containers of `instance`.
    pub fn new(choice: EngineChoice, instance: Instance) -> Self {
        Self { choice, instance, found: OnceCell::new() }
    }

    async fn engine(&self) -> Result<&Arc<dyn Engine>, EngineError> {
        self.found.get_or_try_init(|| self.find()).await
    }

    async fn find(&self) -> Result<Arc<dyn Engine>, EngineError> {
        let found = choice::find(&self.choice, &self.instance).await?;
        choice::remember(&self.choice, &found)?;
        Ok(match found {
            Found::Docker(engine) => Arc::new(engine),
            Found::Direct(folder) => Arc::new(open_direct(&folder, &self.instance)?),
        })
    }
}

/// The argument that makes this program the process beside a container.
pub const SHIM: &str = "shim";

/// Opens the engine without a daemon that is in `folder`, with its images. Its shims are this same program, also when its
/// file was replaced meanwhile.
pub fn open_direct(folder: &Path, instance: &Instance) -> Result<DirectEngine, EngineError> {
    let images = ImageStore::open(folder.join("images")).map_err(|error| {
        let message = format!("cannot open the images of the direct engine: {error}");
        EngineError::new(EngineErrorKind::Unavailable, message)
    })?;
    DirectEngine::open(folder, images, shim(), instance.clone())
}

fn shim() -> ShimProgram {
    ShimProgram { program: "/proc/self/exe".into(), args: vec![SHIM.into()] }
}

/// Makes this process root of a user namespace of its own, if it is to run containers itself and is not root. It must have
/// one thread only.
pub fn do_without_root(choice: &EngineChoice) -> Result<(), Failure> {
    match choice {
        EngineChoice::Direct { folder, rootless: true } => rootless::enter(folder, &shim()).map_err(Failure::no),
        _ => Ok(()),
    }
}

/// What tells engines apart that one machine has; absent for the one that is looked for.
pub fn engine_name(choice: &EngineChoice) -> Option<String> {
    match choice {
        EngineChoice::Docker(host) => host.clone(),
        EngineChoice::Direct { folder, .. } => Some(format!("direct:{}", folder.display())),
        EngineChoice::Any { .. } => None,
    }
}

#[async_trait]
impl Engine for LateEngine {
    async fn probe(&self) -> Result<EngineFacts, EngineError> {
        self.engine().await?.probe().await
    }

    async fn list(&self, instance: &Instance) -> Result<Vec<ContainerSeen>, EngineError> {
        self.engine().await?.list(instance).await
    }

    async fn inspect(&self, name: &ContainerName) -> Result<Option<ContainerSeen>, EngineError> {
        self.engine().await?.inspect(name).await
    }

    async fn watch(&self, instance: &Instance) -> Result<BoxStream<'static, ContainerName>, EngineError> {
        self.engine().await?.watch(instance).await
    }

    async fn ensure_image(
        &self,
        image: &str,
        pull: PullPolicy,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<String, EngineError> {
        self.engine().await?.ensure_image(image, pull, progress).await
    }

    async fn create(&self, request: &ContainerRequest, folder: &StepFolder) -> Result<(), EngineError> {
        self.engine().await?.create(request, folder).await
    }

    async fn start(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.engine().await?.start(name).await
    }

    async fn check_health(&self, name: &ContainerName, check: &HealthCheck) -> Result<Result<(), String>, EngineError> {
        self.engine().await?.check_health(name, check).await
    }

    async fn call_service(
        &self,
        name: &ContainerName,
        call: &ServiceCall,
    ) -> Result<Result<Value, CallError>, EngineError> {
        self.engine().await?.call_service(name, call).await
    }

    async fn stop(&self, name: &ContainerName, grace_s: u64) -> Result<(), EngineError> {
        self.engine().await?.stop(name, grace_s).await
    }

    async fn remove(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.engine().await?.remove(name).await
    }

    async fn runs_with_volumes(&self) -> Result<Vec<RunId>, EngineError> {
        self.engine().await?.runs_with_volumes().await
    }

    async fn remove_volumes(&self, run: &RunId) -> Result<(), EngineError> {
        self.engine().await?.remove_volumes(run).await
    }

    async fn keep_images(&self, needed: &BTreeSet<String>, now: Timestamp) -> Result<usize, EngineError> {
        self.engine().await?.keep_images(needed, now).await
    }

    async fn output(
        &self,
        name: &ContainerName,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<OutputChunk, EngineError>>, EngineError> {
        self.engine().await?.output(name, follow).await
    }

    async fn load(&self, archive: bytes::Bytes) -> Result<Vec<String>, EngineError> {
        self.engine().await?.load(archive).await
    }
}

/// The engine of a server, with its image folder if it has one.
pub fn engine(choice: EngineChoice, instance: Instance, images: Option<std::path::PathBuf>) -> Arc<dyn Engine> {
    let engine: Arc<dyn Engine> = Arc::new(LateEngine::new(choice, instance));
    match images {
        Some(folder) => Arc::new(crate::images::ImageFolder::new(engine, folder)),
        None => engine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_engine_that_is_not_there_may_come() {
        let folder = tempfile::tempdir().unwrap();
        let host = format!("unix://{}", folder.path().join("none.sock").display());
        let engine = engine(EngineChoice::Docker(Some(host.clone())), Instance::parse("t").unwrap(), None);
        let error = engine.probe().await.unwrap_err();
        assert!(error.may_pass(), "{error}");
        assert!(error.message.contains(&host), "{error}");
    }
}
