//! A folder of image archives beside an engine: an image that a manifest names and the engine lacks is loaded from there.
//!
//! Every `*.tar` in the folder is a Docker or OCI archive that says which images it holds. The folder is looked at when
//! an image is missing, so that an archive can be put there while the server runs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use provost_controller::{
    Engine, EngineError, EngineErrorKind, EngineFacts, OutputChunk, StepFolder,
};
use provost_model::{ContainerName, ContainerRequest, ContainerSeen, Instance, PullPolicy};
use serde_json::Value;

/// The largest index of an archive that is read, in bytes.
const INDEX_MAX: u64 = 1024 * 1024;

/// An engine with a folder of image archives.
pub struct ImageFolder {
    engine: Arc<dyn Engine>,
    folder: PathBuf,
}

impl ImageFolder {
    /// `engine`, with the archives in `folder`.
    pub fn new(engine: Arc<dyn Engine>, folder: PathBuf) -> Self {
        Self { engine, folder }
    }

    /// Loads the archive that holds `image`; returns whether there was one.
    async fn load_from_folder(
        &self,
        image: &str,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<bool, EngineError> {
        let folder = self.folder.clone();
        let images = tokio::task::spawn_blocking(move || archives(&folder))
            .await
            .unwrap_or_default();
        let Some(path) = images.get(&with_tag(image)) else {
            return Ok(false);
        };
        progress(format!("loading {image} from {}", path.display()));
        let bytes = tokio::fs::read(path).await.map_err(|error| {
            EngineError::new(
                EngineErrorKind::Refused,
                format!("{} cannot be read: {error}", path.display()),
            )
        })?;
        self.engine.load(bytes.into()).await?;
        Ok(true)
    }
}

#[async_trait]
impl Engine for ImageFolder {
    async fn ensure_image(
        &self,
        image: &str,
        pull: PullPolicy,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<String, EngineError> {
        // Nothing is pulled before the folder was looked into: what lies there is what is meant.
        if pull != PullPolicy::Always {
            match self
                .engine
                .ensure_image(image, PullPolicy::Never, progress)
                .await
            {
                Err(error) if error.kind != EngineErrorKind::Unavailable => {}
                answer => return answer,
            }
        }
        match self.load_from_folder(image, progress).await? {
            true => {
                self.engine
                    .ensure_image(image, PullPolicy::Never, progress)
                    .await
            }
            false => self.engine.ensure_image(image, pull, progress).await,
        }
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

    async fn watch(
        &self,
        instance: &Instance,
    ) -> Result<BoxStream<'static, ContainerName>, EngineError> {
        self.engine.watch(instance).await
    }

    async fn create(
        &self,
        request: &ContainerRequest,
        folder: &StepFolder,
    ) -> Result<(), EngineError> {
        self.engine.create(request, folder).await
    }

    async fn start(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.engine.start(name).await
    }

    async fn stop(&self, name: &ContainerName, grace_s: u64) -> Result<(), EngineError> {
        self.engine.stop(name, grace_s).await
    }

    async fn remove(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.engine.remove(name).await
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

/// The images in the archives of `folder`, and which archive holds each.
fn archives(folder: &Path) -> BTreeMap<String, PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "the image folder cannot be read");
            return BTreeMap::new();
        }
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "tar"));
    paths.sort();
    let mut images = BTreeMap::new();
    for path in paths {
        match images_of(&path) {
            Ok(names) => images.extend(
                names
                    .into_iter()
                    .map(|name| (with_tag(&name), path.clone())),
            ),
            Err(error) => tracing::warn!(archive = %path.display(), %error, "not an image archive"),
        }
    }
    images
}

/// The images that the archive at `path` says it holds.
fn images_of(path: &Path) -> io::Result<Vec<String>> {
    let mut archive = tar::Archive::new(File::open(path)?);
    let mut names = Vec::new();
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let inside = entry
            .path()?
            .to_string_lossy()
            .trim_start_matches("./")
            .to_owned();
        if inside != "manifest.json" && inside != "index.json" {
            continue;
        }
        let index: Value =
            serde_json::from_reader(entry.take(INDEX_MAX)).map_err(io::Error::other)?;
        names.extend(if inside == "manifest.json" {
            docker_names(&index)
        } else {
            oci_names(&index)
        });
    }
    names.sort();
    names.dedup();
    if names.is_empty() {
        Err(io::Error::other("it names no image"))
    } else {
        Ok(names)
    }
}

