//! An automation's manifest as it takes effect, in the words of manifests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ScheduleItem;

/// An automation's manifest as it takes effect: every value is decided, by the manifest, a policy or a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveAutomation {
    /// When it is due.
    pub schedule: Vec<ScheduleItem>,
    /// Which events start it.
    pub triggers: Vec<TriggerItem>,
    /// The main container.
    #[serde(flatten)]
    pub workload: WorkloadItem,
    /// What may be handed in.
    pub params: BTreeMap<String, ParamItem>,
    /// The longest that one attempt may take, in seconds.
    pub timeout_s: u64,
    /// From SIGTERM to SIGKILL, in seconds.
    pub grace_s: u64,
    /// How failed attempts are tried again.
    pub retries: RetriesItem,
    /// `Forbid`, `Queue`, `Replace` or `Allow`.
    pub concurrency_policy: String,
    /// How many runs may wait when `concurrencyPolicy` is `Queue`.
    pub queue_limit: u32,
    /// `None`, `Last` or `All`.
    pub catch_up: String,
    /// A due time older than this, in seconds, is recorded as missed.
    pub start_deadline_s: Option<u64>,
    /// A run that begins later than this after its due time, in seconds, is late.
    pub late_after_s: u64,
    /// No two runs that name one lock overlap.
    pub locks: Vec<String>,
    /// Services that are up before a run begins.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Caps on runs at once, by the policy that says so.
    pub runs_at_once: BTreeMap<String, u32>,
    /// Which channels hear of which moment.
    pub notify: BTreeMap<String, Vec<String>>,
    /// Who hears when there was no success for too long.
    pub no_success_for: Option<NoSuccessItem>,
    /// When nothing may start.
    pub freeze: Vec<FreezeItem>,
    /// What is kept of finished runs.
    pub history: KeepItem,
    /// No due time starts anything.
    pub suspend: bool,
}

/// What a container is made of, after policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadItem {
    /// Its image.
    pub image: String,
    /// When the image is pulled: `IfNotPresent`, `Always` or `Never`.
    pub pull: String,
    /// Replaces the image's entry point when not empty.
    pub command: Vec<String>,
    /// Replaces the image's arguments when not empty.
    pub args: Vec<String>,
    /// Variables, besides Provost's own.
    pub env: BTreeMap<String, String>,
    /// `uid` or `uid:gid`; absent: the image's own.
    pub user: Option<String>,
    /// Absent: the image's own.
    pub working_dir: Option<String>,
    /// The root file system cannot be written.
    pub read_only_root: bool,
    /// Capabilities that are taken away.
    pub drop_capabilities: Vec<String>,
    /// Capabilities that policy gives.
    pub add_capabilities: Vec<String>,
    /// Its users are nobody on the server.
    #[serde(default)]
    pub user_namespace: bool,
    /// `None`, `Shared`, `Host`, or the name of a network of the engine.
    pub network: String,
    /// What is mounted.
    pub volumes: Vec<VolumeItem>,
    /// Which secrets it gets, and where.
    pub secrets: Vec<SecretItem>,
    /// Thousandths of a processor core.
    pub cpu_millis: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub pids: u64,
}

/// One mount of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeItem {
    /// The volume's name.
    pub name: String,
    /// Where the container sees it.
    pub path: String,
    /// A path of the server instead of a named volume.
    pub host_path: Option<String>,
    /// The container cannot write to it.
    pub read_only: bool,
    /// Whose volume it is: `Server`, `Automation` or `Run`.
    #[serde(default = "of_server")]
    pub scope: String,
}

fn of_server() -> String {
    "Server".to_owned()
}

/// A secret that a container gets. Its value is shown to nobody, sealed or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretItem {
    /// The secret's name.
    pub name: String,
    /// The variable that holds it.
    pub env: Option<String>,
    /// Where the container sees a file with it.
    pub file: Option<String>,
}

/// An event that starts an automation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriggerItem {
    /// The event's name.
    pub event: String,
    /// For events of runs: whose.
    pub from: Option<String>,
    /// A CEL expression; absent: always.
    pub when: Option<String>,
}

/// A declared parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParamItem {
    /// `string`, `integer`, `number` or `boolean`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it means.
    pub description: Option<String>,
    /// A run without it is refused.
    pub required: bool,
    /// What it is when nobody says otherwise.
    pub default: Option<serde_json::Value>,
    /// The least number.
    pub minimum: Option<f64>,
    /// The greatest number.
    pub maximum: Option<f64>,
    /// The values that are allowed; empty: all.
    pub options: Vec<serde_json::Value>,
}

/// How failed attempts are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetriesItem {
    /// There are at most `limit + 1` attempts.
    pub limit: u32,
    /// Before the second attempt, in seconds; doubles with each further one.
    pub backoff_s: u64,
    /// The longest pause, in seconds.
    pub max_backoff_s: u64,
}

/// Who hears when there was no success for too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NoSuccessItem {
    /// How long is too long, in seconds.
    pub after_s: u64,
    /// Who hears of it.
    pub channels: Vec<String>,
}

/// A window in which nothing starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FreezeItem {
    /// The minutes that are frozen.
    pub minutes: ScheduleItem,
    /// Why.
    pub reason: String,
    /// The policy that says so.
    pub policy: String,
}

/// What is kept of finished runs and their output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeepItem {
    /// Runs younger than this are kept, in seconds.
    pub keep_s: u64,
    /// This many of the youngest runs are kept, whatever their age.
    pub keep_last: u32,
    /// Output younger than this is kept, in seconds.
    pub logs_s: u64,
    /// The most output that is kept of one step, in bytes.
    pub log_bytes: u64,
}

/// A hook that applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookItem {
    /// Its name.
    pub name: String,
    /// Who bound it: `Policy/shop`, `Plugin/warehouse` or `Automation`.
    pub owner: String,
    /// The event that it is bound to.
    pub event: String,
    /// `Pre`, `Main` or `Post`.
    pub stage: String,
    /// Its image.
    pub image: String,
    /// The longest that it may take, in seconds.
    pub timeout_s: u64,
    /// What its failure means: `Fail` or `Ignore`.
    pub on_error: String,
    /// Delays nothing.
    pub background: bool,
    /// Runs beside the other parallel hooks of its place.
    pub parallel: bool,
}
