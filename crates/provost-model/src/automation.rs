//! An automation as it takes effect: its manifest after every policy was laid over and around it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provost_schedule::Schedule;
use serde::{Deserialize, Serialize};

use crate::{Access, ActionTerms, Digest, Hook, JsonMap, Name, PortMapping, SecretUse, ServiceTerms};

/// An automation as it takes effect, or a service, which is one whose runs are meant not to end. Everything is decided:
/// nothing in it is a default any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Automation {
    /// Unique among the automations of a revision.
    pub name: Name,
    /// Labels that policies and people select by.
    pub labels: BTreeMap<String, String>,
    /// What it is for, for people.
    pub description: Option<String>,
    /// When it is due. Empty: only on triggers and by hand.
    pub schedules: Vec<Schedule>,
    /// Which events start it.
    pub triggers: Vec<Trigger>,
    /// The main container.
    pub workload: Workload,
    /// What `provost run` and triggers may hand in.
    pub params: BTreeMap<String, Param>,
    /// The longest that one attempt may take, in seconds.
    pub timeout_s: u64,
    /// From SIGTERM to SIGKILL, in seconds.
    pub grace_s: u64,
    /// How often, and how, a failed attempt is tried again.
    pub retries: Retries,
    /// What happens when it is due while a run of it is going on.
    pub concurrency: ConcurrencyPolicy,
    /// How many runs may wait when `concurrency` is `Queue`.
    pub queue_limit: u32,
    /// Which due times that were missed while down are made up for.
    pub catch_up: CatchUp,
    /// A due time older than this, in seconds, is not started any more but recorded as missed.
    pub start_deadline_s: Option<u64>,
    /// A run whose first step starts later than this after its due time, in seconds, is late.
    pub late_after_s: u64,
    /// No two runs that name one lock overlap, whatever automation they are of.
    pub locks: BTreeSet<String>,
    /// Services that are up before a run of it begins.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub requires: BTreeSet<Name>,
    /// Set for a service: a run of it is meant not to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Arc<ServiceTerms>>,
    /// Caps on how many runs go on at once; each is shared by all automations that its policy selects.
    pub run_limits: Vec<RunLimit>,
    /// Every hook that applies, of policies, plugins and the automation's own, in their order before (R5).
    pub hooks: Vec<Arc<Hook>>,
    /// Which channels hear of what.
    pub notify: Notify,
    /// When nothing may start.
    pub freezes: Vec<Arc<Freeze>>,
    /// What is kept of finished runs.
    pub history: History,
    /// True: no due time starts anything; each is recorded as skipped.
    pub suspend: bool,
    /// What makes it an action of an application; absent: it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Arc<ActionTerms>>,
    /// Where each effective value comes from, by its path in the manifest (`spec.timeout`).
    pub origins: Arc<BTreeMap<String, Origin>>,
}

impl Automation {
    /// The application that it is for, of an action.
    pub fn application(&self) -> Option<&Name> {
        self.action.as_ref().map(|action| &action.application)
    }

    /// The digest of everything that takes effect, without where it came from.
    pub fn digest(&self) -> Digest {
        let mut bare = self.clone();
        bare.origins = Arc::default();
        Digest::of_json(&bare)
    }
}

/// What a container is made of, after policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// A registry reference, or the name of an image that the engine has.
    pub image: String,
    /// When the image is pulled.
    pub pull: PullPolicy,
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
    /// The root file system cannot be written; `/tmp` is a small folder in memory.
    pub read_only_root: bool,
    /// Capabilities that are taken away; `ALL` for every one.
    pub drop_capabilities: Vec<String>,
    /// Capabilities that policy gives.
    pub add_capabilities: Vec<String>,
    /// Its users are nobody on the server.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub user_namespace: bool,
    /// `None`, `Shared`, `Host`, or the name of a network of the engine.
    pub network: String,
    /// Named volumes, and host paths where policy allows them.
    pub volumes: Vec<VolumeMount>,
    /// Secrets, as files in memory and as variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretUse>,
    /// Ports of the server that lead to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortMapping>,
    /// What it may use.
    pub resources: Resources,
    /// What it may ask of the server.
    #[serde(default, skip_serializing_if = "Access::is_empty")]
    pub access: Access,
}

/// When an image is pulled from its registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullPolicy {
    /// When the engine does not have it.
    #[default]
    IfNotPresent,
    /// Before every run.
    Always,
    /// Never: the engine has it, or the step cannot start.
    Never,
}

