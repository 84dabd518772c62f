//! Images: looked at, pulled and loaded.

use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::{CreateImageOptions, ImportImageOptions};
use bytes::Bytes;
use futures_util::StreamExt as _;
use provost_controller::{EngineError, EngineErrorKind};
use provost_model::PullPolicy;
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use super::progress::PullProgress;
use super::{DockerEngine, trouble};
use crate::names;

/// How long a pull may go on without a sign of life.
const SILENCE: Duration = Duration::from_secs(300);
/// How often a pull is spoken of.
const SENTENCE: Duration = Duration::from_secs(1);
/// How long an archive may take to load, in seconds.
const LOAD_S: u64 = 900;

/// What an engine shows of an image.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageSeen {
    #[serde(rename = "Id")]
    id: String,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
}

impl ImageSeen {
    /// The registry's digest of `reference` where it came from one, the engine's id of it otherwise.
    fn digest(self, reference: &str) -> String {
        let name = names::name_and_tag(reference).0.split('@').next().unwrap_or_default();
        let digests = self.repo_digests.unwrap_or_default();
        let pairs = || digests.iter().filter_map(|digest| digest.split_once('@'));
        let same = pairs().find(|(repository, _)| *repository == name || repository.ends_with(&format!("/{name}")));
        same.or_else(|| pairs().next()).map(|(_, digest)| digest.to_owned()).unwrap_or(self.id)
    }
}

impl DockerEngine {
    pub(super) async fn image(
        &self,
        reference: &str,
        pull: PullPolicy,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<String, EngineError> {
        names::image(reference)?;
        if pull != PullPolicy::Always
            && let Some(digest) = self.local(reference).await?
        {
            return Ok(digest);
        }
        if pull == PullPolicy::Never {
            return Err(refused(format!(
                "the engine does not have the image {reference}, and `pullPolicy: Never` forbids to fetch it; load it into the \
                 engine, or set `pullPolicy: IfNotPresent`"
            )));
        }
        self.pull(reference, progress).await?;
        let digest = self.local(reference).await?;
        digest.ok_or_else(|| {
            refused(format!("the engine pulled {reference} and does not have it; see the engine's own log"))
        })
    }

    async fn local(&self, reference: &str) -> Result<Option<String>, EngineError> {
        let known = self.known_as(reference).await?;
        let seen: Option<ImageSeen> = self.wire.json(&format!("/images/{known}/json")).await?;
        Ok(seen.map(|seen| seen.digest(reference)))
    }

    /// What the engine knows `reference` as. Of an image that comes from no registry, `name@sha256:…` has the engine's own
    /// id of it, which it knows without the name only.
    pub(super) async fn known_as(&self, reference: &str) -> Result<String, EngineError> {
        let Some((_, id)) = reference.split_once('@') else {
            return Ok(reference.to_owned());
        };
        let named: Option<ImageSeen> = self.wire.json(&format!("/images/{reference}/json")).await?;
        if named.is_some() {
            return Ok(reference.to_owned());
        }
        let own: Option<ImageSeen> = self.wire.json(&format!("/images/{id}/json")).await?;
        Ok(if own.is_some() { id.to_owned() } else { reference.to_owned() })
    }

    async fn pull(&self, reference: &str, progress: &(dyn Fn(String) + Send + Sync)) -> Result<(), EngineError> {
        let (name, tag) = names::name_and_tag(reference);
        let options = CreateImageOptions {
            from_image: Some(name.to_owned()),
            tag: tag.map(str::to_owned),
            ..CreateImageOptions::default()
        };
        let mut answers = self.docker.create_image(Some(options), None, None);
        let mut pulled = PullProgress::new(reference);
        progress(pulled.sentence());
        let mut spoken = Instant::now();
        // Errors come inside of an answer that began well: it is read to its end.
        while let Some(answer) = timeout(SILENCE, answers.next()).await.map_err(|_| silent(reference))? {
            pulled.take(&answer.map_err(|error| pull_error(reference, error))?);
            if spoken.elapsed() >= SENTENCE {
                progress(pulled.sentence());
                spoken = Instant::now();
            }
        }
        progress(format!("pulled {reference}"));
        Ok(())
    }

    pub(super) async fn load_archive(&self, archive: Bytes) -> Result<Vec<String>, EngineError> {
        let options = ImportImageOptions { quiet: true, ..ImportImageOptions::default() };
        let docker = self.patient(LOAD_S);
        let mut answers = docker.import_image(options, bollard::body_full(archive), None);
        let mut text = String::new();
        while let Some(answer) = timeout(SILENCE, answers.next()).await.map_err(|_| silent("the archive"))? {
            let answer = answer.map_err(load_error)?;
            text.push_str(answer.stream.as_deref().unwrap_or_default());
        }
        let names = loaded(&text);
        let none = || {
            refused(
                "the archive has no image in it that the engine can read; is it an OCI or Docker archive?".to_owned(),
            )
        };
        if names.is_empty() { Err(none()) } else { Ok(names) }
    }
}

/// Docker says `Loaded image: a:1` and `Loaded image ID: sha256:…`; Podman also `Loaded image(s): a:1, b:2`.
fn loaded(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("Loaded image")?.split_once(": "));
    lines.flat_map(|(_, names)| names.split(',').map(|name| name.trim().to_owned())).collect()
}

fn pull_error(reference: &str, error: Error) -> EngineError {
    let error = trouble::say(&format!("pull {reference}"), error);
    if error.kind == EngineErrorKind::Unavailable {
        return error;
    }
    refused(format!("{}; check its name and tag, and that the engine may pull it (docker login)", error.message))
}

/// What goes wrong inside of the answer is the archive's fault, whatever it sounds like, unless the disk is full.
fn load_error(error: Error) -> EngineError {
    let inside = matches!(error, Error::DockerStreamError { .. });
    let error = trouble::say("load the archive", error);
    if inside && !error.message.contains("no space left") { refused(error.message) } else { error }
}

fn silent(reference: &str) -> EngineError {
    let message = format!("cannot get {reference}: the engine says nothing for {} s", SILENCE.as_secs());
    EngineError::new(EngineErrorKind::Unavailable, message)
}

fn refused(message: String) -> EngineError {
    EngineError::new(EngineErrorKind::Refused, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_registrys_where_there_is_one() {
        let seen = |digests: &[&str]| ImageSeen {
            id: "sha256:id".to_owned(),
            repo_digests: Some(digests.iter().map(|digest| (*digest).to_owned()).collect()),
        };
        assert_eq!(seen(&[]).digest("a:1"), "sha256:id");
        assert_eq!(seen(&["b@sha256:b", "a@sha256:a"]).digest("a:1"), "sha256:a");
        assert_eq!(seen(&["b@sha256:b", "docker.io/library/a@sha256:a"]).digest("a"), "sha256:a");
        assert_eq!(seen(&["b@sha256:b"]).digest("a@sha256:b"), "sha256:b");
    }

    #[test]
    fn loaded_images_are_named() {
        assert_eq!(loaded("Loaded image: a:1\nLoaded image ID: sha256:b\n"), ["a:1", "sha256:b"]);
        assert_eq!(loaded("Loaded image(s): localhost/a:1, localhost/b:1"), ["localhost/a:1", "localhost/b:1"]);
        assert_eq!(loaded("Loading layer"), Vec::<String>::new());
    }
}
