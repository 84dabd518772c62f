//! Manifests: from the bytes of files to what a revision wants, or to everything that is wrong with it.
//!
//! [`compile`] is the front door. On the way every step is bounded and total: a file is text of a certain size, the text
//! is a tree of a certain depth whose every value knows its place, the tree has the shape of its kind, and what refers
//! to something refers to something that is there. Then policies are laid over and around the automations.
//!
//! Everything here is a function of its arguments; files, clock and environment are the caller's.

mod check;
mod compile;
mod facts;
mod kinds;
mod ports;
mod read;
mod report;
mod resolve;
mod schema;
mod settings;
mod sources;

pub use compile::{Compiled, Parsed, compile, parse, resolve};
pub use facts::{Machine, Never, ServerFacts, SourceFile};
pub use ports::PortRule;
pub use read::{DEPTH_MAX, DOCUMENTS_MAX, Document, FILE_BYTES_MAX, Kind, NODES_MAX};
pub use report::{Code, Diagnostic, Place, Related, Severity, Style, count, explain, render, render_all, summary};
pub use schema::{FieldDoc, field_docs, schemas};
pub use settings::{InstanceSetting, PluginSetting, ServerPlugins};
pub use sources::{SOURCES_MAX, references};

/// The version of the format that this crate reads.
pub const API_VERSION: &str = "provost/v1";
