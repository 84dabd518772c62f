//! Fields that several kinds have, each written once.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kinds::text::PathText;
use crate::kinds::{Bytes, Millicores, Seconds};

/// Declares a struct with its own fields and those that every container has, which policies may default and enforce.
macro_rules! with_container_fields {
    ($(#[$meta:meta])* pub(crate) struct $name:ident { $($own:tt)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub(crate) struct $name {
            $($own)*
            /// When the image is pulled: `IfNotPresent` when the engine does not have it, `Always` before every run, `Never`.
            #[schemars(with = "Option<crate::kinds::forms::PullPolicyText>", extend("examples" = ["Always"]))]
            pub pull_policy: Option<provost_model::PullPolicy>,
            /// Environment variables. Names beginning with `PROVOST_` are Provost's own.
            #[schemars(extend("examples" = [{"REPORT_LANG": "de"}]))]
            pub env: Option<std::collections::BTreeMap<String, String>>,
            /// Who the container runs as, `uid` or `uid:gid`; absent: the image's own user. `root` only where policy allows it.
            #[schemars(with = "Option<crate::kinds::text::UserText>", extend("examples" = ["1000:1000"]))]
            pub user: Option<String>,
            /// The root file system cannot be written; `/tmp` is a small folder in memory. `false` only where policy allows it.
            #[schemars(extend("examples" = [true]))]
            pub read_only_root: Option<bool>,
            /// Linux capabilities that are taken away. Less than `ALL` only where policy allows it.
            #[schemars(with = "Option<Vec<crate::kinds::text::CapabilityText>>", extend("examples" = [["ALL"]]))]
            pub drop_capabilities: Option<Vec<String>>,
            /// Linux capabilities that are given, without `CAP_`; only where policy allows them.
            #[schemars(with = "Option<Vec<crate::kinds::text::CapabilityText>>", extend("examples" = [["NET_BIND_SERVICE"]]))]
            pub add_capabilities: Option<Vec<String>>,
            /// The container's users are nobody on the server, its root too: it has a user namespace of its own.
            #[schemars(extend("examples" = [true]))]
            pub user_namespace: Option<bool>,
            /// `None`: no network at all. `Shared`: the network that Provost's containers share. `Host`: the server's own, and
            /// else the name of a network of the engine; both only where policy allows them.
            #[schemars(with = "Option<crate::kinds::text::NetworkText>", extend("examples" = ["Shared"]))]
            pub network: Option<String>,
            /// What the container may use.
            pub resources: Option<crate::kinds::shared::ResourcesSpec>,
        }
    };
}

/// The hook on `$event` that a container of `$spec` is: whatever waits for it learns of its failure.
macro_rules! hook_of {
    ($spec:expr, $event:expr) => {{
        let own = $spec.clone();
        crate::kinds::HookSpec {
            event: $event,
            on_error: Some(provost_model::OnError::Fail),
            image: own.image.into(),
            command: own.command,
            args: own.args,
            working_dir: own.working_dir,
            volumes: own.volumes,
            secrets: own.secrets,
            timeout: own.timeout,
            grace_period: own.grace_period,
            pull_policy: own.pull_policy,
            env: own.env,
            user: own.user,
            read_only_root: own.read_only_root,
            drop_capabilities: own.drop_capabilities,
            add_capabilities: own.add_capabilities,
            user_namespace: own.user_namespace,
            network: own.network,
            resources: own.resources,
            ..crate::kinds::HookSpec::default()
        }
    }};
}

