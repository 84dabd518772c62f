//! Plugins.

use std::collections::BTreeMap;

use provost_model::{Name, PREPARE};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::kinds::forms::ArchitectureText;
use crate::kinds::text::{EventText, ImageText, PathText};
use crate::kinds::{AccessSpec, ActionSpec, Bytes, HookSpec, NameText, Seconds, SecretUseSpec, SkillSpec, VolumeSpec};

/// A group of hooks and actions that belong together, with one image and one configuration.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PluginSpec {
    /// Low first; hooks of plugins run inside those of policies.
    #[serde(default)]
    #[schemars(extend("examples" = [50]))]
    pub order: i64,
    /// `false`: none of its hooks runs, and none of its actions is there.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The image of hooks and actions that do not name their own.
    #[schemars(with = "Option<ImageText>", extend("examples" = ["registry.example.org/warehouse-plugin:2"]))]
    pub image: Option<String>,
    /// What every container of the plugin gets, in `/provost/event.json`; `$(config.KEY)` stands for a value of it in their
    /// command, arguments, variables, working folder and files of secrets.
    #[serde(default)]
    #[schemars(extend("examples" = [{"url": "http://warehouse"}]))]
    pub config: Map<String, Value>,
    /// A JSON Schema that `config` is checked against; the `default` of a property holds where `config` leaves it out.
    #[schemars(extend("examples" = [{"type": "object", "required": ["url"]}]))]
    pub config_schema: Option<Map<String, Value>>,
    /// Runs it several times, each time under a name and with a configuration of its own; absent: once.
    #[serde(default)]
    #[schemars(
        with = "BTreeMap<String, InstanceSpec>",
        extend("examples" = [{"berlin": {"config": {"url": "http://berlin"}}}])
    )]
    pub instances: BTreeMap<Name, InstanceSpec>,
    /// What it needs of the server. Where something of it is missing, none of its hooks runs, which is told; everything else
    /// goes on.
    pub requires: Option<RequiredMachineSpec>,
    /// Runs before the plugin is launched, once a start of the server and again when it changes. Until it has ended, what the
    /// plugin's hooks are bound to waits; when it fails, none of them runs, which is told, and everything else goes on.
    pub prepare: Option<PrepareSpec>,
    /// Its containers, and the events that they are bound to.
    #[serde(default)]
    pub hooks: Vec<HookSpec>,
    /// Its containers that people and programs start by name.
    #[serde(default)]
    pub actions: Vec<ActionSpec>,
    /// Calls that it offers to other containers, who need not know who answers.
    #[serde(default)]
    pub skills: Vec<SkillSpec>,
    /// What each of its containers may ask of the server, besides calling what it `requires`.
    pub access: Option<AccessSpec>,
}

/// One of the times that a plugin runs: its containers, its preparation and its steps are its own.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct InstanceSpec {
    /// `false`: this instance alone is silent.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Laid over the plugin's `config`, key by key; the two together are checked against `configSchema`.
    #[serde(default)]
    #[schemars(extend("examples" = [{"url": "http://berlin"}]))]
    pub config: Map<String, Value>,
    /// The application that it is for: it takes the place of the one that the plugin's hooks and actions name.
    #[schemars(with = "Option<NameText>", extend("examples" = ["my-application"]))]
    pub application: Option<Name>,
    /// Which servers it is for; absent: all of them.
    #[serde(default)]
    pub select: SelectServersSpec,
}

/// Which servers something is for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SelectServersSpec {
    /// Labels that the server must have, each with this value.
    #[serde(default)]
    #[schemars(extend("examples" = [{"tier": "prod"}]))]
    pub servers: BTreeMap<String, String>,
}

with_container_fields! {
    /// A container that prepares a plugin.
    pub(crate) struct PrepareSpec {
        /// Its image; absent: the plugin's.
        #[schemars(with = "Option<ImageText>", extend("examples" = ["registry.example.org/tools:2"]))]
        pub image: Option<String>,
        /// Replaces the image's entry point.
        #[serde(default)]
        #[schemars(extend("examples" = [["install"]]))]
        pub command: Vec<String>,
        /// Replaces the image's arguments, such as the file that lists what is to be installed.
        #[serde(default)]
        #[schemars(extend("examples" = [["/plugin/requirements.txt"]]))]
        pub args: Vec<String>,
        /// The folder that the command starts in; absent: the image's own.
        #[schemars(with = "Option<PathText>", extend("examples" = ["/data"]))]
        pub working_dir: Option<String>,
        /// Folders that are kept: what is prepared there, hooks with the same volume find.
        #[serde(default)]
        pub volumes: Vec<VolumeSpec>,
        /// Secrets, as files in memory or as variables.
        #[serde(default)]
        #[schemars(extend("examples" = [[{"name": "db-password", "env": "PGPASSWORD"}]]))]
        pub secrets: Vec<SecretUseSpec>,
        /// The longest that it may take.
        #[schemars(extend("default" = "5m", "examples" = ["30s"]))]
        pub timeout: Option<Seconds>,
        /// From SIGTERM to SIGKILL when it is stopped.
        #[schemars(extend("default" = "10s", "examples" = ["30s"]))]
        pub grace_period: Option<Seconds>,
    }
}

impl PrepareSpec {
    /// As the hook that it is.
    pub(crate) fn hook(&self) -> HookSpec {
        hook_of!(self, PREPARE.to_owned())
    }
}

/// What a plugin needs of the server.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RequiredMachineSpec {
    /// Labels that the server's configuration gives it.
    #[serde(default)]
    #[schemars(extend("examples" = [{"site": "berlin"}]))]
    pub labels: BTreeMap<String, String>,
    /// The architecture of the machine.
    #[schemars(with = "Option<ArchitectureText>", extend("examples" = ["amd64"]))]
    pub architecture: Option<String>,
    /// The least memory of the machine.
    #[schemars(extend("examples" = ["4Gi"]))]
    pub memory: Option<Bytes>,
    /// Skills that its containers call. They are not waited for: a call to one that is not there fails at once.
    #[serde(default)]
    #[schemars(with = "Vec<EventText>", extend("examples" = [["fx.rate"]]))]
    pub skills: Vec<String>,
}

fn yes() -> bool {
    true
}
