//! How the server is.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The name of this Provost on its engine.
    pub instance: String,
    /// The machine that it runs on.
    pub host: String,
    /// Its version.
    pub version: String,
    /// The version of its time zone database.
    pub zone_database: String,
    /// The public half of the server's key, for which secrets are sealed: `age1…`.
    pub recipient: String,
    /// Where other machines ask, if they may.
    #[serde(default)]
    pub listen: Option<ListenItem>,
    /// The time of its clock.
    pub now: Timestamp,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// How often it started since its state was made.
    pub boots: u64,
    /// It was asked to end: nothing starts any more.
    pub stopping: bool,
    /// How its startup hooks went.
    pub startup: StartupState,
    /// Why the startup hooks refused, if they did.
    pub startup_refused: Option<String>,
    /// How its engine is.
    pub engine: EngineItem,
    /// How its source is.
    pub source: SourceItem,
    /// The revision in force; absent before the first.
    pub revision: Option<RevisionInForce>,
    /// The revision that it stays at, if somebody rolled back.
    pub pinned: Option<String>,
    /// The last revision that was refused, until a newer one is applied.
    pub rejected: Option<RejectedItem>,
    /// When it looks again by itself.
    pub wake_at: Option<Timestamp>,
    /// Why it is not as it should be, in a sentence each, with when it tries again. Empty: all is well.
    pub waiting_for: Vec<String>,
    /// How many there are of what.
    pub counts: Counts,
}

/// Where other machines ask, over https and with a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenItem {
    /// The address.
    pub address: String,
    /// The SHA-256 of its certificate, `sha256:…`: clients that know no authority for it compare this.
    pub fingerprint: String,
    /// When the certificate expires.
    pub certificate_until: Timestamp,
}

/// How the startup hooks went. Nothing starts before they passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StartupState {
    /// They have not been run since the server started.
    Owed,
    /// They run.
    Running,
    /// They ended well.
    Passed,
    /// One refused.
    Refused,
}

/// How the engine is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EngineItem {
    /// `Docker Engine`, `Podman` or `Provost direct`; absent until it answered for the first time.
    pub product: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Where it was found.
    pub address: Option<String>,
    /// Why it does not answer; absent while it does.
    pub trouble: Option<String>,
    /// Containers of this instance.
    pub containers: u64,
}

/// How the source is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceItem {
    /// What people call it.
    pub name: String,
    /// When it was read the last time.
    pub fetched_at: Option<Timestamp>,
    /// How long ago that is, in seconds.
    pub age_s: Option<u64>,
    /// Why it could not be read the last time; absent when it could.
    pub trouble: Option<String>,
    /// A revision that was received and waits for `provost apply`.
    pub waiting: Option<String>,
}

/// The revision in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevisionInForce {
    /// The commit, or the digest of the folder.
    pub revision: String,
    /// Since when.
    pub at: Timestamp,
    /// Who applied it.
    pub by: String,
}

/// A revision that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedItem {
    /// Which.
    pub revision: String,
    /// When.
    pub at: Timestamp,
    /// How many errors it has.
    pub errors: u32,
    /// The diagnostics, as people read them.
    pub report: String,
}

/// How many there are of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Automations in force.
    pub automations: u64,
    /// … whose last run succeeded, and nothing of which runs or waits.
    pub ok: u64,
    /// … whose last run failed.
    pub failing: u64,
    /// … of which a run goes on.
    pub running: u64,
    /// … of which a run waits for its turn.
    pub queued: u64,
    /// … that a person paused.
    pub paused: u64,
    /// … that their manifest suspends.
    pub suspended: u64,
    /// … that never ran.
    pub new: u64,
    /// Runs that are not closed.
    pub runs: u64,
    /// Events that are not handled.
    pub events: u64,
    /// Notifications that are not delivered.
    pub notices: u64,
    /// Services.
    #[serde(default)]
    pub services: u64,
    /// … of which so many do their work.
    #[serde(default)]
    pub services_up: u64,
}
