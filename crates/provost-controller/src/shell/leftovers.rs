//! Folders of steps whose container is gone: somebody removed it, or a crash came between the removal of the two.

use std::collections::BTreeSet;
use std::path::PathBuf;

use provost_model::ContainerName;

use super::safe::Safe;
use super::{Ports, folder};

/// What is found again and again.
pub(super) struct Leftovers {
    work_dir: PathBuf,
    suspects: BTreeSet<ContainerName>,
}

impl Leftovers {
    pub(super) fn new(work_dir: PathBuf) -> Self {
        Self { work_dir, suspects: BTreeSet::new() }
    }

    /// Removes the folders that were without a container the last time too: one that is found so for the first time may
    /// belong to a container that is just being made.
    pub(super) async fn tidy(&mut self, ports: &Ports) {
        let safe = Safe::new(ports);
        let mut suspects = BTreeSet::new();
        for name in folder::names(&self.work_dir) {
            // An engine that does not answer says nothing about what it has.
            if !matches!(ports.engine.inspect(&name).await, Ok(None)) {
                continue;
            }
            if !self.suspects.contains(&name) {
                suspects.insert(name);
                continue;
            }
            safe.take_back(&name).await;
            ports.gate.close(&name);
            if let Err(error) = folder::remove(&self.work_dir, &name) {
                tracing::warn!(container = %name, %error, "the folder of a step that is gone stays for another hour");
            }
        }
        self.suspects = suspects;
    }
}