/// `[{"RepoTags": ["provost/toolbox:0.1.0"]}]`
fn docker_names(index: &Value) -> Vec<String> {
    let images = index.as_array().into_iter().flatten();
    let tags = images
        .filter_map(|image| image["RepoTags"].as_array())
        .flatten();
    tags.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The names that OCI tools write; a name that is a tag alone names no image.
fn oci_names(index: &Value) -> Vec<String> {
    let images = index["manifests"].as_array().into_iter().flatten();
    let key = |image: &Value, key: &str| image["annotations"][key].as_str().map(str::to_owned);
    let names = images.filter_map(|image| {
        key(image, "io.containerd.image.name")
            .or_else(|| key(image, "org.opencontainers.image.ref.name"))
    });
    names.filter(|name| name.contains([':', '/'])).collect()
}

/// `image` in one way of writing: with its tag, and without the registry that Docker assumes.
fn with_tag(image: &str) -> String {
    let short = image.strip_prefix("docker.io/").unwrap_or(image);
    let short = short.strip_prefix("library/").unwrap_or(short);
    let last = short.rsplit('/').next().unwrap_or(short);
    if last.contains([':', '@']) {
        short.to_owned()
    } else {
        format!("{short}:latest")
    }
}

#[cfg(test)]
mod tests {
    use provost_engine::{Call, ImageState, ScriptedEngine};

    use super::*;

    fn archive(folder: &Path, file: &str, index: &str, json: &str) {
        let mut tar = tar::Builder::new(File::create(folder.join(file)).unwrap());
        for (name, content) in [("blobs/sha256/aa", "layer"), (index, json)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, content.as_bytes())
                .unwrap();
        }
        tar.finish().unwrap();
    }

    #[test]
    fn the_archives_of_a_folder_are_known_by_their_images() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        archive(
            path,
            "a.tar",
            "manifest.json",
            r#"[{"RepoTags": ["provost/toolbox:0.1.0", "provost/toolbox:latest"]}]"#,
        );
        let oci = r#"{"manifests": [{"annotations": {"io.containerd.image.name": "docker.io/library/busybox:1.36", "org.opencontainers.image.ref.name": "1.36"}}]}"#;
        archive(path, "b.tar", "./index.json", oci);
        archive(path, "c.tar", "manifest.json", "[]");
        std::fs::write(path.join("d.tar"), "no archive").unwrap();
        std::fs::write(path.join("notes.txt"), "").unwrap();
        let images = archives(path);
        let found: Vec<(&str, &str)> = images
            .iter()
            .map(|(image, path)| (image.as_str(), path.file_name().unwrap().to_str().unwrap()))
            .collect();
        let expected = [
            ("busybox:1.36", "b.tar"),
            ("provost/toolbox:0.1.0", "a.tar"),
            ("provost/toolbox:latest", "a.tar"),
        ];
        assert_eq!(found, expected);
    }

    const IMAGE: &str = "provost/tool:1";

    /// An engine that lacks [`IMAGE`], with a folder that has it.
    fn engine(folder: &Path) -> (ScriptedEngine, ImageFolder) {
        let recipe = r#"{"name": "provost/tool", "entrypoint": ["/tool"], "files": [{"path": "tool", "mode": "0755", "from": "tool"}]}"#;
        let packed = provost_image::Recipe::parse(recipe)
            .unwrap()
            .pack("1", |_| Ok(b"program".to_vec()))
            .unwrap();
        std::fs::write(folder.join("tool.tar"), packed.bytes).unwrap();
        let scripted =
            ScriptedEngine::new(Instance::parse("t").unwrap(), jiff::Timestamp::UNIX_EPOCH);
        for image in [IMAGE, "other:1"] {
            scripted.set_image(image, ImageState::Nowhere);
        }
        (
            scripted.clone(),
            ImageFolder::new(Arc::new(scripted), folder.to_owned()),
        )
    }

    #[tokio::test]
    async fn an_image_that_the_engine_lacks_is_loaded_once() {
        let folder = tempfile::tempdir().unwrap();
        let (scripted, engine) = engine(folder.path());
        let said = std::sync::Mutex::new(Vec::new());
        let progress = |line: String| said.lock().unwrap().push(line);
        for _ in 0..2 {
            engine
                .ensure_image(IMAGE, PullPolicy::IfNotPresent, &progress)
                .await
                .unwrap();
        }
        let loads = scripted
            .take_calls()
            .into_iter()
            .filter(|called| called.call == Call::Load)
            .count();
        assert_eq!(loads, 1);
        let said = said.into_inner().unwrap();
        assert!(said.len() == 1 && said[0].contains("tool.tar"), "{said:?}");
    }

    #[tokio::test]
    async fn an_image_that_nobody_has_is_the_engines_to_refuse() {
        let folder = tempfile::tempdir().unwrap();
        let (scripted, engine) = engine(folder.path());
        let refused = engine
            .ensure_image("other:1", PullPolicy::IfNotPresent, &|_| {})
            .await
            .unwrap_err();
        let without = scripted
            .ensure_image("other:1", PullPolicy::IfNotPresent, &|_| {})
            .await
            .unwrap_err();
        assert_eq!(refused, without);
    }

    #[tokio::test]
    async fn an_image_that_is_always_pulled_may_come_from_the_folder_too() {
        let folder = tempfile::tempdir().unwrap();
        let (_, engine) = engine(folder.path());
        engine
            .ensure_image(IMAGE, PullPolicy::Always, &|_| {})
            .await
            .unwrap();
    }

    #[test]
    fn an_image_is_found_however_it_is_written() {
        for image in [
            "busybox",
            "busybox:latest",
            "library/busybox",
            "docker.io/library/busybox:latest",
        ] {
            assert_eq!(with_tag(image), "busybox:latest");
        }
        assert_eq!(with_tag("registry:5000/a"), "registry:5000/a:latest");
        assert_eq!(with_tag("a@sha256:00"), "a@sha256:00");
    }
}
