//! Packages: a policy, an automation or a plugin with its images, as one artifact with a version.

mod definition;
mod install;
mod registry;
mod unpack;

pub use definition::Definition;
pub use install::{Consent, Done, install};
pub use registry::{Registry, is_reference};
