//! What is fuzzed, as functions of any bytes. Each panics where the code under test breaks a promise; how long one may
//! take is bounded by the fuzzer (`-timeout`).

mod api;
mod expression;
#[cfg(fuzzing)]
mod hook_output;
mod manifest;
mod output;
mod schedule;
#[cfg(fuzzing)]
mod signature;

pub use api::api;
pub use expression::expression;
#[cfg(fuzzing)]
pub use hook_output::hook_output;
pub use manifest::manifest;
pub use output::output;
pub use schedule::schedule;
#[cfg(fuzzing)]
pub use signature::signature;
