//! Channels.

use provost_model::{Name, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::kinds::forms::VerdictText;
use crate::kinds::text::{FileText, ImageText, PathText, UrlText};
use crate::kinds::{NameText, Seconds, SecretUseSpec, VolumeSpec};

/// Where notifications go: exactly one of `webhook`, `command` and `file`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChannelSpec {
    /// An HTTP POST of the notification as JSON.
    pub webhook: Option<WebhookSpec>,
    /// A container that gets the notification as `/provost/event.json`.
    pub command: Option<ChannelCommand>,
    /// A line of JSON, appended to a file of the server.
    pub file: Option<FileSpec>,
    /// Channels that are told instead while this one cannot be reached, in this order, until one takes it.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops-mail"]]))]
    pub failover: Vec<Name>,
    /// While an automation keeps failing, its failure is told again after this long; absent: it is told once.
    #[schemars(extend("examples" = ["1h"]))]
    pub repeat_every: Option<Seconds>,
    /// The receiver's answer allows or denies a run.
    pub reply: Option<ReplySpec>,
    /// The longest that one delivery may take.
    #[schemars(extend("default" = "30s", "examples" = ["10s"]))]
    pub timeout: Option<Seconds>,
}

/// An HTTP POST.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WebhookSpec {
    /// Where to.
    #[schemars(with = "UrlText", extend("examples" = ["https://hooks.example.org/ops"]))]
    pub url: String,
    /// The file, below the server's secrets folder, that holds the key of the HMAC-SHA256 signature header.
    #[schemars(with = "Option<FileText>", extend("examples" = ["ops-hmac"]))]
    pub secret: Option<String>,
}

/// A file of the server.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FileSpec {
    /// Relative to the server's folder for channels.
    #[schemars(with = "FileText", extend("examples" = ["ops.jsonl"]))]
    pub path: String,
}

/// What the receiver's answer, or silence, means for a run that is about to start.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReplySpec {
    /// How long the answer is waited for.
    #[schemars(extend("examples" = ["30s"]))]
    pub timeout: Seconds,
    /// What silence means.
    #[schemars(with = "VerdictText", extend("examples" = ["Allow"]))]
    pub default: Verdict,
}

with_container_fields! {
    /// A container that delivers notifications.
    pub(crate) struct ChannelCommand {
        /// Its image.
        #[schemars(with = "ImageText", extend("examples" = ["registry.example.org/tools:2"]))]
        pub image: String,
        /// Replaces the image's entry point.
        #[serde(default)]
        #[schemars(extend("examples" = [["notify"]]))]
        pub command: Vec<String>,
        /// Replaces the image's arguments.
        #[serde(default)]
        #[schemars(extend("examples" = [["--verbose"]]))]
        pub args: Vec<String>,
        /// The folder that the command starts in; absent: the image's own.
        #[schemars(with = "Option<PathText>", extend("examples" = ["/data"]))]
        pub working_dir: Option<String>,
        /// Folders that are kept between deliveries.
        #[serde(default)]
        pub volumes: Vec<VolumeSpec>,
        /// Secrets, as files in memory or as variables.
        #[serde(default)]
        #[schemars(extend("examples" = [[{"name": "db-password", "env": "PGPASSWORD"}]]))]
        pub secrets: Vec<SecretUseSpec>,
    }
}
