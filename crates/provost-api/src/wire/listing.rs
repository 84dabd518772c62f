//! Lists: of anything, and of channels, plugins, policies and sources.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}List")]
pub struct Listing<T> {
    /// What is in it.
    pub items: Vec<T>,
    /// There may be more: `cursor` takes this, and the list goes on behind what is in this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Listing<T> {
    /// All there is.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChannelItem {
    /// Its name.
    pub name: String,
    /// How it delivers.
    pub kind: ChannelKind,
    /// Where to: the scheme and host of a webhook (its path may hold a secret), the image of a command, the path of a file.
    pub target: String,
    /// Deliveries carry a signature.
    pub signed: bool,
    /// Who is told instead while this one cannot be reached, in this order.
    pub failover: Vec<String>,
    /// While an automation keeps failing, its failure is told again after this long.
    pub repeat_every_s: Option<u64>,
    /// The longest that one delivery may take.
    pub timeout_s: u64,
    /// It is asked whether a run may start; what silence means: `Allow` or `Deny`.
    pub reply_default: Option<String>,
    /// How long its answer is waited for.
    pub reply_timeout_s: Option<u64>,
    /// Notifications that are on their way to it.
    pub undelivered: u64,
    /// … of which so many could not be delivered at least once.
    pub delayed: u64,
    /// When the first of these is tried again.
    pub next_try_at: Option<Timestamp>,
}

/// How a channel delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChannelKind {
    /// An HTTP POST.
    Webhook,
    /// A container.
    Command,
    /// A line in a file.
    File,
}

impl ChannelKind {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Command => "command",
            Self::File => "file",
        }
    }
}

/// A plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginItem {
    /// Its name; of an instance, `PLUGIN.INSTANCE`.
    pub name: String,
    /// Low first.
    pub order: i64,
    /// False: none of its hooks runs, and none of its actions is there.
    pub enabled: bool,
    /// How many hooks it binds.
    pub hooks: u32,
    /// How many actions it brings.
    #[serde(default)]
    pub actions: u32,
    /// How many skills it offers.
    #[serde(default)]
    pub skills: u32,
    /// What it requires and this server has not; then none of its hooks runs.
    pub unmet: Vec<String>,
    /// Why its prepare step failed; then none of its hooks runs either.
    pub unprepared: Option<String>,
}

/// A source that manifests refer to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceCopyItem {
    /// Its name.
    pub name: String,
    /// Where its manifests come from.
    pub from: String,
    /// The commit, or the digest of the folder's manifests; absent while there is no copy.
    pub revision: Option<String>,
    /// The one that is part of the revision in force.
    pub in_force: Option<String>,
    /// When it was fetched or copied the last time.
    pub fetched_at: Option<Timestamp>,
    /// How long ago that is, in seconds.
    pub age_s: Option<u64>,
    /// Why it is not what it could be: it cannot be fetched, or has changed where it comes from.
    pub trouble: Option<String>,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyItem {
    /// Its name.
    pub name: String,
    /// Low first.
    pub order: i64,
    /// How many automations it selects.
    pub automations: u32,
    /// How many hooks it binds.
    pub hooks: u32,
    /// How many rules it has.
    pub rules: u32,
}
