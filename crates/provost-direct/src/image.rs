//! Images, in the store of Provost's own.

use std::io::Cursor;

use bytes::Bytes;
use provost_controller::{EngineError, EngineErrorKind};
use provost_model::PullPolicy;
use provost_oci::{Access, Image, StoreError};
use tokio::task::spawn_blocking;

use crate::DirectEngine;
use crate::trouble;

impl DirectEngine {
    pub(crate) async fn image(
        &self,
        reference: &str,
        pull: PullPolicy,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<String, EngineError> {
        self.home.present()?;
        if pull != PullPolicy::Always
            && let Some(image) = self.find(reference).await?
        {
            return Ok(image.digest.to_string());
        }
        if pull == PullPolicy::Never {
            return Err(refused(format!(
                "the direct engine does not have the image {reference}, and `pullPolicy: Never` forbids to fetch it; load an \
                 archive of it, or set `pullPolicy: IfNotPresent`"
            )));
        }
        let doing = format!("pull {reference}");
        let name = reference.to_owned();
        // It may ask a helper program for the password.
        let access = spawn_blocking(move || Access::docker_login(&name)).await;
        let access = flatten(access, &doing)?;
        let access = if is_on_this_machine(reference) { access.over_plain_http() } else { access };
        let pulled = self.home.images.pull(reference, &access, progress).await;
        pulled.map_err(|error| trouble::of_store(&doing, &error))?;
        let image = self.find(reference).await?;
        let lost =
            || refused(format!("the direct engine pulled {reference} and does not have it; pull it by its digest"));
        image.map(|image| image.digest.to_string()).ok_or_else(lost)
    }

    /// The image of this name, if the store has it.
    pub(crate) async fn find(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        let (images, name) = (self.home.images.clone(), reference.to_owned());
        let found = spawn_blocking(move || images.find(&name)).await;
        flatten(found, &format!("find the image {reference}"))
    }

    pub(crate) async fn load_archive(&self, archive: Bytes) -> Result<Vec<String>, EngineError> {
        self.home.present()?;
        let images = self.home.images.clone();
        let loaded = spawn_blocking(move || images.load(Cursor::new(archive))).await;
        flatten(loaded, "load the archive")
    }
}

fn flatten<T>(result: Result<Result<T, StoreError>, tokio::task::JoinError>, doing: &str) -> Result<T, EngineError> {
    match result {
        Ok(result) => result.map_err(|error| trouble::of_store(doing, &error)),
        Err(error) => Err(EngineError::new(EngineErrorKind::Unavailable, format!("cannot {doing}: {error}"))),
    }
}

/// Registries of this machine are spoken to without encryption, as other engines do.
fn is_on_this_machine(reference: &str) -> bool {
    ["localhost:", "localhost/", "127.0.0.1:", "[::1]:"].iter().any(|host| reference.starts_with(host))
}

fn refused(message: String) -> EngineError {
    EngineError::new(EngineErrorKind::Refused, message)
}
