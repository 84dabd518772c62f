//! Container engines: [`DockerEngine`] talks to Docker Engine (20.10 and newer) and to Podman's compatible socket, and
//! [`ScriptedEngine`] plays containers in memory, on a clock that is handed in, for simulation and tests. Both keep one
//! contract, [`provost_controller::Engine`], and pass one conformance suite.
//!
//! The crate decides nothing. It turns a [`ContainerRequest`](provost_model::ContainerRequest), in which everything was
//! decided, into an engine's create request ([`create_request`]), checks that request whichever door it came through
//! ([`check`]), and touches only containers that carry the instance's label (C6). It refuses to know policies,
//! schedules and runs, and it never tries anything again: whether waiting helps is said by the error's kind.
//!
//! Limits today: hosts are `unix://` and `tcp://` (no TLS, no SSH); a pull uses only the credentials that the engine
//! itself has; binds are not relabelled for SELinux.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod body;
mod check;
mod discover;
mod docker;
mod host;
pub mod http;
pub mod labels;
mod names;
pub mod program;
mod scripted;
mod wire;
mod words;

pub use body::{Habits, create_request, volume_name};
pub use check::{Allowed, Refusal, check};
pub use discover::{NoEngine, Search, Tried, discover};
pub use docker::{DockerEngine, Machine};
pub use host::{Host, HostError};
pub use scripted::{Call, Called, Fault, ImageState, Line, Script, ScriptedEngine, When};
pub use words::with_sources;
