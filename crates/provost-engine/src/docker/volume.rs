//! Named volumes; our own only (C6).

use std::collections::BTreeMap;

use bollard::models::VolumeCreateRequest;
use provost_controller::{EngineError, EngineErrorKind};
use provost_model::{ContainerRequest, Instance, LABEL_INSTANCE};
use serde::Deserialize;

use super::{DockerEngine, trouble};
use crate::volume_name;

impl DockerEngine {
    /// Makes the named volumes that the engine does not have; one that is somebody else's is a conflict.
    pub(super) async fn make_volumes(&self, request: &ContainerRequest) -> Result<(), EngineError> {
        let named = request.workload.volumes.iter().filter(|volume| volume.host_path.is_none());
        for volume in named {
            self.make_volume(&request.instance, &volume_name(&request.instance, &volume.name)).await?;
        }
        Ok(())
    }

    async fn make_volume(&self, instance: &Instance, name: &str) -> Result<(), EngineError> {
        let path = format!("/volumes/{name}");
        if self.wire.json::<VolumeSeen>(&path).await?.is_none() {
            let labels = [(LABEL_INSTANCE.to_owned(), instance.to_string())];
            let volume = VolumeCreateRequest {
                name: Some(name.to_owned()),
                labels: Some(labels.into()),
                ..VolumeCreateRequest::default()
            };
            let made = self.docker.create_volume(volume).await;
            made.map_err(|error| trouble::say(&format!("create volume {name}"), error))?;
        }
        // Looked at again: somebody may have been faster.
        let seen = self.wire.json::<VolumeSeen>(&path).await?.unwrap_or_default();
        if seen.labels.unwrap_or_default().get(LABEL_INSTANCE).map(String::as_str) == Some(instance.as_str()) {
            return Ok(());
        }
        let message = format!(
            "volume {name} is not of instance {instance}: it has no label {LABEL_INSTANCE}={instance}; remove it, or name \
             another one in the manifest"
        );
        Err(EngineError::new(EngineErrorKind::Conflict, message))
    }
}

/// What an engine shows of a volume.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VolumeSeen {
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}
