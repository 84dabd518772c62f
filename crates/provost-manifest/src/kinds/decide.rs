//! The one container of a policy that decides.

use provost_model::OnError;

use crate::kinds::text::{ImageText, PathText};
use crate::kinds::{HookSpec, Seconds, SecretUseSpec, VolumeSpec};

/// The events at which something is decided, each with a question: may the server, this run, this service begin?
pub(crate) const QUESTIONS: [&str; 3] = ["server.startup", "run.starting", "service.starting"];

with_container_fields! {
    /// A container that decides for a policy.
    pub(crate) struct DecideSpec {
        /// Its image.
        #[schemars(with = "ImageText", extend("examples" = ["registry.example.org/shop-policy:2"]))]
        pub image: String,
        /// Replaces the image's entry point.
        #[serde(default)]
        #[schemars(extend("examples" = [["decide"]]))]
        pub command: Vec<String>,
        /// Replaces the image's arguments.
        #[serde(default)]
        #[schemars(extend("examples" = [["--verbose"]]))]
        pub args: Vec<String>,
        /// The folder that the command starts in; absent: the image's own.
        #[schemars(with = "Option<PathText>", extend("examples" = ["/data"]))]
        pub working_dir: Option<String>,
        /// Folders that are kept from one question to the next.
        #[serde(default)]
        pub volumes: Vec<VolumeSpec>,
        /// Secrets, as files in memory or as variables.
        #[serde(default)]
        #[schemars(extend("examples" = [[{"name": "db-password", "env": "PGPASSWORD"}]]))]
        pub secrets: Vec<SecretUseSpec>,
        /// The longest that it may take to answer.
        #[schemars(extend("default" = "5m", "examples" = ["30s"]))]
        pub timeout: Option<Seconds>,
        /// From SIGTERM to SIGKILL when it is stopped.
        #[schemars(extend("default" = "10s", "examples" = ["30s"]))]
        pub grace_period: Option<Seconds>,
        /// What it means when it fails, or does not answer in time: `Fail`, that nothing of what was asked begins; `Ignore`,
        /// that it does.
        #[schemars(with = "Option<crate::kinds::forms::OnErrorText>", extend("default" = "Fail", "examples" = ["Ignore"]))]
        pub on_error: Option<OnError>,
    }
}

impl DecideSpec {
    /// As the hook that it is on `event`.
    pub(crate) fn hook(&self, event: &str) -> HookSpec {
        let on_error = self.on_error.or(Some(OnError::Fail));
        HookSpec { on_error, ..hook_of!(self, event.to_owned()) }
    }
}
