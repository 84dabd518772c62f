//! A folder of image archives beside an engine: an image that a manifest names and that lies there is loaded from there.
//!
//! Every `*.tar` in the folder is a Docker or OCI archive that says which images it holds. What lies there is what is
//! meant: an engine's image of the same name with another id is replaced, so that exchanging an archive exchanges the
//! image. The folder is looked at each time that an image is needed.

mod archive;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use provost_controller::{Engine, EngineError, EngineErrorKind, EngineFacts, OutputChunk, StepFolder};
use provost_model::{
    CallError, ContainerName, ContainerRequest, ContainerSeen, HealthCheck, Instance, PullPolicy, RunId, ServiceCall,
};
use serde_json::Value;
use tokio::sync::Mutex;

use archive::{Contents, Shelf};

/// Whether an archive in `folder` holds `image`.
pub fn holds(folder: &std::path::Path, image: &str) -> bool {
    Shelf::default().find(folder, image).is_some()
}

/// An engine with a folder of image archives.
pub struct ImageFolder {
    engine: Arc<dyn Engine>,
    folder: PathBuf,
    shelf: Arc<std::sync::Mutex<Shelf>>,
    /// Held while an archive is loaded: whoever waits finds the image there.
    loading: Mutex<()>,
}

impl ImageFolder {
    /// `engine`, with the archives in `folder`.
    pub fn new(engine: Arc<dyn Engine>, folder: PathBuf) -> Self {
        Self { engine, folder, shelf: Arc::default(), loading: Mutex::new(()) }
    }

    /// The archive that holds `image`, if one does.
    async fn find(&self, image: &str) -> Option<(PathBuf, Contents)> {
        let (shelf, folder, image) = (Arc::clone(&self.shelf), self.folder.clone(), image.to_owned());
        tokio::task::spawn_blocking(move || locked(&shelf).find(&folder, &image)).await.unwrap_or_default()
    }

    /// The digest of `image`, if the engine has it just as `contents` says.
    async fn loaded(&self, image: &str, contents: &Contents) -> Result<Option<String>, EngineError> {
        match self.engine.ensure_image(image, PullPolicy::Never, &|_| {}).await {
            Ok(digest) => Ok(contents.ids.contains(&digest).then_some(digest)),
            Err(error) if error.kind == EngineErrorKind::Unavailable => Err(error),
            Err(_) => Ok(None),
        }
    }
}

fn locked(shelf: &std::sync::Mutex<Shelf>) -> std::sync::MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[async_trait]
impl Engine for ImageFolder {
    async fn ensure_image(
        &self,
        image: &str,
        pull: PullPolicy,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<String, EngineError> {
        let Some((path, contents)) = self.find(image).await else {
            return self.engine.ensure_image(image, pull, progress).await;
        };
        if let Some(digest) = self.loaded(image, &contents).await? {
            return Ok(digest);
        }
        let _turn = self.loading.lock().await;
        if let Some(digest) = self.loaded(image, &contents).await? {
            return Ok(digest);
        }
        progress(format!("loading {image} from {}", path.display()));
        let bytes = tokio::fs::read(&path).await.map_err(|error| {
            EngineError::new(EngineErrorKind::Refused, format!("{} cannot be read: {error}", path.display()))
        })?;
        self.engine.load(bytes.into()).await?;
        let digest = self.engine.ensure_image(image, PullPolicy::Never, progress).await?;
        locked(&self.shelf).learn(&path, &digest);
        Ok(digest)
    }

    async fn probe(&self) -> Result<EngineFacts, EngineError> {
        self.engine.probe().await
    }

    async fn list(&self, instance: &Instance) -> Result<Vec<ContainerSeen>, EngineError> {
        self.engine.list(instance).await
    }

    async fn inspect(&self, name: &ContainerName) -> Result<Option<ContainerSeen>, EngineError> {
        self.engine.inspect(name).await
    }

    async fn watch(&self, instance: &Instance) -> Result<BoxStream<'static, ContainerName>, EngineError> {
        self.engine.watch(instance).await
    }

    async fn create(&self, request: &ContainerRequest, folder: &StepFolder) -> Result<(), EngineError> {
        self.engine.create(request, folder).await
    }

    async fn start(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.engine.start(name).await
    }

