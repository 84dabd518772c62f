//! Automations.

use std::collections::BTreeMap;

use provost_model::{Name, ParamKind};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::kinds::forms::{ParamTypeText, Schedules};
use crate::kinds::text::{EventText, ImageText, PathText, WordText};
use crate::kinds::{AccessSpec, HookSpec, NameText, RequiresSpec, Seconds, SecretUseSpec, VolumeSpec};

with_settings! {
    /// A container, and when it runs. Only `image` has to be said.
    pub(crate) struct AutomationSpec {
        /// When it is due: a cron expression, an object, or a list of these; absent: only on triggers and by hand.
        pub schedule: Option<Schedules>,
        /// Which events start it.
        #[serde(default)]
        pub triggers: Vec<TriggerSpec>,
        /// A registry reference, or the name of an image that the engine has.
        #[schemars(with = "ImageText", extend("examples" = ["registry.example.org/report:1.4"]))]
        pub image: String,
        /// Replaces the image's entry point. `$(params.NAME)` stands for a parameter.
        #[serde(default)]
        #[schemars(extend("examples" = [["report", "--since", "$(params.since)"]]))]
        pub command: Vec<String>,
        /// Replaces the image's arguments. `$(params.NAME)` stands for a parameter.
        #[serde(default)]
        #[schemars(extend("examples" = [["--verbose"]]))]
        pub args: Vec<String>,
        /// The folder that the command starts in; absent: the image's own.
        #[schemars(with = "Option<PathText>", extend("examples" = ["/data"]))]
        pub working_dir: Option<String>,
        /// What `provost run` and triggers may hand in, by name.
        #[serde(default)]
        pub params: BTreeMap<String, ParamSpec>,
        /// Folders that are kept between runs.
        #[serde(default)]
        pub volumes: Vec<VolumeSpec>,
        /// Secrets, as files in memory or as variables.
        #[serde(default)]
        #[schemars(extend("examples" = [[{"name": "db-password", "env": "PGPASSWORD"}]]))]
        pub secrets: Vec<SecretUseSpec>,
        /// No two runs that name one lock overlap, whatever automation they are of.
        #[serde(default)]
        #[schemars(with = "Vec<WordText>", extend("examples" = [["warehouse"]]))]
        pub locks: Vec<String>,
        /// What is up before a run begins, which waits until then, and what it calls.
        pub requires: Option<RequiresSpec>,
        /// What it may ask of the server, besides calling what it `requires`.
        pub access: Option<AccessSpec>,
        /// Containers around its own runs, inside those of policies and plugins. Only events of runs (`run.*`).
        #[serde(default)]
        pub hooks: Vec<HookSpec>,
        /// Which channels hear of what, besides those that policies name.
        pub notify: Option<NotifySpec>,
        /// No due time starts anything; each is recorded as skipped.
        #[serde(default)]
        pub suspend: bool,
    }
}

/// An event that starts the automation.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TriggerSpec {
    /// The event's name; one of Provost's own, such as `run.succeeded`, or any other, such as `orders.arrived`.
    #[schemars(with = "EventText", extend("examples" = ["run.succeeded"]))]
    pub event: String,
    /// Whose run it is; needed with events of runs (`run.*`), and with no other.
    #[schemars(with = "Option<NameText>", extend("examples" = ["extract"]))]
    pub from: Option<Name>,
    /// A CEL expression over `data`, `event` and `subject`; absent: always.
    #[schemars(extend("examples" = ["data.count > 0"]))]
    pub when: Option<String>,
}

/// A parameter that runs may be given.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ParamSpec {
    /// Its type.
    #[serde(rename = "type")]
    #[schemars(with = "ParamTypeText", extend("examples" = ["integer"]))]
    pub kind: ParamKind,
    /// What it means.
    pub description: Option<String>,
    /// What it is when nobody says otherwise.
    #[schemars(extend("examples" = ["yesterday"]))]
    pub default: Option<Value>,
    /// Whether a run without it is refused; absent: yes, unless there is a default.
    pub required: Option<bool>,
    /// The least number.
    pub minimum: Option<f64>,
    /// The greatest number.
    pub maximum: Option<f64>,
    /// The values that are allowed; absent: all.
    #[serde(default)]
    #[schemars(extend("examples" = [["daily", "weekly"]]))]
    pub options: Vec<Value>,
}

/// Which channels hear of which moment. Each field is a list of names of channels.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NotifySpec {
    /// Before the first step; a channel with `reply` is asked whether the run may start.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub starting: Vec<Name>,
    /// The main container has started.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub started: Vec<Name>,
    /// The run succeeded.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub success: Vec<Name>,
    /// The run failed, timed out or was lost, after its last attempt.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub failure: Vec<Name>,
    /// The first success after a failure.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub recovery: Vec<Name>,
    /// An attempt failed and another one follows.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub retrying: Vec<Name>,
    /// The run was cancelled.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub cancelled: Vec<Name>,
    /// The run ended, whatever its outcome.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub finished: Vec<Name>,
    /// A due time was recorded as skipped.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub skipped: Vec<Name>,
    /// A due time was recorded as missed.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub missed: Vec<Name>,
    /// A run began later than `lateAfter` after its due time.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub late: Vec<Name>,
    /// A hook or an attempt of the run failed.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub step_failure: Vec<Name>,
    /// There was no success for too long.
    pub no_success_for: Option<NoSuccessSpec>,
}

/// Says who hears when there was no success for too long.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NoSuccessSpec {
    /// How long is too long.
    #[schemars(extend("examples" = ["26h"]))]
    pub after: Seconds,
    /// Who hears of it.
    #[schemars(with = "Vec<NameText>", length(min = 1), extend("examples" = [["ops"]]))]
    pub channels: Vec<Name>,
}
