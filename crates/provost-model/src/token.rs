//! Tokens: what others than the machine's own people prove themselves with, and what they may do with them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Digest, Name};

/// A token. What is kept of its secret is a hash: nobody can read it back, on no backup either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// What people call it; whatever is done with it is recorded under this name.
    pub name: Name,
    /// SHA-256 of its text.
    pub hash: Digest,
    /// What may be done with it.
    pub scope: TokenScope,
    /// Patterns of the automations that it is good for; `*`: all of them, and the server itself.
    pub automations: Vec<String>,
    /// Patterns of the events that may be fired with it.
    pub events: Vec<String>,
    /// Nothing can be done with it from then on; absent: it is good until it is revoked.
    pub until: Option<Timestamp>,
    /// Who made it.
    pub by: String,
    /// When.
    pub made_at: Timestamp,
}

/// What may be done: each holds those before it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// The word for people and wires.
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Run => "run",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
