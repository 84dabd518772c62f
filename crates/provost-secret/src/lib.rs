//! Secrets: sealed in git, opened on the server right before a container starts, in memory only.
//!
//! A secret is an age file (X25519) in ASCII armour. [`seal`] makes one for a list of [`Recipient`]s; a [`Key`] opens
//! it. [`MemoryVault`] is the controller's port: it opens secrets for containers, keeps their files on a file system in
//! memory, and says what has to be masked in their output. [`FakeVault`] stands in for it in tests.
//!
//! Values are [`SecretValue`]s: overwritten when they are dropped, and shown by nothing.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod encoded;
mod fake;
mod key;
mod memory;
mod recipients;
mod seal;
mod value;
mod vault;

pub use encoded::masks_of;
pub use fake::FakeVault;
pub use key::{Key, KeyError};
pub use memory::{MemoryError, MemoryFolder};
pub use recipients::{Recipient, RecipientError, parse_recipients};
pub use seal::{Armour, OpenError, SealError, VALUE_BYTES_MAX, armours, open, seal};
pub use value::SecretValue;
pub use vault::MemoryVault;
