//! From the model's types to the published ones, written out, so that neither changes the other by accident.

mod action;
mod automation;
mod event;
mod listing;
mod revision;
mod run;
mod run_event;
mod service;
mod skill;
mod spec;
mod status;
mod step_event;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use action::{action_item, job_detail};
pub(crate) use automation::Glimpse;
pub use event::event_of;
pub(crate) use listing::{channel_item, plugin_item, policy_item, source_copy_item};
pub(crate) use revision::{history_item, proposal};
pub(crate) use run::{exit_code, log_line, model_outcome, outcome_item, run_detail, run_item};
pub(crate) use service::{service_detail, service_item};
pub(crate) use skill::{document_item, skill_answer, skill_error, skill_item};
pub(crate) use spec::{effective, hook_item, origin_item};
pub(crate) use status::status;
pub(crate) use token::{model_scope, scope, token_item};

use jiff::Timestamp;
use provost_model::{Name, RunId};

/// The whole seconds from `from` to `to`; 0 where `to` is earlier.
pub(crate) fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0)
}

/// The milliseconds from `from` to `to`; 0 where `to` is earlier.
pub(crate) fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

/// The automation that `run` is of: the head of its id, since a name has no dot in it.
pub(crate) fn automation_of(run: &RunId) -> Option<Name> {
    let (head, _) = run.as_str().split_once('.')?;
    Name::new(head).ok()
}

/// How many there are.
pub(crate) fn count(items: impl Iterator) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}

/// The texts of `items`.
pub(crate) fn texts<T: ToString>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(|item| item.to_string()).collect()
}
