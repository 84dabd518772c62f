//! Other servers, whose skills are called here.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use provost_model::{CallError, JsonMap, Name};
use serde_json::Value;

/// A call of a skill that another server provides.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerCall {
    /// The server, by its name in the configuration.
    pub peer: Name,
    /// The skill.
    pub skill: String,
    /// What is handed in.
    pub data: JsonMap,
    /// Calling twice with one id is one call.
    pub request: String,
    /// The longest that the answer may take.
    pub timeout: Duration,
}

/// Why a server has not taken a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAsked(pub String);

/// Other servers, whose skills are called here.
#[async_trait]
pub trait Peers: Send + Sync {
    /// The servers that are said to provide a skill.
    fn providers(&self, skill: &str) -> BTreeSet<Name>;

    /// Calls a skill there, and returns what came of it.
    ///
    /// Errors: the server was not reached, or has refused the call; nothing was done there.
    async fn call_skill(&self, call: &PeerCall) -> Result<Result<Value, CallError>, NotAsked>;
}

/// No other servers.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPeers;

#[async_trait]
impl Peers for NoPeers {
    fn providers(&self, _skill: &str) -> BTreeSet<Name> {
        BTreeSet::new()
    }

    async fn call_skill(&self, call: &PeerCall) -> Result<Result<Value, CallError>, NotAsked> {
        Err(NotAsked(format!("there is no peer {}", call.peer)))
    }
}
