//! Hooks: containers bound to events.

use serde::{Deserialize, Serialize};

use crate::{Name, PluginName, Workload};

/// A container bound to an event, by a policy, a plugin or an automation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// Unique within its owner.
    pub name: Name,
    /// Who bound it.
    pub owner: HookOwner,
    /// The event that it is bound to.
    pub event: String,
    /// When in the event it runs (E3).
    pub stage: Stage,
    /// Its container.
    pub workload: Workload,
    /// The owner's configuration, handed over in `/provost/event.json`.
    pub config: serde_json::Value,
    /// The keys of the event's data that it gets; absent: all. A key that the event lacks fails the hook, naming it.
    pub takes: Option<Vec<String>>,
    /// The longest that it may take, in seconds.
    pub timeout_s: u64,
    /// From SIGTERM to SIGKILL, in seconds.
    pub grace_s: u64,
    /// What its failure means (R6).
    pub on_error: OnError,
    /// Delays nothing; its failure is still recorded. Its locals reach nobody, its globals only later events (E3).
    pub background: bool,
    /// Runs beside the other parallel hooks of its place, instead of one after the other.
    pub parallel: bool,
    /// Runs only for events about this application; absent: whatever they are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Name>,
}

impl Hook {
    /// Whether it is for an event about `application`.
    pub fn is_for(&self, application: Option<&str>) -> bool {
        self.application.as_ref().is_none_or(|own| Some(own.as_str()) == application)
    }

    /// Its name within a step's id: owner and name, so that two owners may use one name.
    pub fn label(&self) -> String {
        match &self.owner {
            HookOwner::Policy { name, .. } => format!("{name}.{}", self.name),
            HookOwner::Plugin { name, .. } => format!("{name}.{}", self.name),
            HookOwner::Automation => self.name.to_string(),
        }
    }

    /// The plugin that it is of, if it is of one.
    pub fn plugin(&self) -> Option<&PluginName> {
        match &self.owner {
            HookOwner::Plugin { name, .. } => Some(name),
            HookOwner::Policy { .. } | HookOwner::Automation => None,
        }
    }
}

/// Who bound a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum HookOwner {
    /// A policy.
    Policy {
        /// Its name.
        name: Name,
        /// Its order; low first.
        order: i64,
    },
    /// A plugin, or an instance of one.
    Plugin {
        /// Its name.
        name: PluginName,
        /// Its order; low first.
        order: i64,
    },
    /// The automation itself.
    Automation,
}

/// When in an event a hook runs: all `Pre` end before any `Main` starts, `Post` starts after every foreground `Main` ended (E3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// First.
    Pre,
    /// Where hooks are when they do not say.
    #[default]
    Main,
    /// Last.
    Post,
}

/// What the failure of a hook means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnError {
    /// Before a run: the run does not start. In any other event: the event counts as failed.
    Fail,
    /// Recorded, and nothing else.
    Ignore,
}
