//! The published shapes: what goes over the wire, in both directions, and in `-o json`.
//!
//! They are types of their own, so that the model may change without changing them. Keys are camelCase, instants are
//! RFC 3339 in UTC, durations say their unit in their name. A reader must ignore keys that it does not know: answers
//! may grow. Requests refuse keys that they do not know, so that a mistyped one is not lost in silence.

mod action;
mod automation;
mod event;
mod listing;
mod problem;
mod query;
mod request;
mod revision;
mod run;
mod service;
mod skill;
mod spec;
mod status;
#[cfg(test)]
mod tests;
mod token;

pub use action::*;
pub use automation::*;
pub use event::*;
pub use listing::*;
pub use problem::*;
pub use query::*;
pub use request::*;
pub use revision::*;
pub use run::*;
pub use service::*;
pub use skill::*;
pub use spec::*;
pub use status::*;
pub use token::*;

/// A JSON object.
pub type JsonMap = serde_json::Map<String, serde_json::Value>;
