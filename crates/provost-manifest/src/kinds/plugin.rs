//! Plugins.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::kinds::text::ImageText;
use crate::kinds::{ActionSpec, HookSpec};

/// A group of hooks and actions that belong together, with one image and one configuration.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PluginSpec {
    /// Low first; hooks of plugins run inside those of policies.
    #[serde(default)]
    #[schemars(extend("examples" = [50]))]
    pub order: i64,
    /// `false`: none of its hooks runs, and none of its actions is there.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The image of hooks and actions that do not name their own.
    #[schemars(with = "Option<ImageText>", extend("examples" = ["registry.example.org/warehouse-plugin:2"]))]
    pub image: Option<String>,
    /// What every container of the plugin gets, in `/provost/event.json`.
    #[serde(default)]
    #[schemars(extend("examples" = [{"url": "http://warehouse"}]))]
    pub config: Map<String, Value>,
    /// A JSON Schema that `config` is checked against; the `default` of a property holds where `config` leaves it out.
    #[schemars(extend("examples" = [{"type": "object", "required": ["url"]}]))]
    pub config_schema: Option<Map<String, Value>>,
    /// Its containers, and the events that they are bound to.
    #[serde(default)]
    pub hooks: Vec<HookSpec>,
    /// Its containers that people and programs start by name.
    #[serde(default)]
    pub actions: Vec<ActionSpec>,
}

fn yes() -> bool {
    true
}
