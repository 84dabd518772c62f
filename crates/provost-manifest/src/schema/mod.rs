//! The JSON Schemas of the kinds: for the reader itself, for editors, for the reference.

mod build;
mod check;
mod docs;
mod tidy;

pub(crate) use check::check;
pub use build::schemas;
pub use docs::{FieldDoc, field_docs};
