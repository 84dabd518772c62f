//! Skills and documents.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JsonMap, ParamItem};

/// A skill that can be called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillItem {
    /// What callers call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Who declares it: `Plugin/bank`, `Service/rates`, or the server's configuration: `peers.berlin`.
    pub provider: String,
    /// How calls are answered.
    pub kind: SkillKind,
    /// The longest that an answer may take, in seconds.
    pub timeout_s: u64,
    /// What may be handed in, by name. What is not declared is handed in too.
    pub params: BTreeMap<String, ParamItem>,
}

/// How calls of a skill are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SkillKind {
    /// By a container of a plugin that is made for each call.
    Container,
    /// With a value.
    Constant,
    /// By a service, over HTTP.
    Http,
    /// By a program that is run in the container of a service.
    Program,
    /// By another server.
    Peer,
}

impl SkillKind {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Constant => "constant",
            Self::Http => "http",
            Self::Program => "program",
            Self::Peer => "peer",
        }
    }
}

/// Call a skill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SkillCall {
    /// What is handed in; checked against the declared parameters, whose types it has to have.
    pub data: JsonMap,
    /// Calling twice with one id makes one container and gives one answer. Absent: each request is a call of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Only if this server itself provides it: what it has from another server is not passed on.
    pub own: bool,
}

/// What a skill has answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillResult {
    /// Any JSON value.
    pub result: serde_json::Value,
}

/// Call a skill on several servers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SkillCallOn {
    /// What is handed in, the same to each.
    pub data: JsonMap,
    /// The servers: this one by its instance's name, others by their names in `peers` of its configuration. Empty: all that
    /// provide the skill.
    pub servers: std::collections::BTreeSet<String>,
    /// As in a call of one: on each server, calling twice with one id is one call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// What a skill has answered on several servers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillResults {
    /// By the server's name.
    pub servers: BTreeMap<String, SkillAnswer>,
}

/// A result, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SkillAnswer {
    /// Any JSON value.
    Result(serde_json::Value),
    /// Why there is none.
    Error(SkillError),
}

/// Why a skill has no result, as its provider says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillError {
    /// What sort of failure, in one word: `Failed`, `Timeout`, `BadResult`, `Unavailable`, or what the provider says.
    pub kind: String,
    /// What happened, in one sentence.
    pub message: String,
}

/// Any JSON value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct JsonValue(pub serde_json::Value);

/// One operation of a JSON patch (RFC 6902).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatchOperation {
    /// What is done.
    pub op: PatchVerb,
    /// Where: a JSON pointer (RFC 6901), such as `/build/7`.
    #[schemars(regex(pattern = "^(/.*)?$"))]
    pub path: String,
    /// From where, of `move` and `copy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What is added, put in its place, or compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
}

/// What an operation of a JSON patch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PatchVerb {
    /// Adds a value.
    Add,
    /// Takes one away.
    Remove,
    /// Puts one in the place of another.
    Replace,
    /// Takes one away and adds it elsewhere.
    Move,
    /// Adds one that is elsewhere.
    Copy,
    /// Compares: where it differs, nothing of the patch is done.
    Test,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentItem {
    /// Its name.
    pub name: String,
    /// How large it is as JSON, in bytes.
    pub bytes: u64,
    /// When it was written the last time.
    pub at: Timestamp,
    /// Who wrote it.
    pub by: String,
}
