//! The JSON Schemas of the kinds: for the reader itself, for editors, for the reference.

mod build;
mod check;
mod docs;
mod forms;
mod pattern;
mod tidy;

pub use build::schemas;
pub(crate) use check::check;
pub use docs::{FieldDoc, field_docs};
