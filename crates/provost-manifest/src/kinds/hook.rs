//! Hooks.

use provost_model::{Name, OnError, Stage};

use crate::kinds::forms::{OnErrorText, StageText};
use crate::kinds::text::{EventText, ImageText, PathText, WordText};
use crate::kinds::{NameText, Seconds, SecretUseSpec, VolumeSpec};

with_container_fields! {
    /// A container bound to an event.
    pub(crate) struct HookSpec {
        /// Unique within its owner; absent: `hook-1` for the first, and so on.
        #[schemars(with = "Option<NameText>", extend("examples" = ["announce"]))]
        pub name: Option<Name>,
        /// The event that it is bound to; one of Provost's own, such as `run.starting`, or any other.
        #[schemars(with = "EventText", extend("examples" = ["run.starting"]))]
        pub event: String,
        /// When in the event it runs: all `Pre` end before any `Main` starts, `Post` starts after every `Main` in the
        /// foreground ended.
        #[schemars(with = "Option<StageText>", extend("default" = "Main", "examples" = ["Post"]))]
        pub stage: Option<Stage>,
        /// Its image; absent in a plugin: the plugin's.
        #[schemars(with = "Option<ImageText>", extend("examples" = ["registry.example.org/tools:2"]))]
        pub image: Option<String>,
        /// Replaces the image's entry point.
        #[serde(default)]
        #[schemars(extend("examples" = [["announce"]]))]
        pub command: Vec<String>,
        /// Replaces the image's arguments.
        #[serde(default)]
        #[schemars(extend("examples" = [["--verbose"]]))]
        pub args: Vec<String>,
        /// The folder that the command starts in; absent: the image's own.
        #[schemars(with = "Option<PathText>", extend("examples" = ["/data"]))]
        pub working_dir: Option<String>,
        /// Folders that are kept between runs.
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
        /// What its failure means. `Fail`: before a run, that the run does not start; in any other event, that the event
        /// failed. `Ignore`: it is recorded, and nothing else. Absent: `Fail` in the foreground of `run.starting`,
        /// `service.starting` and `server.startup`, else `Ignore`.
        #[schemars(with = "Option<OnErrorText>", extend("examples" = ["Ignore"]))]
        pub on_error: Option<OnError>,
        /// Delays nothing; its failure is still recorded.
        #[serde(default)]
        pub background: bool,
        /// Runs beside the other parallel hooks of its stage, instead of one after the other.
        #[serde(default)]
        pub parallel: bool,
        /// The keys of the event's data that it gets; absent: all. A key that the event lacks fails the hook, naming it.
        #[schemars(with = "Option<Vec<WordText>>", extend("examples" = [["order"]]))]
        pub takes: Option<Vec<String>>,
        /// Runs only for events about this application: those whose data say so in `application`, and those of runs of its
        /// actions; absent: whatever they are about.
        #[schemars(with = "Option<NameText>", extend("examples" = ["my-application"]))]
        pub application: Option<Name>,
    }
}
