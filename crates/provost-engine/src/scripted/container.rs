//! A container of the scripted engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use provost_controller::StepFolder;
use provost_model::{ContainerName, ContainerRequest, ContainerSeen, LABEL_INSTANCE, LABEL_REQUEST, Life};

use super::script::Script;

/// A container.
pub(super) struct Container {
    pub(super) id: String,
    pub(super) labels: BTreeMap<String, String>,
    /// What it was made of; nothing for those that somebody else made.
    pub(super) made_of: Option<(ContainerRequest, StepFolder)>,
    pub(super) stage: Stage,
}

/// How far a container is.
pub(super) enum Stage {
    Created,
    Running { since: Timestamp, script: Arc<Script>, end: Option<End> },
    Over { since: Timestamp, script: Arc<Script>, end: End },
}

/// When and how a container ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) at: Timestamp,
    pub(super) code: i64,
    /// Nobody asked it to.
    pub(super) by_itself: bool,
}

impl Container {
    pub(super) fn instance(&self) -> Option<&str> {
        self.labels.get(LABEL_INSTANCE).map(String::as_str)
    }

    pub(super) fn seen(&self, name: &ContainerName) -> ContainerSeen {
        ContainerSeen {
            name: name.clone(),
            id: self.id.clone(),
            step: self.made_of.as_ref().map(|(request, _)| request.step.clone()),
            request: self.labels.get(LABEL_REQUEST).cloned(),
            life: self.life(),
        }
    }

    fn life(&self) -> Life {
        match &self.stage {
            Stage::Created => Life::Created,
            Stage::Running { since, .. } => Life::Running { started_at: Some(*since) },
            Stage::Over { since, script, end } => Life::Exited {
                code: end.code,
                out_of_memory: script.out_of_memory && end.by_itself,
                started_at: Some(*since),
                finished_at: Some(end.at),
                error: None,
            },
        }
    }
}
