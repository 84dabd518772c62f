//! Where manifests come from: a folder that is watched, or a branch of a git repository that is polled.
//!
//! Both keep the promise of the [`Source`](provost_controller::Source) port: a revision is read whole or
//! not at all, and a source that cannot be read is an error, never an empty revision (C2). Everything is
//! bounded (see [`FILES_MAX`], [`FILE_BYTES_MAX`], [`TOTAL_BYTES_MAX`]), so that whoever can commit cannot
//! fill the server's memory.
//!
//! Around either, [`ReferringSource`] adds what its manifests refer to: each source that they name has a copy below the
//! state folder, which is what is read; where it came from is only asked whether there is something new.
//!
//! This crate hands over bytes; it does not know what a manifest means. Its limits today: of SSH keys,
//! ed25519, ECDSA P-256 and both as security keys are verified, of OpenPGP keys RSA, ECDSA and EdDSA; there
//! is no webhook that announces a push, a branch is polled.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod config;
mod duration;
mod folder;
mod git;
mod limits;
mod poll;
mod referred;

pub use config::{ConfigProblem, FolderConfig, GitConfig, SourceConfig, SourcesConfig, open};
pub use folder::FolderSource;
pub use git::GitSource;
#[cfg(fuzzing)]
pub use git::verify_commit;
pub use limits::{FILE_BYTES_MAX, FILES_MAX, TOTAL_BYTES_MAX};
pub use referred::{References, ReferringSource};
