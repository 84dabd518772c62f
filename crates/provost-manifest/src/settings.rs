//! What a server's own configuration says of plugins.

use std::collections::BTreeMap;

use provost_model::Name;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::facts::SourceFile;

/// What a server's own configuration says of plugins, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerPlugins {
    /// The file that says so, whose `plugins` it is; diagnostics point into it.
    pub file: Option<SourceFile>,
    /// What it says, by the names of plugins.
    pub by_name: BTreeMap<Name, PluginSetting>,
}

/// What a server says of one plugin: it is laid over what the manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PluginSetting {
    /// Whether it runs here; absent: as the manifest says.
    pub enabled: Option<bool>,
    /// Laid over the plugin's `config`, key by key.
    pub config: Map<String, Value>,
    /// The same of its instances, by name.
    pub instances: BTreeMap<Name, InstanceSetting>,
}

/// What a server says of one instance of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct InstanceSetting {
    /// Whether it runs here; absent: as the manifest says.
    pub enabled: Option<bool>,
    /// Laid over the instance's `config`, key by key.
    pub config: Map<String, Value>,
}
