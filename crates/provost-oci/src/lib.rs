//! A store of container images of Provost's own: [`ImageStore`].
//!
//! What comes in, from archives and from registries, is kept under its digest in an
//! [OCI image layout](https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md), which other tools read
//! too. Each layer is unpacked once, into a folder that an overlay mount takes as it is.
//!
//! An image is made by somebody else, so nothing of it is trusted: digests are computed, paths are walked without
//! following a link out, and sizes are bounded ([`Limits`]). A refusal leaves nothing behind.

mod archive;
mod collect;
mod disk;
mod error;
mod image;
mod limits;
mod listing;
mod manifest;
mod name;
mod pull;
mod staging;
mod store;
mod stream;
mod tarball;
mod unpack;

pub use collect::Collected;
pub use error::{Refusal, StoreError};
pub use image::{Image, ImageConfig};
pub use limits::Limits;
pub use provost_image::Digest;
pub use pull::Access;
pub use store::{ImageStore, Listed};
