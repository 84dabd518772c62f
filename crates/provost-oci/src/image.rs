//! What the store shows of an image.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use provost_image::Digest;

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
    /// The folders of its layers, the lowest first: the `lowerdir`s of an overlay mount, which names the highest first.
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
