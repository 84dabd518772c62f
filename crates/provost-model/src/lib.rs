//! The nouns of Provost: names and ids, what is wanted, what is seen, facts, and the state that facts add up to.
//!
//! It knows no IO, no async, no clock and no file format. Everything in it is a value: [`Desired`] says what a
//! revision wants, a [`Fact`] is one thing that was recorded, [`State`] is the fold of all facts, and a
//! [`ContainerRequest`] is everything an engine has to know to make one container.
//!
//! Units: instants are UTC ([`jiff::Timestamp`]), durations are whole seconds and say so in their name (`timeout_s`),
//! sizes are bytes.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod access;
mod action;
mod automation;
mod channel;
mod container;
mod desired;
mod document;
mod event;
mod fact;
mod history;
mod hook;
mod ids;
mod image;
mod json;
mod plugin;
mod prepare;
mod run;
mod secret;
mod service;
mod skill;
mod source;
mod standing;
mod state;
mod step;
mod token;
mod trace;
mod units;

pub use access::*;
pub use action::*;
pub use automation::*;
pub use channel::*;
pub use container::*;
pub use desired::*;
pub use document::*;
pub use event::*;
pub use fact::*;
pub use history::*;
pub use hook::*;
pub use ids::*;
pub use json::*;
pub use plugin::*;
pub use prepare::*;
pub use run::*;
pub use secret::*;
pub use service::*;
pub use skill::*;
pub use source::*;
pub use standing::*;
pub use state::*;
pub use step::*;
pub use token::*;
pub use trace::*;
pub use units::*;

/// A JSON object, the form of locals, globals, params and event data.
pub type JsonMap = serde_json::Map<String, serde_json::Value>;
