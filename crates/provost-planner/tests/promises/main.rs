//! What semantics.md promises, played on an imaginary engine: time passes only where a test says so, and containers do
//! what it tells them to. Each test carries the name of the promise that it keeps.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod ahead;
mod ask;
mod bench;
mod catch_up;
mod changes;
mod due;
mod events;
mod faults;
mod forecast;
mod hooks;
mod hostile;
mod limits;
mod notices;
mod overlap;
mod pause;
mod prepare;
mod requests;
mod retries;
mod sample;
mod scale;
mod services;
mod startup;
mod stop;
mod triggers;
