//! The whole of Provost, as a person would try it: manifests in a folder or in git, the real binary, its command line,
//! a real engine, and what the containers themselves leave behind.
//!
//! Each test has the name of the row of capabilities that it shows (`a05_…`). `PROVOST_TEST_DOCKER_HOST` names the
//! engine; without it the tests start one of their own.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod calls;
mod common;
mod firing;
mod receiver;

mod actions;
mod adoption;
mod agent;
mod alone;
mod clients;
mod direct;
mod doctor;
mod events;
mod hooks;
mod instances;
mod jobs;
mod namespaces;
mod network;
mod notifications;
mod order;
mod peers;
mod plugins;
mod policies;
mod projects;
mod replies;
mod requirements;
mod rights;
mod rootless;
mod runtime;
mod secrets;
mod servers;
mod services;
mod signed;
mod sinks;
mod skills;
mod sources;
mod spine;
mod stages;
mod traces;
mod volumes;
