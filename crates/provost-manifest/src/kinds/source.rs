//! Sources.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kinds::Seconds;
use crate::kinds::text::{AddressText, BranchText, PathText, SubFolderText};

/// Manifests that are kept elsewhere and are part of the same revision: exactly one of `git` and `folder`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SourceSpec {
    /// A branch of another git repository: cloned at first use, fetched later. While it cannot be fetched, the copy that
    /// is there is used.
    pub git: Option<GitSpec>,
    /// A folder of the server, at or below one that its configuration lists under `sources.folders`. It is copied at first
    /// use; later changes of it are told, and taken by `provost reset` only.
    #[schemars(with = "Option<PathText>", extend("examples" = ["/srv/plugins/warehouse"]))]
    pub folder: Option<String>,
    /// How often the server looks whether there is something new.
    #[schemars(extend("default" = "30s", "examples" = ["5m"]))]
    pub poll: Option<Seconds>,
    /// Whether its policies are taken too. Only a document in a file that may itself hold policies may say so.
    #[serde(default)]
    #[schemars(extend("examples" = [true]))]
    pub policies: bool,
}

/// A branch of a git repository.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GitSpec {
    /// Its address: `https`, `ssh`, or where the server's configuration allows it, `file`.
    #[schemars(with = "AddressText", extend("examples" = ["https://git.example.org/warehouse.git"]))]
    pub url: String,
    /// The branch; absent: the repository's default branch.
    #[schemars(with = "Option<BranchText>", extend("examples" = ["stable"]))]
    pub branch: Option<String>,
    /// The folder in the repository that holds the manifests; absent: all of it.
    #[schemars(with = "Option<SubFolderText>", extend("examples" = ["manifests"]))]
    pub path: Option<String>,
}
