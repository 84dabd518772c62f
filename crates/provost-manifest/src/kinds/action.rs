//! Actions of plugins.

use std::collections::BTreeMap;

use provost_model::ConcurrencyPolicy;

use crate::kinds::forms::{ConcurrencyText, RetriesSpec};
use crate::kinds::text::{ImageText, PathText, WordText};
use crate::kinds::{NameText, ParamSpec, Seconds, SecretUseSpec, VolumeSpec};

with_container_fields! {
    /// A container that people and programs start by name, for an application.
    pub(crate) struct ActionSpec {
        /// What callers call it, unique within the application.
        #[schemars(with = "WordText", extend("examples" = ["DeleteWidgets"]))]
        pub name: String,
        /// The application that it is for.
        #[schemars(with = "NameText", extend("examples" = ["my-application"]))]
        pub application: String,
        /// What it is for, for people.
        pub description: Option<String>,
        /// What callers may hand in, by name. What is not declared is handed in too.
        #[serde(default)]
        pub params: BTreeMap<String, ParamSpec>,
        /// Its image; absent: the plugin's.
        #[schemars(with = "Option<ImageText>", extend("examples" = ["registry.example.org/tools:2"]))]
        pub image: Option<String>,
        /// Replaces the image's entry point. `$(params.NAME)` stands for a parameter.
        #[serde(default)]
        #[schemars(extend("examples" = [["delete-widgets", "--count", "$(params.count)"]]))]
        pub command: Vec<String>,
        /// Replaces the image's arguments. `$(params.NAME)` stands for a parameter.
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
        /// No two runs that name one lock overlap, whatever they are runs of.
        #[serde(default)]
        #[schemars(with = "Vec<WordText>", extend("examples" = [["warehouse"]]))]
        pub locks: Vec<String>,
        /// The longest that one attempt may take; then the container is stopped, and the attempt has failed.
        #[schemars(extend("examples" = ["10m"]))]
        pub timeout: Option<Seconds>,
        /// From SIGTERM to SIGKILL when the container is stopped.
        #[schemars(extend("examples" = ["30s"]))]
        pub grace_period: Option<Seconds>,
        /// How often a failed attempt is tried again: a number, or an object with the pauses.
        pub retries: Option<RetriesSpec>,
        /// Whether calls of it go on side by side (`Allow`) or one after the other (any other value).
        #[schemars(with = "Option<ConcurrencyText>", extend("examples" = ["Allow"]))]
        pub concurrency_policy: Option<ConcurrencyPolicy>,
    }
}
