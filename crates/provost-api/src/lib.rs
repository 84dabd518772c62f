//! HTTP over a Unix socket, and over TLS: the published shapes ([`wire`]), the server ([`serve`]) and the client ([`Client`]) that the
//! command line uses.
//!
//! It turns requests into commands and questions to a [`Controller`](provost_controller::Controller), and what comes
//! back into JSON. It decides nothing. What it does not know: which engine, which database, which file format.
//!
//! Nothing changes on a GET. Bodies are JSON and at most 1 MiB. Whoever may open the socket may do everything; who it
//! was is what the kernel says of the other end, never what a header says. Everybody else shows a token.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod certificate;
mod client;
mod convert;
mod listener;
mod openapi;
mod selector;
mod server;
pub mod wire;

pub use certificate::{Certificate, CertificateError, CertificateFiles};
pub use client::*;
pub use convert::event_of;
pub use listener::take_events;
pub use openapi::openapi;
pub use server::*;
