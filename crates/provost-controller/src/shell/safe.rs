//! The vault, as the shell uses it: away from the threads that may not block, its refusals as those of an engine.

use std::sync::Arc;

use provost_model::{ContainerName, SecretUse};
use provost_planner::OutputOf;

use super::Ports;
use super::work::blocking;
use crate::{EngineError, EngineErrorKind, HandedOut, Masks, Vault, VaultError};

#[derive(Clone)]
pub(super) struct Safe(Arc<dyn Vault>);

impl Safe {
    pub(super) fn new(ports: &Ports) -> Self {
        Self(Arc::clone(&ports.vault))
    }

    /// Opens `secrets` for `name`.
    ///
    /// Errors: one that cannot be opened or put into memory is refused, so that this step alone ends as not started.
    pub(super) async fn hand_out(&self, name: &ContainerName, secrets: &[SecretUse]) -> Result<HandedOut, EngineError> {
        if secrets.is_empty() {
            return Ok(HandedOut::default());
        }
        let (vault, to, secrets) = (Arc::clone(&self.0), name.clone(), secrets.to_vec());
        let handed = blocking(move || Ok(vault.hand_out(&to, &secrets))).await;
        let refused = |error: VaultError| EngineError::new(EngineErrorKind::Refused, error.to_string());
        let unavailable =
            |error| EngineError::new(EngineErrorKind::Unavailable, format!("container {name}: its secrets: {error}"));
        handed.map_err(unavailable)?.map_err(refused)
    }

    /// Removes what `name` got. What stays is in memory only, and is tidied up with the step's folder.
    pub(super) async fn take_back(&self, name: &ContainerName) {
        let (vault, from) = (Arc::clone(&self.0), name.clone());
        if let Err(error) = blocking(move || vault.take_back(&from)).await {
            tracing::warn!(container = %name, %error, "the secrets of a step stay in memory");
        }
    }

    /// What must not be seen in the output that `output` describes.
    pub(super) fn masks(&self, output: &OutputOf) -> Result<Masks, VaultError> {
        Ok(self.0.masks(&output.secrets)?.and(output.masked.iter().cloned()))
    }
}
