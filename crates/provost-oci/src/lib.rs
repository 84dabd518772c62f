//! A store of container images of Provost's own: [`ImageStore`].
//!
//! What comes in, from archives and from registries, is kept under its digest in an
//! [OCI image layout](https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md), which other tools read
//! too. Each layer is unpacked once, into a folder that an overlay mount takes as it is.

mod error;
mod image;
mod store;

pub use error::StoreError;
pub use image::{Image, ImageConfig};
pub use provost_image::Digest;
pub use store::{Collected, ImageStore};
