//! What a container may ask of the server through the socket that is mounted into it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{ContainerName, StepRef, TokenScope};

/// What a container may ask of the server: what its manifest asks for, as far as policy allows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Access {
    /// Skills that it may call, by name.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub skills: BTreeSet<String>,
    /// Patterns of the events that it may fire.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub events: BTreeSet<String>,
    /// Patterns of the documents that it may read.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub reads: BTreeSet<String>,
    /// Patterns of the documents that it may read and write.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub writes: BTreeSet<String>,
    /// What it may do with `automations` and, where these are all, with the server; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<TokenScope>,
    /// Patterns of the automations that `scope` is about.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub automations: BTreeSet<String>,
    /// It may tell its progress.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub progress: bool,
}

impl Access {
    /// Whether there is nothing that it may ask for: then it gets no socket.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Who asks through a container's socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The container.
    pub container: ContainerName,
    /// The step that it is of.
    pub step: StepRef,
    /// What it may ask for.
    pub access: Access,
}

impl Caller {
    /// What it is called in what is recorded: `step main.1 of nightly.20261128T020000Z`.
    pub fn by(&self) -> String {
        format!("step {} of {}", self.step.step, self.step.owner.id())
    }
}
