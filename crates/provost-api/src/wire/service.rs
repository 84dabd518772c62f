//! Services, in lists and one at a time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HookItem, OriginItem, RunItem, WorkloadItem};

/// A service in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceItem {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it is for.
    pub description: Option<String>,
    /// How it is.
    pub state: ServiceState,
    /// Why, in one clause; empty where the word says it all.
    pub detail: String,
    /// The run that does the work, or is about to.
    pub run: Option<String>,
    /// Since when its container runs.
    pub up_since: Option<Timestamp>,
    /// How often its container was restarted in this run.
    pub restarts: u32,
    /// How often it may be restarted; then it is given up.
    pub restarts_max: u32,
    /// The exit code of the container before this one, or of the last one.
    pub last_exit: Option<i64>,
    /// When its last run ended.
    pub last_ended_at: Option<Timestamp>,
    /// Its image.
    pub image: String,
    /// Ports of the server that lead to it: `127.0.0.1:8090:80`.
    pub ports: Vec<String>,
    /// Services that are up before it starts.
    pub requires: Vec<String>,
}

/// How a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ServiceState {
    /// It does its work.
    Up,
    /// It is about to.
    Starting,
    /// It waits for what it requires.
    Waiting,
    /// Its container failed, and is started again.
    Restarting,
    /// It runs and does not do its work.
    Unhealthy,
    /// It was asked to end, or cleans up after its end.
    Stopping,
    /// A person stopped it.
    Stopped,
    /// It ended well, and nothing says that it is to be started again.
    Ended,
    /// It ended and is given up.
    Dead,
}

impl ServiceState {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Starting => "starting",
            Self::Waiting => "waiting",
            Self::Restarting => "restarting",
            Self::Unhealthy => "unhealthy",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Ended => "ended",
            Self::Dead => "dead",
        }
    }
}

/// Everything about one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceDetail {
    /// What lists show.
    #[serde(flatten)]
    pub item: ServiceItem,
    /// Its container, after policy.
    pub container: WorkloadItem,
    /// Which ends are mended by a restart: `OnFailure` or `Always`.
    pub restart: String,
    /// `StartFirst` or `StopFirst`.
    pub replace: String,
    /// Its health check, as it takes effect; absent: while it runs, it is healthy.
    pub health_check: Option<HealthCheckItem>,
    /// Where each effective value comes from, by its path in the manifest (`spec.network`).
    pub origins: BTreeMap<String, OriginItem>,
    /// Every hook that applies, of policies, plugins and its own.
    pub hooks: Vec<HookItem>,
    /// Its youngest runs, youngest first.
    pub runs: Vec<RunItem>,
}

/// A health check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheckItem {
    /// `GET :8090/healthz`, or the program.
    pub asks: String,
    /// From one question to the next, in seconds.
    pub interval_s: u64,
    /// The longest that an answer may take, in seconds.
    pub timeout_s: u64,
    /// So many bad answers in a row make it unhealthy.
    pub failures: u32,
    /// The longest from its start to its first good answer, in seconds.
    pub start_timeout_s: u64,
}
