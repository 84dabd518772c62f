//! Proposals and what happened to revisions.

use provost_controller as controller;
use provost_model::{Fact, Recorded};
use provost_planner as planner;

use crate::wire::*;

/// What happened to a revision, if `recorded` tells of one. `in_force` is the fact that applied the revision in force.
pub(crate) fn history_item(recorded: &Recorded, in_force: Option<u64>) -> Option<HistoryItem> {
    let bare = |result| HistoryItem {
        seq: recorded.seq,
        at: recorded.at,
        result,
        revision: None,
        in_force: in_force == Some(recorded.seq),
        by: None,
        about: None,
        summary: Vec::new(),
        errors: None,
        report: None,
    };
    match &recorded.fact {
        Fact::RevisionApplied { change } => Some(HistoryItem {
            revision: Some(change.revision.to_string()),
            by: Some(change.by.clone()),
            about: Some(change.about.clone()).filter(|about| !about.is_empty()),
            summary: change.summary.clone(),
            ..bare(HistoryResult::Applied)
        }),
        Fact::RevisionRejected { revision, errors, report } => Some(HistoryItem {
            revision: Some(revision.to_string()),
            errors: Some(*errors),
            report: Some(report.clone()),
            ..bare(HistoryResult::Rejected)
        }),
        Fact::Pinned { revision, by } => Some(HistoryItem {
            revision: Some(revision.to_string()),
            by: Some(by.clone()),
            ..bare(HistoryResult::Pinned)
        }),
        Fact::Unpinned { by } => Some(HistoryItem { by: Some(by.clone()), ..bare(HistoryResult::Unpinned) }),
        _ => None,
    }
}

/// What a revision would change.
pub(crate) fn proposal(proposal: controller::Proposal) -> Proposal {
    Proposal {
        id: proposal.id,
        from: proposal.from.map(String::from),
        to: proposal.to.to_string(),
        about: proposal.about,
        changes: proposal.changes.into_iter().map(change).collect(),
        report: proposal.report,
    }
}

fn change(change: planner::Change) -> ChangeItem {
    ChangeItem {
        verb: match change.verb {
            planner::Verb::Add => ChangeVerb::Add,
            planner::Verb::Change => ChangeVerb::Change,
            planner::Verb::Remove => ChangeVerb::Remove,
        },
        subject: change.subject,
        field: change.field,
        before: change.before,
        after: change.after,
        origin: change.origin,
        effect: change.effect,
    }
}