impl Automation {
    /// Whether a run of it has volumes of its own.
    pub fn has_volumes_of_runs(&self) -> bool {
        let workloads = self.hooks.iter().map(|hook| &hook.workload).chain([&self.workload]);
        workloads.flat_map(|workload| &workload.volumes).any(|volume| volume.scope == VolumeScope::Run)
    }
}

/// One mount of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeMount {
    /// The volume's name; for a host path, what it is called in messages.
    pub name: String,
    /// Where the container sees it.
    pub path: String,
    /// A path of the server instead of a named volume; only where policy allows it.
    pub host_path: Option<String>,
    /// The container cannot write to it.
    pub read_only: bool,
    /// Whose volume it is.
    #[serde(default, skip_serializing_if = "VolumeScope::is_of_server")]
    pub scope: VolumeScope,
}

/// Whose a volume is, and so how long it lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeScope {
    /// The server's: every container that names it sees the same.
    #[default]
    Server,
    /// The automation's or service's own, kept between its runs; hooks around them see it too.
    Automation,
    /// Of one run: new at its beginning, seen by all of its steps, and gone after its end.
    Run,
}

impl VolumeScope {
    /// Whether it is the server's.
    pub fn is_of_server(&self) -> bool {
        *self == Self::Server
    }
}

/// What a container may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Thousandths of a processor core.
    pub cpu_millis: u64,
    /// Bytes of memory; swap is not added to it.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub pids: u64,
}

/// An event that starts an automation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The event's name: `run.succeeded`, `orders.arrived`.
    pub event: String,
    /// For events of runs: whose.
    pub from: Option<Name>,
    /// A CEL expression over `data`, `event` and `subject`; absent: always.
    pub when: Option<String>,
}

/// A declared parameter of an automation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Param {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ParamKind,
    /// What it means.
    pub description: Option<String>,
    /// Whether a run without it is refused. One with a default is never missing.
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

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParamKind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
}

/// How failed attempts are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retries {
    /// Attempts never exceed `limit + 1` (R7).
    pub limit: u32,
    /// Before the second attempt, in seconds; doubles with each further one.
    pub backoff_s: u64,
    /// The longest pause, in seconds.
    pub max_backoff_s: u64,
}

impl Retries {
    /// The pause after `attempt` (1 for the first) failed, in seconds.
    pub fn backoff_after(&self, attempt: u32) -> u64 {
        let doubled = 1u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(u64::MAX);
        self.backoff_s.saturating_mul(doubled).min(self.max_backoff_s)
    }
}

/// What happens when an automation is due while a run of it is going on (D5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConcurrencyPolicy {
    /// The due time is recorded as skipped.
    #[default]
    Forbid,
    /// The new run waits; at most `queueLimit` of them.
    Queue,
    /// The run that is going on is cancelled, with its after-hooks, and the new one waits for its end.
    Replace,
    /// Both go on.
    Allow,
}

/// Which due times that were missed while down are made up for (D3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CatchUp {
    /// None: all are recorded as missed.
    None,
    /// The last one; earlier ones are recorded as missed.
    #[default]
    Last,
    /// All, oldest first, at most 100; what is beyond is recorded as missed.
    All,
}

/// A cap on how many runs go on at once, shared by all automations that one policy selects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunLimit {
    /// The policy that says so.
    pub policy: Name,
    /// How many at most.
    pub runs_at_once: u32,
}

/// Which channels hear of which moment of a run (A29).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notify {
    /// Channels by moment.
    pub channels: BTreeMap<Moment, Vec<Name>>,
    /// Who hears when there was no success for too long.
    pub no_success_for: Option<NoSuccessFor>,
}

/// A moment that channels can hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    /// Before the first step; a channel that replies is asked whether the run may start (A26).
    Starting,
    /// The main container has started.
    Started,
    /// The run succeeded.
    Success,
    /// The run failed, timed out or was lost, after its last attempt (R7).
    Failure,
    /// The first success after a failure.
    Recovery,
    /// An attempt failed and another one follows.
    Retrying,
    /// The run was cancelled.
    Cancelled,
    /// The run ended, whatever its outcome.
    Finished,
    /// A due time was recorded as skipped.
    Skipped,
    /// A due time was recorded as missed.
    Missed,
    /// A run began later than `lateAfter` after its due time.
    Late,
    /// A hook or attempt of the run failed (the level below the run).
    StepFailure,
    /// There was no success for longer than `noSuccessFor`; its channels are named there, not by moment.
    NoSuccess,
}

