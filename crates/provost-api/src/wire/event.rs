//! What happened, one line each.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::JsonMap;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventItem {
    /// Its place in the order of all that was recorded; `after` takes it. Not every number is an event.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What sort of thing: `run.starting`, `step.ended`, `revision.applied`, `orders.arrived`.
    pub name: String,
    /// About which automation.
    pub automation: Option<String>,
    /// About which run.
    pub run: Option<String>,
    /// About which event that is no run's own.
    pub event: Option<String>,
    /// What happened, in one sentence.
    pub message: String,
    /// What programs may want to know besides.
    pub data: JsonMap,
}
