//! What is fuzzed, as functions of any bytes. Each panics where the code under test breaks a promise; how long one may
//! take is bounded by the fuzzer (`-timeout`).

#![expect(clippy::unwrap_used, reason = "what may never be is a finding")]

mod api;
mod expression;
#[cfg(fuzzing)]
mod hook_output;
mod manifest;
mod output;
mod schedule;
#[cfg(fuzzing)]
mod signature;

/// The target of this name, which is that of its folder in `seeds` too.
#[must_use]
pub fn target(name: &str) -> Option<fn(&[u8])> {
    Some(match name {
        "api" => api::api,
        "expression" => expression::expression,
        #[cfg(fuzzing)]
        "hook_output" => hook_output::hook_output,
        "manifest" => manifest::manifest,
        "output" => output::output,
        "schedule" => schedule::schedule,
        #[cfg(fuzzing)]
        "signature" => signature::signature,
        _ => return None,
    })
}
