//! Images, in the store of Provost's own.

use std::io::Cursor;

use bytes::Bytes;
use provost_controller::{EngineError, EngineErrorKind};
use provost_model::PullPolicy;
use provost_oci::{Image, StoreError};
use tokio::task::spawn_blocking;

use crate::DirectEngine;
use crate::trouble;

impl DirectEngine {
    pub(crate) async fn image(&self, reference: &str, pull: PullPolicy) -> Result<String, EngineError> {
        self.home.present()?;
        if pull == PullPolicy::Always {
            return Err(refused(format!(
                "cannot pull {reference}: the direct engine does not pull images yet; load an archive of it, and set \
                 `pullPolicy: IfNotPresent`"
            )));
        }
        match self.find(reference).await? {
            Some(image) => Ok(image.digest.to_string()),
            None => Err(refused(format!(
                "the direct engine does not have the image {reference}, and does not pull images yet; load an archive of it, \
                 as `docker save` makes one"
            ))),
        }
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

fn refused(message: String) -> EngineError {
    EngineError::new(EngineErrorKind::Refused, message)
}
