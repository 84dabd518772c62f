//! Policies.

use std::collections::BTreeMap;

use provost_model::Name;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::kinds::text::{CapabilityText, NetworkText, PathText, PortRuleText};
use crate::kinds::{
    Bytes, DecideSpec, HistorySpec, HookSpec, Millicores, NameText, NotifySpec, ScopeSpec, Seconds, Settings,
};

/// What holds for many automations, whatever they say themselves.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PolicySpec {
    /// Low first: where policies differ, the one with the higher order decides. Two of equal order must not differ.
    #[serde(default)]
    #[schemars(extend("examples" = [100]))]
    pub order: i64,
    /// What it is for; absent: everything.
    #[serde(default)]
    pub select: SelectSpec,
    /// What holds where the automation says nothing.
    pub defaults: Option<Settings>,
    /// What holds in any case; an automation that says otherwise is an error.
    pub enforce: Option<Settings>,
    /// What may not be exceeded.
    #[serde(default)]
    pub limits: Limits,
    /// CEL expressions over the effective manifest (`metadata`, `spec`). They are checked on the automations and services
    /// that the policy selects; on plugins and channels only where `select.kinds` names them.
    #[serde(default)]
    pub rules: Vec<RuleSpec>,
    /// Containers around the runs of the automations and services that the policy selects, and on any other event.
    #[serde(default)]
    pub hooks: Vec<HookSpec>,
    /// One container that is asked whatever there is to decide: whether the server may begin, and whether each run and
    /// service that the policy selects may. It answers in `/provost/out/reply.json`, and is asked before the policy's
    /// hooks; absent: everything may begin.
    pub decide: Option<DecideSpec>,
    /// Which channels hear of what, besides those that automations name.
    pub notify: Option<NotifySpec>,
    /// Windows in which no run of an automation starts; due times in them are recorded as skipped. Services are kept up.
    #[serde(default)]
    pub freeze: Vec<FreezeSpec>,
    /// What is kept of finished runs and their output.
    pub history: Option<HistorySpec>,
    /// What the selected may do beyond what everyone may. Needs `select.names` or `select.labels`.
    pub allow: Option<Allow>,
}

/// What a policy is for. Everything that is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SelectSpec {
    /// Labels that the manifest must have, each with this value.
    #[serde(default)]
    #[schemars(extend("examples" = [{"team": "finance"}]))]
    pub labels: BTreeMap<String, String>,
    /// Kinds; absent: all.
    #[serde(default)]
    #[schemars(extend("examples" = [["Automation"]]))]
    pub kinds: Vec<SubjectKind>,
    /// Names; absent: all.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["nightly-report"]]))]
    pub names: Vec<Name>,
    /// Labels that the server must have, each with this value.
    #[serde(default)]
    #[schemars(extend("examples" = [{"tier": "prod"}]))]
    pub servers: BTreeMap<String, String>,
}

/// A kind that policies select.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
pub(crate) enum SubjectKind {
    Automation,
    Service,
    Plugin,
    Channel,
}

/// What may not be exceeded.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Limits {
    /// The longest `timeout`, of runs and of hooks.
    #[schemars(extend("examples" = ["6h"]))]
    pub timeout: Option<Seconds>,
    /// The most memory of one container.
    #[schemars(extend("examples" = ["2Gi"]))]
    pub memory: Option<Bytes>,
    /// The most processor cores of one container.
    #[schemars(extend("examples" = ["2"]))]
    pub cpu: Option<Millicores>,
    /// The most processes and threads of one container.
    #[schemars(extend("examples" = [512]))]
    pub pids: Option<u64>,
    /// The most retries.
    #[schemars(extend("examples" = [5]))]
    pub retries: Option<u32>,
    /// How many runs go on at once, over all automations that the policy selects; the others wait.
    #[schemars(range(min = 1), extend("examples" = [8]))]
    pub runs_at_once: Option<u32>,
}

/// A rule that the effective manifest must keep.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RuleSpec {
    /// A CEL expression over `metadata` and `spec` that must be true.
    #[schemars(extend("examples" = ["spec.image.startsWith(\"registry.example.org/\")"]))]
    pub assert: String,
    /// What is wrong where it is not.
    #[schemars(extend("examples" = ["images come from the shop's registry"]))]
    pub message: Option<String>,
    /// `Enforce` refuses the revision, `Audit` only warns.
    #[serde(default)]
    pub mode: RuleMode,
}

/// What a broken rule means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum RuleMode {
    #[default]
    Enforce,
    Audit,
}

/// A window in which nothing starts.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FreezeSpec {
    /// The minutes that are frozen: each minute at which this expression fires.
    #[schemars(extend("examples" = ["* 22-23 * * FRI"]))]
    pub cron: String,
    /// Its IANA time zone; absent: `defaults.timeZone` of the policy, or UTC.
    #[schemars(extend("examples" = ["Europe/Berlin"]))]
    pub time_zone: Option<String>,
    /// Why, for people.
    #[schemars(extend("examples" = ["release night"]))]
    pub reason: String,
}

/// What the selected may do beyond what everyone may.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Allow {
    /// Paths of the server that may be mounted, with all that is below them.
    #[serde(default)]
    #[schemars(with = "Vec<PathText>", extend("examples" = [["/srv/reports"]]))]
    pub host_paths: Vec<String>,
    /// Networks of the engine that may be joined, besides `None` and `Shared`; `Host` is the server's own.
    #[serde(default)]
    #[schemars(with = "Vec<NetworkText>", extend("examples" = [["backend"]]))]
    pub networks: Vec<String>,
    /// Linux capabilities that may be added; with `ALL`, any, and `dropCapabilities` may drop fewer.
    #[serde(default)]
    #[schemars(with = "Vec<CapabilityText>", extend("examples" = [["NET_BIND_SERVICE"]]))]
    pub add_capabilities: Vec<String>,
    /// The root file system may be writable.
    #[serde(default)]
    pub writable_root: bool,
    /// The user may be `root`.
    #[serde(default)]
    pub root_user: bool,
    /// Ports of the server that may lead to a service, besides those of the loopback address: `ADDRESS:PORT`,
    /// `ADDRESS:FIRST-LAST` or `ADDRESS:*`, with `*` for any address.
    #[serde(default)]
    #[schemars(with = "Vec<PortRuleText>", extend("examples" = [["0.0.0.0:443"]]))]
    pub ports: Vec<String>,
    /// The most that a container may do with automations and the server, through its socket (`access.scope`).
    pub scope: Option<ScopeSpec>,
}
