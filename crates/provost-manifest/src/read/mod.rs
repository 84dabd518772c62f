//! Files to trees: bounded, with the place of everything.

mod document;
mod kind;
mod node;
mod scalar;
mod scan;
mod source;
mod tabs;

pub use document::Document;
pub(crate) use document::{Spec, nearest, read};
pub use kind::Kind;
pub(crate) use node::{Content, Node};
pub(crate) use scan::scan;
pub use scan::{DEPTH_MAX, DOCUMENTS_MAX, NODES_MAX};
pub use source::FILE_BYTES_MAX;
pub(crate) use source::{Source, Spot};
