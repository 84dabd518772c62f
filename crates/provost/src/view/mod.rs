//! How what a server says looks to people: one row, word and glyph for each thing, the same in every command.

mod action;
mod automation;
mod declared;
mod document;
mod effective;
mod event;
mod plan;
mod revision;
mod run;
mod service;
mod skill;
mod values;

pub use action::{actions, describe_job};
pub use automation::{automations, describe_automation, upcoming};
pub use declared::{channels, plugins, policies, sources};
pub use document::documents;
pub use effective::{Source, effective};
pub use event::{brief_lines, event_line, log_line};
pub use plan::plan_lines;
pub use revision::history;
pub use run::{describe_run, outcomes, run_state, runs, runs_took};
pub use service::{describe_service, services};
pub use skill::skills;

use provost_api::wire::Outcome;
use serde::Serialize;

use crate::output::{Text, Tone};

/// `item` as `-o json` prints it.
fn json(item: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(item).unwrap_or_default()
}

/// How a run went: its glyph.
fn glyph(outcome: Outcome) -> (Tone, &'static str) {
    match outcome {
        Outcome::Succeeded => (Tone::Good, "✓"),
        Outcome::Failed | Outcome::TimedOut => (Tone::Bad, "✗"),
        Outcome::Cancelled => (Tone::Warn, "■"),
        Outcome::Lost => (Tone::Warn, "?"),
    }
}

/// How a run went: glyph and word.
fn outcome(outcome: Outcome) -> Text {
    let (tone, glyph) = glyph(outcome);
    Text::toned(tone, format!("{glyph} {}", outcome.word()))
}

/// A length in milliseconds, as people read it.
fn took(millis: u64) -> String {
    crate::output::duration(jiff::SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)))
}

/// A length in seconds, as people read it.
fn seconds(seconds: u64) -> String {
    took(seconds.saturating_mul(1_000))
}

/// A revision as short as people write it.
pub fn short_revision(revision: &str) -> &str {
    // What follows the dot tells revisions of one commit and several states of its sources apart.
    let length = match revision.starts_with("folder-") {
        _ if revision.contains('.') => revision.len(),
        true => 19,
        false => 12,
    };
    revision.get(..length).unwrap_or(revision)
}

/// A line `label: value` of a description, the values below one another.
fn field(label: &str, value: impl Into<Text>) -> Text {
    Text::toned(Tone::Dim, label).padded(14).join(value.into())
}

/// A head above part of a description.
fn head(title: &str) -> Text {
    Text::toned(Tone::Strong, title)
}
