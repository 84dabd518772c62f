//! Packs files into a container image, one archive that every engine loads; and manifests with their images into a
//! [`Package`], one artifact that registries keep. The same input gives the same bytes.
//!
//! The archive is an [OCI image layout](https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md) in a
//! tar file, with Docker's own `manifest.json` beside it, which points at the same blobs: Docker Engine before 25 reads
//! only that one. It holds a single image of a single, uncompressed layer, so that its digests depend on nothing but
//! the input, and not on a compressor's version.
//!
//! This crate computes on bytes in memory. It reads no disk, no clock and no environment, and speaks to no engine or
//! registry.

mod archive;
mod artifact;
mod blob;
mod layer;
mod recipe;
mod spec;

pub use archive::{Archive, pack};
pub use artifact::{Files, Label, PACKAGE, Package, PackageError, PackedFile};
pub use blob::{Digest, DigestError};
pub use layer::Entry;
pub use recipe::{Directory, File, Mode, Owner, Recipe, RecipeError};
pub use spec::{ImageSpec, architecture};

/// Why an image cannot be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// A path that would land outside of the image, or nowhere.
    #[error("image path `{path}` is refused: {reason}; write it like `usr/bin/tool`")]
    Path {
        /// The path as it was given.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two entries with one path.
    #[error("image path `{path}` is given twice; leave one of the two out")]
    Duplicate {
        /// The path.
        path: String,
    },
    /// The tar format has no room for an entry.
    #[error("image path `{path}` cannot be stored in a tar archive; use a shorter path")]
    Tar {
        /// The path.
        path: String,
        /// What the tar writer says.
        source: std::io::Error,
    },
}
