//! The sockets through which containers ask the server. Who asks is written beside each, so that they are opened again after
//! a restart for the containers that went on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_model::{Caller, ContainerName, ContainerRequest, JsonMap};
use serde_json::Value;

use super::work::blocking;
use super::{Ports, Settings, folder};
use crate::{Controller, EngineError, EngineErrorKind, Gate, Refusal, RefusalKind};

#[derive(Clone)]
pub(crate) struct Gates {
    gate: Arc<dyn Gate>,
    work_dir: PathBuf,
}

impl Gates {
    pub(super) fn new(settings: &Settings, ports: &Ports) -> Self {
        Self { gate: Arc::clone(&ports.gate), work_dir: settings.work_dir.clone() }
    }

    /// Who asks through the socket of the container of `request`; nobody, if it may ask for nothing.
    pub(super) fn caller(request: &ContainerRequest) -> Option<Caller> {
        let access = &request.workload.access;
        let (container, step) = (request.name.clone(), request.step.clone());
        (!access.is_empty()).then(|| Caller { container, step, access: access.clone() })
    }

    /// Opens the socket of a container that is about to be made.
    pub(super) fn open(&self, caller: Caller) -> Result<(), EngineError> {
        let name = caller.container.clone();
        self.gate.open(&folder::socket_of(&self.work_dir, &name), caller).map_err(|error| {
            EngineError::new(EngineErrorKind::Unavailable, format!("container {name}: its socket: {error}"))
        })
    }

    /// Opens those of all containers that have a folder: they may have gone on while nobody listened.
    pub(super) fn reopen(&self) {
        for caller in folder::callers(&self.work_dir) {
            if let Err(error) = self.open(caller) {
                tracing::warn!(%error, "a container that goes on cannot ask the server");
            }
        }
    }

    pub(super) fn close(&self, container: &ContainerName) {
        self.gate.close(container);
    }
}

impl Controller {
    /// Takes what `container` tells of its progress. It is kept with what it writes itself.
    pub async fn note_progress(&self, container: &ContainerName, entry: JsonMap) -> Result<(), Refusal> {
        let (work_dir, name): (PathBuf, _) = (self.progress.work_dir().to_owned(), container.clone());
        let noted = blocking(move || folder::note_progress(Path::new(&work_dir), &name, &Value::Object(entry))).await;
        noted.map_err(|error| Refusal::new(RefusalKind::Unavailable, format!("the progress was not kept: {error}")))
    }
}