    async fn check_health(&self, name: &ContainerName, check: &HealthCheck) -> Result<Result<(), String>, EngineError> {
        self.engine.check_health(name, check).await
    }

    async fn call_service(
        &self,
        name: &ContainerName,
        call: &ServiceCall,
    ) -> Result<Result<Value, CallError>, EngineError> {
        self.engine.call_service(name, call).await
    }

    async fn stop(&self, name: &ContainerName, grace_s: u64) -> Result<(), EngineError> {
        self.engine.stop(name, grace_s).await
    }

    async fn remove(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.engine.remove(name).await
    }

    async fn runs_with_volumes(&self) -> Result<Vec<RunId>, EngineError> {
        self.engine.runs_with_volumes().await
    }

    async fn remove_volumes(&self, run: &RunId) -> Result<(), EngineError> {
        self.engine.remove_volumes(run).await
    }

    async fn keep_images(&self, needed: &BTreeSet<String>, now: Timestamp) -> Result<usize, EngineError> {
        self.engine.keep_images(needed, now).await
    }

    async fn output(
        &self,
        name: &ContainerName,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<OutputChunk, EngineError>>, EngineError> {
        self.engine.output(name, follow).await
    }

    async fn load(&self, archive: bytes::Bytes) -> Result<Vec<String>, EngineError> {
        self.engine.load(archive).await
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use provost_engine::{Call, ImageState, ScriptedEngine};

    use super::*;

    const IMAGE: &str = "provost/tool:1";

    /// An engine that lacks [`IMAGE`], with a folder that has it.
    fn engine(folder: &Path) -> (ScriptedEngine, ImageFolder) {
        let recipe = r#"{"name": "provost/tool", "entrypoint": ["/tool"], "files": [{"path": "tool", "mode": "0755", "from": "tool"}]}"#;
        let packed = provost_image::Recipe::parse(recipe).unwrap().pack("1", |_| Ok(b"program".to_vec())).unwrap();
        std::fs::write(folder.join("tool.tar"), packed.bytes).unwrap();
        let scripted = ScriptedEngine::new(Instance::parse("t").unwrap(), jiff::Timestamp::UNIX_EPOCH);
        for image in [IMAGE, "other:1"] {
            scripted.set_image(image, ImageState::Nowhere);
        }
        (scripted.clone(), ImageFolder::new(Arc::new(scripted), folder.to_owned()))
    }

    #[tokio::test]
    async fn an_image_that_the_engine_lacks_is_loaded_once() {
        let folder = tempfile::tempdir().unwrap();
        let (scripted, engine) = engine(folder.path());
        let said = std::sync::Mutex::new(Vec::new());
        let progress = |line: String| said.lock().unwrap().push(line);
        for _ in 0..2 {
            engine.ensure_image(IMAGE, PullPolicy::IfNotPresent, &progress).await.unwrap();
        }
        let loads = scripted.take_calls().into_iter().filter(|called| called.call == Call::Load).count();
        assert_eq!(loads, 1);
        let said = said.into_inner().unwrap();
        assert!(said.len() == 1 && said[0].contains("tool.tar"), "{said:?}");
    }

    #[tokio::test]
    async fn an_archive_replaces_what_the_engine_had_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let (scripted, engine) = engine(folder.path());
        scripted.set_image(IMAGE, ImageState::Local);
        engine.ensure_image(IMAGE, PullPolicy::IfNotPresent, &|_| {}).await.unwrap();
        let loads = scripted.take_calls().into_iter().filter(|called| called.call == Call::Load).count();
        assert_eq!(loads, 1);
    }

    #[tokio::test]
    async fn an_image_that_nobody_has_is_the_engines_to_refuse() {
        let folder = tempfile::tempdir().unwrap();
        let (scripted, engine) = engine(folder.path());
        let refused = engine.ensure_image("other:1", PullPolicy::IfNotPresent, &|_| {}).await.unwrap_err();
        let without = scripted.ensure_image("other:1", PullPolicy::IfNotPresent, &|_| {}).await.unwrap_err();
        assert_eq!(refused, without);
    }

    #[tokio::test]
    async fn an_image_that_is_always_pulled_may_come_from_the_folder_too() {
        let folder = tempfile::tempdir().unwrap();
        let (_, engine) = engine(folder.path());
        engine.ensure_image(IMAGE, PullPolicy::Always, &|_| {}).await.unwrap();
    }
}