/// Declares a struct with its own fields, those of every container, and how runs go on; policies may default and
/// enforce the latter two.
macro_rules! with_settings {
    ($(#[$meta:meta])* pub(crate) struct $name:ident { $($own:tt)* }) => {
        with_container_fields! {
            $(#[$meta])*
            pub(crate) struct $name {
                $($own)*
                /// The IANA time zone of cron expressions that do not name their own.
                #[schemars(extend("examples" = ["Europe/Berlin"]))]
                pub time_zone: Option<String>,
                /// The longest that one attempt may take; then the container is stopped, and the attempt has failed.
                #[schemars(extend("examples" = ["10m"]))]
                pub timeout: Option<crate::kinds::Seconds>,
                /// From SIGTERM to SIGKILL when a container is stopped.
                #[schemars(extend("examples" = ["30s"]))]
                pub grace_period: Option<crate::kinds::Seconds>,
                /// How often a failed attempt is tried again: a number, or an object with the pauses.
                pub retries: Option<crate::kinds::forms::RetriesSpec>,
                /// What happens when it is due while a run of it is going on: `Forbid` records a skip, `Queue` lets it wait,
                /// `Replace` cancels the one that is going on, `Allow` lets both go on.
                #[schemars(with = "Option<crate::kinds::forms::ConcurrencyText>", extend("examples" = ["Queue"]))]
                pub concurrency_policy: Option<provost_model::ConcurrencyPolicy>,
                /// How many runs may wait when `concurrencyPolicy` is `Queue`.
                #[schemars(range(min = 1, max = 1000), extend("examples" = [3]))]
                pub queue_limit: Option<u32>,
                /// Which due times that were missed while down are made up for: `None`, the `Last` one, or `All`, oldest
                /// first, at most 100.
                #[schemars(with = "Option<crate::kinds::forms::CatchUpText>", extend("examples" = ["All"]))]
                pub catch_up: Option<provost_model::CatchUp>,
                /// A due time older than this is not started any more: it is recorded as missed or, if the server was up,
                /// as skipped; absent: no limit.
                #[schemars(extend("examples" = ["1h"]))]
                pub start_deadline: Option<crate::kinds::Seconds>,
                /// A run that starts later than this after its due time is late, which `notify` can tell.
                #[schemars(extend("examples" = ["5m"]))]
                pub late_after: Option<crate::kinds::Seconds>,
            }
        }
    };
}

with_settings! {
    /// What a policy may say for the automations that it selects.
    pub(crate) struct Settings {}
}

/// What a container may use.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResourcesSpec {
    /// Processor cores: `"1"`, `0.5`, `500m`.
    #[schemars(extend("examples" = ["2"]))]
    pub cpu: Option<Millicores>,
    /// Memory; swap is not added to it.
    #[schemars(extend("examples" = ["1Gi"]))]
    pub memory: Option<Bytes>,
    /// Processes and threads.
    #[schemars(range(min = 1, max = 1_000_000), extend("examples" = [64]))]
    pub pids: Option<u64>,
}

/// A folder that the container sees.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VolumeSpec {
    /// The volume's name; it is kept between runs, unless `scope` says otherwise. With `hostPath`: what it is called in
    /// messages.
    #[schemars(with = "crate::kinds::NameText", extend("examples" = ["data"]))]
    pub name: String,
    /// Where the container sees it.
    #[schemars(with = "PathText", extend("examples" = ["/data"]))]
    pub path: String,
    /// A folder or file of the server instead of a volume; only where policy allows it.
    #[schemars(with = "Option<PathText>", extend("examples" = ["/srv/reports"]))]
    pub host_path: Option<String>,
    /// The container cannot write to it.
    #[serde(default)]
    pub read_only: bool,
    /// Whose it is. `Server`: every container that names it sees the same. `Automation`: the automation's or service's
    /// own, which hooks around its runs see too. `Run`: of one run, new at its beginning, seen by all of its steps, and
    /// gone after its end.
    #[schemars(with = "Option<crate::kinds::forms::VolumeScopeText>", extend("default" = "Server", "examples" = ["Run"]))]
    pub scope: Option<provost_model::VolumeScope>,
}

/// A secret that the container gets: by default as a file in memory.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SecretUseSpec {
    /// The name of a document of kind `Secret`.
    #[schemars(with = "crate::kinds::NameText", extend("examples" = ["db-password"]))]
    pub name: provost_model::Name,
    /// The path of the file that the container sees, in memory and not to be written; absent: `/run/secrets/NAME`, or no
    /// file if there is `env`.
    #[schemars(with = "Option<PathText>", extend("examples" = ["/run/secrets/gcp.json"]))]
    pub file: Option<String>,
    /// A variable with the value. Whoever may look at containers on the engine can read it there: prefer `file`.
    #[schemars(with = "Option<crate::kinds::text::VariableText>", extend("examples" = ["PGPASSWORD"]))]
    pub env: Option<String>,
}

/// What is kept of finished runs and their output.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HistorySpec {
    /// Runs younger than this are kept.
    #[schemars(extend("examples" = ["90d"]))]
    pub keep: Option<Seconds>,
    /// This many of the youngest runs are kept, whatever their age.
    #[schemars(extend("examples" = [100]))]
    pub keep_last: Option<u32>,
    /// Output younger than this is kept.
    #[schemars(extend("examples" = ["30d"]))]
    pub logs: Option<Seconds>,
    /// The most output that is kept of one step.
    #[schemars(extend("examples" = ["50Mi"]))]
    pub log_size: Option<Bytes>,
}
