//! Skills, and what containers may ask of the server.

use std::collections::BTreeMap;

use provost_model::TokenScope;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::kinds::service::HttpSpec;
use crate::kinds::text::{EventText, ImageText, PathText, PatternText};
use crate::kinds::{HookSpec, ParamSpec, Seconds, SecretUseSpec, VolumeSpec};

with_container_fields! {
    /// A call that a plugin offers to other containers: a container that is made for each call, or a value.
    pub(crate) struct SkillSpec {
        /// What callers call it, unique on the server.
        #[schemars(with = "EventText", extend("examples" = ["stock.level"]))]
        pub name: String,
        /// What it is for, for people.
        pub description: Option<String>,
        /// What callers may hand in, by name. What is not declared is handed in too.
        #[serde(default)]
        pub params: BTreeMap<String, ParamSpec>,
        /// A constant: calls are answered with it, and no container is made. Goes with no other field but `description`.
        #[schemars(extend("examples" = [42]))]
        pub value: Option<Value>,
        /// Its image; absent: the plugin's.
        #[schemars(with = "Option<ImageText>", extend("examples" = ["registry.example.org/tools:2"]))]
        pub image: Option<String>,
        /// Replaces the image's entry point. The data of the call are in `/provost/event.json`; the result is what it
        /// leaves in `/provost/out/result.json`.
        #[serde(default)]
        #[schemars(extend("examples" = [["stock-level"]]))]
        pub command: Vec<String>,
        /// Replaces the image's arguments.
        #[serde(default)]
        #[schemars(extend("examples" = [["--verbose"]]))]
        pub args: Vec<String>,
        /// The folder that the command starts in; absent: the image's own.
        #[schemars(with = "Option<PathText>", extend("examples" = ["/data"]))]
        pub working_dir: Option<String>,
        /// Folders that are kept between calls.
        #[serde(default)]
        pub volumes: Vec<VolumeSpec>,
        /// Secrets, as files in memory or as variables.
        #[serde(default)]
        #[schemars(extend("examples" = [[{"name": "db-password", "env": "PGPASSWORD"}]]))]
        pub secrets: Vec<SecretUseSpec>,
        /// The longest that a call may take; then its container is stopped, and the call has failed.
        #[schemars(extend("default" = "5m", "examples" = ["30s"]))]
        pub timeout: Option<Seconds>,
        /// From SIGTERM to SIGKILL when it is stopped.
        #[schemars(extend("default" = "10s", "examples" = ["30s"]))]
        pub grace_period: Option<Seconds>,
    }
}

impl SkillSpec {
    /// The hook that each call of it is.
    pub(crate) fn hook(&self, event: String) -> HookSpec {
        hook_of!(self, event)
    }
}

/// A call that a service offers to other containers: exactly one of `http` and `command`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ProvideSpec {
    /// What callers call it, unique on the server.
    #[schemars(with = "EventText", extend("examples" = ["fx.rate"]))]
    pub skill: String,
    /// What it is for, for people.
    pub description: Option<String>,
    /// What callers may hand in, by name. What is not declared is handed in too.
    #[serde(default)]
    pub params: BTreeMap<String, ParamSpec>,
    /// A POST request to the container: its body is the data of the call, the answer's body is the result, both JSON. An
    /// answer with another status than 2xx is an error, whose body may say `kind` and `message`.
    pub http: Option<HttpSpec>,
    /// A program in the container: the data of the call are on its standard input, the result is its standard output, both
    /// JSON. An exit code other than 0 is an error, of which the last line of its standard error is the message.
    #[schemars(length(min = 1), extend("examples" = [["rate", "--json"]]))]
    pub command: Option<Vec<String>>,
    /// The longest that an answer may take.
    #[schemars(extend("default" = "30s", "examples" = ["5s"]))]
    pub timeout: Option<Seconds>,
}

/// What a container may ask of the server, through the socket `/provost/run/api.sock`. It is there if something is asked for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AccessSpec {
    /// Events that it may fire; `*` stands for any characters.
    #[serde(default)]
    #[schemars(with = "Vec<PatternText>", extend("examples" = [["orders.*"]]))]
    pub events: Vec<String>,
    /// Documents that it may read and write.
    #[serde(default)]
    pub documents: DocumentAccessSpec,
    /// What it may do with automations: `View`, `Run` or `Admin`; only where policy allows it. With all automations, it may
    /// do that with the server too.
    pub scope: Option<ScopeSpec>,
    /// The automations that `scope` is about; `*` stands for any characters. Absent: all.
    #[schemars(with = "Option<Vec<PatternText>>", extend("examples" = [["report-*"]]))]
    pub automations: Option<Vec<String>>,
    /// It may tell its progress as it goes on: `POST /v1/progress`.
    #[serde(default)]
    pub progress: bool,
}

/// Documents that a container may read and write; `*` stands for any characters.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DocumentAccessSpec {
    /// Those that it may read.
    #[serde(default)]
    #[schemars(with = "Vec<PatternText>", extend("examples" = [["build.*"]]))]
    pub read: Vec<String>,
    /// Those that it may read, write and remove.
    #[serde(default)]
    #[schemars(with = "Vec<PatternText>", extend("examples" = [["build.warehouse"]]))]
    pub write: Vec<String>,
}

/// What may be done: each holds those before it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
pub(crate) enum ScopeSpec {
    View,
    Run,
    Admin,
}

impl ScopeSpec {
    /// As the model says it.
    pub(crate) fn scope(self) -> TokenScope {
        match self {
            Self::View => TokenScope::View,
            Self::Run => TokenScope::Run,
            Self::Admin => TokenScope::Admin,
        }
    }
}
