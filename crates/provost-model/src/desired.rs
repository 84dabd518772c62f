//! What a revision wants, compiled whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Automation, Channel, Digest, Hook, Name, PluginName, RevisionId, Skill, SourceSummary};

/// What one revision wants of this server: immutable, and the only thing that planning knows of manifests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Desired {
    /// The commit, or the digest of the folder; absent before the first revision.
    pub revision: Option<RevisionId>,
    /// Automations as they take effect.
    pub automations: BTreeMap<Name, Arc<Automation>>,
    /// Channels.
    pub channels: BTreeMap<Name, Arc<Channel>>,
    /// Hooks of policies and plugins on events that are not a run's own (`server.*`, `revision.*`, `drift.*`,
    /// `orders.arrived`), in their order.
    pub hooks: Vec<Arc<Hook>>,
    /// Plugins as they run, an instance each, by name, for people: which there are, in which order, with how many hooks.
    pub plugins: BTreeMap<PluginName, PluginSummary>,
    /// Policies, by name, for people.
    pub policies: BTreeMap<Name, PolicySummary>,
    /// Sources that the manifests refer to, by name: what was read of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<Name, SourceSummary>,
    /// Skills that can be called, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skills: BTreeMap<String, Arc<Skill>>,
    /// True where the source says that wanting nothing is meant (C2).
    pub allow_empty: bool,
}

impl Desired {
    /// The digest of all that is wanted, without the revision's own id.
    pub fn digest(&self) -> Digest {
        let mut bare = self.clone();
        bare.revision = None;
        Digest::of_json(&bare)
    }
}

/// What is shown of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginSummary {
    /// Low first.
    pub order: i64,
    /// False: none of its hooks runs, and none of its actions is there.
    pub enabled: bool,
    /// How many hooks it binds.
    pub hooks: u32,
    /// How many actions it brings.
    #[serde(default)]
    pub actions: u32,
    /// How many skills it offers.
    #[serde(default)]
    pub skills: u32,
    /// What it requires and this server has not; then none of its hooks runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<String>,
}

/// What is shown of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicySummary {
    /// Low first.
    pub order: i64,
    /// How many automations it selects.
    pub automations: u32,
    /// How many hooks it binds.
    pub hooks: u32,
    /// How many rules it has.
    pub rules: u32,
}
