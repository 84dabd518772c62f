//! Services.

use provost_model::Name;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::kinds::forms::{ReplacementText, RestartText};
use crate::kinds::text::{EventText, ImageText, PathText, PortText};
use crate::kinds::{AccessSpec, HookSpec, NameText, ProvideSpec, Seconds, SecretUseSpec, VolumeSpec};

with_container_fields! {
    /// A container that is meant not to end, and is kept up. Only `image` has to be said.
    pub(crate) struct ServiceSpec {
        /// A registry reference, or the name of an image that the engine has.
        #[schemars(with = "ImageText", extend("examples" = ["registry.example.org/relay:3"]))]
        pub image: String,
        /// Replaces the image's entry point.
        #[serde(default)]
        #[schemars(extend("examples" = [["relay", "--listen", ":8090"]]))]
        pub command: Vec<String>,
        /// Replaces the image's arguments.
        #[serde(default)]
        #[schemars(extend("examples" = [["--verbose"]]))]
        pub args: Vec<String>,
        /// The folder that the command starts in; absent: the image's own.
        #[schemars(with = "Option<PathText>", extend("examples" = ["/data"]))]
        pub working_dir: Option<String>,
        /// Ports of the server that lead to the container: `HOST:CONTAINER` on the loopback address, or
        /// `ADDRESS:HOST:CONTAINER`, which needs a policy's `allow.ports` where the address is another one. With ports, the
        /// network is `Shared` unless something else is said.
        #[serde(default)]
        #[schemars(with = "Vec<PortText>", extend("examples" = [["127.0.0.1:8090:8090"]]))]
        pub ports: Vec<String>,
        /// Folders that are kept.
        #[serde(default)]
        pub volumes: Vec<VolumeSpec>,
        /// Secrets, as files in memory or as variables.
        #[serde(default)]
        #[schemars(extend("examples" = [[{"name": "db-password", "env": "PGPASSWORD"}]]))]
        pub secrets: Vec<SecretUseSpec>,
        /// From SIGTERM to SIGKILL when the container is stopped.
        #[schemars(extend("default" = "10s", "examples" = ["30s"]))]
        pub grace_period: Option<Seconds>,
        /// How it is found out whether it does its work; absent: while it runs, it is healthy.
        pub health_check: Option<HealthCheckSpec>,
        /// How often, and after which ends, its container is started again; absent: never.
        pub restart: Option<RestartSpec>,
        /// In which order a new container takes the place of an old one. `StartFirst`: the old one goes once the new one is
        /// healthy, unless both want one port of the server. `StopFirst`: the new one starts once the old one is gone.
        /// Absent: `StartFirst`, or `StopFirst` if it has a volume that it can write to.
        #[schemars(with = "Option<ReplacementText>", extend("examples" = ["StopFirst"]))]
        pub replace: Option<provost_model::Replacement>,
        /// What is up before it starts, and what it calls.
        pub requires: Option<RequiresSpec>,
        /// Calls that it offers to other containers, who need not know who answers.
        #[serde(default)]
        pub provides: Vec<ProvideSpec>,
        /// What it may ask of the server, besides calling what it `requires`.
        pub access: Option<AccessSpec>,
        /// Containers around it, inside those of policies and plugins. Only events of services (`service.*`); those of
        /// `service.exited` clean up after it, whatever its end.
        #[serde(default)]
        pub hooks: Vec<HookSpec>,
        /// Which channels hear of what, besides those that policies name.
        pub notify: Option<ServiceNotifySpec>,
    }
}

/// What is up before something starts, and what it calls. What is up and goes down later ends nothing that needs it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RequiresSpec {
    /// Services that run and are healthy before it starts.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["relay"]]))]
    pub services: Vec<Name>,
    /// Skills that it calls, through the socket `/provost/run/api.sock`. They are not waited for: a call to one that is not
    /// there fails at once.
    #[serde(default)]
    #[schemars(with = "Vec<EventText>", extend("examples" = [["fx.rate"]]))]
    pub skills: Vec<String>,
}

/// How it is found out whether a service does its work: exactly one of `http` and `command`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HealthCheckSpec {
    /// A GET request to the container, good if its status is 200 to 399.
    pub http: Option<HttpSpec>,
    /// A program in the container, good if it exits with 0.
    #[schemars(length(min = 1), extend("examples" = [["pg_isready", "-q"]]))]
    pub command: Option<Vec<String>>,
    /// From one question to the next.
    #[schemars(extend("default" = "30s", "examples" = ["10s"]))]
    pub interval: Option<Seconds>,
    /// The longest that an answer may take.
    #[schemars(extend("default" = "5s", "examples" = ["2s"]))]
    pub timeout: Option<Seconds>,
    /// So many bad answers in a row make it unhealthy. Then it is restarted, as long as `restart` allows.
    #[schemars(range(min = 1, max = 1000), extend("default" = 3, "examples" = [5]))]
    pub failures: Option<u32>,
    /// The longest from its start to its first good answer; then that start has failed.
    #[schemars(extend("default" = "30s", "examples" = ["2m"]))]
    pub start_timeout: Option<Seconds>,
}

/// What is asked by HTTP.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HttpSpec {
    /// The container's port.
    #[schemars(range(min = 1), extend("examples" = [8090]))]
    pub port: u16,
    /// The path.
    #[schemars(with = "Option<PathText>", extend("default" = "/", "examples" = ["/healthz"]))]
    pub path: Option<String>,
}

/// How often, and after which ends, a container is started again.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RestartSpec {
    /// `OnFailure`: after an exit code other than 0, or ill health. `Always`: after any end.
    #[schemars(with = "Option<RestartText>", extend("default" = "OnFailure", "examples" = ["Always"]))]
    pub policy: Option<provost_model::RestartPolicy>,
    /// How often; then it is given up, which `provost get services` says. Absent: never.
    #[schemars(range(max = 1000), extend("examples" = [5]))]
    pub limit: Option<u32>,
    /// The pause before the first restart; it doubles with each further one.
    #[schemars(extend("default" = "10s", "examples" = ["1s"]))]
    pub backoff: Option<Seconds>,
    /// The longest pause.
    #[schemars(extend("default" = "10m", "examples" = ["1m"]))]
    pub max_backoff: Option<Seconds>,
}

/// Which channels hear of what becomes of a service. Each field is a list of names of channels.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ServiceNotifySpec {
    /// It ended and is not started again, or is unhealthy.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub failure: Vec<Name>,
    /// It is up again after a failure.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub recovery: Vec<Name>,
    /// It failed and is started again.
    #[serde(default)]
    #[schemars(with = "Vec<NameText>", extend("examples" = [["ops"]]))]
    pub retrying: Vec<Name>,
}
