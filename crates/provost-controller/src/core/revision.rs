//! Revisions: what they would change, and how they take effect whole or not at all (C2, C3, D4).

use jiff::Timestamp;
use provost_model::{Desired, Digest, Fact, RevisionChange, RevisionId};
use provost_planner::{Change, Verb, changes};

use super::Core;
use crate::{Compiled, Pin, Proposal};

impl Core {
    /// What applying `desired` would change now.
    ///
    /// The id names exactly these changes to exactly the revision in force: it is another one once the world has moved.
    pub fn propose(
        &self,
        now: Timestamp,
        revision: &RevisionId,
        about: &str,
        desired: &Desired,
        report: &str,
    ) -> Proposal {
        let changes = changes(&self.state, desired, now);
        let from = self.state.desired.revision.clone();
        let applied = self.state.applied.as_ref().map(|applied| applied.seq);
        let bare: Vec<_> =
            changes.iter().map(|change| (change.verb, &change.subject, &change.field, &change.after)).collect();
        let digest = Digest::of_json(&(&from, applied, revision, bare, desired.digest()));
        Proposal {
            id: format!("{}-{}", short(revision), &digest.as_str()[..6]),
            from,
            to: revision.clone(),
            about: about.to_owned(),
            changes,
            report: report.to_owned(),
        }
    }

    /// Why a revision that compiled is refused all the same: one that removes everything is rarely meant (C2).
    pub fn objection(&self, desired: &Desired) -> Option<String> {
        let removes_all = desired.automations.is_empty() && !self.state.desired.automations.is_empty();
        (removes_all && !self.rules.allow_empty && !desired.allow_empty).then(|| {
            "error: this revision removes every automation\n  = help: set `allowEmpty: true` in the server's configuration if that is meant\n".to_owned()
        })
    }

    /// Whether `desired` is what is in force already.
    pub fn is_in_force(&self, revision: &RevisionId, desired: &Desired) -> bool {
        self.state.desired.revision.as_ref() == Some(revision) && self.state.desired.digest() == desired.digest()
    }

    pub(super) fn take_revision(
        &mut self,
        now: Timestamp,
        revision: RevisionId,
        about: String,
        by: String,
        compiled: Compiled,
        pin: Pin,
    ) {
        // What was due before the revision is decided by what was in force then.
        self.settle(now);
        let objection = compiled.desired.as_ref().and_then(|desired| self.objection(desired));
        match (compiled.desired, objection) {
            (Some(desired), None) => self.apply_revision(now, &revision, about, &by, &desired),
            (_, objection) => {
                let report = objection.unwrap_or(compiled.report);
                return self.reject(now, revision, compiled.errors.max(1), report);
            }
        }
        match pin {
            Pin::Set => self.record(now, Fact::Pinned { revision, by }),
            Pin::Clear if self.state.pinned.is_some() => self.record(now, Fact::Unpinned { by }),
            Pin::Clear | Pin::Leave => {}
        }
    }

    fn apply_revision(&mut self, now: Timestamp, revision: &RevisionId, about: String, by: &str, desired: &Desired) {
        // A source that went back to what is in force has mended what was rejected: that is a fact of its own.
        if self.is_in_force(revision, desired) && self.state.rejected.is_none() {
            return;
        }
        let lines = changes(&self.state, desired, now).iter().map(line).collect();
        let mut change = RevisionChange::between(&self.state.desired, desired, revision.clone());
        change.by = by.to_owned();
        change.about = about;
        change.summary = lines;
        tracing::info!(revision = %change.revision, by, changes = change.summary.len(), "the revision is applied");
        self.record(now, Fact::RevisionApplied { change: Box::new(change) });
    }

    fn reject(&mut self, now: Timestamp, revision: RevisionId, errors: u32, report: String) {
        let is_known = self.state.rejected.as_ref().is_some_and(|it| it.revision == revision && it.report == report);
        if !is_known {
            tracing::warn!(%revision, errors, "the revision is rejected, the one in force stays\n{report}");
            self.record(now, Fact::RevisionRejected { revision, errors, report });
        }
    }
}

/// The first 12 characters of a commit, or all of a shorter id.
fn short(revision: &RevisionId) -> &str {
    revision.as_str().get(..12).unwrap_or(revision.as_str())
}

/// One line of history.
fn line(change: &Change) -> String {
    let sign = match change.verb {
        Verb::Add => '+',
        Verb::Change => '~',
        Verb::Remove => '-',
    };
    match (&change.field, &change.before, &change.after) {
        (Some(field), before, after) => {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".to_owned());
            format!("{sign} {} {field} {} → {}", change.subject, text(before), text(after))
        }
        (None, _, _) => format!("{sign} {}", change.subject),
    }
}
