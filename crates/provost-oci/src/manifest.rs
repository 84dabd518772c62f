//! Manifests and indexes: which blobs an image is made of, and which image is for which machine.

use std::collections::BTreeMap;
use std::fmt;

use provost_image::Digest;
use serde::{Deserialize, Serialize};

use crate::StoreError;

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Where a blob is, and what.
/// Source: OCI image specification 1.1, descriptor.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[serde(default)]
    pub media_type: String,
    pub digest: Digest,
    pub size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self { media_type: media_type.to_owned(), digest, size, platform: None, annotations: BTreeMap::new() }
    }

    pub fn is_index(&self) -> bool {
        matches!(self.media_type.as_str(), INDEX | DOCKER_INDEX)
    }
}

/// What an image runs on, in Go's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Platform {
    #[serde(default)]
    pub os: String,
    #[serde(default)]
    pub architecture: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
}

impl Platform {
    /// This machine.
    pub fn here() -> Self {
        let architecture = provost_image::architecture().to_owned();
        Self { os: "linux".to_owned(), architecture, variant: String::new() }
    }

    /// Whether what is for this platform runs on `machine`. What is not said is no obstacle, and a variant says how new
    /// a processor is to be, which is for whoever runs it.
    pub fn runs_on(&self, machine: &Self) -> bool {
        let fits = |wanted: &str, given: &str| wanted.is_empty() || wanted == given;
        fits(&self.os, &machine.os) && fits(&self.architecture, &machine.architecture)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.os, self.architecture)
    }
}

/// The blobs of an image.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
}

impl Manifest {
    /// The manifest of an image that comes without one.
    pub fn new(config: (Digest, u64), layers: Vec<Descriptor>) -> Self {
        let config = Descriptor::new(CONFIG, config.0, config.1);
        Self { schema_version: 2, media_type: MANIFEST.to_owned(), config, layers }
    }

    pub fn parse(bytes: &[u8], what: &str) -> Result<Self, StoreError> {
        parse(bytes, what)
    }
}

/// Images to choose from, and the store's own list of what it has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    pub manifests: Vec<Descriptor>,
}

impl Default for Index {
    fn default() -> Self {
        Self { schema_version: 2, media_type: INDEX.to_owned(), manifests: Vec::new() }
    }
}

impl Index {
    pub fn parse(bytes: &[u8], what: &str) -> Result<Self, StoreError> {
        parse(bytes, what)
    }
}

/// Parses JSON that came with an image.
pub(crate) fn parse<T: for<'de> Deserialize<'de>>(bytes: &[u8], what: &str) -> Result<T, StoreError> {
    serde_json::from_slice(bytes)
        .map_err(|error| StoreError::Foreign { what: what.to_owned(), problem: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_fits_where_what_it_says_does() {
        let platform = |os: &str, architecture: &str, variant: &str| Platform {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
        };
        let machine = platform("linux", "arm64", "");
        for (image, expected) in [
            (platform("linux", "arm64", ""), true),
            (platform("linux", "arm64", "v8"), true),
            (platform("", "", ""), true),
            (platform("linux", "amd64", ""), false),
            (platform("windows", "arm64", ""), false),
            (platform("unknown", "unknown", ""), false),
        ] {
            assert_eq!(image.runs_on(&machine), expected, "{image}");
        }
    }
}
