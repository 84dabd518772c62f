//! Channels: where notifications go.

use serde::{Deserialize, Serialize};

use crate::{Name, Workload};

/// Where notifications go, and what happens when they do not arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// Unique among the channels of a revision.
    pub name: Name,
    /// How it delivers.
    pub target: Target,
    /// Who is told instead while this one cannot be reached, in this order, until one takes it (A30).
    pub failover: Vec<Name>,
    /// While an automation keeps failing, its failure is told again after this long, in seconds.
    pub repeat_every_s: Option<u64>,
    /// Whether the receiver's answer allows or denies a run (A26).
    pub reply: Option<ReplyRule>,
    /// The longest that one delivery may take, in seconds.
    pub timeout_s: u64,
}

/// How a channel delivers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Target {
    /// An HTTP POST of the notification as JSON.
    #[serde(rename_all = "camelCase")]
    Webhook {
        /// Where to.
        url: String,
        /// The file, below the server's secrets folder, that holds the key of the HMAC-SHA256 signature header.
        secret: Option<String>,
    },
    /// A container that gets the notification as `/provost/event.json`.
    Command {
        /// Its container.
        workload: Box<Workload>,
    },
    /// A line of JSON appended to a file below the server's state folder.
    File {
        /// Relative to `<state>/channels/`.
        path: String,
    },
}

/// What a receiver's answer, or silence, means for a run that is about to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplyRule {
    /// How long the answer is waited for, in seconds.
    pub timeout_s: u64,
    /// What silence means.
    pub default: Verdict,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The run may start.
    Allow,
    /// The run is not started.
    Deny,
}
