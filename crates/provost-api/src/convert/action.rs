//! Actions and jobs.

use provost_model as model;
use serde_json::Value;

use super::count;
use super::spec::param;
use crate::wire::*;

/// An action, if `automation` is one.
pub(crate) fn action_item(automation: &model::Automation) -> Option<ActionItem> {
    let action = automation.action.as_ref()?;
    Some(ActionItem {
        application: action.application.to_string(),
        name: action.name.clone(),
        description: automation.description.clone(),
        plugin: action.plugin.to_string(),
        automation: automation.name.to_string(),
        params: automation.params.iter().map(|(name, spec)| (name.clone(), param(spec))).collect(),
    })
}

/// A job, if `record` is the run of one; with its entries if `results` is asked for.
pub(crate) fn job_detail(record: &model::RunRecord, results: bool) -> Option<JobDetail> {
    let model::Cause::Action { by, job, application, action } = &record.cause else {
        return None;
    };
    let state = state(record);
    let progress = record.progress.iter().rev().find_map(percent);
    Some(JobDetail {
        job: job.to_string(),
        application: application.to_string(),
        action: action.clone(),
        run: record.run.to_string(),
        state,
        detail: record.detail.clone(),
        progress: if state == JobState::Succeeded { Some(100) } else { progress },
        by: by.clone(),
        params: record.params.clone(),
        testing: record.testing,
        accepted_at: record.accepted_at,
        began_at: record.began_at,
        ended_at: record.ended_at,
        count: count(record.progress.iter()),
        last: record.progress.last().cloned(),
        entries: results.then(|| record.progress.clone()),
    })
}

/// It goes on until its after-hooks have ended too, so that their entries are there once it is over.
fn state(record: &model::RunRecord) -> JobState {
    match record.outcome.filter(|_| record.ended_at.is_some()) {
        Some(model::Outcome::Succeeded) => JobState::Succeeded,
        Some(model::Outcome::Failed) => JobState::Failed,
        Some(model::Outcome::TimedOut) => JobState::TimedOut,
        Some(model::Outcome::Cancelled) => JobState::Cancelled,
        Some(model::Outcome::Lost) => JobState::Lost,
        None if record.phase == "Queued" => JobState::Queued,
        None => JobState::Running,
    }
}

/// How much is done, if `entry` says so soundly.
fn percent(entry: &Value) -> Option<u8> {
    let number = entry.get("progress")?.as_f64().filter(|number| (0.0..=100.0).contains(number))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 100")]
    Some(number as u8)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn b28_progress_is_from_0_to_100() {
        for (entry, expected) in [
            (json!({"progress": 0}), Some(0)),
            (json!({"progress": 41.9}), Some(41)),
            (json!({"progress": 100}), Some(100)),
            (json!({"progress": 101}), None),
            (json!({"progress": -1}), None),
            (json!({"progress": "50"}), None),
            (json!({"step": 1}), None),
        ] {
            assert_eq!(percent(&entry), expected, "{entry}");
        }
    }
}
