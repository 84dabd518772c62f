//! What the store shows of an image.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use provost_image::Digest;
use serde::Deserialize;

use crate::StoreError;
use crate::manifest::{Platform, parse};

/// An image that is there, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What Provost records of it: the registry's digest where it was pulled from one, the digest of its configuration
    /// otherwise, which is the image's id in Docker and Podman.
    pub digest: Digest,
    /// The digest of its manifest.
    pub manifest_digest: Digest,
    /// How its containers are run.
    pub config: ImageConfig,
    /// The folders of its layers, the lowest first, none of them twice: the `lowerdir`s of an overlay mount, which
    /// names the highest first.
    pub layers: Vec<PathBuf>,
}

/// How containers of an image are run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// Variables, `NAME=value`, in the image's order.
    pub env: Vec<String>,
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// The arguments if none are given; the program too where there is no entrypoint.
    pub cmd: Vec<String>,
    /// `user`, `user:group`, as names or ids; empty means root.
    pub user: String,
    /// The folder that it starts in; empty means `/`.
    pub working_dir: String,
    /// Folders that are to be volumes.
    pub volumes: BTreeSet<String>,
    /// The signal that ends it, `SIGTERM` or `15`; nothing where the image does not say.
    pub stop_signal: Option<String>,
    /// Labels, by name.
    pub labels: BTreeMap<String, String>,
    /// The processor, in Go's words: `amd64`, `arm64`.
    pub architecture: String,
    /// Its variant, `v8`; mostly empty.
    pub variant: String,
    /// The operating system, `linux`.
    pub os: String,
}

/// A configuration blob.
/// Source: OCI image specification 1.1, config.md. Go writes `null` for what is empty.
#[derive(Debug, Deserialize)]
pub(crate) struct ConfigBlob {
    #[serde(flatten)]
    pub platform: Platform,
    #[serde(default)]
    config: Option<Wire>,
    rootfs: RootFs,
}

#[derive(Debug, Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Option<Vec<Digest>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Wire {
    env: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    user: Option<String>,
    working_dir: Option<String>,
    volumes: Option<BTreeMap<String, serde::de::IgnoredAny>>,
    stop_signal: Option<String>,
    labels: Option<BTreeMap<String, String>>,
}

impl ConfigBlob {
    pub fn parse(bytes: &[u8], what: &str) -> Result<Self, StoreError> {
        parse(bytes, what)
    }

    /// The digests of the layers without their compression, the lowest first.
    pub fn diff_ids(&self) -> &[Digest] {
        self.rootfs.diff_ids.as_deref().unwrap_or_default()
    }

    pub fn into_config(self) -> ImageConfig {
        let wire = self.config.unwrap_or_default();
        ImageConfig {
            env: wire.env.unwrap_or_default(),
            entrypoint: wire.entrypoint.unwrap_or_default(),
            cmd: wire.cmd.unwrap_or_default(),
            user: wire.user.unwrap_or_default(),
            working_dir: wire.working_dir.unwrap_or_default(),
            volumes: wire.volumes.unwrap_or_default().into_keys().collect(),
            stop_signal: wire.stop_signal.filter(|signal| !signal.is_empty()),
            labels: wire.labels.unwrap_or_default(),
            architecture: self.platform.architecture,
            variant: self.platform.variant,
            os: self.platform.os,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn config(json: &str) -> ImageConfig {
        ConfigBlob::parse(json.as_bytes(), "the configuration").unwrap().into_config()
    }

    #[test]
    fn a_configuration_is_read_as_tools_write_it() {
        let read = config(
            r#"{"architecture": "arm64", "variant": "v8", "os": "linux", "created": "2026-01-01T00:00:00Z",
                "config": {"Env": ["B=2", "A=1"], "Entrypoint": ["/init"], "Cmd": ["-v"], "User": "www:www",
                  "WorkingDir": "/srv", "Volumes": {"/data": {}}, "StopSignal": "SIGINT", "Labels": {"a": "b"},
                  "ExposedPorts": {"80/tcp": {}}, "Healthcheck": {"Test": ["NONE"]}},
                "rootfs": {"type": "layers", "diff_ids": []}, "history": [{"empty_layer": true}]}"#,
        );
        let expected = ImageConfig {
            env: vec!["B=2".to_owned(), "A=1".to_owned()],
            entrypoint: vec!["/init".to_owned()],
            cmd: vec!["-v".to_owned()],
            user: "www:www".to_owned(),
            working_dir: "/srv".to_owned(),
            volumes: BTreeSet::from(["/data".to_owned()]),
            stop_signal: Some("SIGINT".to_owned()),
            labels: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            architecture: "arm64".to_owned(),
            variant: "v8".to_owned(),
            os: "linux".to_owned(),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_empty_may_be_null_or_missing() {
        for json in [
            r#"{"rootfs": {}}"#,
            r#"{"config": null, "rootfs": {"diff_ids": null}}"#,
            r#"{"config": {"Env": null, "Entrypoint": null, "Cmd": null, "Volumes": null, "StopSignal": "", "Labels": null},
                "rootfs": {"diff_ids": []}}"#,
        ] {
            assert_eq!(config(json), ImageConfig::default(), "{json}");
        }
    }

    #[test]
    fn what_has_no_root_is_no_image() {
        let refused = ConfigBlob::parse(b"{}", "the configuration").unwrap_err();
        assert!(matches!(refused, StoreError::Foreign { .. }), "{refused}");
    }
}
