//! Named volumes: folders beside the containers'.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use provost_controller::{EngineError, EngineErrorKind};
use provost_engine::volume_name;
use provost_model::{ContainerRequest, Instance, RunId, VolumeMount, VolumeScope};
use provost_oci::Image;
use serde::{Deserialize, Serialize};

use crate::DirectEngine;
use crate::trouble;

/// Whose a volume is.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owner {
    instance: String,
    /// The run that it goes with.
    run: Option<String>,
}

impl DirectEngine {
    /// Makes the named volumes that are not there, and returns the names of all; one that is somebody else's is a
    /// conflict.
    pub(crate) fn make_volumes(&self, request: &ContainerRequest, image: &Image) -> Result<Vec<String>, EngineError> {
        let named = request.workload.volumes.iter().filter(|volume| volume.host_path.is_none());
        named.map(|volume| self.make_volume(request, volume, image)).collect()
    }

    fn make_volume(
        &self,
        request: &ContainerRequest,
        volume: &VolumeMount,
        image: &Image,
    ) -> Result<String, EngineError> {
        let name = volume_name(&request.instance, &volume.name);
        let run = (volume.scope == VolumeScope::Run).then(|| request.step.owner.id().to_owned());
        let owner = Owner { instance: request.instance.to_string(), run };
        let folder = self.home.volumes().join(&name);
        let around = |error: io::Error| trouble::around(&format!("make volume {name}"), &error);
        if !folder.exists() {
            make(&folder, &owner, &volume.path, image).map_err(around)?;
        }
        // Looked at again: somebody may have been faster.
        if owner_of(&folder).is_some_and(|known| known.instance == owner.instance) {
            return Ok(name);
        }
        let message = format!(
            "volume {name} is not of instance {}; remove the folder {}, or name another one in the manifest",
            request.instance,
            folder.display()
        );
        Err(EngineError::new(EngineErrorKind::Conflict, message))
    }

    pub(crate) fn runs_with_own_volumes(&self) -> Result<Vec<RunId>, EngineError> {
        let runs = self.volumes_of(&self.instance)?.into_iter();
        let mut runs: Vec<RunId> = runs.filter_map(|(_, owner)| RunId::parse(owner.run?).ok()).collect();
        runs.sort();
        runs.dedup();
        Ok(runs)
    }

    pub(crate) fn remove_volumes_of(&self, run: &RunId) -> Result<(), EngineError> {
        for (folder, owner) in self.volumes_of(&self.instance)? {
            if owner.run.as_deref() != Some(run.as_str()) {
                continue;
            }
            let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if let Some(user) = self.user_of_volume(&name)? {
                let message = format!("cannot remove volume {name}: the container {user} still has it");
                return Err(EngineError::new(EngineErrorKind::Unavailable, message));
            }
            let gone = self.home.trash.take(&folder);
            gone.map_err(|error| trouble::around(&format!("remove volume {name}"), &error))?;
        }
        Ok(())
    }

    /// The volumes of an instance, with whose they are.
    fn volumes_of(&self, instance: &Instance) -> Result<Vec<(PathBuf, Owner)>, EngineError> {
        self.home.present()?;
        let entries = fs::read_dir(self.home.volumes());
        let entries = entries.map_err(|error| trouble::around("list the volumes", &error))?;
        let folders = entries.filter_map(Result::ok).map(|entry| entry.path());
        let owned = folders.filter_map(|folder| owner_of(&folder).map(|owner| (folder, owner)));
        Ok(owned.filter(|(_, owner)| owner.instance == instance.as_str()).collect())
    }
}

fn owner_of(volume: &Path) -> Option<Owner> {
    serde_json::from_slice(&fs::read(volume.join("owner.json")).ok()?).ok()
}

/// Makes a volume whole or not at all. It belongs to whom the image's folder at its place belongs to, if there is one:
/// so a program can write into it that does not run as root.
fn make(folder: &Path, owner: &Owner, place: &str, image: &Image) -> io::Result<()> {
    let new = folder.with_file_name(format!(".{}", uuid::Uuid::now_v7().simple()));
    let data = new.join("data");
    fs::create_dir_all(&data)?;
    fs::write(new.join("owner.json"), serde_json::to_vec(owner)?)?;
    let places = image.layers.iter().rev().map(|layer| layer.join(place.trim_start_matches('/')));
    let found = places.filter_map(|place| place.symlink_metadata().ok()).next();
    if let Some(like) = found.filter(fs::Metadata::is_dir) {
        fs::set_permissions(&data, fs::Permissions::from_mode(like.mode() & 0o7777))?;
        chown(&data, Some(like.uid()), Some(like.gid()))?;
    }
    match fs::rename(&new, folder) {
        // Somebody was faster.
        Err(_) if folder.exists() => fs::remove_dir_all(new),
        result => result,
    }
}
