//! What the core can say of itself: how the engine is, and why the server is not as it should be (C7).

use jiff::Timestamp;
use provost_model::{Phase, Startup, StepPhase};

use super::Core;
use crate::EngineStatus;

impl Core {
    /// How the engine is.
    pub fn engine(&self) -> &EngineStatus {
        &self.engine
    }

    /// Why the server is not as it should be: one sentence each, with when it is tried again. Empty: all is well.
    pub fn waiting_for(&self, now: Timestamp) -> Vec<String> {
        let mut reasons = Vec::new();
        if let Some(trouble) = &self.engine.trouble {
            reasons.push(format!("The engine does not answer ({trouble}); it is tried again within 30 s."));
        }
        match &self.state.server.startup {
            Startup::Refused { why } => reasons.push(format!(
                "Nothing starts: the startup hooks refused ({why}); they run again with the next revision or start."
            )),
            Startup::Running => reasons.push("Nothing starts before the startup hooks have ended.".to_owned()),
            Startup::Owed if self.state.applied.is_none() => {
                reasons.push("No revision has been applied yet.".to_owned());
            }
            Startup::Owed | Startup::Passed => {}
        }
        if let Some(rejected) = &self.state.rejected {
            let (revision, errors) = (&rejected.revision, rejected.errors);
            reasons.push(format!(
                "Revision {revision} is refused ({errors} errors); the one before stays in force until a good one comes."
            ));
        }
        if let Some(pinned) = &self.state.pinned {
            reasons.push(format!("The server stays at revision {pinned} until `provost apply`."));
        }
        reasons.extend(self.delayed_steps(now));
        reasons
    }

    fn delayed_steps(&self, now: Timestamp) -> Vec<String> {
        let delayed = |run: &provost_model::Run| {
            let until = run.steps().find_map(|step| match step.phase {
                StepPhase::Waiting { until: Some(until) } if until > now => Some(until),
                _ => None,
            })?;
            Some(format!("Run {} waits for the engine or its image; it is tried again at {until}.", run.id))
        };
        let runs = self.state.runs.values().filter(|run| !matches!(run.phase, Phase::Finished { .. }));
        runs.filter_map(delayed).take(10).collect()
    }
}
