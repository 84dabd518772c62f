//! Named volumes; our own only (C6).

use std::collections::{BTreeMap, HashMap};

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::RemoveVolumeOptions;
use provost_controller::{EngineError, EngineErrorKind};
use provost_model::{ContainerRequest, Instance, LABEL_INSTANCE, LABEL_OWNER, RunId, VolumeScope};
use serde::Deserialize;
use serde_json::json;

use super::{DockerEngine, trouble};
use crate::names::escape;
use crate::volume_name;

impl DockerEngine {
    /// Makes the named volumes that the engine does not have; one that is somebody else's is a conflict.
    pub(super) async fn make_volumes(&self, request: &ContainerRequest) -> Result<(), EngineError> {
        let named = request.workload.volumes.iter().filter(|volume| volume.host_path.is_none());
        for volume in named {
            let mut labels = HashMap::from([(LABEL_INSTANCE.to_owned(), request.instance.to_string())]);
            if volume.scope == VolumeScope::Run {
                labels.insert(LABEL_OWNER.to_owned(), request.step.owner.id().to_owned());
            }
            self.make_volume(&request.instance, &volume_name(&request.instance, &volume.name), labels).await?;
        }
        Ok(())
    }

    async fn make_volume(
        &self,
        instance: &Instance,
        name: &str,
        labels: HashMap<String, String>,
    ) -> Result<(), EngineError> {
        let path = format!("/volumes/{name}");
        if self.wire.json::<VolumeSeen>(&path).await?.is_none() {
            let volume = VolumeCreateRequest {
                name: Some(name.to_owned()),
                labels: Some(labels),
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

    /// The volumes of this instance that are a run's own; of one run, or of any.
    pub(super) async fn volumes_of(&self, run: Option<&RunId>) -> Result<Vec<VolumeSeen>, EngineError> {
        let owner = run.map_or_else(|| LABEL_OWNER.to_owned(), |run| format!("{LABEL_OWNER}={run}"));
        let filter = json!({"label": [format!("{LABEL_INSTANCE}={}", self.instance), owner]});
        let path = format!("/volumes?filters={}", escape(&filter.to_string()));
        let listed = self.wire.json::<VolumesListed>(&path).await?;
        let volumes = listed.and_then(|listed| listed.volumes).unwrap_or_default();
        // Not every engine filters by all that it is given.
        let is_meant = |volume: &VolumeSeen| {
            volume.label(LABEL_INSTANCE) == Some(self.instance.as_str())
                && volume.run().is_some_and(|own| run.is_none_or(|run| *run == own))
        };
        Ok(volumes.into_iter().filter(is_meant).collect())
    }

    pub(super) async fn remove_volumes_of(&self, run: &RunId) -> Result<(), EngineError> {
        for volume in self.volumes_of(Some(run)).await? {
            match self.docker.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await {
                Err(error) if trouble::status(&error) == Some(404) => {}
                Err(error) => {
                    let error = trouble::say(&format!("remove volume {}", volume.name), error);
                    return Err(EngineError::new(EngineErrorKind::Unavailable, error.message));
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VolumesListed {
    #[serde(default)]
    volumes: Option<Vec<VolumeSeen>>,
}

/// What an engine shows of a volume.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VolumeSeen {
    #[serde(default)]
    name: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

impl VolumeSeen {
    fn label(&self, key: &str) -> Option<&str> {
        self.labels.as_ref()?.get(key).map(String::as_str)
    }

    /// The run whose own it is.
    pub(super) fn run(&self) -> Option<RunId> {
        RunId::parse(self.label(LABEL_OWNER)?).ok()
    }
}
