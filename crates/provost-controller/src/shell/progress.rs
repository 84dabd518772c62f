//! What steps that go on have said of their progress so far.

use std::path::{Path, PathBuf};

use provost_model::{ContainerName, Run, RunRecord, Step};
use provost_planner::{OutputOf, Subject, output_of};
use serde_json::Value;

use super::safe::Safe;
use super::work::blocking;
use super::{Ports, Settings, folder};
use crate::{Controller, Masks, Refusal, VaultError};

/// Reads the folders of steps that go on.
#[derive(Clone)]
pub(crate) struct Progress {
    work_dir: PathBuf,
    safe: Safe,
}

impl Progress {
    pub(super) fn new(settings: &Settings, ports: &Ports) -> Self {
        Self { work_dir: settings.work_dir.clone(), safe: Safe::new(ports) }
    }

    pub(super) fn work_dir(&self) -> &Path {
        &self.work_dir
    }

    /// What is to be taken out of everything that the container of `output` says.
    pub(super) fn masks(&self, output: &OutputOf) -> Result<Masks, VaultError> {
        self.safe.masks(output)
    }

    /// What the container of `output` has said so far. What cannot be masked is not shown.
    async fn of(&self, name: ContainerName, output: &OutputOf) -> Vec<Value> {
        let Ok(masks) = self.safe.masks(output) else {
            return Vec::new();
        };
        let work_dir = self.work_dir.clone();
        let mut entries = blocking(move || Ok(folder::read_progress(&work_dir, &name))).await.unwrap_or_default();
        entries.iter_mut().for_each(|entry| masks.hide_in(entry));
        entries
    }
}

impl Controller {
    /// The run `id` as it is now, with what its steps that go on have said of their progress; absent once it is closed:
    /// then the history has it.
    pub async fn open_run(&self, id: provost_model::RunId) -> Result<Option<RunRecord>, Refusal> {
        let instance = self.instance.clone();
        let name = move |run: &Run, step: &Step| ContainerName::of(&instance, run.id.as_str(), step.id.as_str());
        let look = self.view(move |view| {
            let run = view.state.runs.get(&id)?;
            let going_on = run.steps().filter(|step| step.is_going_on());
            let outputs = going_on.map(|step| (name(run, step), output_of(&Subject::Run(run), step)));
            Some((RunRecord::of(run), outputs.collect::<Vec<_>>()))
        });
        let Some((mut record, outputs)) = look.await? else {
            return Ok(None);
        };
        for (name, output) in outputs {
            record.progress.extend(self.progress.of(name, &output).await);
        }
        Ok(Some(record))
    }
}
