//! What plugins are called as they run.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{NAME_LENGTH_MAX, Name, NameError};

/// A plugin as it runs: `warehouse`, or one of the instances of a plugin that is configured several times,
/// `warehouse.berlin`. As text it has at most [`NAME_LENGTH_MAX`] characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginName {
    plugin: Name,
    instance: Option<Name>,
}

impl PluginName {
    /// The instance `instance` of `plugin`; absent: the plugin itself.
    ///
    /// Errors: the two are too long together.
    pub fn new(plugin: Name, instance: Option<Name>) -> Result<Self, NameError> {
        let name = Self { plugin, instance };
        match name.to_string().len() {
            length if length > NAME_LENGTH_MAX => Err(NameError::TooLong(length)),
            _ => Ok(name),
        }
    }

    /// Reads `warehouse` or `warehouse.berlin`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (plugin, instance) = match text.split_once('.') {
            Some((plugin, instance)) => (plugin, Some(Name::new(instance)?)),
            None => (text, None),
        };
        Self::new(Name::new(plugin)?, instance)
    }

    /// The name of the manifest.
    pub fn plugin(&self) -> &Name {
        &self.plugin
    }

    /// Which instance of it, if it has any.
    pub fn instance(&self) -> Option<&Name> {
        self.instance.as_ref()
    }
}

impl From<Name> for PluginName {
    fn from(plugin: Name) -> Self {
        Self { plugin, instance: None }
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.instance {
            Some(instance) => f.pad(&format!("{}.{instance}", self.plugin)),
            None => self.plugin.fmt(f),
        }
    }
}

impl TryFrom<String> for PluginName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<PluginName> for String {
    fn from(name: PluginName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_and_an_instance_are_read_as_they_are_written() {
        for text in ["warehouse", "warehouse.berlin"] {
            assert_eq!(PluginName::parse(text).unwrap().to_string(), text);
        }
        let berlin = PluginName::parse("warehouse.berlin").unwrap();
        assert_eq!(berlin.plugin().as_str(), "warehouse");
        assert_eq!(berlin.instance().map(Name::as_str), Some("berlin"));
        for bad in ["", "a.", ".a", "a.b.c", "A", &format!("{}.{}", "a".repeat(30), "b".repeat(30))] {
            assert!(PluginName::parse(bad).is_err(), "{bad:?} must be refused");
        }
    }
}