/// Says who hears when an automation had no success for too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoSuccessFor {
    /// How long is too long, in seconds.
    pub after_s: u64,
    /// Who hears of it.
    pub channels: Vec<Name>,
}

/// A window in which nothing starts; due times in it are recorded as skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Freeze {
    /// The minutes that are frozen: each minute at which this schedule fires.
    pub minutes: Schedule,
    /// Why, for people.
    pub reason: String,
    /// The policy that says so.
    pub policy: Name,
}

/// What is kept of finished runs and their output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// Runs younger than this are kept, in seconds.
    pub keep_s: u64,
    /// This many of the youngest runs are kept, whatever their age.
    pub keep_last: u32,
    /// Output younger than this is kept, in seconds.
    pub logs_s: u64,
    /// The most output that is kept of one step, in bytes.
    pub log_bytes: u64,
}

/// Which document and line set a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// `Policy/shop`, `Automation/nightly`, or `built-in default`.
    pub document: String,
    /// How the value came in: `default`, `set`, `enforced`.
    pub scope: Scope,
    /// The file, relative to the source; absent for built-in defaults.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
}

/// The scope that a value was set in (A8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Provost's own default.
    BuiltIn,
    /// A policy's `defaults`.
    PolicyDefault,
    /// The automation itself.
    Automation,
    /// A policy's `enforce`.
    PolicyEnforced,
}

/// Checks `given` against `declared` and fills in defaults.
///
/// Returns what the run gets. Values given as text (from a command line) are read as the declared type.
/// Undeclared parameters are passed on as they are.
///
/// Errors: every problem, one sentence each.
pub fn check_params(declared: &BTreeMap<String, Param>, given: &JsonMap) -> Result<JsonMap, Vec<String>> {
    let mut params = given.clone();
    let mut problems = Vec::new();
    for (name, param) in declared {
        match given.get(name) {
            Some(value) => match param.read(value) {
                Ok(value) => drop(params.insert(name.clone(), value)),
                Err(why) => problems.push(format!("parameter `{name}`: {why}")),
            },
            None => match &param.default {
                Some(default) => drop(params.insert(name.clone(), default.clone())),
                None if param.required => problems.push(format!("parameter `{name}` is missing")),
                None => {}
            },
        }
    }
    if problems.is_empty() { Ok(params) } else { Err(problems) }
}

/// Checks that what is in `given` has the type that `declared` says; a text is of no other type than text.
///
/// Errors: every problem, one sentence each.
pub fn check_types(declared: &BTreeMap<String, Param>, given: &JsonMap) -> Result<(), Vec<String>> {
    let is_wrong = |(name, value): (&String, &serde_json::Value)| {
        let kind = declared.get(name)?.kind;
        let wrong = value.is_string() && kind != ParamKind::String;
        wrong.then(|| format!("parameter `{name}`: {value} is not of type {}", kind.word()))
    };
    let problems: Vec<String> = given.iter().filter_map(is_wrong).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

impl Param {
    /// Reads `value` as this parameter; text is converted where the type asks for it.
    pub fn read(&self, value: &serde_json::Value) -> Result<serde_json::Value, String> {
        use serde_json::Value;
        let text = value.as_str();
        let read = match self.kind {
            ParamKind::String => value.is_string().then(|| value.clone()),
            ParamKind::Boolean => match text {
                Some(text) => text.parse().ok().map(Value::Bool),
                None => value.is_boolean().then(|| value.clone()),
            },
            ParamKind::Integer => match text {
                Some(text) => text.parse::<i64>().ok().map(Value::from),
                None => (value.is_i64() || value.is_u64()).then(|| value.clone()),
            },
            ParamKind::Number => match text {
                Some(text) => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from),
                None => value.is_number().then(|| value.clone()),
            },
        };
        let read = read.ok_or_else(|| format!("{value} is not of type {}", self.kind.word()))?;
        if let (Some(number), Some(minimum)) = (read.as_f64(), self.minimum)
            && number < minimum
        {
            return Err(format!("{read} is less than {minimum}"));
        }
        if let (Some(number), Some(maximum)) = (read.as_f64(), self.maximum)
            && number > maximum
        {
            return Err(format!("{read} is more than {maximum}"));
        }
        if !self.options.is_empty() && !self.options.contains(&read) {
            let options: Vec<_> = self.options.iter().map(ToString::to_string).collect();
            return Err(format!("{read} is none of {}", options.join(", ")));
        }
        Ok(read)
    }
}

impl ParamKind {
    /// The word in manifests.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}
