//! Tokens, and what whoever asks may do.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be done: each holds those before it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TokenScope {
    /// Look.
    View,
    /// Start and stop runs, fire events.
    Run,
    /// Change what holds: pauses, revisions, tokens.
    Admin,
}

impl TokenScope {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Run => "run",
            Self::Admin => "admin",
        }
    }
}

/// Make a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenRequest {
    /// What people call it: a DNS label.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$"))]
    pub name: String,
    /// What may be done with it.
    pub scope: TokenScope,
    /// Patterns of the automations that it is good for: `web-*`. Absent: all of them, and the server itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automations: Option<Vec<String>>,
    /// Patterns of the events that may be fired with it: `orders.*`. Absent: none if `automations` is given, else all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// Nothing can be done with it from then on. Absent: it is good until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A token that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenMade {
    /// Its text. It is told now and never again: only a hash of it is kept.
    pub token: String,
    /// What it is good for.
    #[serde(flatten)]
    pub item: TokenItem,
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenItem {
    /// Its name.
    pub name: String,
    /// What may be done with it.
    pub scope: TokenScope,
    /// Patterns of the automations that it is good for; `*`: all of them, and the server itself.
    pub automations: Vec<String>,
    /// Patterns of the events that may be fired with it.
    pub events: Vec<String>,
    /// Nothing can be done with it from then on.
    pub until: Option<Timestamp>,
    /// Who made it.
    pub by: String,
    /// When.
    pub made_at: Timestamp,
}

/// What whoever asks may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Permissions {
    /// Who asks: `root`, `token ci`.
    pub by: String,
    /// What they may do.
    pub scope: TokenScope,
    /// Patterns of the automations with which; `*`: all of them, and the server itself.
    pub automations: Vec<String>,
    /// Patterns of the events that they may fire.
    pub events: Vec<String>,
    /// Patterns of the skills that they may call.
    pub skills: Vec<String>,
    /// Patterns of the documents that they may read.
    pub reads: Vec<String>,
    /// Patterns of the documents that they may write, and read.
    pub writes: Vec<String>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// What follows from it: every route that they may use. Lists leave out what they may not see.
    pub routes: Vec<Permission>,
}

/// A route that may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Its path.
    pub path: String,
    /// With these of the automations in force; absent where a route is about no single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automations: Option<Vec<String>>,
}
