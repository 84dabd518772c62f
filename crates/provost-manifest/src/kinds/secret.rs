//! Secrets.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kinds::text::AgeText;

/// A value that is sealed in git and opened on servers only. `provost secret set` makes it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SecretSpec {
    /// The value as an age file in ASCII armour, sealed for the servers that may open it.
    #[schemars(with = "AgeText")]
    pub age: String,
}
